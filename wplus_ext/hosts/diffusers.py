"""diffusers' pipelines: wplus() edits what one makes, load_wplus() does until it is unloaded."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..edit.eager import WORD, bare
from ..edit.following import Call, Follower, Planned, following
from ..edit.plan import Plan
from ..library.index import Library
from ..library.resolve import resolve
from ..settings import Settings
from ..weights.adapter import Adapter
from ..window import step_of

LOADED = "_wplus"  # on a pipeline, while an adapter is
WANTED = "expected a pipeline of Stable Diffusion 1.5, such as AnimateDiffPipeline"
ITSELF = "call the pipeline itself that is edited"


@contextmanager
def wplus(pipe: object, adapter: Adapter | str | Path, plan: Planned) -> Iterator[Follower]:
    """Edit what a diffusers pipeline makes, until the ``with`` is left. Rows, signs and steps follow from its calls.

    Args:
        pipe: of Stable Diffusion 1.5, with AnimateDiff or, then image i of a batch is frame i, without.
        adapter: or its file.
        plan: of as many frames as the pipeline makes, of one, or of as many as all videos of a batch have together;
            or what makes one for a number of frames.

    Gives a `Follower`, whose ``report`` tells what the last run of the pipeline did.

    Raises:
        ValueError: a pipeline without a UNet, or whose batches are of an unknown order; an adapter that does not fit.
        RuntimeError: the UNet is being edited already; it was replaced within the ``with``.

        In the pipeline's call: ValueError for a plan of another number of frames, RuntimeError for a UNet call that is
        none of the pipeline's, or that passes by the layers.
    """
    if getattr(pipe, LOADED, None) is not None:
        raise RuntimeError("this pipeline has an adapter loaded; unload_wplus(pipe) first, or use set_wplus(pipe, …)")
    unet = _unet(pipe)
    with ExitStack() as stack:
        stack.enter_context(_compiled_no_more(pipe))
        adapter = adapter if isinstance(adapter, Adapter) else Adapter.load(adapter)
        yield stack.enter_context(following(unet, adapter, plan, Reader(pipe)))
        _check_same(pipe, unet)


def load_wplus(
    pipe: object, adapter: Adapter | str | Path, library: str | Path | Sequence[str | Path] = ()
) -> Follower:
    """Load an adapter into a pipeline, where it stays until `unload_wplus`. It edits nothing until `set_wplus`.

    Args:
        pipe, adapter: as those of `wplus`.
        library: root folders with ``latents`` and ``directions``; where absent, that in whose ``adapters`` the
            adapter's file lies.

    Raises as `wplus` does, and RuntimeError where one is loaded already.
    """
    if isinstance(library, (str, Path)):
        library = [library]
    if not library and not isinstance(adapter, Adapter):
        library = [parent.parent for parent in Path(adapter).absolute().parents if parent.name == "adapters"][:1]
    stack = ExitStack()
    follower = stack.enter_context(wplus(pipe, adapter, Plan([])))
    setattr(pipe, LOADED, _Loaded(follower, _unet(pipe), Library(library), stack))
    return follower


def set_wplus(pipe: object, **values: object) -> Follower:
    """Say how the loaded adapter edits from now on: ``tracks``, ``identity``, ``strength``, ``regions`` and the other
    fields of `Settings`; those that are not named are at their defaults. Names are looked up in the library.

    Raises:
        ValueError: a field that there is not, or a value that it cannot have; a name that is unknown.
        RuntimeError: no adapter is loaded, or the pipeline's UNet is another one now.
    """
    loaded = _loaded(pipe)
    _check_same(pipe, loaded.unet)
    if "adapter" in values:
        raise ValueError("the adapter is that of load_wplus; unload_wplus(pipe) and load another one, if it is to be")
    settings = Settings.from_dict({"enabled": True, **values})
    resolved = resolve(settings, loaded.library)
    loaded.follower.use(resolved.plan if settings.enabled else Plan([]))
    return loaded.follower


def unload_wplus(pipe: object) -> None:
    """Take the adapter off a pipeline, whose UNet is then as it was.

    Raises:
        RuntimeError: none is loaded; or the pipeline's UNet was replaced meanwhile, and so was not edited: it is taken
            off all the same.
    """
    loaded = _loaded(pipe)
    setattr(pipe, LOADED, None)
    loaded.stack.close()


@dataclass(frozen=True, eq=False)
class _Loaded:
    """What `load_wplus` has put on a pipeline."""

    follower: Follower
    unet: nn.Module
    library: Library
    stack: ExitStack


def _loaded(pipe: object) -> _Loaded:
    loaded = getattr(pipe, LOADED, None)
    if loaded is None:
        raise RuntimeError("no adapter is loaded on this pipeline; load_wplus(pipe, adapter) first")
    return loaded


def _unet(pipe: object) -> nn.Module:
    """The pipeline's UNet, without torch.compile's wrapper. Raises ValueError for a pipeline that cannot be edited."""
    kind, unet = type(pipe).__name__, getattr(pipe, "unet", None)
    if not isinstance(unet, nn.Module):
        raise ValueError(f"a {kind} has no UNet; {WANTED}")
    # Three parts, and views of one picture: their rows are not told apart by guidance alone.
    odd = hasattr(pipe, "image_guidance_scale") or hasattr(pipe, "get_views")
    if odd or not hasattr(type(pipe), "do_classifier_free_guidance"):
        raise ValueError(f"which rows of a {kind}'s batches are negative is not known; {WANTED}, or use attach")
    return bare(unet)


@contextmanager
def _compiled_no_more(pipe: object) -> Iterator[None]:
    """The pipeline's UNet without torch.compile's wrapper, which does not see hooks that are put on later."""
    wrapped, unet = pipe.unet, bare(pipe.unet)
    if wrapped is unet:
        yield
        return
    warnings.warn(WORD, stacklevel=2)
    pipe.unet = unet
    try:
        yield
    finally:
        if pipe.unet is unet:  # nobody has replaced it meanwhile
            pipe.unet = wrapped


def _check_same(pipe: object, unet: nn.Module) -> None:
    """Raise RuntimeError where the pipeline's UNet is no longer the one that is edited."""
    found = getattr(pipe, "unet", None)
    if found is None or bare(found) is not unet:
        raise RuntimeError("the pipeline's UNet was replaced while the former one was edited; do that before")


