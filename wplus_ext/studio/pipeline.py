"""Videos from a diffusers AnimateDiff pipeline: a `Shot` walks in, its frames walk out."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..edit.attach import attach
from ..edit.plan import Plan, joined
from ..edit.report import Report
from ..edit.sites import check_fit, find_sites
from ..library.index import Library
from ..library.resolve import resolve
from ..weights.adapter import Adapter
from ..weights.devices import check_device
from . import folder, schedulers, single
from .control import Control
from .draft import Draft
from .footage import Footage, noised
from .models import MINIATURE, Choice, Models, load
from .noise import Noise
from .shot import Shot, read_defaults
from .windows import windows

__all__ = ["LIBRARY", "MINIATURE", "Choice", "Draft", "Studio", "count_steps"]
LIBRARY = "wplus"  # folder of adapters, latents and directions in a pipeline folder

Tick = Callable[[], None]


class Studio:
    """A pipeline and the W+ files that go with it.

    Args:
        choice: the models, and where it is computed; the miniature where None.
        loaded: whether the models are loaded at once; else when they are asked for.
        values: of a `Choice`, in place of one.

    Raises:
        ValueError: a model that cannot be used; a device that is not there.
    """

    def __init__(self, choice: Choice | None = None, loaded: bool = True, **values: object) -> None:
        self.choice = choice or Choice(**values)
        self.folder = self.choice.home
        self.device = self.choice.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = getattr(torch, self.choice.precision or ("float32" if self.device == "cpu" else "float16"))
        self.library = Library(self.choice.library or [self.folder / LIBRARY])
        if loaded:
            _ = self.models

    @functools.cached_property
    def models(self) -> Models:
        """What is made of the choice. Raises ValueError as the class does."""
        check_device(self.device)
        return load(self.choice, self.device, self.dtype)

    @property
    def pipe(self):  # noqa: ANN201 - diffusers is optional
        """The pipeline."""
        return self.models.pipe

    @property
    def name(self) -> str:
        """The model's name, for metadata."""
        return self.choice.name

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        """Short hashes of the models, by their names, for metadata. Raises OSError."""
        return self.choice.hashes()

    def defaults(self) -> dict[str, object]:
        """What the pipeline's folder says of itself: values of a `Shot`, in ``wplus/defaults.json``.

        Raises ValueError for a file that holds anything else.
        """
        return read_defaults(self.folder / LIBRARY / "defaults.json")

    @functools.cached_property
    def multiple(self) -> int:
        """Of which width and height are to be, in pixels; read without loading the models. Raises ValueError."""
        place = self.choice.place
        return folder.multiple(single.configuration(place, self.choice.config) if place.is_file() else place)

    def size(self, shot: Shot) -> tuple[int, int]:
        """Width and height of a shot's frames."""
        own = self.pipe.unet.config.sample_size * self.pipe.vae_scale_factor
        return shot.width or own, shot.height or own

    def check(self, shots: Sequence[Shot]) -> None:
        """Raise ValueError for shots that cannot be rendered, before anything is."""
        self._jobs(shots)

    def render(
        self, shots: Sequence[Shot], tick: Tick = lambda: None, drafts: MutableMapping[Hashable, Draft] | None = None
    ) -> Iterator[tuple[np.ndarray, Report]]:
        """The frames (F, H, W, 3) uint8 of each shot, and what was done to them.

        Shots that differ in their edit alone share the steps before its start, also with shots of before where the
        ``drafts`` of these are given. ``tick`` is called after each step; `count_steps` says how often that will be.

        Raises:
            ValueError: an unknown name, tracks that do not fit, a size that the model cannot have.
        """
        shared = {} if drafts is None else drafts
        for shot, adapter, plan in self._jobs(shots):
            with windows(self.pipe, shot):
                base = shot.base
                if base not in shared:
                    if drafts is None:
                        shared.clear()
                    shared[base] = self.advance(self.begin(shot), shot.first_edited, tick=tick)
                report = Report(plan.mode, shot.frames, [], plan.scales)
                draft = self.advance(shared[base], None, adapter, plan, report=report, tick=tick)
                # Of the whole video: where nothing is attached, nobody has counted.
                report.calls, report.steps = draft.calls, draft.taken
                made = self.finish(draft)[0]
            yield made, report

    def together(
        self, shots: Sequence[Shot], most: int, tick: Tick = lambda: None
    ) -> Iterator[tuple[Shot, np.ndarray]]:
        """The frames (F, H, W, 3) uint8 of each shot, in an order of its own, and without reports.

        As `render`, but shots that differ in the words of their edit alone are up to ``most`` videos of one batch,
        which keeps a CPU's threads busier and takes so much more memory.
        """
        for base, alike in itertools.groupby(self._jobs(shots), lambda job: job[0].base):
            batches: dict[object, list[tuple[Shot, Adapter | None, Plan]]] = {}
            for shot, adapter, plan in alike:
                key = None if adapter is None else (shot.edit.adapter, plan.window, plan.negative, plan.mode)
                batches.setdefault(key, []).append((shot, adapter, plan))
            with windows(self.pipe, base):
                first = self.advance(self.begin(base), base.first_edited, tick=tick)
            for batch in batches.values():
                for i in range(0, len(batch), most):
                    several, adapters, plans = zip(*batch[i : i + most])
                    draft, plan = first.times(len(several)), joined(plans, base.frames)
                    with windows(self.pipe, base):
                        made = self.finish(self.advance(draft, None, adapters[0], plan, tick=tick))
                    yield from zip(several, made)

    def _jobs(self, shots: Sequence[Shot]) -> list[tuple[Shot, Adapter | None, Plan]]:
        """Shots with their edits; faults show before anything is rendered."""
        for base in dict.fromkeys(shot.base for shot in shots):
            if base.video:
                Footage.of(base).check(base)
            Control.check(base, self.models.controlnet)
            self._scheduler(base)
        return [(shot, *self._edit(shot)) for shot in shots]

    def _edit(self, shot: Shot) -> tuple[Adapter | None, Plan]:
        resolved = resolve(shot.edit, self.library)
        plan = resolved.plan(shot.frames)
        adapter = None if plan.is_empty else resolved.adapter()
        if adapter:
            check_fit(adapter, find_sites(self.pipe.unet))
        for name in ("width", "height"):
            if getattr(shot, name) % self.multiple:
                raise ValueError(
                    f"{name} is {getattr(shot, name)}, expected a multiple of {self.multiple} for this model"
                )
        longest = self.pipe.motion_adapter.config.motion_max_seq_length
        if min(shot.frames, shot.context) > longest:
            raise ValueError(f"context is {shot.context}, expected at most {longest}, which these motion modules know")
        return adapter, plan

    def _scheduler(self, shot: Shot):  # noqa: ANN202 - diffusers is optional
        """A shot's own, which has been told its steps. Raises ValueError where it cannot have so many."""
        made = copy.deepcopy(schedulers.made(shot.scheduler, self.models.scheduler))
        try:
            made.set_timesteps(shot.steps, device=self.device)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"steps is {shot.steps}, which the scheduler {shot.scheduler} cannot have ({reason}); take fewer"
            ) from error
        return made

    @torch.no_grad()
    def begin(self, shot: Shot, prompts: Sequence[str] = (), seeds: Sequence[int] = ()) -> Draft:
        """Noise, or a noised video, and text, before the first step; one for each of ``prompts`` and ``seeds`` where
        there are some."""
        pipe, prompts, seeds = self.pipe, list(prompts or [shot.prompt]), list(seeds or [shot.seed])
        positive, negative = pipe.encode_prompt(
            prompts, self.device, 1, shot.guidance > 1, [shot.negative_prompt] * len(prompts)
        )
        text = torch.cat([negative, positive]) if shot.guidance > 1 else positive
        pipe.scheduler = self._scheduler(shot)
        skipped, size, noise = (shot.steps - shot.taken) * pipe.scheduler.order, self.size(shot), Noise.of(seeds)

        def first(generator: torch.Generator) -> Tensor:
            if shot.video:
                return noised(pipe, shot, size, pipe.scheduler.timesteps[skipped], generator)
            channels, place = pipe.unet.config.in_channels, torch.device("cpu")
            return pipe.prepare_latents(1, channels, shot.frames, *size[::-1], text.dtype, place, generator)

        latents = torch.cat([first(generator) for generator in noise.generators]).to(self.device)
        text, scheduler = text.repeat_interleave(shot.frames, 0), copy.deepcopy(pipe.scheduler)
        control = Control.of(self.models.controlnet, shot, size) if shot.control else None
        return Draft(latents, text, scheduler, noise, 0, shot.taken, shot.guidance, skipped, control)

    @torch.no_grad()
    def advance(
        self,
        draft: Draft,
        until: int | None = None,
        adapter: Adapter | None = None,
        plan: Plan | None = None,
        report: Report | None = None,
        tick: Tick = lambda: None,
    ) -> Draft:
        """Take the steps before step ``until``, or all; the draft itself stays as it is.

        Args:
            adapter, plan: the edit, of each video or, with as many frames as all of them have, of one after the other
                (see `joined`); none where absent.
            tick: called after each step of each video.
        """
        scheduler, noise, latents = copy.deepcopy(draft.scheduler), draft.noise.times(), draft.latents
        drawn, end = noise.options(scheduler, latents), draft.calls if until is None else draft.call_of(until)
        videos, _, length, *_ = latents.shape
        own = plan is not None and plan.frames == videos * length
        frames = [*range(videos * length)] if own else [*range(length)] * videos
        negative = [True] * len(frames) if draft.is_guided else []
        with attach(self.pipe.unet, adapter, plan, report) if adapter else nullcontext() as live:
            if live:
                live.rows([*frames, *frames] if negative else frames, negative + [False] * len(frames))
            for i in range(draft.call, end):
                if live:
                    live.step(draft.step_of(i), draft.taken)
                t = scheduler.timesteps[draft.skipped + i]
                rows = scheduler.scale_model_input(torch.cat([latents] * 2) if negative else latents, t)
                more = draft.control.residuals(rows, t, draft.text) if draft.control else {}
                guess = self.pipe.unet(rows, t, encoder_hidden_states=draft.text, **more).sample
                if negative:
                    without, with_ = guess.chunk(2)
                    guess = without + draft.guidance * (with_ - without)
                latents = scheduler.step(guess, t, latents, **drawn).prev_sample
                for _ in range(videos * (draft.step_of(i + 1) - draft.step_of(i))):
                    tick()
        return replace(draft, latents=latents, scheduler=scheduler, noise=noise, call=end)

    @torch.no_grad()
    def finish(self, draft: Draft) -> np.ndarray:
        """The pictures of a draft whose steps are done: (V, F, H, W, 3) uint8."""
        video = self.pipe.decode_latents(draft.latents)
        if not torch.isfinite(video).all():
            raise ValueError("the pictures hold NaN: try another --precision")
        return ((video / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 4, 1).cpu().numpy()


def count_steps(shots: Sequence[Shot]) -> int:
    """How many steps `Studio.render` and `Studio.together` take for these shots."""
    total, before = 0, None
    for shot in shots:
        total += shot.taken - (shot.first_edited if shot.base == before else 0)
        before = shot.base
    return total
