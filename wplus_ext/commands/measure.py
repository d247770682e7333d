"""Measure the faces of a video, frame by frame."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from ..measure import plot
from ..measure.follow import Faces
from ..measure.reader import ATTRIBUTES
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing
from . import figures
from .common import add_force, counted
from .faces import add_faces, faces

MARK = "wplus_ext measure"  # in the JSON, by which its files are known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``measure``."""
    add_faces(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write boxes and numbers there too")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curves there")
    add_force(parser)


def run(options: argparse.Namespace) -> None:
    """Write the files; print the table."""
    if options.json:
        figures.check(options.json, MARK, options.force)
    if options.plot:
        if options.plot.suffix.lower() != ".svg":
            raise ValueError(f"{options.plot}: expected a name that ends in .svg")
        _check_plot(options.plot, options.force)
    found = faces(options)
    if options.json:  # before anything is printed, which may fail
        figures.write(options.json, MARK, {"video": options.video.name, **found.to_dict()}, options.force)
    if options.plot:
        with replacing(options.plot, lambda: _check_plot(options.plot, options.force)) as part:
            part.write_text(plot.svg(found, options.video.name), encoding="utf-8")
    print("\n".join(table(found)))


def table(found: Faces) -> list[str]:
    """A line for each face of each frame, one for a frame without any, and how often each is seen."""
    lines = ["frame  face" + "".join(f"{name:>12}" for name in ATTRIBUTES)]
    for i, frame in enumerate(found.frames):
        lines += [f"{i:5}     -  no face"] if not frame else []
        for number, face in sorted(frame.items()):
            numbers = "".join(f"{face.values[name]:12.2f}" for name in ATTRIBUTES) if face.values else f"  {face.why}"
            lines.append(f"{i:5}  {number:4}{numbers}")
    for person in found.people:
        seen = sum(person in frame for frame in found.frames)
        measured = sum(math.isfinite(value) for value in found.curve("smile", person))
        more = "" if measured == seen else f", measured in {measured}"
        lines.append(f"face {person}: seen in {seen} of {counted(len(found.frames), 'frame')}{more}")
    return lines


def _check_plot(path: Path, force: bool) -> None:
    check_place(path, lambda file: plot.MARK.encode() in read_regular(file, figures.LARGEST), force)
