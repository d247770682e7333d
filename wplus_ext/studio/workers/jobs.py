"""Who renders many videos: this process, or the workers of a `cluster.Cluster`; both are asked in one way.

A `Job` is what is handed out: a video, with what it shares with others, its early steps. A worker has a `Desk`: a
studio that stays loaded, and the early steps that it has taken lately.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from tqdm import tqdm

from ...edit.report import Report
from ..pipeline import Draft, Studio, Tick
from ..shot import Shot

ROOM = 1 << 28  # bytes of early steps that are kept: of 512 x 512 some 500 frames, 80 with a ControlNet's beside them


class Drafts(dict[Hashable, Draft]):
    """The early steps that were taken lately, by what rules them; the oldest go where there are too many."""

    def __setitem__(self, base: Hashable, draft: Draft) -> None:
        super().__setitem__(base, draft)
        while len(self) > 1 and sum(map(_size, self.values())) > ROOM:
            del self[next(iter(self))]


def _size(draft: Draft) -> int:
    """Bytes of what is large in it."""
    parts = [draft.latents, draft.text, *([draft.control.frames] if draft.control else [])]
    return sum(part.nbytes for part in parts)


class Job(Protocol):
    """Something to be rendered, which can be sent to other processes.

    ``shot`` says its steps. ``base`` rules those before the edit's start, the early ones, which jobs of the same base
    share. ``name`` is for people.
    """

    @property
    def shot(self) -> Shot: ...
    @property
    def base(self) -> Hashable: ...
    @property
    def name(self) -> str: ...

    def render(self, studio: Studio, drafts: dict[Hashable, Draft], tick: Tick) -> object:
        """What it is about. Raises ValueError for what cannot be."""


@dataclass(frozen=True)
class Video:
    """A shot to be rendered: its frames (F, H, W, 3) uint8, and its report."""

    shot: Shot
    name: str = "a video"

    @property
    def base(self) -> Shot:
        return self.shot.base

    def render(self, studio: Studio, drafts: dict[Hashable, Draft], tick: Tick) -> tuple[np.ndarray, Report]:
        ((frames, report),) = studio.render([self.shot], tick, drafts)
        return frames, report


@dataclass(frozen=True)
class Facts:
    """What a pipeline makes of a shot: ``width`` and ``height`` of its frames, and the type of its numbers."""

    width: int
    height: int
    dtype: str


class Lost(ValueError):
    """Some of the videos could not be rendered; all others were. ``reasons`` by the place of their job."""

    def __init__(self, jobs: Sequence[Job], reasons: Mapping[int, str]) -> None:
        said = [f"{jobs[i].name}: {reason}" for i, reason in sorted(reasons.items())]
        more = f"; and {len(said) - 3} more" if len(said) > 3 else ""
        super().__init__(f"{len(said)} of {len(jobs)} videos are missing; {'; '.join(said[:3])}{more}")
        self.reasons = dict(reasons)


class Workers(Protocol):
    """Those who render. ``count`` says how many work at once."""

    count: int

    def check(self, shots: Sequence[Shot]) -> Facts:
        """What the first shot will be like. Raises ValueError, before anything is rendered, where one cannot be."""

    def render(self, jobs: Sequence[Job], bar: tqdm | None = None) -> Iterator[tuple[int, object]]:
        """The place of each job and what came of it, as they are done.

        ``bar`` counts steps; its total is what `count_steps` says, and is mended where early steps are taken again, or
        need not be.

        Raises:
            Lost: after all others, where some could not be rendered.
            ValueError: nobody is left who could.
        """


class Desk:
    """What a worker works with."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.drafts = studio, Drafts()

    def check(self, shots: Sequence[Shot]) -> Facts:
        """See `Workers`."""
        self.studio.check(shots)
        return Facts(*self.studio.size(shots[0]), str(self.studio.dtype).removeprefix("torch."))

    def render(self, job: Job, tick: Tick = lambda: None) -> object:
        """What comes of a job."""
        return job.render(self.studio, self.drafts, tick)


class Here:
    """This process as the only worker."""

    count = 1

    def __init__(self, studio: Studio) -> None:
        self.desk = Desk(studio)

    def check(self, shots: Sequence[Shot]) -> Facts:
        """See `Workers`."""
        return self.desk.check(shots)

    def render(self, jobs: Sequence[Job], bar: tqdm | None = None) -> Iterator[tuple[int, object]]:
        """See `Workers`; in the order of the jobs."""
        progress, reasons = Progress(jobs, bar), {}
        for i, job in enumerate(jobs):
            progress.begin(i, job.base in self.desk.drafts)
            try:
                made = self.desk.render(job, progress.tick)
            except ValueError as error:
                reasons[i] = str(error)
                continue
            yield i, made
        if reasons:
            raise Lost(jobs, reasons)


class Progress:
    """A bar over the steps of some jobs, whose total is mended when a job begins, or is lost."""

    def __init__(self, jobs: Sequence[Job], bar: tqdm | None) -> None:
        self.bar = tqdm(disable=True) if bar is None else bar
        self._jobs = jobs
        before = [None, *(job.base for job in jobs)]
        self._planned = [_steps(job, job.base == last) for job, last in zip(jobs, before)]

    def begin(self, i: int, is_warm: bool) -> None:
        """A worker begins with a job; whether it has the early steps already."""
        steps = _steps(self._jobs[i], is_warm)
        self._grow(steps - self._planned[i])
        self._planned[i] = steps

    def tick(self) -> None:
        """A step was taken."""
        self.bar.update()

    def again(self, steps: int) -> None:
        """So many steps of a job that was begun have to be taken again."""
        self._grow(steps)

    def _grow(self, steps: int) -> None:
        if self.bar.total is not None and steps:
            self.bar.total += steps
            self.bar.refresh()


def _steps(job: Job, is_warm: bool) -> int:
    """How many a worker takes, which may have the early ones."""
    return job.shot.taken - (job.shot.first_edited if is_warm else 0)


def say(text: str) -> None:
    """A line for people, above any bar."""
    tqdm.write(text, file=sys.stderr)


class Waiting:
    """Jobs that wait for a worker.

    They are handed out one by one, as workers come free, so that nobody has to guess beforehand how long each takes. A
    worker goes on with a base whose early steps it has; else it begins one that nobody works on; else it helps with
    the one of which the most is left. Only then early steps are taken twice: they are fewer than those of a video, for
    which the others would be waited for.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs, self._left = jobs, dict.fromkeys(range(len(jobs)))

    def __len__(self) -> int:
        return len(self._left)

    def take(
        self, warm: Collection[Hashable], others: Collection[Hashable], without: Collection[int] = ()
    ) -> int | None:
        """The place of a job for a worker that has the early steps of some bases, while ``others`` are worked on; none
        of those ``without``. None where there is no such job."""
        bases: dict[Hashable, list[int]] = {}
        for i in self._left:
            if i not in without:
                bases.setdefault(self._jobs[i].base, []).append(i)
        if not bases:
            return None
        chosen = max(bases, key=lambda base: (base in warm, base not in others, len(bases[base])))
        place = bases[chosen][0]
        del self._left[place]
        return place

    def put_back(self, i: int) -> None:
        """A job that has to be done again, before all others."""
        self._left = {i: None, **self._left}
