"""Find the tracks that make an attribute what it is asked to be, by rendering and measuring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .. import tracks
from ..curve import evaluate
from ..library import calibration
from ..library.calibration import Calibration
from ..measure import moves
from ..measure.aim import Aim, Goal, Round
from ..measure.follow import measure
from ..measure.reader import ATTRIBUTES, Reads
from ..studio import record, video
from ..studio.pipeline import Studio
from ..studio.shot import Shot
from ..tracks import MAX_SIZE, Schedule, Track
from . import common, figures
from .faces import add_by, moved_by, reader_for

MARK = "wplus_ext aim"  # in the JSON, by which its files are known
MOST_RENDERS = 100
FAR = {True: 8.0, False: 1.0}  # how far tracks go, with an identity and without


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
    goals = _goals(options, studio, shot, reader.units)
    for goal in goals:
        _say(f"{goal.attribute} is moved by {goal.track}, from {goal.low:g} to {goal.high:g}")
    own = {track.called: track.schedule for track in shot.edit.parsed}
    begin = {goal.track: own[goal.track] for goal in goals if goal.track in own}
    search = Aim(goals, shot.frames, begin if len(begin) == len(goals) else None, options.renders, options.close)
    shot, frames = _best(search, studio, shot, reader, options.face)
    record.save(options.out, frames, studio, [shot], options.force)
    if options.json:
        figures.write(options.json, MARK, {**search.to_dict(), "tracks": shot.edit.tracks}, options.force)
    for sentence in (f"{search.why}; {_told(search, search.best)}", *search.missed()):
        _say(sentence)
    print(shot.edit.tracks)


def _best(search: Aim, studio: Studio, shot: Shot, reader: Reads, face: int) -> tuple[Shot, np.ndarray]:
    """The best of a search's videos, told as they come; of those that are done where it is stopped."""
    made: list[tuple[Shot, np.ndarray]] = []
    with tqdm(total=shot.steps * search.renders, desc="aim", unit="step", disable=None) as bar:

        def render(found: Mapping[str, Schedule]) -> np.ndarray:
            made.append((edited := _with(shot, found), next(studio.render([edited], bar.update))[0]))
            return made[-1][1]

        try:
            for done in search.rounds_of(render, lambda frames: search.curves(measure(frames, reader), face)):
                made = [made[-1] if done.is_best else made[0]]
                _say(_told(search, done))
        except KeyboardInterrupt:
            if search.best is None:
                raise
            search.why = "stopped"
    return made[0]


def _goals(options: argparse.Namespace, studio: Studio, shot: Shot, units: Mapping[str, float]) -> list[Goal]:
    """What the options ask for. Raises ValueError for what is no attribute, or nothing is known to move."""
    if options.far is not None and not 0 < options.far <= MAX_SIZE:
        raise ValueError(f"--far is {options.far:g}, expected a number above 0, up to {MAX_SIZE:g}")
    by, is_alpha = moved_by(options), shot.edit.identity is not None
    targets = [track for text in options.target for track in tracks.parse(text)]
    asked = [(track.name, np.array(evaluate(track.schedule, shot.frames))) for track in targets]
    goals = []
    for attribute, curve in (*asked, *((name, None) for name in options.hold)):
        if attribute not in ATTRIBUTES:
            raise ValueError(f"--target asks for {attribute!r}, expected {', '.join(ATTRIBUTES)}")
        direction = by.get(attribute) or moves.mover(attribute, studio.library)
        if not direction:
            raise ValueError(f'no direction is known to move {attribute}; say --by "{attribute} = DIRECTION"')
        entry = studio.library.find("directions", direction)
        found = calibration.read(studio.library, entry).get(calibration.NUMBERS[is_alpha])
        if found and options.far is None:
            _say(f"{direction} keeps to where faces held on {found.model}, with the adapter {found.adapter}")
        low, high = (-options.far, options.far) if options.far is not None else _bounds(found, is_alpha)
        goals.append(Goal(attribute, direction, curve, low, high, units.get(attribute, 1.0)))
    return goals


def _bounds(found: Calibration | None, is_alpha: bool) -> tuple[float, float]:
    """How far a direction goes: as faces were measured to hold, or as is customary."""
    low, high = (found.low, found.high) if found else (0.0, 0.0)
    return low or -FAR[is_alpha], high or FAR[is_alpha]  # of a side of which nothing is known to hold, the customary


def _with(shot: Shot, found: Mapping[str, Schedule]) -> Shot:
    """The shot with these tracks in place of its own of that name, where it has some, and after the others."""
    left, made = dict(found), []
    for track in shot.edit.parsed:
        is_goal = track.called in left
        made.append(replace(track, schedule=left.pop(track.called)) if is_goal else track)
    made += [Track(name, schedule) for name, schedule in left.items()]
    return common.changed(shot, {"tracks": tracks.format(made)})


def _told(search: Aim, done: Round) -> str:
    """A round in words."""
    parts = []
    for goal, asked, reached in zip(search.goals, search.asked, done.measured):
        error = float(np.nanmean(np.abs(reached - asked))) if np.isfinite(reached).any() else np.nan
        parts.append(f"{goal.attribute} {'held to' if goal.asked is None else 'off by'} {error:.2f}")
    best = ", the best so far" if done.is_best else ""
    return f"render {done.number + 1}: mean error {done.error:.3f}{best} ({', '.join(parts)})"


def _say(text: str) -> None:
    """A line beside a bar."""
    tqdm.write(text, file=sys.stderr)
