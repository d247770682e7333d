"""Faces followed through a video: face 1 stays the same person, also where two cross."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .reader import ATTRIBUTES, Face, Reads

SAME = 0.5  # the distance of two vectors of one person, wherever they are: tried on 16 people, that of one in other
# sizes, light and turns was at most 0.35, that of two at least 0.42 and of 99 % of pairs 0.53 (dlib itself says 0.6)
OTHER = 0.65  # from which they are two persons also in one place, as after a cut: nine pairs of ten are farther apart
NEAR = 0.6  # face widths that a face moves from one frame to the next, at most, where its vector does not say who it is
LOST = 12  # frames after which only its vector tells who a face is
LEARNT = 0.1  # of a new vector, that a person's takes up


@dataclass(frozen=True)
class Faces:
    """The faces of a video: for each frame those that are seen in it, by the number of the person, from 1.

    Numbers are in the order of their first frames, the larger first. A frame without a face has none: a gap.
    """

    frames: tuple[dict[int, Face], ...]

    @property
    def people(self) -> list[int]:
        """The numbers of all persons."""
        return sorted({number for frame in self.frames for number in frame})

    def curve(self, attribute: str, person: int = 1) -> np.ndarray:
        """An attribute of a person by frame, (F,) float64; NaN where it is not seen.

        Raises:
            ValueError: no such attribute.
        """
        if attribute not in ATTRIBUTES:
            raise ValueError(f"there is no attribute {attribute!r}, expected {', '.join(ATTRIBUTES)}")
        seen = (frame.get(person) for frame in self.frames)
        return np.array([np.nan if face is None else face.values.get(attribute, np.nan) for face in seen])

    def to_dict(self) -> dict[str, list]:
        """What is written as JSON: boxes in pixels, attributes; None where there is no number, with the reason."""
        return {
            "frames": [
                {"frame": i, "faces": [_described(number, face) for number, face in sorted(frame.items())]}
                for i, frame in enumerate(self.frames)
            ]
        }


def measure(frames: Iterable[np.ndarray], reader: Reads) -> Faces:
    """The faces of a video's frames, (height, width, 3) uint8 each; one frame at a time is kept. Raises as `reader`."""
    return follow(reader.read(frames))


def follow(frames: Iterable[list[Face]]) -> Faces:
    """Give the faces of each frame the numbers of persons: by who they look like, and by where they were."""
    people: list[_Person] = []
    found = []
    for i, faces in enumerate(frames):
        costs = [(person.cost(face, i), j, k) for j, person in enumerate(people) for k, face in enumerate(faces)]
        named: dict[int, int] = {}  # a face's place in the frame, to its person's
        for cost, j, k in sorted(costs):
            if cost < np.inf and k not in named and j not in named.values():
                named[k] = j
        for k, face in enumerate(faces):
            if k in named:
                people[named[k]].see(face, i)
            else:
                named[k] = len(people)
                people.append(_Person(face, i))
        found.append({named[k] + 1: face for k, face in enumerate(faces)})
    return Faces(tuple(found))


class _Person:
    """Where somebody was last, and how they look on the whole."""

    def __init__(self, face: Face, frame: int) -> None:
        self._box, self._vector, self._frame = face.box, face.vector, frame

    def see(self, face: Face, frame: int) -> None:
        """Go on with what a face is like in a frame."""
        self._box, self._frame = face.box, frame
        if self._vector is None:
            self._vector = face.vector
        elif face.vector is not None:
            self._vector = self._vector + LEARNT * (face.vector - self._vector)

    def cost(self, face: Face, frame: int) -> float:
        """How little a face is likely to be this person's; infinite where it is somebody else's."""
        gone, away = frame - self._frame, _away(self._box, face.box)
        near = gone <= LOST and away < NEAR * gone
        if self._vector is None or face.vector is None:
            return 1 + away if near else np.inf
        differ = float(np.linalg.norm(self._vector - face.vector))
        if differ < SAME or (near and differ < OTHER):
            return differ / SAME + min(away / (NEAR * gone), 1.0) / 2
        return np.inf


def _away(one: tuple, other: tuple) -> float:
    """How far two boxes' centres are apart, by their width."""
    (x, y, width, height), (x2, y2, width2, height2) = one[:4], other[:4]
    far = np.hypot(x + width / 2 - x2 - width2 / 2, y + height / 2 - y2 - height2 / 2)
    return float(far / max((width + width2) / 2, 1e-6))


def _described(number: int, face: Face) -> dict[str, object]:
    """A face for JSON."""
    numbers = {name: round(face.values[name], 4) if name in face.values else None for name in ATTRIBUTES}
    why = {"why": face.why} if face.why else {}
    return {"id": number, "box": [round(x, 2) for x in face.box[:4]], **numbers, **why}
