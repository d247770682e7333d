"""What the page shows of a job: its report as a small SVG with a legend, and its frames side by side."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

from PIL import Image

from ...edit.report import Report

WIDTH, HEIGHT, PAD = 320.0, 80.0, 6.0
STYLES = 6  # colours, in style.css
HEIGHT_OF_STRIP, WIDEST_STRIP = 192, 16_384  # pixels


def draw(report: Report) -> str:
    """The scale of each branch and the measured residual over the frames."""
    curves = [list(curve) for curve in zip(*report.scales)]
    residual, top = report.residual, max(report.residual)
    flat = [value for curve in curves for value in curve] + [0.0]
    low, high = min(flat), max(max(flat), min(flat) + 1e-6)
    parts = [_line([0.0, 0.0], low, high, "wplus-zero")]
    parts += [_line(curve, low, high, f"wplus-scale {_style(i)}") for i, curve in enumerate(curves)]
    label = f"scale from {low:.2f} to {high:.2f} over {report.frames} frames"
    if top > 0:
        parts.append(_line(residual, 0.0, top, "wplus-residual"))
        label += f"; dashed: measured residual, at most {top:.1%} of f"
    names = [f'<li class="{_style(i)}">{html.escape(name)}</li>' for i, name in enumerate(report.names)]
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
        f"<ul>{''.join(names)}</ul><p>{label}</p>"
    )


def _style(number: int) -> str:
    return f"wplus-scale-{number % STYLES}"


def _line(values: Sequence[float], low: float, high: float, style: str) -> str:
    step = (WIDTH - 2 * PAD) / max(len(values) - 1, 1)
    y = [HEIGHT - PAD - (value - low) / (high - low) * (HEIGHT - 2 * PAD) for value in values]
    points = " ".join(f"{PAD + i * step:.1f},{at:.1f}" for i, at in enumerate(y))
    dots = "".join(f'<circle cx="{PAD + i * step:.1f}" cy="{at:.1f}" r="1.8"/>' for i, at in enumerate(y))
    return f'<g class="{style}"><polyline points="{points}"/>{dots}</g>'


class Strip:
    """The frames of a batch, small, for the strip under the curve and the picture with the regions."""

    def __init__(self) -> None:
        self._frames = 0
        self._pictures: list[Image.Image] = []

    def add(self, image: Image.Image, frames: int) -> None:
        """Keep a finished image, one of so many; those beyond them are AnimateDiff's, which it drops."""
        if len(self._pictures) == frames:
            return
        self._frames = frames
        scale = min(HEIGHT_OF_STRIP / image.height, WIDEST_STRIP / (max(frames, 1) * image.width))
        size = [max(int(side * scale), 1) for side in image.size]
        self._pictures.append(image.resize(size).convert("RGB"))

    def url(self) -> str | None:
        """All frames side by side, as the data URL of a JPEG; None where a frame is missing."""
        if not self._frames or len(self._pictures) != self._frames:
            return None
        width, height = self._pictures[0].size
        strip = Image.new("RGB", (width * self._frames, height))
        for i, picture in enumerate(self._pictures):
            strip.paste(picture, (i * width, 0))
        return data_url(strip)


def data_url(picture: Image.Image) -> str:
    """A picture as the data URL of a JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
