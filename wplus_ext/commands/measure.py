"""Measure the faces of a video, frame by frame."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from tqdm import tqdm

from ..measure import plot
from ..measure.follow import Faces, measure
from ..measure.reader import ATTRIBUTES, Reader
from ..studio.frames import read_frames
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing
from . import figures
from .common import add_force, add_library, library_in

MARK = "wplus_ext measure"  # in the JSON, by which its files are known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``measure``."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video, a picture, or a folder of pictures")
    add_library(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write boxes and numbers there too")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curves there")
    parser.add_argument("--device", default="cpu", help="default: %(default)s")
    add_force(parser)


def run(options: argparse.Namespace) -> None:
    """Write the files; print the table."""
    if options.json:
        figures.check(options.json, MARK, options.force)
    if options.plot:
        if options.plot.suffix.lower() != ".svg":
            raise ValueError(f"{options.plot}: expected a name that ends in .svg")
        _check_plot(options.plot, options.force)
    reader = Reader(library_in(options.wplus).roots[0] / "measure", options.device)
    found = measure(tqdm(read_frames(options.video), desc="measure", unit="frame", disable=None), reader)
    if not found.people:
        raise ValueError(
            f"{options.video}: no face in {_frames(len(found.frames))}; it finds upright ones of photos best"
        )
    if options.json:  # before anything is printed, which may fail
        figures.write(options.json, MARK, {"video": options.video.name, **found.to_dict()}, options.force)
    if options.plot:
        with replacing(options.plot, lambda: _check_plot(options.plot, options.force)) as part:
            part.write_text(plot.svg(found, options.video.name), encoding="utf-8")
    print("\n".join(table(found)))


def table(faces: Faces) -> list[str]:
    """A line for each face of each frame, one for a frame without any, and how often each is seen."""
    lines = ["frame  face" + "".join(f"{name:>12}" for name in ATTRIBUTES)]
    for i, frame in enumerate(faces.frames):
        lines += [f"{i:5}     -  no face"] if not frame else []
        for number, face in sorted(frame.items()):
            numbers = "".join(f"{face.values[name]:12.2f}" for name in ATTRIBUTES) if face.values else f"  {face.why}"
            lines.append(f"{i:5}  {number:4}{numbers}")
    for person in faces.people:
        seen = sum(person in frame for frame in faces.frames)
        measured = sum(math.isfinite(value) for value in faces.curve("smile", person))
        more = "" if measured == seen else f", measured in {measured}"
        lines.append(f"face {person}: seen in {seen} of {_frames(len(faces.frames))}{more}")
    return lines


def _frames(count: int) -> str:
    return f"{count} frame{'' if count == 1 else 's'}"


def _check_plot(path: Path, force: bool) -> None:
    check_place(path, lambda file: plot.MARK.encode() in read_regular(file, figures.LARGEST), force)
