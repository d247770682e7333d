"""Take a track from the face of a video, or from a sound."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from ..library import calibration
from ..library.calibration import Calibration
from ..library.index import Library
from ..measure import fit
from ..measure.reader import ATTRIBUTES
from ..studio.sound import LOUDNESS, loudness
from ..tracks import Track, format, is_name
from .common import check_bounds
from .faces import add_faces, faces


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
    parser.add_argument(
        "--tolerance", type=float, default=fit.TOLERANCE, help="how far keys may be off (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Print the track; say beside it what it was made of."""
    name = options.track or options.attribute
    if not is_name(name):
        raise ValueError(f"--track is {name!r}, expected the name of a direction")
    check_bounds(
        options,
        {
            "frames": (1, fit.MOST),
            "fps": (0.1, 100),
            "calm": (0, fit.MOST),
            "tolerance": (0, 20),
            "scale": (-1000, 1000),
        },
    )
    curve, whose = _heard(options) if options.attribute == LOUDNESS else _seen(options)
    found = None if options.attribute == LOUDNESS else _calibrated(options, name)
    scale = options.scale if options.scale is not None else 1 / found.slope if found else 1.0
    frames = options.frames or len(curve)
    values, made = fit.followed(curve, frames, scale, options.relative, options.calm, options.tolerance)
    print(f"{options.attribute}{whose}, {fit.told(curve, values, made)}", file=sys.stderr)
    if found and (beyond := found.beyond(values)):
        print(beyond, file=sys.stderr)
    print(format([Track(name, made)]))


def _calibrated(options: argparse.Namespace, direction: str) -> Calibration | None:
    """What a direction was measured to give of the attribute; says so where that is known."""
    found = calibration.of(Library([options.wplus]), direction, calibration.NUMBERS[False], options.attribute)
    if found:
        print(f"{direction} gives {found.slope:g} {found.attribute} for 1 of lambda, on {found.model}", file=sys.stderr)
    return found


def _seen(options: argparse.Namespace) -> tuple[np.ndarray, str]:
    """The curve of a face, and whose it is. Raises ValueError where there is no such face."""
    found = faces(options)
    found.check_person(options.face)
    return found.curve(options.attribute, options.face), f" of face {options.face}"


def _heard(options: argparse.Namespace) -> tuple[np.ndarray, str]:
    return loudness(options.video, options.fps), f" at {options.fps:g} frames a second"
