"""What a run did, frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..weights.shapes import Float, Int


@dataclass
class Report:
    """Fills up while sampling.

    ``scales`` holds for each frame the lambda of each branch; ``layers`` the paths of the
    cross-attentions that were reached; ``calls`` counts UNet calls, ``active`` those between start
    and end, ``edited`` those of them that changed something; ``steps`` and ``edited_steps`` count
    the steps that were announced, as a step may have several calls; ``frames`` are those of the run.
    """

    mode: str
    frames: int
    names: list[str]
    scales: list[list[float]]
    layers: set[str] = field(default_factory=set)
    calls: int = 0
    active: int = 0
    edited: int = 0
    steps: int = 0
    edited_steps: int = 0
    _squares: Float[Tensor, "frames 2"] | None = None

    def __post_init__(self) -> None:
        if len(self.scales) == 1:  # alike in all frames
            self.scales = self.scales * self.frames

    def __getstate__(self) -> dict[str, object]:
        """For other processes, which may not have the device."""
        return {**vars(self), "_squares": None if self._squares is None else self._squares.cpu()}

    def add_squares(self, frames: Int[Tensor, " rows"], squares: Float[Tensor, "rows 2"]) -> None:
        """Add the squared norms of the residual and of f, of rows of these frames, on the same device; does not wait
        for it."""
        if self._squares is None or self._squares.device != squares.device:
            old = self._squares
            self._squares = torch.zeros(self.frames, 2, device=squares.device)
            if old is not None:
                self._squares += old.to(squares.device)
        self._squares.index_add_(0, frames, squares)

    @property
    def residual(self) -> list[float]:
        """For each frame the norm of the residual over the norm of f, over all layers and edited steps;
        0 where f is not finite, which the WebUI reports by itself."""
        if self._squares is None:
            return [0.0] * self.frames
        squares = self._squares.cpu()
        ratios = (squares[:, 0] / squares[:, 1].clamp_min(1e-30)).sqrt()
        return [ratio if math.isfinite(ratio) else 0.0 for ratio in ratios.tolist()]

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, as the API's info gives them."""
        return {
            "mode": self.mode,
            "layers": len(self.layers),
            "unet_calls": self.calls,
            "edited_calls": self.edited,
            "steps": self.steps,
            "edited_steps": self.edited_steps,
            "frames": self.frames,
            "branches": self.names,
            "scales": [[round(scale, 6) for scale in scales] for scales in self.scales],
            "residual": [round(ratio, 6) for ratio in self.residual],
        }

    def summary(self) -> str:
        """One line for a person."""
        counted = (self.edited_steps, self.steps, "steps") if self.steps else (self.edited, self.calls, "UNet calls")
        text, ratios = "edited in {} of {} {}".format(*counted), self.residual
        most = max(ratios)
        if self.mode == "direct" or not most:
            return text
        if min(ratios) == most:
            return f"{text}, by {most:.2%}{' in every frame' if self.frames > 1 else ''}"
        return f"{text}, strongest at frame {ratios.index(most)}: {most:.2%}, least {min(ratios):.2%}"