class Reader:
    """Says what the UNet calls of a pipeline are, from its guidance and its scheduler at that moment."""

    def __init__(self, pipe: object) -> None:
        self._pipe = pipe
        self._timesteps: Tensor | None = None  # of the scheduler, made anew for each pass
        self._place = self._first = -1  # of the last call and of the pass' first one among them
        self._start: object = None  # what the run began with
        self._run = object()

    def __call__(self, args: tuple, kwargs: dict) -> Call:
        if not _is_calling(self._pipe):  # its guidance would be that of some run before
            raise RuntimeError(
                "W+ Adapter: the UNet was called by another than the pipeline that is edited, expected a call within "
                f"that one's own; {ITSELF}, or end the edit before"
            )
        sample, timestep = (args[i] if len(args) > i else kwargs[name] for i, name in enumerate(("sample", "timestep")))
        # PAG: negative, positive, perturbed.
        negative = (True,) * bool(self._pipe.do_classifier_free_guidance) + (False,)
        negative += (False,) * bool(getattr(self._pipe, "do_perturbed_attention_guidance", False))
        count, odd = divmod(len(sample), len(negative))
        if odd or not count:
            raise RuntimeError(
                f"W+ Adapter: the UNet was called with a batch of {len(sample)}, expected a multiple of "
                f"{len(negative)}, as the pipeline's guidance has it; {ITSELF}"
            )
        videos, length = (count, sample.shape[2]) if sample.ndim == 5 else (1, count)
        return Call(negative, videos, range(length), length, *self._step(timestep), self._run)

    def _step(self, timestep: Tensor | float) -> tuple[int, int]:
        """The step, and of how many: as a person counts them, whose each may have several calls, of those that are
        really run."""
        scheduler = self._pipe.scheduler
        timesteps, before = scheduler.timesteps, self._place
        is_new = timesteps is not self._timesteps
        if is_new:
            self._timesteps, before = timesteps, -1
        self._place = _place(timestep, timesteps, before)
        if is_new or self._place < before:
            self._first = self._place  # img2img begins in the middle
            self._begin_run(timesteps, is_new)
        # Some take more calls than steps: PNDM more for its first one, those of second order two for all but the last.
        done, calls = self._place - self._first, len(timesteps) - self._first
        asked = scheduler.num_inference_steps or -(-len(timesteps) // scheduler.order)
        steps = min(max(asked - self._first // scheduler.order, 1), calls)
        return step_of(done, calls, steps), steps

    def _begin_run(self, timesteps: Tensor, is_new: bool) -> None:
        """A pass begins; FreeInit's are of the same run while they have the same noise."""
        is_free = getattr(self._pipe, "free_init_enabled", False)
        start = self._pipe._free_init_initial_noise if is_free else timesteps
        if start is not self._start or not is_new:
            self._start, self._run = start, object()


def _is_calling(pipe: object) -> bool:
    """Whether the pipeline's own ``__call__`` goes on, of all those that may share its UNet."""
    frame = sys._getframe()
    while frame and not (frame.f_code.co_name == "__call__" and frame.f_locals.get("self") is pipe):
        frame = frame.f_back
    return frame is not None


def _place(timestep: Tensor | float, timesteps: Tensor, before: int) -> int:
    """The place of a call's timestep among the scheduler's, after that of the call before it.

    Pipelines give a view of the scheduler's, whose place is known without waiting for a device. By its number it is
    found where somebody gives another tensor; PNDM and Heun have the same one several times.
    """
    if torch.is_tensor(timestep) and timestep.untyped_storage().data_ptr() == timesteps.untyped_storage().data_ptr():
        return (timestep.storage_offset() - timesteps.storage_offset()) // timesteps.stride(0)
    value = float(timestep.reshape(-1)[0] if torch.is_tensor(timestep) else timestep)
    found = [place for place, other in enumerate(timesteps.tolist()) if abs(other - value) < 1e-3]
    if not found:
        raise RuntimeError(
            f"W+ Adapter: the UNet was called at the timestep {value:g}, which is none of the pipeline's scheduler; "
            f"{ITSELF}"
        )
    return next((place for place in found if place > before), found[0] if before not in found else before)
