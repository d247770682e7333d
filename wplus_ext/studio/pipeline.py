"""Videos from a diffusers AnimateDiff pipeline: a `Shot` walks in, its frames walk out."""

from __future__ import annotations

import copy
import functools
import itertools
import json
from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

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
from ..weights.regular import read_regular
from .folder import load
from .shot import Shot

MINIATURE = Path(__file__).parents[1] / "miniature" / "model"
LARGEST = 1 << 20  # bytes of a pipeline's defaults, which have some hundred
LIBRARY = "wplus"  # folder of adapters, latents and directions in a pipeline folder

Tick = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Draft:
    """Videos between two steps: latents (V, C, F, h, w), the text of all rows, and where the scheduler stands."""

    latents: Tensor
    text: Tensor
    scheduler: object
    step: int
    guidance: float

    @property
    def steps(self) -> int:
        """Of all, how many there are."""
        return len(self.scheduler.timesteps)

    @property
    def is_guided(self) -> bool:
        """Whether there are negative rows."""
        return self.guidance > 1

    def times(self, count: int) -> Draft:
        """The same videos so often, one after the other; what a scheduler remembers of one serves all."""
        text = [part.repeat(count, 1, 1) for part in self.text.chunk(2 if self.is_guided else 1)]
        return replace(self, latents=self.latents.repeat(count, 1, 1, 1, 1), text=torch.cat(text))


