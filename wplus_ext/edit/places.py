"""Where in a picture an edit acts: ellipses with a soft edge, on the grid of a layer."""

from __future__ import annotations

import functools

import numpy as np

from ..regions import Ellipse

SOFT = 0.25  # of an ellipse's size: how far within its edge it begins to fade, and how far outside it has ended
KEPT = 1024  # masks: those of 64 frames, two regions and the grids of a UNet, twice


@functools.lru_cache(maxsize=KEPT)
def mask(ellipse: Ellipse, grid: tuple[int, int]) -> np.ndarray:
    """How much of an edit there is at each place of a grid (height, width), row by row: (height * width,) float64.

    1 within an ellipse, 0 outside of it, smoothly between them along its edge, where it is a half.
    """
    x, y, wide, high = ellipse
    if not (wide > 0 and high > 0):
        return np.zeros(grid[0] * grid[1])
    down, across = ((np.arange(length) + 0.5) / length for length in grid)
    away = np.hypot((across - x) / wide, ((down - y) / high)[:, None])
    part = np.clip((1 + SOFT - away) / (2 * SOFT), 0, 1)
    return (part * part * (3 - 2 * part)).reshape(-1)
