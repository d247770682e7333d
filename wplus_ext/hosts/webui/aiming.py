"""Aim: jobs one after the other, measured as they come, until what is to be seen is what was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from ...measure.aim import Aim
from ...measure.goals import NOTHING, begun, told, with_found
from ...settings import PREFIX
from ...tracks import Schedule
from .early import Early
from .order import Order
from .passports import named
from .public import public
from .runs import Done, Runs, propose, tell
from .seen import networks_of

ONE = {"n_iter": 1}  # of a round: a video alone
LONG = 1000  # frames, where their number is not known before there is a video


def aim(order: Order, runs: Runs) -> object:
    """The WebUI's result of the best video, with its tracks for the page's box. Where somebody stops it, of those that
    are done.

    Raises RuntimeError, one line, for what nothing measures or moves, before anything is rendered.
    """
    search = _Search(order, runs)
    runs.expect(order.renders, ONE)
    best = search.best()
    if search.rounds:
        tracks = best.p.wplus_overrides["tracks"]
        propose(runs.jobs, best, {"tracks": tracks})
        tell(best, {f"{PREFIX}aim": {**search.aim.to_dict(), "tracks": tracks}})
    tell(best, {}, *search.rounds, *search.end())
    return best.processed


class _Search:
    """A search for tracks; ``rounds`` are told as they come."""

    def __init__(self, order: Order, runs: Runs) -> None:
        self._order, self._runs, self._library = order, runs, runs.jobs.library
        with named():
            self._units = networks_of(self._library).reader().units
            self._settings = runs.resolved({}).settings
        self.rounds: list[str] = []
        self._early = Early()
        self._fault = ""
        self.aim = self._over(LONG)  # what cannot be is told before there is a video

    def best(self) -> Done:
        """Render until it is right, or stopped; the best of the videos."""
        done = best = self._run(self.aim.ask())
        if done.is_whole:  # else the number of frames may not be known
            self.aim = self._over(done.job.frames)
        while (found := self.aim.ask()) is not None:
            if self.aim.rounds:
                done = self._run(found)
            if not done.is_whole:
                self.aim.why = "stopped"
                break
            try:
                made = self.aim.tell(self.aim.curves(done.job.seen.faces(done.job.frames), self._order.face))
            except (ValueError, OSError, RuntimeError) as error:  # as of networks that are gone meanwhile
                self._fault = public(error)
                break
            best = done if made.is_best else best
            self.rounds.append(told(self.aim, made))
            if self._runs.is_stopped:
                self.aim.why = "stopped"
                break
        return best

    def end(self) -> list[str]:
        """Why it is over, and what is out of reach."""
        if self._fault or not self.aim.rounds:
            return [self._fault or self.aim.why]
        return [f"{self.aim.why}; {told(self.aim, self.aim.best)}", *self.aim.missed()]

    def _over(self, frames: int) -> Aim:
        is_alpha, order = self._settings.identity is not None, self._order
        with named():
            goals = order.wanted.goals(frames, is_alpha, self._library, self._units)
            self._runs.resolved({"tracks": with_found(self._settings.tracks, {goal.track: NOTHING for goal in goals})})
            return Aim(goals, frames, begun(goals, self._settings.parsed), order.renders, order.close)

    def _run(self, found: Mapping[str, Schedule]) -> Done:
        number = len(self.rounds) + 1
        last = f"; {self.rounds[-1]}" if self.rounds else ""
        tracks = with_found(self._settings.tracks, found)
        name = f"render {number} of {self._order.renders}{last}"
        return self._runs.run({"tracks": tracks, **ONE}, name, self._early)
