"""The faces of a video, for the commands that measure them, no command itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from ..measure.follow import Faces, measure
from ..measure.reader import Reader
from ..studio.frames import read_frames
from .common import add_library, counted, library_in


def add_faces(parser: argparse.ArgumentParser) -> None:
    """The video of a command that measures its faces, and by what they are measured."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video, a picture, or a folder of pictures")
    add_library(parser)
    parser.add_argument("--device", default="cpu", help="default: %(default)s")


def faces(options: argparse.Namespace) -> Faces:
    """The faces of the video that the options name; shows a bar. Raises ValueError where there is none."""
    reader = Reader(library_in(options.wplus).roots[0] / "measure", options.device)
    found = measure(tqdm(read_frames(options.video), desc="measure", unit="frame", disable=None), reader)
    if not found.people:
        seen = counted(len(found.frames), "frame")
        raise ValueError(f"{options.video}: no face in {seen}; upright ones of photos are found best")
    return found
