"""Regions around faces: where each person of a video is, told by few keys."""

from __future__ import annotations

import numpy as np

from ..regions import PARTS, Region
from ..tracks import MAX_KEYS, MAX_TRACKS, Key, Schedule
from . import fit
from .follow import Faces
from .reader import Face

GROWN = 0.8  # of a face's box: half the ellipse, which then holds brows, chin and cheeks where its weight is whole
TOLERANCE = 0.02  # parts of the picture, that an ellipse may be off
CALM = 1.0  # frames of the video over which a face's box, which shakes, is smoothed
PLACES = 3  # decimals


def regions_of(faces: Faces, size: tuple[int, int], frames: int | None = None, grown: float = GROWN) -> list[Region]:
    """A region around each person's face, ``face1`` and so on, in the order of their numbers.

    Args:
        faces: of a video whose pictures have this ``size``, width and height.
        frames: over which the regions go; those of the video where absent.
        grown: half of an ellipse, by the face's box.

    Where somebody is not seen the region goes straight on to where they are seen again.

    Raises:
        ValueError: more people, or more keys for one, than a text of regions holds.
    """
    if len(faces.people) > MAX_TRACKS:
        raise ValueError(f"{len(faces.people)} faces, expected at most {MAX_TRACKS}; cut the video")
    found = []
    for number in faces.people:
        places = np.array([_ellipse(frame.get(number), size, grown) for frame in faces.frames])  # (F, 4)
        filled = [fit.resampled(fit.calmed(fit.filled(part), CALM), frames or len(places)) for part in places.T]
        low, high = np.array([bounds[1:] for bounds in PARTS], float).T
        curves = np.clip(np.round(np.array(filled), PLACES), low[:, None], high[:, None])
        found.append(Region(f"face{number}", _schedules(curves)))
    return found


def _ellipse(face: Face | None, size: tuple[int, int], grown: float) -> tuple[float, ...]:
    if face is None:
        return (np.nan,) * len(PARTS)
    x, y, wide, high = face.box[:4]
    width, height = size
    return (x + wide / 2) / width, (y + high / 2) / height, grown * wide / width, grown * high / height


def _schedules(curves: np.ndarray) -> tuple[Schedule, ...]:
    """Curves (4, F) as schedules with the same keys, straight between them, put where one of them is farthest off one
    after the other (Douglas and Peucker, 1973)."""
    frames = curves.shape[1]
    if np.ptp(curves, axis=1).max() <= 2 * TOLERANCE:
        middles = np.round((curves.min(1) + curves.max(1)) / 2, PLACES)
        return tuple(Schedule((Key(0.0, float(value), "spread"),)) for value in middles)
    keys = [0, frames - 1]
    while True:
        off = np.max([np.abs(np.interp(np.arange(frames), keys, curve[keys]) - curve) for curve in curves], axis=0)
        if off.max() <= TOLERANCE:
            return tuple(Schedule(tuple(Key(float(i), float(curve[i])) for i in keys)) for curve in curves)
        keys = sorted({*keys, int(off.argmax())})
        if len(keys) > MAX_KEYS:
            raise ValueError(f"a face that needs more than {MAX_KEYS} keys to be followed; cut the video")
