"""Faces followed through a video: face 1 stays the same person, also where two cross."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .reader import ATTRIBUTES, Face, Reads

SAME = 0.5  # the distance of two vectors of one person, wherever they are: tried on 16 people, that of one in other
# sizes, light and turns was at most 0.35, that of two at least 0.42 and of 99 % of pairs 0.53 (dlib itself says 0.6)
OTHER = 0.65  # from which they are two persons also in one place, as after a cut: nine pairs of ten are farther apart
# Face widths that a face moves in a frame, and in several, where its vector does not tell who it is.
NEAR, FAR = 0.6, 2.0
LOST = 24  # frames after which only its vector tells
LEARNT = 0.1  # of a new vector, that a person's takes up
GLIMPSE = 2  # frames in which a face that is half hidden may look like somebody else's


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

    def check_person(self, person: int) -> None:
        """Raise ValueError where nobody has this number, or who has it could not be measured in any frame."""
        count = len(self.frames)
        if person not in self.people:
            there = f"faces 1 to {len(self.people)}" if self.people else "none"
            raise ValueError(f"there is no face {person} in {count} frames, but {there}")
        seen = [frame[person] for frame in self.frames if person in frame]
        if not any(face.values for face in seen):
            raise ValueError(f"face {person} is not measured in any of {count} frames: {seen[0].why}")

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
    return Faces(tuple(_without_glimpses(found)))


def _without_glimpses(frames: list[dict[int, Face]]) -> list[dict[int, Face]]:
    """The same without persons of a frame or two who stand where somebody else is missing that is there before and
    after: these are them, half hidden. The numbers that are left close up."""
    seen: dict[int, list[int]] = {}
    for i, frame in enumerate(frames):
        for number in frame:
            seen.setdefault(number, []).append(i)
    named = {number: number for number in seen}
    for number, at in seen.items():
        if len(at) <= GLIMPSE:
            named[number] = next((other for other in seen if _hides(frames, seen[other], other, number, at)), number)
    order = {number: place for place, number in enumerate(sorted(set(named.values())), 1)}
    return [{order[named[number]]: face for number, face in frame.items()} for frame in frames]


def _hides(frames: list[dict[int, Face]], there: list[int], other: int, number: int, at: list[int]) -> bool:
    """Whether who is seen ``at`` some frames alone may be another, who is ``there`` in others."""
    before, after = [i for i in there if i < at[0]], [i for i in there if i > at[-1]]
    if not before or not after or not set(at).isdisjoint(there) or after[0] - at[-1] > LOST:
        return False
    return _near(at[0] - before[-1], _away(frames[before[-1]][other].box, frames[at[0]][number].box))


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
        near = _near(gone, away)
        if self._vector is None or face.vector is None:
            return 1 + away if near else np.inf
        differ = float(np.linalg.norm(self._vector - face.vector))
        if differ < SAME or (near and differ < OTHER):
            return differ / SAME + min(away / FAR, 1.0) / 2
        return np.inf


def _near(gone: int, away: float) -> bool:
    """Whether a face may have come so many face widths in so many frames."""
    return gone <= LOST and away < min(NEAR * gone, FAR)


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
