"""What is done to each frame: latents and scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..settings import check_mode
from ..weights.shapes import LAYERS, WIDTH, Float
from ..window import Window


@dataclass(frozen=True, eq=False)
class Branch:
    """One term of the residual, ``scale * Attention(phi(w))``.

    Args:
        w: (18, 512), or (F, 18, 512) for a latent per frame.
        scale: lambda, a number or F of them; kept as a tuple, of one where it is the same for all.

    Raises:
        ValueError: another shape, or numbers that are not finite.
    """

    w: Float[Tensor, "*F 18 512"]
    scale: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        if self.w.ndim not in (2, 3) or tuple(self.w.shape[-2:]) != (LAYERS, WIDTH):
            raise ValueError(
                f"w has shape {tuple(self.w.shape)}, expected ({LAYERS}, {WIDTH}) or (F, {LAYERS}, {WIDTH})"
            )
        if not torch.isfinite(self.w).all():
            raise ValueError("w holds NaN or infinite numbers, expected finite ones")
        scale = torch.as_tensor(self.scale, dtype=torch.float64)
        if scale.ndim > 1 or not torch.isfinite(scale).all():
            raise ValueError(f"scale is {self.scale}, expected a finite number or a list of them")
        object.__setattr__(self, "scale", tuple(scale.reshape(-1).tolist()))
        if len({self._latents, len(self.scale), 1}) > 2 or not self.scale:
            raise ValueError(
                f"w has {self._latents} frames and scale {len(self.scale)}, expected the same number, or 1"
            )

    @property
    def _latents(self) -> int:
        return len(self.w) if self.w.ndim == 3 else 1

    @property
    def frames(self) -> int:
        """Number of frames F; 1 where nothing changes from frame to frame."""
        return max(self._latents, len(self.scale))

    def over(self, frames: int) -> list[tuple[Float[Tensor, "18 512"], float]]:
        """The latent and the scale of each of so many frames."""
        latents = list(self.w) if self.w.ndim == 3 else [self.w]
        return list(zip(*(each * frames if len(each) == 1 else each for each in (latents, self.scale))))


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
    def terms(self) -> list[list[tuple[Float[Tensor, "18 512"], float]]]:
        """For each frame the latent and the scale of each branch."""
        return [list(pairs) for pairs in zip(*(branch.over(self.frames) for branch in self.branches))] or [[]]

    @property
    def scales(self) -> list[list[float]]:
        """For each frame the scale of each branch."""
        return [[scale for _, scale in pairs] for pairs in self.terms]

    @property
    def is_empty(self) -> bool:
        """Whether no frame is changed."""
        return not any(any(scales) for scales in self.scales)
