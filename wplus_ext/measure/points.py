"""Where faces are in frames, and their 68 points, steadier than one look at them gives.

A look's points shake by some percent of the eyes' distance when the crop moves by a pixel. So each face is looked at
three times, the last time in `LOOKS` crops that differ a little, all of them and their mirror images; the mean counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..weights.shapes import Float, UInt8
from .networks import DETECTED_AT, FACE, Detector, Landmarks, fitted

OVERLAP = 0.4  # that two boxes share of what they cover together when they are of one face (the package's own)
# The crop's side, by that of the points' box: steadier than 1.05 and 1.15 (tried on 16 faces, 18 pictures each).
ROOM = 1.25
LIGHT = 120.0  # to which the mean of a crop's middle is brought, of 255: dark frames are read as light ones
LOOKS = 8
ZOOM, TURN, SHIFT = 0.1, math.radians(8), 0.04  # by which the looks differ at most: as a logarithm, radians, parts
STEPS = (0.8566748839, 0.7338918566, 0.6287067210, 0.5385972572)  # Roberts' R4 sequence: spread evenly, however many
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)  # as one sees them
MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
    39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip


class Box(NamedTuple):
    """A face's box in pixels from the frame's top left corner, and how sure it is, 0 to 1."""

    x: float
    y: float
    width: float
    height: float
    score: float


class Crop(NamedTuple):
    """A square of a frame: its centre and side in pixels, turned clockwise by an angle in radians."""

    x: float
    y: float
    side: float
    angle: float


def find(detector: Detector, frames: UInt8[Tensor, "B h w 3"], sure: float) -> list[list[Box]]:
    """The boxes that may be faces in each frame, the surest first: of those that share much, the surest alone.

    Args:
        sure: the score that a box has at least.
    """
    scores, boxes = detector(fitted(frames, DETECTED_AT, centred=False))
    side = max(frames.shape[1:3])  # the frame was made square at its right and lower edges
    corners = torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., 2:]], -1) * side
    found = []
    for score, box in zip(scores.cpu(), corners.cpu()):
        kept: list[Box] = []
        for i in score.argsort(descending=True).tolist():
            if score[i] <= sure:
                break
            one = Box(*box[i].tolist(), float(score[i]))
            if all(shared(one, other) <= OVERLAP for other in kept):
                kept.append(one)
        found.append(kept)
    return found


def shared(one: Box, other: Box) -> float:
    """What two boxes share, as a part of what they cover together."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    common = max(width, 0) * max(height, 0)
    return common / max(one.width * one.height + other.width * other.height - common, 1e-9)


def around(points: Float[Tensor, "68 2"], score: float) -> Box:
    """The box that points fill."""
    low, high = points.min(0).values, points.max(0).values
    return Box(*low.tolist(), *(high - low).tolist(), score)


def cut(frame: Float[Tensor, "3 h w"], crops: list[Crop], side: int) -> Float[Tensor, "B 3 side side"]:
    """Squares of a frame, ``side`` pixels each, as far as they agree in size smoothed; what lies beyond is black."""
    shrink = max(int(min(crop.side for crop in crops) / side), 1)
    left, top, right, lower = _around(crops, frame.shape[2], frame.shape[1])
    part = frame[None, :, top:lower, left:right]
    if shrink > 1:  # sampling would skip pixels
        part = F.avg_pool2d(part, shrink, ceil_mode=True, count_include_pad=False)
    height, width = (x * shrink for x in part.shape[2:])  # in the frame's pixels
    rows = []
    for crop in crops:
        c, s = math.cos(crop.angle) * crop.side, math.sin(crop.angle) * crop.side
        x, y = 2 * (crop.x - left) / width - 1, 2 * (crop.y - top) / height - 1
        rows.append([[c / width, -s / width, x], [s / height, c / height, y]])
    grid = F.affine_grid(torch.tensor(rows, device=frame.device), (len(crops), 3, side, side), align_corners=False)
    return F.grid_sample(part.expand(len(crops), -1, -1, -1), grid, align_corners=False)


