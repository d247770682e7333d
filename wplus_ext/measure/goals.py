"""Goals in words: what a person asks an `Aim` for, what moves it, and what is told of its rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .. import tracks
from ..curve import evaluate
from ..library import calibration
from ..library.calibration import Calibration
from ..library.index import Library
from ..tracks import MAX_SIZE, Schedule, Track, parse_schedule
from . import moves
from .aim import Aim, Goal, Round
from .reader import ATTRIBUTES

FAR = {True: 8.0, False: 1.0}  # how far tracks go, alpha with an identity and lambda without; as in wplus_units.mjs

NOTHING = parse_schedule("0")


@dataclass(frozen=True)
class Wanted:
    """What is asked for, as a person writes it.

    ``targets`` are attributes with their curves, ``hold`` those that are to stay; ``by`` has what moves them, where
    their names do not say so: a direction, or ``DIRECTION[REGION]``; ``far`` is how far tracks go either way, as
    calibrated or customary where None. ``mark`` stands before the names of these in faults, as a command line writes
    them.

    Raises:
        ValueError: what is no attribute, or a bound that is none.
    """

    targets: Sequence[Track]
    hold: Sequence[str] = ()
    by: Mapping[str, str] = field(default_factory=dict)
    far: float | None = None
    mark: str = ""

    def __post_init__(self) -> None:
        if self.far is not None and not 0 < self.far <= MAX_SIZE:
            raise ValueError(f"{self.mark}far is {self.far:g}, expected a number above 0, up to {MAX_SIZE:g}")
        for what, names in (("target", [track.name for track in self.targets]), ("hold", self.hold)):
            for name in names:
                if name not in ATTRIBUTES:
                    raise ValueError(f"{self.mark}{what} asks for {name!r}, expected {', '.join(ATTRIBUTES)}")

    def goals(
        self,
        frames: int,
        is_alpha: bool,
        library: Library,
        units: Mapping[str, float],
        tell: Callable[[str], None] = lambda text: None,
    ) -> list[Goal]:
        """The goals over so many frames. ``is_alpha``: tracks move an identity; ``tell`` takes what is to be said.

        Raises:
            ValueError: nothing is known to move an attribute, or there is no such direction; a curve that cannot be
                evaluated over that many frames.
        """
        asked = [(track.name, np.array(evaluate(track.schedule, frames))) for track in self.targets]
        found = []
        for attribute, curve in (*asked, *((name, None) for name in self.hold)):
            name = self.by.get(attribute) or moves.mover(attribute, library)
            if not name:
                raise ValueError(
                    f'no direction is known to move {attribute}; say {self.mark}by "{attribute} = DIRECTION"'
                )
            direction = track_of(name, NOTHING).name
            entry = library.find("directions", direction)
            known = calibration.read(library, entry).get(calibration.NUMBERS[is_alpha])
            if known and self.far is None:
                tell(f"{direction} keeps to where faces held on {known.model}, with the adapter {known.adapter}")
            low, high = (-self.far, self.far) if self.far is not None else _bounds(known, is_alpha)
            found.append(Goal(attribute, name, curve, low, high, units.get(attribute, 1.0)))
        return found


def moved_by(texts: Iterable[str], mark: str = "") -> dict[str, str]:
    """What a person says moves an attribute, by attribute: a direction, or ``DIRECTION[REGION]``. Raises ValueError for
    what says nothing."""
    found = {}
    for text in texts:
        attribute, sign, moving = (part.strip() for part in text.partition("="))
        if attribute not in ATTRIBUTES or not sign or not moving:
            raise ValueError(f"{mark}by is {text!r}, expected ATTRIBUTE = DIRECTION, such as smile = latent/smile")
        try:
            found[attribute] = track_of(moving, NOTHING).called
        except ValueError as error:
            raise ValueError(
                f"{mark}by is {text!r}, expected ATTRIBUTE = DIRECTION, or DIRECTION[REGION], such as "
                "smile = latent/smile[left]"
            ) from error
    return found


def track_of(called: str, schedule: Schedule) -> Track:
    """The track of that name, or ``NAME[REGION]``. Raises TrackError for what cannot be one."""
    (track,) = tracks.parse(f"{called} = 0")
    return replace(track, schedule=schedule)


def begun(goals: Sequence[Goal], own: Iterable[Track]) -> dict[str, Schedule] | None:
    """The tracks to begin with: a video's own, where it has one for each goal."""
    known = {track.called: track.schedule for track in own}
    begin = {goal.track: known[goal.track] for goal in goals if goal.track in known}
    return begin if len(begin) == len(goals) else None


def with_found(text: str, found: Mapping[str, Schedule]) -> str:
    """A video's text of tracks with the found ones in place of its own of that name, where it has some, and after the
    others; what else a person wrote there stays. Raises TrackError for a text that is none."""
    left, lines = dict(found), text.split("\n")
    for track in tracks.parse(text):
        if track.called in left:
            lines[track.line - 1] = tracks.format([replace(track, schedule=left.pop(track.called))])
    made = [track_of(called, schedule) for called, schedule in left.items()]
    return "\n".join(filter(None, ("\n".join(lines).rstrip(), tracks.format(made))))


def told(search: Aim, done: Round) -> str:
    """A round in words."""
    parts = []
    for goal, asked, reached in zip(search.goals, search.asked, done.measured):
        error = float(np.nanmean(np.abs(reached - asked))) if np.isfinite(reached).any() else np.nan
        parts.append(f"{goal.attribute} {'held to' if goal.asked is None else 'off by'} {error:.2f}")
    best = ", the best so far" if done.is_best else ""
    return f"render {done.number + 1}: mean error {done.error:.3f}{best} ({', '.join(parts)})"


def _bounds(found: Calibration | None, is_alpha: bool) -> tuple[float, float]:
    """How far a direction goes: as faces were measured to hold, or as is customary."""
    low, high = (found.low, found.high) if found else (0.0, 0.0)
    return low or -FAR[is_alpha], high or FAR[is_alpha]  # of a side of which nothing is known to hold, the customary
