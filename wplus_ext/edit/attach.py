"""attach(): the residual in a UNet, for as long as a ``with`` lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn

from ..weights.adapter import TOKENS, Adapter
from .plan import Plan
from .report import Report
from .residual import Branches, Folded, Segment
from .sites import Site, find_sites


@contextmanager
def attach(unet: nn.Module, adapter: Adapter, plan: Plan, report: Report | None = None) -> Iterator[Live]:
    """Edit what ``unet`` computes, until the ``with`` is left.

    In the residual mode a forward pre-hook on each cross-attention's ``to_out[0]`` adds the branches
    to f **in place**; in the direct mode a pre-hook on each cross-attention appends tokens to the
    text. A plan that changes nothing registers nothing.

    Args:
        unet: CompVis ``UNetModel``, diffusers ``UNet2DConditionModel`` or ``UNetMotionModel``.
        adapter: its layers must be those of the UNet.
        plan: what to do with each frame.
        report: filled up while sampling; a new one if absent.

    Raises:
        ValueError: the adapter does not fit the UNet, or the UNet is of another kind.

    Source: the W+ adapter's ``f'' = f + lambda * Attention(Q, K, V)``.
    """
    sites = find_sites(unet)
    adapter.check(sites)
    live = Live(plan, report)
    with ExitStack() as stack:
        if not plan.is_empty:
            live._prepare(adapter)
            for layer, site in enumerate(sites):
                stack.callback(live._hook(adapter, layer, site).remove)
        yield live


class Live:
    """The attached edit: say which step is next, and which rows the next UNet calls have.

    ``report`` tells what was done so far. A plan whose start is 0 and end 1 needs no `step`.
    """

    def __init__(self, plan: Plan, report: Report | None) -> None:
        self.plan = plan
        self.report = report or Report(plan.mode, plan.frames, [], plan.scales)
        self._active: bool | None = True if (plan.start, plan.end) == (0, 1) else None
        self._rows: tuple[Sequence[int], Sequence[bool]] | None = None
        self._segments: list[Segment] = []
        self._appended: Tensor | None = None
        self._branches: Branches | None = None

    def step(self, i: int, n: int) -> None:
        """Say that step ``i`` of ``n``, from 0, comes next."""
        if n < 1 or i < 0:
            raise ValueError(f"step {i} of {n}, expected 0 <= i and n >= 1")
        self._active = self.plan.active(i, n)

    def rows(self, frames: Sequence[int], negative: Sequence[bool]) -> None:
        """Say which frame each row of the following UNet calls belongs to, and whether it is negative.

        A ``UNetMotionModel`` has a row for each frame of each video of its batch, frames fastest.
        """
        if len(frames) != len(negative) or not frames:
            raise ValueError(f"{len(frames)} frames and {len(negative)} negative, expected a pair for each row")
        last = self.plan.frames - 1
        outside = [frame for frame in frames if frame < 0 or 0 < last < frame]
        if outside:
            raise ValueError(f"frame {outside[0]} is outside of the plan, expected 0 to {last}")
        frames, negative = list(frames), list(negative)
        if (frames, negative) != self._rows and self._branches is not None:
            if self.plan.mode == "direct":
                self._appended = self._branches.appended(frames, negative)
            else:
                self._segments = self._branches.rows(frames, negative)
        self._rows = (frames, negative)

    def _prepare(self, adapter: Adapter) -> None:
        self._branches = Branches(adapter, self.plan)

    def _hook(self, adapter: Adapter, layer: int, site: Site) -> torch.utils.hooks.RemovableHandle:
        if self.plan.mode == "direct":
            return site.attention.register_forward_pre_hook(partial(self._append, layer, site), with_kwargs=True)
        if site.width % site.heads:
            raise ValueError(f"{site.path}: width {site.width} is no multiple of its {site.heads} heads")
        folded = Folded(adapter, layer, site.heads, self._branches.tokens)
        return site.output.register_forward_pre_hook(partial(self._add, layer, site, folded))

    def _add(self, layer: int, site: Site, folded: Folded, module: nn.Module, args: tuple) -> tuple | None:
        f = args[0]
        if not self._enter(layer, site, len(f), bool(self._segments)):
            return None
        keep = f.requires_grad and torch.is_grad_enabled()
        with _own_precision(f), torch.set_grad_enabled(keep):
            changed = f.clone() if keep else f.contiguous()
            for segment in self._segments:
                if segment.frames is not None:
                    self.report.add_squares(segment.tensors(f)[2], folded.measure(f.detach(), segment))
                folded.add(changed, segment)
        return (changed, *args[1:])

    def _append(self, layer: int, site: Site, module: nn.Module, args: tuple, kwargs: dict) -> tuple | None:
        if not self._enter(layer, site, len(args[0]), True):
            return None
        names = [name for name in ("context", "encoder_hidden_states") if kwargs.get(name) is not None]
        if not names and len(args) < 2:
            raise RuntimeError(f"W+ Adapter: {site.path} was called without the text that the direct mode appends to")
        text = kwargs[names[0]] if names else args[1]
        text = torch.cat([text, self._appended.to(text)], 1)
        if kwargs.get("attention_mask") is not None:  # a bias: nothing is masked
            kwargs = {**kwargs, "attention_mask": nn.functional.pad(kwargs["attention_mask"], (0, TOKENS))}
        if names:
            return args, {**kwargs, names[0]: text}
        return (args[0], text, *args[2:]), kwargs

    def _enter(self, layer: int, site: Site, count: int, touched: bool) -> bool:
        """Whether this call is edited. Counts it, and refuses rows that nobody announced."""
        if self._active is None:
            raise RuntimeError("W+ Adapter: step(i, n) was not called; expected it before the first UNet call")
        if self._rows is None:
            raise RuntimeError("W+ Adapter: rows(frames, negative) was not called; expected before the first UNet call")
        expected = len(self._rows[0])
        if count != expected:
            raise RuntimeError(f"W+ Adapter: the UNet was called with {count} rows, but rows() announced {expected}")
        edited = self._active and touched
        self.report.layers.add(site.path)
        if layer == 0:
            self.report.calls += 1
            self.report.active += self._active
            self.report.edited += edited
        return edited


def _own_precision(f: Tensor) -> AbstractContextManager:
    """Autocast off: everything is computed in the type of f."""
    return torch.autocast(f.device.type, enabled=False) if f.device.type in ("cpu", "cuda") else nullcontext()
