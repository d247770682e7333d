"""What a face's points say: how its head is turned, its smile, mouth, eyes and brows, in units a person can ask for.

A mean head is fitted to the points that do not move in it (the nose, the eyes' corners) by weak perspective; all others
are then seen as from the front. So the numbers do not follow the head's size and roll, and little its yaw and pitch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .points import MIRROR

DEGREES = 30.0  # that are 1 of yaw, pitch and roll: portraits are seldom turned farther
FIXED = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45)  # the points that do not move in a head
# Half of the mean head: a point, and where it is, by the distance of the eyes' middles from the place between them:
# right, down, and towards the camera. Fitted, as symmetric, to the points that the network finds in 295 faces of
# gan-face-generate 1.1.1, each with a pose of its own (weak perspective; the faces' yaw goes from -30 to 30 degrees).
HALF = np.array([
    (17, -0.89, -0.25, -0.20), (18, -0.76, -0.35, -0.03), (19, -0.58, -0.37, 0.09), (20, -0.42, -0.35, 0.18),
    (21, -0.28, -0.30, 0.21), (27, 0.00, 0.05, 0.25), (28, 0.00, 0.26, 0.38), (29, 0.00, 0.46, 0.54),
    (30, 0.00, 0.64, 0.58), (31, -0.19, 0.74, 0.23), (32, -0.11, 0.76, 0.30), (33, 0.00, 0.79, 0.33),
    (36, -0.67, -0.01, -0.13), (37, -0.59, -0.06, 0.04), (38, -0.44, -0.06, 0.04), (39, -0.30, 0.03, -0.03),
    (40, -0.43, 0.05, 0.04), (41, -0.58, 0.05, 0.04), (48, -0.42, 1.09, -0.08), (49, -0.27, 1.03, 0.15),
    (50, -0.09, 0.98, 0.28), (51, 0.00, 1.00, 0.28), (57, 0.00, 1.31, 0.17), (58, -0.14, 1.29, 0.15),
    (59, -0.27, 1.23, 0.07), (60, -0.38, 1.09, -0.07), (61, -0.13, 1.08, 0.19), (62, 0.00, 1.07, 0.23),
    (66, 0.00, 1.17, 0.17), (67, -0.13, 1.16, 0.15),
])  # fmt: skip

# The lengths that are 0, and 1 more: medians and last percents of 368 faces of gan-face-generate that look ahead. A
# smile's 0 is the median of those that the expression network calls neutral (0.007), its 1 a little beyond the 99th
# percentile (0.08), where half of the happy ones are at 0.5; lips are 0.02 apart when closed, 0.40 at the 99th; brows
# go from 0.25 (1st) to 0.42 (99th). Eyes: 14 open ones in photographs (0.34 to 0.50), and 8 shut (0.12 to 0.33),
# 6 of these by a warp.
SCALES = {"smile": (0.007, 0.08), "mouth_open": (0.02, 0.38), "eyes_open": (0.42, 0.18), "brows": (0.33, 0.08)}


class Pose(NamedTuple):
    """A head's pose in radians, the distance of its eyes in pixels as it would be from the front, and where the place
    between them is. Positive: turned to the right of the picture, raised, leaning clockwise."""

    yaw: float
    pitch: float
    roll: float
    eyes: float
    x: float
    y: float


def head() -> np.ndarray:
    """The mean head (68, 3), in eye distances; the jaw, which nothing is read from, is NaN."""
    points = np.full((68, 3), np.nan)
    index = HALF[:, 0].astype(int)
    points[index] = HALF[:, 1:]
    points[np.array(MIRROR)[index]] = HALF[:, 1:] * (-1, 1, 1)
    return points


HEAD = head()
_RIGID = HEAD[list(FIXED)] - HEAD[list(FIXED)].mean(0)
_SOLVED = np.linalg.pinv(_RIGID)  # (3, 13)


def pose_of(points: np.ndarray) -> Pose:
    """The pose of a head by its points (68, 2) in pixels: least squares, then the nearest turn and size.

    Raises:
        ValueError: points that lie in one place.
    """
    seen = points[list(FIXED)]
    middle = seen.mean(0)
    left, sizes, right = np.linalg.svd((_SOLVED @ (seen - middle)).T, full_matrices=False)
    size = float(sizes.mean())
    if not size > 1e-6:
        raise ValueError("the points lie in one place, or are no numbers; expected those of a face")
    turn = left @ right  # (2, 3), the first rows of a rotation
    ahead = np.cross(turn[0], turn[1])
    x, y = middle - size * (turn @ HEAD[list(FIXED)].mean(0))
    yaw, pitch = math.atan2(-ahead[0], ahead[2]), math.asin(min(max(ahead[1], -1), 1))
    return Pose(yaw, pitch, math.atan2(-turn[0, 1], turn[1, 1]), size, float(x), float(y))


def frontal(points: np.ndarray, pose: Pose) -> np.ndarray:
    """Points (68, 2) in pixels as they would be from the front, in eye distances from between the eyes: how deep in the
    head each lies is the mean head's. The jaw is NaN."""
    c, s = math.cos(pose.roll), math.sin(pose.roll)
    level = (points - (pose.x, pose.y)) @ np.array([[c, -s], [s, c]]) / pose.eyes
    right = (level[:, 0] - math.sin(pose.yaw) * HEAD[:, 2]) / math.cos(pose.yaw)
    depth = math.cos(pose.yaw) * HEAD[:, 2] - math.sin(pose.yaw) * right
    return np.stack([right, (level[:, 1] + math.sin(pose.pitch) * depth) / math.cos(pose.pitch)], 1)


def lengths(front: np.ndarray) -> dict[str, float]:
    """What is measured of a face as from the front (68, 2), in eye distances: how far the mouth's corners lie above
    its middle, the gap of the lips, and how high the brows are.

    The mouth's middle is two thirds the upper lip's and one third the lower one's: with halves, a mouth that opens in
    surprise would pass for a smile, since its corners do not follow the jaw.
    """
    high = -front[:, 1]
    return {
        "smile": float(high[[48, 54, 60, 64]].mean() - (2 * high[[51, 62]].mean() + high[[57, 66]].mean()) / 3),
        "mouth_open": float(high[[61, 62, 63]].mean() - high[[65, 66, 67]].mean()),
        "brows": float(high[17:27].mean() - high[36:48].mean()),
    }


def values(points: np.ndarray, pose: Pose, opening: float) -> dict[str, float]:
    """The attributes of a face, all but its age: 0 neutral, about +-1 the usual extremes.

    Args:
        points: (68, 2) in pixels.
        opening: of its eyes, as `eyes.opening` gives it.

    ``smile``: the mouth's corners up; ``mouth_open``: 0 closed, 1 wide open; ``eyes_open``: 0 as usual, about -1 shut;
    ``brows``: up; ``yaw``, ``pitch``, ``roll``: to the picture's right, raised, leaning clockwise; 1 is 30 degrees.
    Source of what 0 and 1 are: `SCALES`.
    """
    measured = lengths(frontal(points, pose)) | {"eyes_open": opening}
    found = {name: (length - SCALES[name][0]) / SCALES[name][1] for name, length in measured.items()}
    angles = {name: math.degrees(getattr(pose, name)) / DEGREES for name in ("yaw", "pitch", "roll")}
    return found | angles
