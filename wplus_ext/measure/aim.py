"""Aim: find the tracks that make attributes what they are asked to be, frame by frame, by rendering and measuring.

Whoever renders stays in charge, a command, a page or a test: an `Aim` is asked for the next tracks, and told what was
measured with them. It tries the video as it is, then each track, and from then on what the video's `Response` says, the
more carefully after a worse one (Levenberg, 1944; Marquardt, 1963). All tracks are what the language can write,
so that the best ones make the same video again wherever they are pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..curve import evaluate
from ..tracks import Schedule, Track, format_schedule, parse_schedule
from . import fit
from .follow import Faces, measure
from .reader import Reads
from .response import Response, Try, filled

TOLERANCE = 0.02  # how far a track's keys may be off what was solved
PROBE, HOLD = 0.4, 0.15  # of a track's range: what is tried first, and of one that is to hold an attribute
DAMPING, LESS, MORE, MOST = 0.005, 0.4, 4.0, 10.0  # at first, after a better try, after a worse one, and in the end
MIXED = 2  # tries after the first ones, from which on each frame is taken from where it did best
GAIN = 0.99  # of the error: where no more is promised than that, nothing is tried any more
MISSED = 0.15  # units: farther off is out of reach, where the track is at its bound
AT_BOUND = 0.98  # of the way to it
LOST = 1.0  # units: the error of a frame whose face an edit has made unreadable


@dataclass(frozen=True, eq=False)
class Goal:
    """An attribute, what it is to be, and the track that moves it.

    ``asked`` by frame, (F,), in the attribute's unit; None: as it is unedited. ``low`` and ``high`` bound the track;
    ``unit`` is as much of the attribute as counts 1.

    Raises:
        ValueError: bounds that do not lie on both sides of 0; a unit that is not positive.
    """

    attribute: str
    track: str
    asked: np.ndarray | None = None
    low: float = -1.0
    high: float = 1.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < 0 < self.high:
            raise ValueError(f"{self.track} is bound to {self.low:g} to {self.high:g}, expected a range around 0")
        if not 0 < self.unit < np.inf:
            raise ValueError(f"the unit of {self.attribute} is {self.unit:g}, expected a number above 0")

    @property
    def range(self) -> float:
        """What counts 1 of the track."""
        return max(-self.low, self.high)


@dataclass(frozen=True, eq=False)
class Round:
    """A render: its tracks, what was measured in it, (G, F) by goal and frame in the attributes' own units with NaN
    for no number, the mean error over both in units, and whether that is the least so far."""

    number: int
    tracks: Mapping[str, Schedule]
    measured: np.ndarray = field(repr=False)
    error: float
    is_best: bool


class Aim:
    """Tracks for goals, found by `ask` and `tell` in turns; ``why`` says why it is over, once it is.

    Args:
        goals: each with a track of its own.
        frames: of the video.
        begin: tracks to begin with, in place of first tries.
        renders: at most so many, the one without tracks counted.
        close: the mean error, in units, that is good enough.

    Raises:
        ValueError: no goals, or two with one track or attribute; only such as are held; curves of other lengths.
    """

    def __init__(
        self,
        goals: Sequence[Goal],
        frames: int,
        begin: Mapping[str, Schedule] | None = None,
        renders: int = 8,
        close: float = 0.03,
    ) -> None:
        for what in ("attribute", "track"):
            names = [getattr(goal, what) for goal in goals]
            if len(set(names)) < len(names):
                raise ValueError(f"the goals have the {what}s {', '.join(names)}, expected another one for each")
        if all(goal.asked is None for goal in goals):
            raise ValueError(f"{len(goals)} goals, all to be held; expected one at least that is to change")
        for goal in goals:
            if goal.asked is not None and np.shape(goal.asked) != (frames,):
                raise ValueError(f"{goal.attribute} is asked in {len(goal.asked)} frames, expected {frames}")
        self.goals, self.frames, self.renders, self.close = tuple(goals), frames, renders, close
        self.rounds: list[Round] = []
        self.why = ""
        self._begin, self._tries, self._damping = begin, [], DAMPING
        self._low, self._high = (np.array([getattr(g, end) / g.range for g in goals]) for end in ("low", "high"))
        self._ranges, self._units = (np.array([[getattr(goal, name)] for goal in goals]) for name in ("range", "unit"))
        self._next: Mapping[str, Schedule] | None = {goal.track: parse_schedule("0") for goal in goals}

    @property
    def best(self) -> Round | None:
        """The round whose error is least; None before the first."""
        return min(self.rounds, key=lambda done: done.error, default=None)

    @property
    def asked(self) -> np.ndarray:
        """What is asked of all goals, (G, F) in the attributes' own units, after the first round."""
        unedited = filled(self._unedited) * self._units
        return np.stack([before if goal.asked is None else goal.asked for goal, before in zip(self.goals, unedited)])

    def ask(self) -> Mapping[str, Schedule] | None:
        """The tracks to be tried next; None where the search is over."""
        if self._next is None and not self.why:
            self.why = self._reason()
            self._next = None if self.why else self._found()
        return self._next

    def tell(self, measured: np.ndarray) -> Round:
        """What was measured with the tracks that `ask` gave, (G, F) in the attributes' own units; NaN for no number.

        Raises:
            ValueError: another shape; nothing was asked; no number of some goal in the video as it is.
        """
        tracks, number = self.ask(), len(self.rounds)
        if tracks is None:
            raise ValueError(f"nothing was asked, since it is over: {self.why}")
        if np.shape(measured) != (len(self.goals), self.frames):
            raise ValueError(f"what was measured is {np.shape(measured)}, expected {(len(self.goals), self.frames)}")
        for goal, curve in zip(self.goals, measured if not self.rounds else ()):
            if not np.isfinite(curve).any():
                raise ValueError(f"{goal.attribute} cannot be measured in any of {self.frames} frames as they are")
        values = np.array([evaluate(tracks[goal.track], self.frames) for goal in self.goals])
        self._tries.append(Try(values / self._ranges, self._learnt_from(measured / self._units)))
        error = self._error(measured)
        is_best = self.best is None or error < self.best.error
        if number > self._probes:
            self._damping = min(self._damping * (LESS if is_best else MORE), MOST)
        self.rounds.append(Round(number, tracks, measured, error, is_best))
        self._next = None
        return self.rounds[-1]

    def rounds_of(
        self, render: Callable[[Mapping[str, Schedule]], object], measured: Callable[[object], np.ndarray]
    ) -> Iterator[Round]:
        """The rounds as they come: ``render`` gives a video with these tracks, and ``measured`` what `tell` takes of
        it."""
        while (tracks := self.ask()) is not None:
            yield self.tell(measured(render(tracks)))

    def curves(self, faces: Faces, person: int = 1) -> np.ndarray:
        """What `tell` takes, (G, F), of a video's faces."""
        return np.stack([faces.curve(goal.attribute, person) for goal in self.goals])

    def missed(self) -> list[str]:
        """What is out of reach: a sentence for each goal that falls far short where its track is at its bound."""
        best, found, unedited = self.best, [], self.rounds[0].measured
        for goal, before, asked, reached in zip(self.goals, unedited, self.asked, best.measured):
            values = np.array(evaluate(best.tracks[goal.track], self.frames))
            off = np.abs(reached - asked) / goal.unit
            is_at_bound = (values < AT_BOUND * goal.low) | (values > AT_BOUND * goal.high)
            is_beyond = (asked - before) * (asked - reached) < 0  # there less of the track would do
            far = is_at_bound & ~is_beyond & (off > MISSED)
            if far.any():
                worst = int(np.where(far, off, 0).argmax())
                found.append(
                    f"{goal.attribute} is out of reach in {far.sum()} of {self.frames} frames: {asked[worst]:.2f} is "
                    f"asked in frame {worst}, and {goal.track} = {values[worst]:.2f} gives {reached[worst]:.2f}"
                )
        return found

    def to_dict(self) -> dict[str, object]:
        """What was asked, what the best round reached, and the error and tracks of all rounds, as JSON has it; None
        for no number."""

        def plain(curves: np.ndarray) -> dict[str, list[float | None]]:
            return {
                goal.attribute: [round(float(x), 4) if np.isfinite(x) else None for x in curve]
                for goal, curve in zip(self.goals, curves)
            }

        rounds = [
            {"error": round(done.error, 4), "tracks": {name: format_schedule(s) for name, s in done.tracks.items()}}
            for done in self.rounds
        ]
        return {"asked": plain(self.asked), "reached": plain(self.best.measured), "rounds": rounds}

    @property
    def _unedited(self) -> np.ndarray:
        """What is measured in the video as it is, (G, F) in units."""
        return self._tries[0].measured

    def _learnt_from(self, measured: np.ndarray) -> np.ndarray:
        """What a try tells, (G, F) in units: where an edit has made a face unreadable, as if it had done nothing, so
        that it is not done again."""
        return np.where(np.isfinite(measured), measured, self._unedited) if self._tries else measured

    @property
    def _probes(self) -> int:
        """The rounds in which tracks are tried, after the first one without."""
        return 1 if self._begin else len(self.goals)

    def _reason(self) -> str:
        """Why it is over; empty where it is not."""
        error, done = self.best.error, len(self.rounds)
        if error <= self.close:
            return f"a mean error of {error:.3f} is good enough"
        return f"{done} renders are done" if done >= self.renders else ""

    def _found(self) -> Mapping[str, Schedule] | None:
        number, best, asked = len(self.rounds), self.best, self.asked / self._units
        if number <= self._probes:
            return self._begin or self._written(self._probe(number - 1, asked))
        # From the best frames of all tries, once there are some, and as long as that does well.
        is_mixed = self.rounds[-1].is_best and number > self._probes + MIXED
        response = Response.learn(self._tries, asked, None if is_mixed else self._tries[best.number])
        found = response.solve(
            np.where(np.isfinite(self._unedited), asked, np.nan), self._low, self._high, self._damping
        )
        if np.abs(response.expected(found) - asked).mean() > GAIN * best.error:
            self.why = f"nothing better than a mean error of {best.error:.3f} is in sight"
            return None
        return self._written(found)

    def _probe(self, which: int, asked: np.ndarray) -> np.ndarray:
        """The best tracks so far (G, F), of which one goal's is moved the way it has to go, or a little up where it is
        to be held."""
        goal, tracks = self.goals[which], self._tries[self.best.number].tracks.copy()
        way = np.clip(2 * (asked[which] - filled(self._unedited)[which]), -1, 1)
        tracks[which] = HOLD if goal.asked is None else PROBE * way
        return np.clip(tracks, self._low[:, None], self._high[:, None])

    def _written(self, tracks: np.ndarray) -> dict[str, Schedule]:
        """Tracks (G, F) as the language has them, in few keys."""
        return {goal.track: fit.schedule(values, TOLERANCE) for goal, values in zip(self.goals, tracks * self._ranges)}

    def _error(self, measured: np.ndarray) -> float:
        """The mean error in units. Frames that cannot be measured unedited do not count."""
        off = np.where(np.isfinite(measured), np.abs(measured - self.asked) / self._units, LOST)
        return float(off[np.isfinite(self._unedited)].mean())


def aim(
    render: Callable[[Mapping[str, Schedule]], Iterable[np.ndarray]],
    reader: Reads,
    goals: Sequence[Goal],
    person: int = 1,
    **options: object,
) -> list[Track]:
    """The tracks that bring a video nearest to its goals.

    Args:
        render: gives the video's frames, (height, width, 3) uint8 each, with these tracks.
        reader: measures their faces.
        person: whose face it is, as `measure` numbers them.
        options: as of `Aim`.

    Raises ValueError as `Aim` and `Aim.tell`.
    """
    search = Aim(goals, max((len(goal.asked) for goal in goals if goal.asked is not None), default=0), **options)
    for _ in search.rounds_of(render, lambda frames: search.curves(measure(frames, reader), person)):
        pass
    return [Track(name, schedule) for name, schedule in search.best.tracks.items()]
