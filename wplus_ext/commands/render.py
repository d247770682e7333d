"""Render a video with a diffusers AnimateDiff pipeline, or the miniature."""

from __future__ import annotations

import argparse

from ..studio import video
from . import common
from .faces import came_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``render``."""
    common.add_video(parser)


def run(options: argparse.Namespace) -> None:
    """Render one video."""
    video.check(options.out, options.force)
    studio = common.studio(options)
    shot = common.one_shot(options, studio)
    ((frames, report),) = common.rendered(studio, [shot])
    common.save(options, frames, studio, [shot])
    print(f"{options.out}: {len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}; {report.summary()}")
    for line in came_out(studio, [shot], [frames])[0]:
        print(line)
