"""Calibration: how much of which attribute a direction's number gives, and from where faces break.

Videos are measured unedited and with some numbers, the same on all frames; what a number gives is the mean change over
frames and videos, and a line through these is how much 1 of it gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..library.calibration import Calibration, Step
from .follow import Faces
from .reader import ATTRIBUTES

LOST = 0.1  # of the faces: where more cannot be measured any more, they do not hold
NOTED = 0.15  # units: an attribute that changes less over the range in which faces hold is not moved
CERTAIN = 2.0  # times by which a slope is larger than its standard error, at least, to be one


def calibrate(
    unedited: Sequence[Faces],
    edited: Mapping[float, Sequence[Faces]],
    units: Mapping[str, float],
    attribute: str = "",
    **about: str,
) -> Calibration:
    """What a direction gives, of its first person's face.

    Args:
        unedited: the videos as they are, N of them.
        edited: by the direction's number, but 0, the same videos with it.
        units: of attributes, those that are not 1, as a reader has them.
        attribute: that it moves; where it is empty, the one that was seen to move the most, for its unit.
        about: ``model`` and ``adapter``, to be kept with it.

    Raises:
        ValueError: no face in the videos as they are; fewer than two numbers.
    """
    before = np.array([_curves(faces) for faces in unedited])  # (N, A, F)
    seen = np.isfinite(before).any(1)
    if not seen.any():
        raise ValueError(f"no face was measured in {seen.size} frames as they are; nothing can be calibrated with them")
    if len(edited) < 2:
        raise ValueError(f"{len(edited)} numbers of the direction, expected two or more")
    numbers = np.array(sorted(edited))
    after = np.array([[_curves(faces) for faces in edited[number]] for number in numbers])  # (V, N, A, F)
    left = (np.isfinite(after).any(2) & seen).sum((1, 2)) / seen.sum()
    low, high = _range(numbers, left >= 1 - LOST)
    changes = _mean(after - before)  # (V, N, A)
    holds = (numbers >= low) & (numbers <= high)
    slopes = _slopes(numbers[holds], changes[holds]).T  # (A, N)
    scale = np.array([units.get(name, 1.0) for name in ATTRIBUTES])
    slope, spread = _mean(slopes), _deviation(slopes)
    which = _most(slope / scale, spread / scale, len(before), high - low, attribute)
    is_moved = which is not None
    change = _mean(changes[..., which]) if is_moved else np.full(len(numbers), np.nan)
    unlike = [_unlike(unedited, edited[number]) for number in numbers]
    return Calibration(
        attribute=ATTRIBUTES[which] if is_moved else "",
        slope=_rounded(slope[which]) if is_moved else 0.0,
        spread=_rounded(spread[which]) if is_moved else 0.0,
        unit=float(scale[which]) if is_moved else 1.0,
        low=low,
        high=high,
        gives={name: _rounded(x) for name, x in zip(ATTRIBUTES, slope) if np.isfinite(x)},
        steps=[Step(*map(_rounded, each)) for each in zip(numbers, change, left, unlike)],
        videos=len(unedited),
        **about,
    )


def _curves(faces: Faces) -> np.ndarray:
    """All attributes of the first person, (A, F)."""
    return np.stack([faces.curve(name) for name in ATTRIBUTES])


def _range(numbers: np.ndarray, hold: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest number up to which all hold, from 0 on."""
    ends = []
    for way in (-1, 1):
        side = sorted((abs(number), held) for number, held in zip(numbers, hold) if number * way > 0)
        broken = next((i for i, (_, held) in enumerate(side) if not held), len(side))
        ends.append(float(way * side[broken - 1][0]) if broken else 0.0)
    return ends[0], ends[1]


def _slopes(numbers: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """The slope of a line through changes (V, N, A) by numbers (V,), for each video and attribute: least squares; NaN
    where there are fewer than two numbers."""
    known = np.isfinite(changes)
    weights = known / np.maximum(known.sum(0), 1)
    at = numbers[:, None, None] - (weights * numbers[:, None, None]).sum(0)
    squares = (known * np.square(at)).sum(0)
    products = (known * at * np.where(known, changes, 0)).sum(0)
    return np.where(squares > 1e-9, products / np.maximum(squares, 1e-9), np.nan)


def _most(slope: np.ndarray, spread: np.ndarray, videos: int, reach: float, attribute: str) -> int | None:
    """The attribute that moves the most, for its unit, or this one; None where it does not move enough to say so."""
    sure = np.abs(slope) > CERTAIN * spread / np.sqrt(videos)
    moved = np.where(np.isfinite(slope) & sure & (np.abs(slope) * reach >= NOTED), np.abs(slope), 0)
    if attribute:
        moved = np.where(np.array(ATTRIBUTES) == attribute, moved, 0)
    return int(moved.argmax()) if moved.any() else None


def _unlike(unedited: Sequence[Faces], edited: Sequence[Faces]) -> float:
    """How far the vectors of faces are from those of the same frames unedited, on average; NaN for none."""
    far = []
    for before, after in zip(unedited, edited):
        for one, other in zip(before.frames, after.frames):
            vectors = [frame[1].vector for frame in (one, other) if 1 in frame]
            if len(vectors) == 2 and all(vector is not None for vector in vectors):
                far.append(float(np.linalg.norm(vectors[0] - vectors[1])))
    return float(np.mean(far)) if far else np.nan


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over the last axis of what is a number; NaN for none."""
    known = np.isfinite(values)
    count = known.sum(-1)
    return np.where(count > 0, np.where(known, values, 0).sum(-1) / np.maximum(count, 1), np.nan)


def _deviation(values: np.ndarray) -> np.ndarray:
    """The standard deviation over the last axis of what is a number."""
    return np.sqrt(np.nan_to_num(_mean(np.square(values - _mean(values)[..., None]))))


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
