"""Find the tracks that make an attribute what it is asked to be, by rendering and measuring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .. import tracks
from ..library.resolve import resolve
from ..measure.aim import Aim
from ..measure.follow import measure
from ..measure.goals import NOTHING, Wanted, begun, moved_by, told, with_found
from ..measure.reader import ATTRIBUTES, Reads
from ..studio import video
from ..studio.pipeline import Studio
from ..studio.shot import Shot
from ..tracks import Schedule
from . import common, figures
from .faces import add_by, reader_for

MARK = "wplus_ext aim"  # in the JSON, by which its files are known
MOST_RENDERS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``aim``."""
    goals = parser.add_argument_group("aim")
    goals.add_argument(
        "--target", action="append", required=True, metavar='"ATTRIBUTE = CURVE"',
        help="what is to be measured, frame by frame, written as a track is: smile = 0 > 0.7 > 0; again for more",
    )  # fmt: skip
    goals.add_argument(
        "--hold", action="append", default=[], choices=ATTRIBUTES, metavar="ATTRIBUTE", help="what is to stay; again"
    )
    add_by(goals)
    goals.add_argument(
        "--far", type=float, help="how far tracks go either way (default: as calibrated; or 1, with an identity 8)"
    )
    goals.add_argument("--face", type=int, default=1, help="whose, from 1, as measure numbers them")
    goals.add_argument("--renders", type=int, default=8, help="at most so many (default: %(default)s)")
    goals.add_argument(
        "--close", type=float, default=0.03, help="the mean error that is good enough (default: %(default)s)"
    )
    goals.add_argument("--json", type=Path, metavar="FILE", help="write what was asked and reached there too")
    common.add_video(parser)


def run(options: argparse.Namespace) -> None:
    """Render until it is right; write the best video, and print its tracks. Ctrl+C keeps the best so far."""
    common.check_bounds(options, {"renders": (2, MOST_RENDERS), "close": (0, 10), "face": (1, 1000)})
    video.check(options.out, options.force)
    if options.json:
        figures.check(options.json, MARK, options.force)
    studio = common.studio(options)
    shot, reader = common.one_shot(options, studio), reader_for(studio)
    targets = [track for text in options.target for track in tracks.parse(text)]
    wanted = Wanted(targets, options.hold, moved_by(options.by, "--"), options.far, "--")
    goals = wanted.goals(shot.frames, shot.edit.identity is not None, studio.library, reader.units, _say)
    for goal in goals:
        _say(f"{goal.attribute} is moved by {goal.track}, from {goal.low:g} to {goal.high:g}")
    still = with_found(shot.edit.tracks, {goal.track: NOTHING for goal in goals})
    resolve(
        common.changed(shot, {"tracks": still}).edit, studio.library
    )  # its faults are ours, before anything is rendered
    search = Aim(goals, shot.frames, begun(goals, shot.edit.parsed), options.renders, options.close)
    shot, frames = _best(search, studio, shot, reader, options.face)
    common.save(options, frames, studio, [shot])
    if options.json:
        figures.write(options.json, MARK, {**search.to_dict(), "tracks": shot.edit.tracks}, options.force)
    for sentence in (f"{search.why}; {told(search, search.best)}", *search.missed()):
        _say(sentence)
    print(shot.edit.tracks)


def _best(search: Aim, studio: Studio, shot: Shot, reader: Reads, face: int) -> tuple[Shot, np.ndarray]:
    """The best of a search's videos, told as they come; of those that are done where it is stopped."""
    made: list[tuple[Shot, np.ndarray]] = []
    with tqdm(total=shot.taken * search.renders, desc="aim", unit="step", disable=None) as bar:

        def render(found: Mapping[str, Schedule]) -> np.ndarray:
            edited = common.changed(shot, {"tracks": with_found(shot.edit.tracks, found)})
            made.append((edited, next(studio.render([edited], bar.update))[0]))
            return made[-1][1]

        try:
            for done in search.rounds_of(render, lambda frames: search.curves(measure(frames, reader), face)):
                made = [made[-1] if done.is_best else made[0]]
                _say(told(search, done))
        except KeyboardInterrupt:
            if search.best is None:
                raise
            search.why = "stopped"
    return made[0]


def _say(text: str) -> None:
    """A line beside a bar."""
    tqdm.write(text, file=sys.stderr)
