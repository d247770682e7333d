"""Take a track from the face of a video, or from a sound."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from ..library import calibration
from ..library.index import Library
from ..measure import fit
from ..measure.reader import ATTRIBUTES
from ..studio.sound import loudness
from ..tracks import Track, format, is_name
from .common import check_bounds, counted
from .faces import add_faces, faces

MOST = 10_000  # frames
LOUDNESS = "loudness"  # of a sound


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``follow``."""
    add_faces(parser)
    what = (*ATTRIBUTES, LOUDNESS)
    parser.add_argument("--attribute", choices=what, default="smile", help="what is followed: %(choices)s")
    parser.add_argument("--face", type=int, default=1, help="whose, from 1, as measure numbers them")
    parser.add_argument("--track", metavar="NAME", help="the track's direction; default: the attribute's name")
    parser.add_argument("--fps", type=float, default=8.0, help="of a sound's video (default: %(default)s)")
    parser.add_argument("--frames", type=int, help="of the video that it is for; default: as many as this has")
    parser.add_argument(
        "--scale", type=float, help="what the curve is multiplied by; default: as the direction is calibrated, or 1"
    )
    parser.add_argument("--relative", action="store_true", help="less the curve's own mean, as for an age in years")
    parser.add_argument(
        "--calm", type=float, default=1.0, help="over how many of its frames it is smoothed (default: 1)"
    )
    parser.add_argument("--tolerance", type=float, default=0.05, help="how far keys may be off (default: %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Print the track; say beside it what it was made of."""
    name = options.track or options.attribute
    if not is_name(name):
        raise ValueError(f"--track is {name!r}, expected the name of a direction")
    check_bounds(
        options,
        {"frames": (1, MOST), "fps": (0.1, 100), "calm": (0, MOST), "tolerance": (0, 20), "scale": (-1000, 1000)},
    )
    curve, whose = _heard(options) if options.attribute == LOUDNESS else _seen(options)
    wanted = options.frames or len(curve)
    calmed = fit.calmed(fit.filled(curve), options.calm * max(len(curve) / wanted, 1))
    values = fit.resampled(calmed, wanted)
    values = (values - values.mean() * options.relative) * _scale(options, name)
    made = fit.schedule(values, options.tolerance)
    seen = int(np.isfinite(curve).sum())
    print(
        f"{options.attribute}{whose}, measured in {seen} of {counted(len(curve), 'frame')}: "
        f"{values.min():.2f} to {values.max():.2f}, {counted(len(made.keys), 'key')}",
        file=sys.stderr,
    )
    print(format([Track(name, made)]))


def _scale(options: argparse.Namespace, direction: str) -> float:
    """What makes an attribute the lambda that gives as much of it; says so where that is by a calibration."""
    if options.scale is not None:
        return options.scale
    library = Library([options.wplus])
    if direction in library.names("directions"):
        found = calibration.read(library, library.find("directions", direction)).get(calibration.NUMBERS[False])
        if found and found.attribute == options.attribute:
            print(
                f"{direction} gives {found.slope:g} {found.attribute} for 1 of lambda, on {found.model}",
                file=sys.stderr,
            )
            return 1 / found.slope
    return 1.0


def _seen(options: argparse.Namespace) -> tuple[np.ndarray, str]:
    """The curve of a face, and whose it is. Raises ValueError where there is no such face."""
    found = faces(options)
    if options.face not in found.people:
        there = f"face {options.face} in {counted(len(found.frames), 'frame')}, but faces 1 to {len(found.people)}"
        raise ValueError(f"{options.video}: there is no {there}")
    return found.curve(options.attribute, options.face), f" of face {options.face}"


def _heard(options: argparse.Namespace) -> tuple[np.ndarray, str]:
    return loudness(options.video, options.fps), f" at {options.fps:g} frames a second"
