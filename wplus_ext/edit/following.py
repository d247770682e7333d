"""following(): an edit in a UNet whose host says of each call which rows and which step it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from torch import nn

from ..weights.adapter import Adapter
from .attach import Live, alone, hooked
from .eager import eagerly
from .plan import Plan
from .report import Report
from .sites import Site, check_fit, find_sites


class Call(NamedTuple):
    """What a UNet call is.

    ``negative`` says of each of the equal parts of its batch, as guidance makes them, whether it is negative. Each has
    the same ``videos``, one after the other, of which ``frames`` are in the call, of ``length`` in all. It belongs to
    the step ``step`` of ``steps``, from 0, and to the same run as those with the same object ``run``.
    """

    negative: Sequence[bool]
    videos: int
    frames: Sequence[int]
    length: int
    step: int
    steps: int
    run: object

    def seen(self, planned: int) -> int:
        """How many frames the run has for a plan of so many: those of one video, or of all where each has its own.

        Raises:
            ValueError: a plan of another number.
        """
        if planned in (1, self.length):
            return self.length
        if planned == self.videos * self.length:
            return planned
        several = f", or {self.videos * self.length} for all {self.videos} videos" if self.videos > 1 else ""
        raise ValueError(f"the plan has {planned} frames, expected {self.length}, as many as are made, or 1{several}")

    def rows(self, planned: int) -> tuple[list[int], list[bool]]:
        """The frame in the plan of each row, and whether it is negative."""
        own = self.length if self.seen(planned) > self.length else 0
        frames = [video * own + frame for video in range(self.videos) for frame in self.frames]
        return frames * len(self.negative), [sign for sign in self.negative for _ in frames]


Read = Callable[[tuple, dict], Call]  # a UNet call's arguments
Planned = Plan | Callable[[int], Plan]  # or what makes one for a number of frames


class Follower:
    """The edit of a UNet: ``report`` tells what the last run did, or the one that goes on; None before the first."""

    def __init__(self, sites: Sequence[Site], adapter: Adapter, plan: Planned, read: Read) -> None:
        self.report: Report | None = None
        self._sites, self._adapter, self._read = sites, adapter, read
        self._on = ExitStack()  # the hooks of the plan
        self._live: Live | None = None
        self._length = 0  # of the videos for which the plan was made
        self._run: object = None
        self.use(plan)

    def use(self, plan: Planned) -> None:
        """Edit by another plan from the next UNet call on."""
        self.close()
        self._plan = plan
        if isinstance(plan, Plan):
            self._attach(plan)

    def close(self) -> None:
        """Take the hooks of the plan off."""
        self._on.close()
        self._live = self._run = None

    def _attach(self, plan: Plan) -> None:
        report = Report(plan.mode, plan.frames, [], plan.scales)
        self._live = self._on.enter_context(hooked(self._sites, self._adapter, plan, report))

    def before(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        """A forward pre-hook on the UNet, with its keywords."""
        call = self._read(args, kwargs)
        if not isinstance(self._plan, Plan) and (self._live is None or call.length != self._length):
            self.close()
            self._attach(self._plan(call.length))
        live, self._length = self._live, call.length
        rows = call.rows(live.plan.frames)
        if call.run is not self._run:
            self._run = call.run
            self.report = Report(live.plan.mode, call.seen(live.plan.frames), [], live.plan.scales)
            live.renew(self.report)
        live.step(call.step, call.steps)
        live.rows(*rows)
        live.begin()

    def after(self, module: nn.Module, args: tuple, output: object) -> None:
        """A forward hook on the UNet."""
        self._live.end()


@contextmanager
def following(unet: nn.Module, adapter: Adapter, plan: Planned, read: Read) -> Iterator[Follower]:
    """Edit what ``unet`` computes, until the ``with`` is left.

    Args:
        unet, adapter: as those of `attach`.
        plan: what to do with each frame, or what makes it for a number of frames, which is asked when that is known.
        read: says what a UNet call is.

    Raises:
        ValueError: the adapter does not fit the UNet, or the UNet is of another kind.
        RuntimeError: the UNet is being edited already.
    """
    sites = find_sites(unet)
    check_fit(adapter, sites)
    with ExitStack() as stack:
        stack.enter_context(alone(sites))
        stack.enter_context(eagerly(unet))
        follower = Follower(sites, adapter, plan, read)
        stack.callback(follower.close)
        stack.callback(unet.register_forward_pre_hook(follower.before, with_kwargs=True).remove)
        stack.callback(unet.register_forward_hook(follower.after).remove)
        yield follower
