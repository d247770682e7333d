"""Render a video with a diffusers AnimateDiff pipeline, or the miniature."""

from __future__ import annotations

import argparse

from ..studio import record, video
from . import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``render``."""
    common.add_video(parser)


def run(options: argparse.Namespace) -> None:
    """Render one video."""
    video.check(options.out, options.force)
    studio = common.studio(options)
    shots = common.shots_like(options, studio)
    if len(shots) > 1:
        raise ValueError(f"{options.like}: a table of {len(shots)} videos; use sweep --like")
    shot = common.changed(shots[0], common.given(options))
    ((frames, report),) = common.rendered(studio, [shot])
    record.save(options.out, frames, studio, [shot], options.force)
    print(f"{options.out}: {len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}; {report.summary()}")
