"""Faces in frames: where they are, what is to be seen in them, and who they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..library.index import Missing
from ..weights.devices import check_device
from ..weights.shapes import Float
from . import attributes
from .eyes import opening
from .networks import EXPRESSIONS, FACE, PORTRAIT, Ages, Detector, Expressions, Landmarks, Recognition
from .points import LEFT_EYE, OVERLAP, RIGHT_EYE, Box, Crop, around, cut, find, look, shared, upright

ATTRIBUTES = ("smile", "mouth_open", "eyes_open", "brows", "yaw", "pitch", "roll", "age")
FOLDER = "measure"  # of a library, in which the networks are
GET_THEM = "get the networks that measure faces: by Download in the accordion, or with the command fetch measure"
NETWORKS = (Detector, Landmarks, Expressions, Ages, Recognition)
SURE, MAYBE = 0.5, 0.2  # the scores of a face: the package's own, and where its points have to bear it out
FILLED = 0.35  # that a face's box and its points' share: of faces 0.43 and more, where there is none often nothing
SMALLEST = 14.0  # pixels between the eyes: a smile is off by 0.05 (the median of 16 faces); at 10 pixels by 0.12
FARTHEST = 45.0  # degrees of yaw and pitch; beyond, half of the points are guessed
UNSTEADY = 0.05  # by which looks at one face differ, in eye distances; those at a face that is seen by 0.02 to 0.04
# The package's crops: room around the points; from eyes to mouth, as a part of the portrait's side (dlib).
AGED, KNOWN = 1.2, 0.45
MOUTH = slice(48, 68)


@dataclass(frozen=True)
class Face:
    """A face in a frame.

    ``box`` in pixels; ``points`` (68, 2) in pixels, x first; ``values`` by `ATTRIBUTES`, as `attributes.values` has
    them, and ``age`` in years; ``expressions``, how likely each is; ``vector`` (128,), less than about 0.6 from that of
    the same person. Where the face is too small, too far turned or not seen clearly, ``why`` says so, and there are no
    values; the vector is None where it is too small.
    """

    box: Box
    points: np.ndarray = field(repr=False)
    values: dict[str, float] = field(default_factory=dict)
    expressions: dict[str, float] = field(default_factory=dict)
    vector: np.ndarray | None = field(default=None, repr=False)
    why: str = ""


class Reads(Protocol):
    """Whatever reads faces: these networks, or a reader of drawn faces. ``units`` says how much of an attribute counts
    as much as 1 of the others, where that is not 1 too."""

    units: Mapping[str, float]

    def read(self, frames: Iterable[np.ndarray]) -> Iterator[list[Face]]: ...


class Reader:
    """Reads faces by face-api's networks; an age is in years.

    Args:
        folder: where the files are: ``models/wplus/measure``.
        device: on which they are computed.

    Raises:
        ValueError: a file that is not the network's, or is damaged; a device that cannot be used; `Missing` where a
            file is not there.
        OSError: one cannot be read.
    """

    units = MappingProxyType({"age": 20.0})

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        check_device(device)
        try:
            loaded = [network.load(folder).to(device) for network in NETWORKS]
        except FileNotFoundError as error:
            raise Missing(f"{error.filename} is not there; {GET_THEM}", FOLDER) from error
        self._detector, self._landmarks, self._expressions, self._ages, self._recognition = loaded
        self._device = device

    def read(self, frames: Iterable[np.ndarray]) -> Iterator[list[Face]]:
        """The faces of each frame, the largest first; none where none is seen.

        Args:
            frames: (height, width, 3) uint8 each, red first.

        Raises:
            ValueError: a frame of another shape or of other numbers.
        """
        for number, frame in enumerate(frames):
            if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
                what = f"frame {number} is {frame.shape} {frame.dtype}"
                raise ValueError(f"{what}, expected (height, width, 3) uint8; convert it to RGB")
            yield self._faces(torch.tensor(np.ascontiguousarray(frame), device=self._device))

    @torch.no_grad()
    def _faces(self, frame: Tensor) -> list[Face]:
        picture = frame.permute(2, 0, 1).float()
        faces, seen = [], []
        for box in find(self._detector, frame[None], MAYBE)[0]:
            points, differ = look(self._landmarks, picture, box)
            filled = around(points, box.score)
            doubtful = shared(box, filled) < FILLED or (box.score <= SURE and not differ <= UNSTEADY)
            if doubtful or any(shared(filled, other) > OVERLAP for other in seen):
                continue
            seen.append(filled)
            faces.append(self._face(picture, box, points, differ))
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)

    def _face(self, picture: Float[Tensor, "3 h w"], box: Box, points: Float[Tensor, "68 2"], differ: float) -> Face:
        eyes, seen = _distance(points), points.numpy().astype(np.float64)
        if not eyes >= SMALLEST:
            return Face(
                box, seen, why=f"too small: {eyes:.0f} pixels between the eyes, expected at least {SMALLEST:.0f}"
            )
        vector = self._recognition(cut(picture, [portrait(points)], PORTRAIT))[0].cpu().numpy()
        pose = attributes.pose_of(seen)
        why = _doubt(pose, differ)
        if why:
            return Face(box, seen, vector=vector, why=why)
        crop = cut(picture, [upright(points, AGED)], FACE)
        both = torch.cat([crop, crop.flip(3)])
        found = attributes.values(seen, pose, opening(picture, points)) | {"age": float(self._ages(both).mean())}
        likely = self._expressions(both).mean(0).tolist()
        return Face(box, seen, found, dict(zip(EXPRESSIONS, likely)), vector)


def networks_in(roots: Sequence[Path]) -> Path:
    """The folder of the networks in the first of these libraries that has one. Raises `Missing` where none has."""
    folders = [root / FOLDER for root in roots]
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        raise Missing(f"there is no {' or '.join(map(str, folders))}; {GET_THEM}", FOLDER)
    return found


def portrait(points: Float[Tensor, "68 2"]) -> Crop:
    """The square from which a face is recognized: upright, the eyes and the mouth where dlib has them."""
    middles = torch.stack([points[part].mean(0) for part in (LEFT_EYE, RIGHT_EYE, MOUTH)])
    across = middles[1] - middles[0]
    angle = math.atan2(across[1], across[0])
    side = max(float((middles[:2] - middles[2]).norm(dim=1).mean()) / KNOWN, 1.0)
    x, y = middles.mean(0).tolist()
    down = 0.07 * side  # the middle of the three lies at 0.43 of the height
    return Crop(x - math.sin(angle) * down, y + math.cos(angle) * down, side, angle)


def _distance(points: Float[Tensor, "68 2"]) -> float:
    return float((points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0)).norm())


def _doubt(pose: attributes.Pose, differ: float) -> str:
    """Why a face's numbers would say nothing; empty where they do."""
    for name, angle in (("sideways", pose.yaw), ("up or down", pose.pitch)):
        degrees = abs(math.degrees(angle))
        if degrees > FARTHEST:
            return f"too far turned {name}: {degrees:.0f} degrees, expected at most {FARTHEST:.0f}"
    if not differ <= UNSTEADY:
        return (
            f"not seen clearly: looks at it differ by {differ:.2f} of the eyes' distance, expected {UNSTEADY} at most"
        )
    return ""