def upright(points: Float[Tensor, "68 2"], room: float = ROOM) -> Crop:
    """The square around a face's points in which its eyes are level."""
    across = points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0)
    angle = math.atan2(across[1], across[0])
    c, s = math.cos(angle), math.sin(angle)
    level = points @ torch.tensor([[c, -s], [s, c]])
    low, high = level.min(0).values, level.max(0).values
    x, y = ((low + high) / 2).tolist()
    return Crop(x * c - y * s, x * s + y * c, max(room * float((high - low).max()), 1.0), angle)


def look(landmarks: Landmarks, frame: Float[Tensor, "3 h w"], box: Box) -> tuple[Float[Tensor, "68 2"], float]:
    """A face's points in pixels, on the CPU, and how far the looks at them differ: the mean distance from their mean,
    as a part of the eyes' distance."""
    crops = [Crop(box.x + box.width / 2, box.y + box.height / 2, max(box.width, box.height), 0.0)]
    for _ in range(2):
        crops = [upright(_seen(landmarks, frame, crops).mean(0))]
    points = _seen(landmarks, frame, [_nearby(crops[0], i) for i in range(LOOKS)])
    mean = points.mean(0)
    eyes = (mean[RIGHT_EYE].mean(0) - mean[LEFT_EYE].mean(0)).norm()
    return mean, float((points - mean).norm(dim=2).mean() / eyes.clamp(min=1e-6))


def _seen(landmarks: Landmarks, frame: Float[Tensor, "3 h w"], crops: list[Crop]) -> Float[Tensor, "B 68 2"]:
    """The points in pixels that crops show, and then those that their mirror images show."""
    seen = _lit(cut(frame, crops, FACE))
    points = landmarks(torch.cat([seen, seen.flip(3)])).cpu() - 0.5
    points[len(crops) :] = points[len(crops) :, MIRROR] * torch.tensor([-1.0, 1.0])
    turned = []
    for at, crop in zip(points, [*crops, *crops]):
        c, s = math.cos(crop.angle) * crop.side, math.sin(crop.angle) * crop.side
        turned.append(at @ torch.tensor([[c, s], [-s, c]]) + torch.tensor([crop.x, crop.y]))
    return torch.stack(turned)


def _lit(faces: Float[Tensor, "B 3 side side"]) -> Float[Tensor, "B 3 side side"]:
    """Crops whose middles are equally light."""
    edge = faces.shape[-1] // 7
    light = faces[:, :, edge:-edge, edge:-edge].mean((1, 2, 3), keepdim=True)
    return (faces * (LIGHT / light.clamp(min=1))).clamp(0, 255)


def _nearby(crop: Crop, i: int) -> Crop:
    """The ``i``-th crop that differs a little."""
    zoom, turn, right, down = ((i + 0.5) * step % 1 * 2 - 1 for step in STEPS)
    c, s, far = math.cos(crop.angle), math.sin(crop.angle), SHIFT * crop.side
    x, y = crop.x + (right * c - down * s) * far, crop.y + (right * s + down * c) * far
    return Crop(x, y, crop.side * math.exp(ZOOM * zoom), crop.angle + TURN * turn)


def _around(crops: list[Crop], width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a frame that crops lie in: left, top, right and lower edge; at least one pixel of it."""
    reach = [0.75 * crop.side for crop in crops]  # half a diagonal is 0.71
    left = min(max(int(min(crop.x - r for crop, r in zip(crops, reach))), 0), width - 1)
    top = min(max(int(min(crop.y - r for crop, r in zip(crops, reach))), 0), height - 1)
    right = max(min(int(max(crop.x + r for crop, r in zip(crops, reach))) + 2, width), left + 1)
    return left, top, right, max(min(int(max(crop.y + r for crop, r in zip(crops, reach))) + 2, height), top + 1)
