"""The edits of a MODEL, which are put on while ComfyUI samples with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import nn

from ...curve import evaluate
from ...edit.following import following
from ...edit.plan import Plan
from ...edit.report import Report
from ...edit.sites import check_fit, find_sites
from ...library.index import Entry, Library
from ...library.resolve import Resolved, resolve
from ...settings import Settings
from ...weights.adapter import Adapter
from .calls import Reader

KEY = "wplus"  # of the wrapper on a MODEL


@dataclass(frozen=True, eq=False)
class Loaded:
    """An adapter, with the ``name`` and the ``digest`` of its file."""

    name: str
    digest: str
    adapter: Adapter


@dataclass(frozen=True, eq=False)
class Edit:
    """What one node asks for. ``lengths`` are the numbers of frames of the lists that its tracks came from."""

    resolved: Resolved
    lengths: Sequence[tuple[str, int]] = ()

    @classmethod
    def of(
        cls,
        values: Mapping[str, object],
        adapter: str,
        identity: Entry | None,
        library: Library,
        lengths: Sequence[tuple[str, int]] = (),
    ) -> Edit:
        """From fields of `Settings`, an adapter's name and a latent. Raises ValueError as those, and for unknown
        names."""
        resolved = resolve(Settings.from_dict({"enabled": True, "adapter": adapter, **values}), library)
        if identity is not None:  # it may lie outside of the library
            settings = replace(resolved.settings, identity=identity.name)
            resolved = replace(resolved, settings=settings, identity=identity)
        return cls(resolved, lengths)

    def floats(self, frames: int) -> list[float]:
        """The first track at each frame, or the strength where there is none."""
        settings = self.resolved.settings
        return evaluate(settings.parsed[0].schedule if settings.parsed else settings.schedule, frames)

    def asked(self) -> dict[str, object]:
        """The settings as an infotext has them, with short hashes of the files."""
        return {**self.resolved.settings.to_infotext(), **self.resolved.fingerprints()}

    def plan(self, frames: int) -> Plan:
        """Raises ValueError for a list of another length, and as `Resolved.plan`."""
        for name, length in self.lengths:
            if length not in (1, frames):
                raise ValueError(f"{name} has {length} numbers, expected {frames}, one for each frame, or 1")
        return self.resolved.plan(frames)


class Edits:
    """The edits of a MODEL, which add up: ComfyUI calls it around each sampling.

    ``report`` tells what the last one did; None before the first.

    Raises:
        ValueError: the adapters, the methods, start and end, or negative differ from edit to edit.
    """

    def __init__(self, loaded: Loaded, edits: Sequence[Edit]) -> None:
        self.loaded, self.edits = loaded, tuple(edits)
        self.report: Report | None = None
        self._settings = [edit.resolved.settings for edit in edits]
        for name in ("mode", "start", "end", "negative"):
            values = [getattr(settings, name) for settings in self._settings]
            if len(set(values)) > 1:
                raise ValueError(
                    f"the Apply W+ nodes of this model have {name} {' and '.join(map(str, values))}, expected the "
                    "same: they are one edit together"
                )

    def and_(self, loaded: Loaded, edit: Edit) -> Edits:
        """These and another one. Raises ValueError for one by another adapter, and as the constructor."""
        if loaded.digest != self.loaded.digest:
            raise ValueError(
                f"the Apply W+ nodes of this model have the adapters {self.loaded.name!r} and {loaded.name!r}, "
                "expected the same one: they are one edit together"
            )
        return Edits(loaded, [*self.edits, edit])

    @cached_property
    def names(self) -> list[str]:
        """What each branch of the plan is called."""
        return [name for edit in self.edits for name in edit.resolved.names]

    def plan(self, frames: int) -> Plan:
        """All edits as one plan. Raises ValueError as `Edit.plan`."""
        first = self._settings[0]
        branches = [branch for edit in self.edits for branch in edit.plan(frames).branches]
        return Plan(branches, first.start, first.end, first.negative, first.mode)

    def told(self) -> str:
        """What the last sampling did, for a person. Raises ValueError where there was none."""
        if self.report is None:
            raise ValueError("nothing was sampled with this model yet; connect the latent of its sampler")
        lines = [f"W+ Adapter {self.loaded.name}: {self.report.summary()}"]
        for name, scales in zip(self.names, zip(*self.report.scales)):
            low, high = min(scales), max(scales)
            lines.append(f"{name}: {low:g}" if low == high else f"{name}: {low:g} to {high:g}")
        return "\n".join(lines)

    def check(self, unet: nn.Module) -> None:
        """Raise ValueError for a UNet that the adapter does not fit."""
        check_fit(self.loaded.adapter, find_sites(unet))

    def __call__(self, executor: Callable, noise: object, *args: object, **kwargs: object) -> object:
        """Sample. Raises ValueError for what cannot be, RuntimeError where the edit cannot reach the UNet."""
        guider = executor.class_obj
        unet, length = guider.model_patcher.model.diffusion_model, len(noise)
        plan = self.plan(length)
        is_local = any(branch.region or branch.without for branch in plan.branches)
        reader = Reader(guider, length, tuple(noise.shape[-2:]) if is_local else None)
        with following(unet, self.loaded.adapter, plan, reader) as follower:
            made = executor(noise, *args, **kwargs)
            if follower.report is None:
                raise RuntimeError(
                    "W+ Adapter: the UNet was passed by while sampling, so that nothing was edited: it was compiled or "
                    "replaced; do without that"
                )
            follower.report.names = self.names
            self.report = follower.report
        return made