class Studio:
    """A pipeline and the W+ files that go with it.

    Args:
        folder: of a diffusers pipeline; the miniature where none is named.
        library: root folders with ``adapters``, ``latents`` and ``directions``; the pipeline's own folder
            ``wplus`` where none is named.
        motion: folder of a motion adapter, for a pipeline of Stable Diffusion that has none.
        device, precision: ``"cpu"``, ``"cuda"`` …; ``"float32"``, ``"float16"`` or ``"bfloat16"``. CUDA with
            float16 is chosen where there is one.
        loaded: whether the pipeline is loaded at once; else when it is asked for, which it is not where others render.

    Raises:
        ValueError: no such folder, or none of a pipeline that can be used; a device that is not there.
    """

    def __init__(
        self,
        folder: Path | None = None,
        library: Sequence[Path] = (),
        motion: Path | None = None,
        device: str = "",
        precision: str = "",
        loaded: bool = True,
    ) -> None:
        self.folder, self.motion = Path(folder or MINIATURE), motion
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = getattr(torch, precision or ("float32" if self.device == "cpu" else "float16"))
        self.library = Library(library or [self.folder / LIBRARY])
        if loaded:
            _ = self.pipe

    @functools.cached_property
    def pipe(self):  # noqa: ANN201 - diffusers is optional
        """The pipeline. Raises ValueError as the class does."""
        check_device(self.device)
        return load(self.folder, self.motion, self.device, self.dtype)

    @property
    def name(self) -> str:
        """The folder's name, for metadata."""
        return "miniature" if self.folder == MINIATURE else self.folder.resolve().name

    def defaults(self) -> dict[str, object]:
        """What the pipeline's folder says of itself: values of a `Shot`, in ``wplus/defaults.json``.

        Raises ValueError for a file that holds anything else.
        """
        path = self.folder / LIBRARY / "defaults.json"
        if not path.exists():
            return {}
        text = read_regular(path, LARGEST)
        try:
            values = json.loads(text)
            Shot.from_dict(values)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path}: no values of a video ({error}); mend it, or delete it") from error
        return values

    def size(self, shot: Shot) -> tuple[int, int]:
        """Width and height of a shot's frames."""
        own = self.pipe.unet.config.sample_size * self.pipe.vae_scale_factor
        return shot.width or own, shot.height or own

    def check(self, shots: Sequence[Shot]) -> None:
        """Raise ValueError for shots that cannot be rendered, before anything is."""
        for shot in shots:
            self._edit(shot)

    def render(
        self, shots: Sequence[Shot], tick: Tick = lambda: None, drafts: MutableMapping[Hashable, Draft] | None = None
    ) -> Iterator[tuple[np.ndarray, Report]]:
        """The frames (F, H, W, 3) uint8 of each shot, and what was done to them.

        Shots that differ in their edit alone share the steps before its start, also with shots of before where the
        ``drafts`` of these are given. ``tick`` is called after each step; `count_steps` says how often that will be.

        Raises:
            ValueError: an unknown name, tracks that do not fit, a size that the model cannot have.
        """
        jobs = [(shot, self._edit(shot)) for shot in shots]  # faults show before anything is rendered
        shared = {} if drafts is None else drafts
        for shot, (adapter, plan) in jobs:
            with self.windows(shot):
                base = shot.base
                if base not in shared:
                    if drafts is None:
                        shared.clear()
                    shared[base] = self.advance(self.begin(shot), shot.first_edited, tick=tick)
                report = Report(plan.mode, shot.frames, [], plan.scales)
                draft = self.advance(shared[base], None, adapter, plan, report=report, tick=tick)
                # Of the whole video: where nothing is attached, nobody has counted.
                report.calls = report.steps = draft.steps
                yield self.finish(draft)[0], report

    def together(
        self, shots: Sequence[Shot], most: int, tick: Tick = lambda: None
    ) -> Iterator[tuple[Shot, np.ndarray]]:
        """The frames (F, H, W, 3) uint8 of each shot, in an order of its own, and without reports.

        As `render`, but shots that differ in the words of their edit alone are up to ``most`` videos of one batch,
        which keeps a CPU's threads busier and takes so much more memory.
        """
        jobs = [(shot, *self._edit(shot)) for shot in shots]
        for base, alike in itertools.groupby(jobs, lambda job: job[0].base):
            batches: dict[object, list[tuple[Shot, Adapter | None, Plan]]] = {}
            for shot, adapter, plan in alike:
                key = None if adapter is None else (shot.edit.adapter, plan.window, plan.negative, plan.mode)
                batches.setdefault(key, []).append((shot, adapter, plan))
            with self.windows(base):
                first = self.advance(self.begin(base), base.first_edited, tick=tick)
                for batch in batches.values():
                    for i in range(0, len(batch), most):
                        several, adapters, plans = zip(*batch[i : i + most])
                        draft, plan = first.times(len(several)), joined(plans, base.frames)
                        yield from zip(several, self.finish(self.advance(draft, None, adapters[0], plan, tick=tick)))

    def _edit(self, shot: Shot) -> tuple[Adapter | None, Plan]:
        resolved = resolve(shot.edit, self.library)
        plan = resolved.plan(shot.frames)
        adapter = None if plan.is_empty else resolved.adapter()
        if adapter:
            check_fit(adapter, find_sites(self.pipe.unet))
        factor = self.pipe.vae_scale_factor
        deepest = factor * 2 ** (len(self.pipe.unet.config.block_out_channels) - 1)
        for name in ("width", "height"):
            if getattr(shot, name) % deepest:
                raise ValueError(f"{name} is {getattr(shot, name)}, expected a multiple of {deepest} for this model")
        longest = self.pipe.motion_adapter.config.motion_max_seq_length
        if min(shot.frames, shot.context) > longest:
            raise ValueError(f"context is {shot.context}, expected at most {longest}, which these motion modules know")
        return adapter, plan

    @contextmanager
    def windows(self, shot: Shot) -> Iterator[None]:
        """FreeNoise's sliding windows, where the shot is longer than its context."""
        if shot.frames <= shot.context:
            yield
            return
        if not hasattr(self.pipe, "enable_free_noise"):
            raise ValueError(f"{shot.frames} frames with a context of {shot.context} need diffusers 0.31 or newer")
        self.pipe.enable_free_noise(context_length=shot.context, context_stride=max(shot.context // 4, 1))
        try:
            yield
        finally:
            middle = self.pipe.unet.mid_block
            bare = not hasattr(middle, "motion_modules")
            if bare:  # disable_free_noise asks for them whether there are any or not
                middle.motion_modules = torch.nn.ModuleList()
            self.pipe.disable_free_noise()
            if bare:
                del middle.motion_modules

    @torch.no_grad()
    def begin(self, shot: Shot, prompts: Sequence[str] = (), seeds: Sequence[int] = ()) -> Draft:
        """Noise and text, before the first step; a video for each of ``prompts`` and ``seeds`` where there are some."""
        pipe, prompts, seeds = self.pipe, list(prompts or [shot.prompt]), list(seeds or [shot.seed])
        positive, negative = pipe.encode_prompt(
            prompts, self.device, 1, shot.guidance > 1, [shot.negative_prompt] * len(prompts)
        )
        text = torch.cat([negative, positive]) if shot.guidance > 1 else positive
        pipe.scheduler.set_timesteps(shot.steps, device=self.device)
        width, height = self.size(shot)
        noise = [  # made on the CPU, so that all devices begin with the same
            pipe.prepare_latents(
                1,
                pipe.unet.config.in_channels,
                shot.frames,
                height,
                width,
                text.dtype,
                torch.device("cpu"),
                torch.Generator().manual_seed(seed),
            )
            for seed in seeds
        ]
        text, scheduler = text.repeat_interleave(shot.frames, 0), copy.deepcopy(pipe.scheduler)
        return Draft(torch.cat(noise).to(self.device), text, scheduler, 0, shot.guidance)

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
        """Take steps up to ``until``, or all; the draft itself stays as it is.

        Args:
            adapter, plan: the edit, of each video or, with as many frames as all of them have, of one after the other
                (see `joined`); none where absent.
            tick: called after each step of each video.
        """
        scheduler, latents = copy.deepcopy(draft.scheduler), draft.latents
        videos, _, length, *_ = latents.shape
        own = plan is not None and plan.frames == videos * length
        frames = [*range(videos * length)] if own else [*range(length)] * videos
        negative = [True] * len(frames) if draft.is_guided else []
        with attach(self.pipe.unet, adapter, plan, report) if adapter else nullcontext() as live:
            if live:
                live.rows([*frames, *frames] if negative else frames, negative + [False] * len(frames))
            for i in range(draft.step, draft.steps if until is None else until):
                if live:
                    live.step(i, draft.steps)
                t = scheduler.timesteps[i]
                rows = scheduler.scale_model_input(torch.cat([latents] * 2) if negative else latents, t)
                noise = self.pipe.unet(rows, t, encoder_hidden_states=draft.text).sample
                if negative:
                    without, with_ = noise.chunk(2)
                    noise = without + draft.guidance * (with_ - without)
                latents = scheduler.step(noise, t, latents).prev_sample
                for _ in range(videos):
                    tick()
        return replace(draft, latents=latents, scheduler=scheduler, step=draft.steps if until is None else until)

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
        total += shot.steps - (shot.first_edited if shot.base == before else 0)
        before = shot.base
    return total
