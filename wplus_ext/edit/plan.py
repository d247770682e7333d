"""What is done to each frame: latents and scales."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..settings import check_mode
from ..weights.shapes import LAYERS, WIDTH, Float
from ..window import Window


@dataclass(frozen=True, eq=False)
class Branch:
    """One term of the residual, ``scale * Attention(phi(w + sum of values * n))``.

    Args:
        w: (18, 512), or (F, 18, 512) for a latent per frame.
        scale: lambda, a number or F of them; kept as a tuple, of one where it is the same for all.
        moves: pairs of a direction n, (18, 512), and its alpha: a number or F of them. What an edit costs does not
            grow with the frames where they are made of one ``w`` and moves.

    Raises:
        ValueError: another shape, numbers that are not finite, unequal numbers of frames.
    """

    w: Float[Tensor, "*F 18 512"]
    scale: float | Sequence[float] = 1.0
    moves: Sequence[tuple[Float[Tensor, "18 512"], float | Sequence[float]]] = ()

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
        counts = {"w": self._latents, "scale": len(self.scale)}
        counts |= {f"move {i}": len(values) for i, (_, values) in enumerate(self.moves, 1)}
        if len({1, *counts.values()}) > 2:
            given = " and ".join(f"{name} {count}" for name, count in counts.items()).replace(" ", " has ", 1)
            raise ValueError(f"{given.replace(' and', ' frames and', 1)}, expected the same number, or 1")

    @property
    def _latents(self) -> int:
        return len(self.w) if self.w.ndim == 3 else 1

    @property
    def frames(self) -> int:
        """Number of frames F; 1 where nothing changes from frame to frame."""
        return max(self._latents, len(self.scale), *(len(values) for _, values in self.moves), 1)

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
        branches.append(Branch(torch.stack(latents), [x for branch in several for x in branch.scales(frames)]))
    return replace(plans[0], branches=branches)
