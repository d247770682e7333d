"""What a run did, frame by frame."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Report:
    """Fills up while sampling.

    ``scales`` holds for each frame the lambda of each branch; ``layers`` the paths of the
    cross-attentions that were reached; ``calls`` counts UNet calls, ``active`` those between start
    and end, ``edited`` those of them that changed something; ``frames`` are those of the run.
    """

    mode: str
    frames: int
    names: list[str]
    scales: list[list[float]]
    layers: set[str] = field(default_factory=set)
    calls: int = 0
    active: int = 0
    edited: int = 0
    _squares: Tensor | None = None

    def __post_init__(self) -> None:
        if len(self.scales) == 1:  # alike in all frames
            self.scales = self.scales * self.frames

    def add_squares(self, frames: Tensor, squares: Tensor) -> None:
        """Add the squared norms (rows, 2) of the residual and of f, of rows of these frames (rows,), on the
        same device; does not wait for it."""
        if self._squares is None or self._squares.device != squares.device:
            old = self._squares
            self._squares = torch.zeros(self.frames, 2, device=squares.device)
            if old is not None:
                self._squares += old.to(squares.device)
        self._squares.index_add_(0, frames.clamp(max=self.frames - 1), squares)

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
            "frames": self.frames,
            "branches": self.names,
            "scales": [[round(scale, 6) for scale in scales] for scales in self.scales],
            "residual": [round(ratio, 6) for ratio in self.residual],
        }

    def plot(self) -> str:
        """The scale of each branch and the measured residual over the frames, as a small SVG with a legend."""
        width, height, pad = 320.0, 80.0, 6.0
        curves = [list(curve) for curve in zip(*self.scales)]
        residual, top = self.residual, max(self.residual)

        def line(values: list[float], low: float, high: float, style: str) -> str:
            step = (width - 2 * pad) / max(len(values) - 1, 1)
            y = [height - pad - (value - low) / (high - low) * (height - 2 * pad) for value in values]
            points = " ".join(f"{pad + i * step:.1f},{at:.1f}" for i, at in enumerate(y))
            dots = "".join(f'<circle cx="{pad + i * step:.1f}" cy="{at:.1f}" r="1.8"/>' for i, at in enumerate(y))
            return f'<g class="{style}"><polyline points="{points}"/>{dots}</g>'

        flat = [value for curve in curves for value in curve] + [0.0]
        low, high = min(flat), max(max(flat), min(flat) + 1e-6)
        parts = [line([0.0, 0.0], low, high, "wplus-zero")]
        parts += [line(curve, low, high, f"wplus-scale wplus-scale-{i % 6}") for i, curve in enumerate(curves)]
        label = f"scale from {low:.2f} to {high:.2f} over {self.frames} frames"
        if top > 0:
            parts.append(line(residual, 0.0, top, "wplus-residual"))
            label += f"; dashed: measured residual, at most {top:.1%} of f"
        names = [f'<li class="wplus-scale-{i % 6}">{html.escape(name)}</li>' for i, name in enumerate(self.names)]
        return (
            f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
            f"<ul>{''.join(names)}</ul><p>{label}</p>"
        )

    def summary(self) -> str:
        """One line for a person."""
        text = f"{len(self.layers)} layers, {self.edited} of {self.calls} UNet calls edited"
        if self.mode == "direct":
            return f"{text}, tokens appended"
        ratios = self.residual
        return f"{text}, residual {min(ratios):.2%} to {max(ratios):.2%} of f over {self.frames} frames"
