"""The workers of a cluster, one by one: what each is doing, what it says, and what is done when it dies."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import torch
from tqdm import tqdm

from .actor import DONE, FAULT, MEMORY, STEP, Worker
from .jobs import Job, Lost, Progress, Waiting, say

TRIES = 3  # of a video whose worker dies, and of a worker that dies before it has rendered anything
SLOW, SOON = 3.0, 5.0  # a video is slow that takes so many times as long as others, and longer than so many seconds
PATIENCE = 60.0  # seconds after which one who has not begun is named


@dataclass(eq=False)
class _Hand:
    """A place for a worker, and who is there: ``waits`` is what we wait for from the actor, None for an idle one."""

    number: int
    actor: object = None
    waits: object = None
    who: str = ""
    job: int | None = None
    steps: int = 0
    since: float = 0.0
    deaths: int = 0
    is_named: bool = False
    warm: frozenset[Hashable] = frozenset()

    def __str__(self) -> str:
        return f"worker {self.number}{f' ({self.who})' if self.who else ''}"

    def begin(self, waits: object, job: int | None = None) -> None:
        """Something is asked of it."""
        self.waits, self.job, self.steps, self.since, self.is_named = waits, job, 0, time.monotonic(), False

    @property
    def is_free(self) -> bool:
        return bool(self.who) and self.waits is None

    @property
    def seconds(self) -> float:
        """How long it has been at it."""
        return time.monotonic() - self.since


@dataclass(eq=False)
class _Run:
    """Some jobs, and how far they are; ``tried`` has who died of one, or had no memory for it."""

    jobs: Sequence[Job]
    progress: Progress
    waiting: Waiting
    reasons: dict[int, str] = field(default_factory=dict)
    tried: dict[int, list[int]] = field(default_factory=dict)
    paces: list[float] = field(default_factory=list)


class Crew:
    """Actors of a Ray, and the jobs that they are given.

    Args:
        resources: of Ray, that each takes.
        about: what `Worker.open` is given.
    """

    actor = Worker

    def __init__(self, ray: ModuleType, count: int, resources: Mapping[str, float], about: tuple) -> None:
        self._ray, self._resources, self._about = ray, resources, about
        self._hands = [_Hand(number + 1) for number in range(count)]
        self._gone: list[str] = []
        self._noted: list[str] = []
        for hand in self._hands:
            self._start(hand)

    def ask(self, method: str, *given: object) -> object:
        """What one of them says to a question. Raises ValueError where it is a fault, or nobody is left."""
        while True:
            self._check_left()
            free = next((hand for hand in self._hands if hand.is_free), None)
            if free is None:
                for hand in self._heard():
                    self._opened(hand)
                continue
            try:
                kind, answer = self._ray.get(getattr(free.actor, method).remote(*given))
            except self._ray.exceptions.RayError as error:
                self._died(free, error)
                continue
            if kind == FAULT:
                raise ValueError(answer)
            return answer

    def render(self, jobs: Sequence[Job], bar: tqdm | None) -> Iterator[tuple[int, object]]:
        """See `jobs.Workers`."""
        run = _Run(jobs, Progress(jobs, bar), Waiting(jobs))
        for hand in self._hands:
            if hand.job is not None:  # of jobs before, whose results nobody wants any more
                self._start(hand)
        while run.waiting or any(hand.job is not None for hand in self._hands):
            self._check_left()
            for hand in self._hands:
                if hand.is_free:
                    self._give(hand, run)
            for hand in self._heard():
                if hand.job is None:
                    self._opened(hand)
                else:
                    yield from self._told(hand, run)
            self._name_slow(run)
        if run.reasons:
            raise Lost(jobs, run.reasons)

    def _start(self, hand: _Hand) -> None:
        """Put a new worker in a place, where whoever was there is let go."""
        if hand.actor is not None:
            self._ray.kill(hand.actor)
        options = {**self._resources, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
        hand.actor, hand.who, hand.warm = self._ray.remote(self.actor).options(**options).remote(), "", frozenset()
        hand.begin(hand.actor.open.remote(*self._about))

    def _heard(self) -> list[_Hand]:
        """Those who have said something, within a second."""
        waits = {hand.waits: hand for hand in self._hands if hand.waits is not None}
        ready = self._ray.wait([*waits], num_returns=1, timeout=1.0)[0] if waits else []
        return [waits[each] for each in ready]

    def _opened(self, hand: _Hand) -> None:
        """One has loaded its pipeline, or could not."""
        try:
            about = self._ray.get(hand.waits)
        except self._ray.exceptions.RayError as error:
            self._died(hand, error)
            return
        hand.waits, hand.who = None, about["who"]
        if about["fault"]:
            self._drop(hand, about["fault"])
            return
        for note in about["notes"]:
            if note not in self._noted:  # all have the same models
                self._noted.append(note)
                say(f"note: {note}")
        if about["torch"] != torch.__version__:
            say(f"{hand} has torch {about['torch']}, and this is {torch.__version__}: its videos may differ a little")

    def _give(self, hand: _Hand, run: _Run) -> None:
        """Give one who is free a job, but none that it could not do while there is somebody else."""
        everybody = {each.number for each in self._hands}
        without = {i for i, tried in run.tried.items() if hand.number in tried and everybody - {*tried}}
        others = {run.jobs[each.job].base for each in self._hands if each.job is not None}
        i = run.waiting.take(hand.warm, others, without)
        if i is not None:
            run.progress.begin(i, run.jobs[i].base in hand.warm)
            hand.begin(hand.actor.render.options(num_returns="streaming").remote(run.jobs[i]), i)

    def _told(self, hand: _Hand, run: _Run) -> Iterator[tuple[int, object]]:
        """One has taken a step, has done its job, could not do it, or is dead."""
        i = hand.job
        try:
            kind, value, warm = self._ray.get(next(hand.waits))
        except (self._ray.exceptions.RayError, StopIteration) as error:
            self._again(hand, run, "its worker died")
            self._died(hand, error)
            return
        if kind == STEP:
            hand.steps += 1
            run.progress.tick()
            return
        if kind == MEMORY:
            self._again(hand, run, f"the memory does not suffice ({value})", len(self._hands))
        elif kind == FAULT:
            run.reasons[i] = value
            say(f"{run.jobs[i].name}: {value}")
        hand.waits, hand.job, hand.warm, hand.deaths = None, None, warm, 0
        if kind == DONE:
            run.paces.append(hand.seconds / max(hand.steps, 1))
            yield i, copy.deepcopy(value)  # what Ray gives lies in its store, which is not large

    def _again(self, hand: _Hand, run: _Run, why: str, tries: int = TRIES) -> None:
        """A job has to be done once more, where it has not been tried so often."""
        i, tried = hand.job, run.tried.setdefault(hand.job, [])
        tried.append(hand.number)
        is_over = len(tried) >= min(tries, TRIES)
        say(f"{run.jobs[i].name}: {why}, {hand}; {'it is given up' if is_over else 'it is rendered again'}")
        if is_over:
            run.reasons[i] = f"{why}, {len(tried)} times"
            return
        run.progress.again(hand.steps)
        run.waiting.put_back(i)

    def _died(self, hand: _Hand, error: Exception) -> None:
        """There is nobody in a place any more: somebody else comes, but not for ever."""
        hand.deaths, hand.job = hand.deaths + 1, None
        if hand.deaths >= TRIES:
            self._drop(hand, _reason(error))
        else:
            self._start(hand)

    def _drop(self, hand: _Hand, reason: str) -> None:
        """Go on without one."""
        self._hands.remove(hand)
        self._gone.append(f"{hand}: {reason}")
        say(f"{self._gone[-1]}{'; the others go on' if self._hands else ''}")
        self._ray.kill(hand.actor)

    def _check_left(self) -> None:
        if not self._hands:
            raise ValueError(f"no worker is left; {'; '.join(dict.fromkeys(self._gone))}")

    def _name_slow(self, run: _Run) -> None:
        """Say who takes long, once."""
        for hand in self._hands:
            if hand.waits is None or hand.is_named:
                continue
            if hand.job is None:
                if hand.seconds > PATIENCE:
                    hand.is_named = True
                    say(f"{hand} has not begun after {PATIENCE:.0f} s: Ray has no place for it, or its disk is slow")
                continue
            job = run.jobs[hand.job]
            usual = statistics.median(run.paces) * job.shot.taken if run.paces else float("inf")
            if hand.seconds > max(SLOW * usual, SOON):
                hand.is_named = True
                say(f"{job.name} takes {hand.seconds:.0f} s so far, others about {usual:.0f} s; {hand} is at it")


def _reason(error: Exception) -> str:
    """Why a worker died, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    imports = [line for line in lines if line.startswith(("ModuleNotFoundError", "ImportError"))]
    return (imports or lines)[-1 if imports else 0][:300]
