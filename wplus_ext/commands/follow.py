"""Take a track from the face of a video."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..measure import fit
from ..measure.follow import measure
from ..measure.reader import ATTRIBUTES, Reader
from ..studio.frames import read_frames
from ..tracks import Track, format, is_name
from .common import add_library, library_in

MOST = 10_000  # frames


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``follow``."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video, or a folder of pictures")
    parser.add_argument("--attribute", choices=ATTRIBUTES, default="smile", help="what is followed: %(choices)s")
    parser.add_argument("--face", type=int, default=1, help="whose, from 1, as measure numbers them")
    parser.add_argument("--track", metavar="NAME", help="the track's direction; default: the attribute's name")
    parser.add_argument("--frames", type=int, help="of the video that it is for; default: as many as this has")
    parser.add_argument("--scale", type=float, default=1.0, help="what the curve is multiplied by")
    parser.add_argument("--relative", action="store_true", help="less the curve's own mean, as for an age in years")
    parser.add_argument("--calm", type=float, default=1.0, help="frames over which it is smoothed (default: 1)")
    parser.add_argument("--tolerance", type=float, default=0.05, help="how far keys may be off (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="default: %(default)s")
    add_library(parser)


def run(options: argparse.Namespace) -> None:
    """Print the track; say beside it what it was made of."""
    name = options.track or options.attribute
    if not is_name(name):
        raise ValueError(f"--track is {name!r}, expected the name of a direction")
    for option, low, high in (("frames", 1, MOST), ("calm", 0, MOST), ("tolerance", 0, 20), ("scale", -1000, 1000)):
        value = getattr(options, option)
        if value is not None and not low <= value <= high:
            raise ValueError(f"--{option} is {value:g}, expected {low} to {high}")
    reader = Reader(library_in(options.wplus).roots[0] / "measure", options.device)
    faces = measure(tqdm(read_frames(options.video), desc="measure", unit="frame", disable=None), reader)
    if options.face not in faces.people:
        there = f"faces 1 to {len(faces.people)}" if faces.people else "no face"
        raise ValueError(f"{options.video}: there is no face {options.face} in {len(faces.frames)} frames, but {there}")
    curve = faces.curve(options.attribute, options.face)
    values = fit.resampled(fit.calmed(fit.filled(curve), options.calm), options.frames or len(curve))
    values = (values - values.mean() * options.relative) * options.scale
    made = fit.schedule(values, options.tolerance)
    seen = int(np.isfinite(curve).sum())
    print(
        f"{options.attribute} of face {options.face}, measured in {seen} of {len(curve)} frames: "
        f"{values.min():.2f} to {values.max():.2f}, {len(made.keys)} keys",
        file=sys.stderr,
    )
    print(format([Track(name, made)]))
