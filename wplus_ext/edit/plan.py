"""What is done to each frame: latents and scales."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..regions import Ellipse
from ..settings import check_mode
from ..weights.shapes import LAYERS, WIDTH, Float
from ..window import Window

EVERYWHERE, NOWHERE = (0.5, 0.5, 9.0, 9.0), (0.5, 0.5, 0.0, 0.0)  # ellipses of all and of nothing


@dataclass(frozen=True, eq=False)
class Branch:
    """One term of the residual, ``scale * Attention(phi(w + sum of values * n))``.

    Args:
        w: (18, 512), or (F, 18, 512) for a latent per frame.
        scale: lambda, a number or F of them; kept as a tuple, of one where it is the same for all.
        region: the ellipse of the picture in which it acts, (x, y, half the width, half the height) as parts of the
            picture's, or F of them; everywhere where absent. Its edge is soft (`places`).
        without: such ellipses in which it gives way to others: its scale is ``scale * (1 - their sum)``.
        moves: pairs of a direction n, (18, 512), and its alpha: a number or F of them. What an edit costs does not
            grow with the frames where they are made of one ``w`` and moves.

    Raises:
        ValueError: another shape, numbers that are not finite, unequal numbers of frames.
    """

    w: Float[Tensor, "*F 18 512"]
    scale: float | Sequence[float] = 1.0
    moves: Sequence[tuple[Float[Tensor, "18 512"], float | Sequence[float]]] = ()
    region: Ellipse | Sequence[Ellipse] | None = None
    without: Sequence[Ellipse | Sequence[Ellipse]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "moves", tuple(self.moves))
        if self.w.ndim not in (2, 3) or tuple(self.w.shape[-2:]) != (LAYERS, WIDTH):
            raise ValueError(
                f"w has shape {tuple(self.w.shape)}, expected ({LAYERS}, {WIDTH}) or (F, {LAYERS}, {WIDTH})"
            )
        for n, _ in self.moves:
            if tuple(n.shape) != (LAYERS, WIDTH):
                raise ValueError(f"a move has a direction of shape {tuple(n.shape)}, expected ({LAYERS}, {WIDTH})")
        for tensor in (self.w, *(n for n, _ in self.moves)):
            if not torch.isfinite(tensor).all():
                what = "w" if tensor is self.w else "the direction of a move"
                raise ValueError(f"{what} holds NaN or infinite numbers, expected finite ones")
        object.__setattr__(self, "scale", _by_frame("scale", self.scale))
        object.__setattr__(self, "moves", tuple((n, _by_frame("a move", values)) for n, values in self.moves))
        object.__setattr__(self, "region", None if self.region is None else _ellipses(self.region))
        object.__setattr__(self, "without", tuple(map(_ellipses, self.without)))
        counts = {"w": self._latents, "scale": len(self.scale)}
        counts |= {f"move {i}": len(values) for i, (_, values) in enumerate(self.moves, 1)}
        counts |= {f"region {i}": len(ellipses) for i, ellipses in enumerate(self._regions, 1)}
        if len({1, *counts.values()}) > 2:
            given = " and ".join(f"{name} {count}" for name, count in counts.items()).replace(" ", " has ", 1)
            raise ValueError(f"{given.replace(' and', ' frames and', 1)}, expected the same number, or 1")

    @property
    def _latents(self) -> int:
        return len(self.w) if self.w.ndim == 3 else 1

    @property
    def frames(self) -> int:
        """Number of frames F; 1 where nothing changes from frame to frame."""
        lengths = [*(len(values) for _, values in self.moves), *map(len, self._regions)]
        return max(self._latents, len(self.scale), *lengths, 1)

    @property
    def _regions(self) -> tuple[tuple[Ellipse, ...], ...]:
        return (*(() if self.region is None else (self.region,)), *self.without)

    @property
    def base(self) -> Float[Tensor, "18 512"] | None:
        """The latent that all frames have in common, with the moves that are the same for all; None for latents by
        frame."""
        if self._latents > 1:
            return None
        return _moved(self.w.reshape(LAYERS, WIDTH), [(n, values[0]) for n, values in self.moves if len(values) == 1])

    @property
    def curves(self) -> tuple[tuple[Float[Tensor, "18 512"], tuple[float, ...]], ...]:
        """The moves that change from frame to frame."""
        return tuple((n, values) for n, values in self.moves if len(values) > 1)

    def latent(self, frame: int) -> Float[Tensor, "18 512"]:
        """The latent of a frame, with its moves."""
        w = self.w[frame if len(self.w) > 1 else 0] if self.w.ndim == 3 else self.w
        return _moved(w, [(n, values[frame if len(values) > 1 else 0]) for n, values in self.moves])

    def cover(self, frame: int) -> tuple[float, tuple[tuple[float, Ellipse], ...]]:
        """Where it acts in a frame: a number for the whole picture, and what is added to it in ellipses."""
        if not self._regions:
            return 1.0, ()
        whole = () if self.region is None else ((1.0, self.region),)
        places = (*whole, *((-1.0, ellipses) for ellipses in self.without))
        return float(self.region is None), tuple((by, each[frame if len(each) > 1 else 0]) for by, each in places)

    def scales(self, frames: int) -> list[float]:
        """The scale of each of so many frames."""
        return list(self.scale) * (frames if len(self.scale) == 1 else 1)


def _moved(
    w: Float[Tensor, "18 512"], moves: Sequence[tuple[Float[Tensor, "18 512"], float]]
) -> Float[Tensor, "18 512"]:
    """A latent and its moves, float32 where there are any."""
    for n, alpha in moves:
        w = w.float()
        w = w + alpha * n.to(w)
    return w


def _ellipses(given: Ellipse | Sequence[Ellipse]) -> tuple[Ellipse, ...]:
    """Ellipses by frame. Raises ValueError for what is none."""
    wanted = f"region is {given}, expected (x, y, half the width, half the height), or a list of them"
    try:
        tensor = torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(wanted) from error
    tensor = tensor[None] if tensor.ndim == 1 else tensor
    is_one = tensor.ndim == 2 and len(tensor) > 0 and tensor.shape[1] == 4
    if not is_one or not torch.isfinite(tensor).all() or (tensor[:, 2:] < 0).any():
        raise ValueError(wanted)
    return tuple(tuple(each) for each in tensor.tolist())


def _by_frame(name: str, numbers: float | Sequence[float]) -> tuple[float, ...]:
    """Numbers by frame. Raises ValueError for what is none, or is not finite."""
    tensor = torch.as_tensor(numbers, dtype=torch.float64)
    if tensor.ndim > 1 or not tensor.numel() or not torch.isfinite(tensor).all():
        raise ValueError(f"{name} is {numbers}, expected a finite number or a list of them")
    return tuple(tensor.reshape(-1).tolist())


@dataclass(frozen=True, eq=False)
class Plan:
    """The terms of an edit, and when they apply.

    Args:
        branches: all with the same number of frames, or without.
        start, end: active in step i of n when ``start * n <= i < end * n``.
        negative: also in the negative rows, with phi(0) at the same lambda.
        mode: ``"residual"``, or ``"direct"``: the tokens ``sum of scale * phi(w)`` are appended to
            the text tokens. All rows then attend to four more tokens, frames of scale 0 to zeros.

    Raises:
        ValueError: start and end out of order or range, unequal numbers of frames, an unknown mode.
    """

    branches: Sequence[Branch]
    start: float = 0.0
    end: float = 1.0
    negative: bool = True
    mode: str = "residual"

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", tuple(self.branches))
        _ = self.window  # its fault is ours
        counts = {branch.frames for branch in self.branches} - {1}
        if len(counts) > 1:
            raise ValueError(f"the branches have {sorted(counts)} frames, expected the same number")
        check_mode(self.mode, self.negative)
        if self.mode == "direct" and any(branch.region or branch.without for branch in self.branches):
            raise ValueError(
                "regions in the direct mode, whose tokens all of a picture attends to; use the residual mode"
            )

    @cached_property
    def window(self) -> Window:
        """The steps between start and end."""
        return Window(self.start, self.end)

    @property
    def frames(self) -> int:
        """Number of frames; 1 where all frames are alike, however many there are."""
        return max((branch.frames for branch in self.branches), default=1)

    @cached_property
    def scales(self) -> list[list[float]]:
        """For each frame the scale of each branch."""
        return [list(scales) for scales in zip(*(branch.scales(self.frames) for branch in self.branches))] or [[]]

    @property
    def is_empty(self) -> bool:
        """Whether no frame is changed."""
        return not any(any(scales) for scales in self.scales)


def within(plan: Plan, crop: Ellipse) -> Plan:
    """The plan for a crop of its pictures, (left, top, width, height) as parts of theirs: its regions as seen there."""
    left, top, width, height = crop

    def seen(ellipses: tuple[Ellipse, ...]) -> list[Ellipse]:
        return [((x - left) / width, (y - top) / height, wide / width, high / height) for x, y, wide, high in ellipses]

    branches = [
        replace(branch, region=branch.region and seen(branch.region), without=[*map(seen, branch.without)])
        for branch in plan.branches
    ]
    return replace(plan, branches=branches)


def joined(plans: Sequence[Plan], frames: int) -> Plan:
    """One plan for videos that are rendered together: frame f of the video v is its frame ``v * frames + f``.

    Raises:
        ValueError: no plans, or such as differ in more than their branches; one with other frames.
    """
    if len({(plan.window, plan.negative, plan.mode) for plan in plans}) != 1:
        raise ValueError(f"{len(plans)} plans, expected some, all with the same start, end, negative and mode")
    if counts := {plan.frames for plan in plans} - {1, frames}:
        raise ValueError(f"plans of {sorted(counts)} frames, expected {frames}, or 1")
    still = Branch(torch.zeros(LAYERS, WIDTH), 0.0)
    branches = []
    for several in itertools.zip_longest(*(plan.branches for plan in plans), fillvalue=still):
        latents = [branch.latent(frame) for branch in several for frame in range(frames)]
        scales = [x for branch in several for x in branch.scales(frames)]
        branches.append(Branch(torch.stack(latents), scales, (), *_joined_regions(several, frames)))
    return replace(plans[0], branches=branches)


def _joined_regions(branches: Sequence[Branch], frames: int) -> tuple[list[Ellipse] | None, list[list[Ellipse]]]:
    """The region of branches' frames, one after the other, and those in which they give way."""

    def each(ellipses: tuple[Ellipse, ...]) -> list[Ellipse]:
        return list(ellipses) * (frames if len(ellipses) == 1 else 1)

    is_local = any(branch.region for branch in branches)
    region = [ellipse for branch in branches for ellipse in each(branch.region or (EVERYWHERE,))] if is_local else None
    without = itertools.zip_longest(*(branch.without for branch in branches), fillvalue=(NOWHERE,))
    return region, [[ellipse for one in several for ellipse in each(one)] for several in without]
