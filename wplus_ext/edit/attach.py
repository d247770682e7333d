"""attach(): an edit in a UNet, for as long as a ``with`` lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Protocol, runtime_checkable

from torch import nn
from torch.utils.hooks import RemovableHandle

from ..weights.adapter import Adapter
from .direct import Direct
from .plan import Plan
from .report import Report
from .residual import Residual
from .rows import Compiled, Row
from .sites import Site, check_fit, find_sites

MARK = "_wplus_edited"  # on a UNet's first cross-attention, while it is


@runtime_checkable
class Edit(Protocol):
    """A way to edit a cross-attention; a mode of the settings is one."""

    @property
    def touches(self) -> bool:
        """Whether any of the announced rows changes."""

    def announce(self, rows: Sequence[Row]) -> None:
        """Say what the rows of the following UNet calls get."""

    def hook(self, layer: int, site: Site, enter: Callable[[int], bool]) -> Sequence[RemovableHandle]:
        """Edit a cross-attention wherever ``enter``, asked with the number of rows, allows it."""


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

    One edit at a time: rows and steps are one caller's, and another's, in a thread beside or within, would be taken for
    them. Several edits of one caller are branches of one plan.

    Raises:
        ValueError: the adapter does not fit the UNet, or the UNet is of another kind.
        RuntimeError: the UNet is being edited already.

    Source: the W+ adapter's ``f'' = f' + lambda * Attention(Q, K, V)``.
    """
    sites = find_sites(unet)
    check_fit(adapter, sites)
    report = report or Report(plan.mode, plan.frames, [], plan.scales)
    with ExitStack() as stack:
        if plan.is_empty:
            yield Live(plan, report)
            return
        stack.enter_context(_alone(sites[0].output))  # torch.compile and others wrap what is around it
        compiled = Compiled(adapter, plan)
        edit = Direct(compiled) if plan.mode == "direct" else Residual(adapter, compiled, report)
        live = Live(plan, report, compiled, edit)
        for layer, site in enumerate(sites):
            for handle in edit.hook(layer, site, partial(live._enter, layer, site)):
                stack.callback(handle.remove)
        yield live


@contextmanager
def _alone(layer: nn.Module) -> Iterator[None]:
    """Refuse a second edit of a UNet, of which this is a layer that the hooks are on. One step for the interpreter, so
    that of two threads one is first."""
    mine = object()
    if layer.__dict__.setdefault(MARK, mine) is not mine:
        raise RuntimeError(
            "W+ Adapter: this UNet is being edited already, by another job or an outer attach(); wait until that has "
            "ended, or put both edits into one plan, as branches"
        )
    try:
        yield
    finally:
        del layer.__dict__[MARK]


class Live:
    """The attached edit: say which step is next, and which rows the next UNet calls have.

    ``report`` tells what was done so far. A plan whose start is 0 and end 1 needs no `step`.
    """

    def __init__(self, plan: Plan, report: Report, compiled: Compiled | None = None, edit: Edit | None = None) -> None:
        self.plan, self.report = plan, report
        self._compiled, self._edit = compiled, edit
        self._active: bool | None = True if plan.window.is_whole else None
        self._rows: tuple[list[int], list[bool]] | None = None
        self._thread = 0  # in which they were announced
        self._step: tuple[int, int] | None = None
        self._counted = False  # the step, as edited

    def step(self, i: int, n: int, calls: int = 1) -> None:
        """Say that step ``i`` of ``n``, from 0, comes next; so many of them are one step for a person."""
        if n < 1 or i < 0:
            raise ValueError(f"step {i} of {n}, expected 0 <= i and n >= 1")
        self._active = self.plan.window.active(i, n)
        if (i // calls, n) != self._step:  # a step may be announced before each of its calls
            self._step, self._counted = (i // calls, n), False
            self.report.steps += 1

    @property
    def is_outside(self) -> bool:
        """Whether the announced step lies outside of the plan's window."""
        return self._active is False

    def pass_over(self) -> None:
        """Count a UNet call outside of the window that need not be computed, since what it gives is known."""
        self.report.calls += 1

    def rows(self, frames: Sequence[int], negative: Sequence[bool]) -> None:
        """Say which frame each row of the following UNet calls, in this thread, belongs to, and whether it is negative.

        A ``UNetMotionModel`` has a row for each frame of each video of its batch, frames fastest.
        """
        if len(frames) != len(negative) or not frames:
            raise ValueError(f"{len(frames)} frames and {len(negative)} negative, expected a pair for each row")
        last, seen_last = self.plan.frames - 1, self.report.frames - 1
        outside = [frame for frame in frames if frame < 0 or 0 < last < frame]
        if outside:
            raise ValueError(f"frame {outside[0]} is outside of the plan, expected 0 to {last}")
        announced = (list(frames), list(negative))
        if announced != self._rows and self._edit is not None:
            # A plan or a report of one frame is one for all of them.
            rows = [self._compiled.row(min(f, last), sign, min(f, seen_last)) for f, sign in zip(*announced)]
            self._edit.announce(rows)
        self._rows, self._thread = announced, threading.get_ident()

    def _enter(self, layer: int, site: Site, count: int) -> bool:
        """Whether this call is edited. Counts it, and refuses rows that nobody announced."""
        if self._active is None:
            raise RuntimeError("W+ Adapter: step(i, n) was not called; expected it before the first UNet call")
        if self._rows is None:
            raise RuntimeError("W+ Adapter: rows(frames, negative) was not called; expected before the first UNet call")
        if threading.get_ident() != self._thread:
            raise RuntimeError(
                "W+ Adapter: the UNet was called in another thread than rows() was; its rows are not known. "
                "Call both in one thread, and nothing else meanwhile"
            )
        expected = len(self._rows[0])
        if count != expected:
            raise RuntimeError(f"W+ Adapter: the UNet was called with {count} rows, but rows() announced {expected}")
        edited = self._active and self._edit.touches
        self.report.layers.add(site.path)
        if layer == 0:
            self.report.calls += 1
            self.report.active += self._active
            self.report.edited += edited
            if edited and self._step and not self._counted:
                self._counted = True
                self.report.edited_steps += 1
        return edited
