"""The same videos of the miniature with one edit and another, rendered once each, by whoever renders."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor
from tqdm import tqdm

from ..library.resolve import resolve
from ..settings import Settings
from ..studio.pipeline import Draft, Studio, Tick
from ..studio.shot import Shot
from ..studio.workers.jobs import Here, Workers
from . import world
from .measure import Ruler

SMILE = world.FACTORS.index("smile")


@dataclass(frozen=True)
class Batch:
    """Videos of some prompts and seeds with one edit, rendered together, (V, F, H, W, 3) uint8: a `jobs.Job`."""

    shot: Shot
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def base(self) -> tuple[Shot, tuple[str, ...], tuple[int, ...]]:
        return self.shot.base, self.prompts, self.seeds

    @property
    def name(self) -> str:
        return f"{self.shot.edit.tracks or 'unedited'} of the seeds {', '.join(map(str, self.seeds))}"

    def render(self, studio: Studio, drafts: MutableMapping[Hashable, Draft], tick: Tick) -> np.ndarray:
        plan = resolve(self.shot.edit, studio.library).plan(self.shot.frames)
        adapter = None if plan.is_empty else studio.library.adapter()
        if self.base not in drafts:
            draft = studio.begin(self.shot, self.prompts, self.seeds)
            drafts[self.base] = studio.advance(draft, self.shot.first_edited, tick=tick)
        return studio.finish(studio.advance(drafts[self.base], None, adapter, plan, tick=tick))


class Trial:
    """The same videos again and again, each time with another edit.

    The videos are one batch, or one for each of the ``workers``, which is this process where none are given; the steps
    before the edit's start are taken once.
    """

    def __init__(
        self,
        studio: Studio,
        ruler: Ruler,
        videos: Sequence[tuple[str, int]],
        frames: int,
        bar: tqdm,
        workers: Workers | None = None,
    ) -> None:
        self.studio, self.ruler, self.bar, self.workers = studio, ruler, bar, workers or Here(studio)
        self.prompts, self.seeds = zip(*videos)
        self.shot = replace(Shot.from_dict(studio.defaults()), frames=frames)
        self._pictures: dict[Settings, np.ndarray] = {}

    def pictures(self, **edit: object) -> np.ndarray:
        """The videos (V, F, 64, 64, 3) uint8 with an edit."""
        prepare([(self, edit)])
        return self._pictures[_settings(edit)]

    def factors(self, **edit: object) -> Tensor:
        """The measured factors (V, F, K) with an edit; K is as many as `world.FACTORS` names."""
        return self.ruler.factors(self.pictures(**edit))

    def smile(self, **edit: object) -> Tensor:
        """The measured smile (V, F) with an edit."""
        return self.factors(**edit)[..., SMILE]

    def strangeness(self, **edit: object) -> Tensor:
        """How strange the pictures are with an edit, (V, F)."""
        return self.ruler.strangeness(self.pictures(**edit))

    def batches(self, settings: Settings) -> list[Batch]:
        """What is to be rendered for the videos with an edit, in their order; nothing where that is done."""
        if settings in self._pictures:
            return []
        shot, parts = replace(self.shot, edit=settings), min(self.workers.count, len(self.seeds))
        ends = [len(self.seeds) * i // parts for i in range(parts + 1)]
        return [Batch(shot, self.prompts[i:k], self.seeds[i:k]) for i, k in zip(ends, ends[1:])]

    def take(self, settings: Settings, made: Sequence[np.ndarray]) -> None:
        """Keep what was made of the `batches`."""
        self._pictures[settings] = np.concatenate(made)
        self.bar.update()


def prepare(wanted: Sequence[tuple[Trial, dict[str, object]]]) -> None:
    """Render what some trials, all with the same workers, want with some edits, all at once."""
    trials = {(trial, _settings(edit)): trial.batches(_settings(edit)) for trial, edit in wanted}
    jobs = [batch for batches in trials.values() for batch in batches]
    found = dict(wanted[0][0].workers.render(jobs)) if jobs else {}
    made = iter([found[i] for i in range(len(jobs))])
    for (trial, settings), batches in trials.items():
        if batches:
            trial.take(settings, [next(made) for _ in batches])


def _settings(edit: dict[str, object]) -> Settings:
    return Settings.from_dict({"enabled": True, **edit})
