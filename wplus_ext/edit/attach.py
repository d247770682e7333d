"""attach(): an edit in a UNet, for as long as a ``with`` lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Protocol, runtime_checkable

from torch import nn
from torch.utils.hooks import RemovableHandle

from ..weights.adapter import Adapter
from .direct import Direct
from .eager import eagerly
from .plan import Plan
from .report import Report
from .residual import Residual
from .rows import Compiled, Enter, Row
from .sites import Site, check_fit, find_sites

MARK = "_wplus_edited"  # on a UNet's first cross-attention, while it is


@runtime_checkable
class Edit(Protocol):
    """A way to edit a cross-attention; a mode of the settings is one. ``report`` is filled up by it."""

    report: Report

    @property
    def touches(self) -> bool:
        """Whether any of the announced rows changes."""

    def announce(self, rows: Sequence[Row]) -> None:
        """Say what the rows of the following UNet calls get."""

    def hook(self, layer: int, site: Site, enter: Enter) -> Sequence[RemovableHandle]:
        """Edit a cross-attention wherever ``enter`` allows it."""


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
    if plan.is_empty:
        yield Live(plan, report)
        return
    with alone(sites), eagerly(unet), hooked(sites, adapter, plan, report) as live:
        yield live


@contextmanager
def hooked(sites: Sequence[Site], adapter: Adapter, plan: Plan, report: Report) -> Iterator[Live]:
    """The hooks of an edit, by somebody who has seen to it that it fits and is `alone`."""
    if plan.is_empty:
        yield Live(plan, report)
        return
    compiled = Compiled(adapter, plan)
    edit = Direct(compiled, report) if plan.mode == "direct" else Residual(adapter, compiled, report)
    live = Live(plan, report, compiled, edit, len(sites))
    with ExitStack() as stack:
        for layer, site in enumerate(sites):
            for handle in edit.hook(layer, site, partial(live._enter, layer, site)):
                stack.callback(handle.remove)
        yield live


@contextmanager
def alone(sites: Sequence[Site]) -> Iterator[None]:
    """Refuse a second edit of the UNet of these sites. One step for the interpreter, so that of two threads one is
    first."""
    mine, layer = object(), sites[0].output  # torch.compile and others wrap what is around it
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

    def __init__(
        self, plan: Plan, report: Report, compiled: Compiled | None = None, edit: Edit | None = None, layers: int = 0
    ) -> None:
        self.plan, self.report = plan, report
        self._compiled, self._edit, self._layers = compiled, edit, layers
        self._active: bool | None = True if plan.window.is_whole else None
        self._rows: tuple[list[int], list[bool]] | None = None
        self._thread = 0  # in which they were announced
        self._step: tuple[int, int] | None = None
        self._counted = False  # the step, as edited
        self._taken: dict[int, int] | None = None  # within `begin` and `end`: how many rows each layer had so far
        self._is_first = True  # call of a run

    def renew(self, report: Report) -> None:
        """Begin another run, of which this is the report."""
        self.report, self._is_first = report, True
        self._rows = self._step = None
        if self._edit is not None:
            self._edit.report = report

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

    def begin(self) -> None:
        """Say that a UNet call begins. Until `end`, a layer may be called with parts of its rows, one after the other;
        without, it must be called with all of them."""
        self._taken = {}
        if self._edit is None:
            self.report.calls += 1

    def end(self) -> None:
        """Say that the call has ended.

        Raises:
            RuntimeError: it passed the layers by, so that nothing was edited, or the parts do not add up to its rows.
        """
        taken, self._taken = self._taken, None
        if self._edit is None or taken is None:
            return
        expected = len(self._rows[0])
        # Programs that skip layers, as DeepCache does, skip none in the first call of a run.
        if len(taken) < (self._layers if self._is_first else 1):
            raise RuntimeError(
                f"W+ Adapter: {self._layers - len(taken)} of {self._layers} cross-attentions were passed by, so that "
                "nothing was edited there: they were compiled or replaced while the edit was on; do that before"
            )
        if short := [rows for rows in taken.values() if rows != expected]:
            raise RuntimeError(
                f"W+ Adapter: a cross-attention was called with parts of {short[0]} rows together, expected {expected}"
            )
        self._is_first = False

    def _enter(self, layer: int, site: Site, count: int) -> slice | None:
        """Which of the announced rows the next ``count`` rows of a layer are, or None where they are not edited. Counts
        the call, and refuses rows that nobody announced."""
        if self._active is None:
            raise RuntimeError("W+ Adapter: step(i, n) was not called; expected it before the first UNet call")
        if self._rows is None:
            raise RuntimeError("W+ Adapter: rows(frames, negative) was not called; expected before the first UNet call")
        if threading.get_ident() != self._thread:
            raise RuntimeError(
                "W+ Adapter: the UNet was called in another thread than rows() was; its rows are not known. "
                "Call both in one thread, and nothing else meanwhile"
            )
        expected, start = len(self._rows[0]), 0
        if self._taken is not None:
            start = self._taken.get(layer, 0)
            self._taken[layer] = start + count
        if start + count > expected or (self._taken is None and count != expected):
            raise RuntimeError(
                f"W+ Adapter: the UNet was called with {start + count} rows, but rows() announced {expected}"
            )
        edited = self._active and self._edit.touches
        self.report.layers.add(site.path)
        if layer == 0 and start == 0:
            self.report.calls += 1
            self.report.active += self._active
            self.report.edited += edited
            if edited and self._step and not self._counted:
                self._counted = True
                self.report.edited_steps += 1
        return slice(start, start + count) if edited else None
