"""How far eyes are open, by what is dark between their lids.

The network's points hardly follow the lids: an eye that is shut moves them by a tenth of what it should. Where the eyes
are they say well. So each eye is cut out, and counted how much of its height is as dark as its pupil and iris.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..weights.shapes import Float
from .points import Crop, cut

SIDE = 48  # pixels to which an eye's square is brought
CORNERS = ((36, 39), (42, 45))  # of each eye, as one sees them
MIDDLE = slice(12, 36)  # columns: where iris and pupil are
DARK = 0.3  # quantile of a row's middle that stands for it: the whites do not make it light
EDGE, SKIN = 10, 0.7  # rows above and below which are skin and lashes, and their quantile that stands for skin
INSIDE = slice(8, 40)  # rows that are counted: no brows
LEAST = 8.0  # of 255, by which an eye is darker than skin: less is noise


def opening(frame: Float[Tensor, "3 h w"], points: Float[Tensor, "68 2"]) -> float:
    """How high the dark between the lids is, by the eye's own width: 0.34 to 0.50 open, 0.12 to 0.33 shut (lashes are
    dark too); the mean of both eyes, the one that is seen wider counts more.

    Args:
        frame: 0 to 255.
        points: in pixels, on the CPU.
    """
    widths, heights = [], []
    for outer, inner in CORNERS:
        across, middle = points[inner] - points[outer], (points[inner] + points[outer]) / 2
        crop = Crop(*middle.tolist(), max(float(across.norm()), 1.0), math.atan2(across[1], across[0]))
        widths.append(crop.side)
        heights.append(_dark(cut(frame, [crop], SIDE)[0].mean(0).cpu()))
    return sum(w * h for w, h in zip(widths, heights)) / sum(widths)


def _dark(eye: Float[Tensor, "side side"]) -> float:
    """The part of a square's height that is as dark as its darkest rows; rows between these and skin count in part."""
    rows = torch.quantile(eye[:, MIDDLE], DARK, dim=1)
    skin = torch.quantile(torch.cat([rows[:EDGE], rows[-EDGE:]]), SKIN)
    darkest = rows.sort().values[:2].mean()
    part = ((skin - rows) / (skin - darkest).clamp(min=LEAST)).clamp(0, 1)
    return float(part[INSIDE].sum()) / SIDE
