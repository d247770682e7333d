"""Render a video with a diffusers AnimateDiff pipeline, or the miniature."""

from __future__ import annotations

import argparse

from ..studio import video
from . import options as shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``render``."""
    shared.add_video(parser)


def run(options: argparse.Namespace) -> None:
    """Render one video."""
    video.check(options.out)
    studio = shared.studio(options)
    shots = shared.shots_like(options, studio)
    if len(shots) > 1:
        raise ValueError(f"{options.like}: a table of {len(shots)} videos; use sweep --like")
    shot = shared.changed(shots[0], shared.given(options))
    ((frames, report),) = shared.rendered(studio, [shot])
    shared.save(options.out, frames, studio, [shot])
    print(f"{options.out}: {len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}; {report.summary()}")
