"""The faces of a video, for the commands that measure them, no command itself."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..measure.follow import Faces, measure
from ..measure.reached import reached
from ..measure.reader import FOLDER, Reader, Reads, networks_in
from ..studio.frames import read_frames
from ..studio.pipeline import Studio
from ..studio.shot import Shot
from .common import LIBRARY, add_library, counted, library_in


def add_faces(parser: argparse.ArgumentParser) -> None:
    """The video of a command that measures its faces, and by what they are measured."""
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video, a picture, or a folder of pictures")
    add_library(parser)
    parser.add_argument("--device", default="cpu", help="default: %(default)s")


def add_by(parser: argparse._ActionsContainer) -> None:
    """The option ``--by`` of a command that has to know what directions move."""
    parser.add_argument(
        "--by", action="append", default=[], metavar='"ATTRIBUTE = DIRECTION"',
        help="which direction moves an attribute; default: the one whose name says so, or that was seen to",
    )  # fmt: skip


def reader_for(studio: Studio) -> Reads:
    """What measures the faces of a pipeline: the miniature's own reader, or the networks of a library.

    Raises ValueError or OSError where there are none, saying how to get them.
    """
    if (studio.folder / "reader.safetensors").is_file():
        from ..miniature.measure import Ruler

        return Ruler(studio.folder)
    return Reader(networks_in([*studio.library.roots, LIBRARY]), studio.device)


def came_out(studio: Studio, shots: Sequence[Shot], videos: Sequence[np.ndarray]) -> list[list[str]]:
    """For each of some rendered shots, what was measured beside what its tracks ask for, in lines; none for one that is
    not edited. Where nothing measures, the first of them says so."""
    edited = [bool(shot.edit.parsed or shot.edit.identity) for shot in shots]
    if not any(edited):
        return [[] for _ in shots]
    try:
        reader = reader_for(studio)
        found = [measure(frames, reader) if is_edited else None for frames, is_edited in zip(videos, edited)]
    except (ValueError, OSError) as error:
        return [[f"what came out is not measured: {error}"], *([] for _ in shots[1:])]
    return [
        [] if faces is None else reached(faces, frames.shape[2:0:-1], shot.edit, studio.library, reader).lines()
        for shot, faces, frames in zip(shots, found, videos)
    ]


def faces(options: argparse.Namespace) -> Faces:
    """The faces of the video that the options name; shows a bar. Raises ValueError where there is none."""
    reader = Reader(library_in(options.wplus).roots[0] / FOLDER, options.device)
    found = measure(tqdm(read_frames(options.video), desc="measure", unit="frame", disable=None), reader)
    if not found.people:
        seen = counted(len(found.frames), "frame")
        raise ValueError(f"{options.video}: no face in {seen}; upright ones of photos are found best")
    return found
