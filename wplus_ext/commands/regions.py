"""Find the faces of a video, and write a region around each, which moves with it."""

from __future__ import annotations

import argparse
import sys

from ..measure import around, fit
from ..regions import format_regions
from ..studio.frames import read_frames
from .common import check_bounds, counted
from .faces import add_faces, faces


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``regions``."""
    add_faces(parser)
    parser.add_argument("--frames", type=int, help="of the video that they are for; default: as many as this has")
    parser.add_argument(
        "--grown", type=float, default=around.GROWN, help="half of an ellipse, by the face's box (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Print the regions; say beside them how often each face was seen."""
    check_bounds(options, {"frames": (1, fit.MOST), "grown": (0.1, 5)})
    found = faces(options)
    height, width = next(read_frames(options.video)).shape[:2]
    regions = around.regions_of(found, (width, height), options.frames, options.grown)
    for number, region in zip(found.people, regions):
        seen = sum(number in frame for frame in found.frames)
        keys = counted(len(region.parts[0].keys), "key")
        print(f"{region.name}: seen in {seen} of {counted(len(found.frames), 'frame')}, {keys}", file=sys.stderr)
    print(format_regions(regions))
