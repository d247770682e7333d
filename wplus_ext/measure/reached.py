"""What came out beside what was asked for: a track's curve and the attribute that it moves, and what was to stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..curve import evaluate
from ..library.identities import read_person
from ..library.index import Library
from ..regions import Ellipse
from ..settings import Settings
from .follow import Faces
from .moves import moved
from .reader import ATTRIBUTES, Reads

SAME_PERSON = 0.6  # dlib's: vectors less far apart are of one person


@dataclass(frozen=True, eq=False)
class Curve:
    """A track that moves an attribute: its ``asked`` values and what was ``measured``, (F,) each, NaN for no number;
    ``unit`` is as much of the attribute as counts 1."""

    track: str
    attribute: str
    asked: np.ndarray = field(repr=False)
    measured: np.ndarray = field(repr=False)
    unit: float = 1.0

    @property
    def correlation(self) -> float | None:
        """Of asked and measured; None where one of them does not change, or fewer than two frames were measured."""
        seen = np.isfinite(self.measured)
        asked, measured = self.asked[seen], self.measured[seen]
        if len(asked) < 2 or np.ptp(asked) < 1e-6 or np.ptp(measured) < 1e-6:
            return None
        return float(np.corrcoef(asked, measured)[0, 1])


@dataclass(frozen=True, eq=False)
class Reached:
    """What was measured of one person in a video.

    ``seen`` of ``frames`` had numbers. ``unlike`` is how far the vectors are on average from the first one,
    ``unlike_photo`` from that of the identity's own photo, None where there are none: less than about 0.6 is the same
    person. ``unrest`` is by how much the attributes that no track moves change from frame to frame on average, in
    units.
    """

    curves: tuple[Curve, ...]
    frames: int
    seen: int
    unlike: float | None
    unrest: float | None
    unlike_photo: float | None = None

    @classmethod
    def of(
        cls,
        faces: Faces,
        tracks: Mapping[str, np.ndarray],
        units: Mapping[str, float],
        library: Library | None = None,
        photo: np.ndarray | None = None,
        whose: Mapping[str, int] = MappingProxyType({}),
    ) -> Reached:
        """From the faces of a video and the values of its tracks, (F,) each; tracks of which nobody knows what they
        move, not by calibrations in a library either, have no curve. ``photo`` is the vector of who it should be;
        ``whose`` are the faces that tracks are about, where that is another one than face 1."""
        person = 1
        curves = [
            Curve(
                name, attribute, np.array(values), faces.curve(attribute, whose.get(name, 1)), units.get(attribute, 1.0)
            )
            for name, values in tracks.items()
            if (attribute := moved(name.partition("[")[0], library))
        ]
        others = [name for name in ATTRIBUTES if name not in {curve.attribute for curve in curves}]
        steps = np.concatenate([np.abs(np.diff(faces.curve(name, person))) / units.get(name, 1.0) for name in others])
        steps = steps[np.isfinite(steps)]
        found = [frame[person] for frame in faces.frames if person in frame]
        vectors = [face.vector for face in found if face.vector is not None]
        return cls(
            tuple(curves),
            len(faces.frames),
            sum(bool(face.values) for face in found),
            _away(vectors[1:], vectors[0]) if vectors else None,
            float(steps.mean()) if len(steps) else None,
            None if photo is None else _away(vectors, photo),
        )

    def lines(self) -> list[str]:
        """Lines for a person."""
        if not self.seen:
            return [f"no face was measured in {self.frames} frames"]
        said = []
        for curve in (curve for curve in self.curves if np.isfinite(curve.measured).any()):
            low, high = np.nanmin(curve.measured), np.nanmax(curve.measured)
            asked = f"{curve.track} {curve.asked.min():.2f} to {curve.asked.max():.2f}"
            follows = "" if curve.correlation is None else f", correlation {curve.correlation:.2f}"
            said.append(f"{asked}: {curve.attribute} measured {low:.2f} to {high:.2f}{follows}")
        stays = []
        if self.unlike is not None:
            who = "the same person" if self.unlike < SAME_PERSON else "not the same person"
            stays.append(f"{who}, {self.unlike:.2f} from the first frame")
        if self.unlike_photo is not None:
            whose = "" if self.unlike_photo < SAME_PERSON else "not "
            stays.append(f"{whose}the identity's own person, {self.unlike_photo:.2f} from its photo")
        if self.unrest is not None:
            stays.append(f"all else changes by {self.unrest:.2f} a frame")
        missing = self.frames - self.seen
        stays += [f"{missing} of {self.frames} frames were not measured"] * (missing > 0)
        return [*said, "; ".join(stays)] if stays else said

    def to_dict(self) -> dict[str, object]:
        """Plain numbers, as the API's info gives them; None for no number."""
        return {
            "frames": self.seen,
            "curves": [
                {
                    "track": curve.track,
                    "attribute": curve.attribute,
                    "unit": curve.unit,
                    "asked": [round(float(value), 6) for value in curve.asked],
                    "measured": [round(float(x), 4) if np.isfinite(x) else None for x in curve.measured],
                    "correlation": _rounded(curve.correlation),
                }
                for curve in self.curves
            ],
            "unlike": _rounded(self.unlike),
            "unlike_photo": _rounded(self.unlike_photo),
            "unrest": _rounded(self.unrest),
        }


def reached(faces: Faces, size: tuple[int, int], settings: Settings, library: Library, reader: Reads) -> Reached:
    """What came out of settings, in the faces of a video of this width and height."""
    frames, photo = len(faces.frames), _photographed(settings.identity, library, reader)
    asked, whose = asked_of(settings, frames), {}
    for track in (track for track in settings.parsed if track.region):
        person = _person_in(faces, settings.places[track.region].ellipses(frames), size)
        if person is None:
            asked.pop(track.called, None)  # there is nobody whose face it could move
        else:
            whose[track.called] = person
    return Reached.of(faces, asked, reader.units, library, photo, whose)


def _person_in(faces: Faces, ellipses: Sequence[Ellipse], size: tuple[int, int]) -> int | None:
    """Who has the middle of their face in a region in most frames; None for nobody."""
    counts: Counter[int] = Counter()
    for frame, (x, y, wide, high) in zip(faces.frames, ellipses):
        for person, face in frame.items():
            left, top, width, height = face.box[:4]
            across, down = (left + width / 2) / size[0] - x, (top + height / 2) / size[1] - y
            counts[person] += bool(wide and high and (across / wide) ** 2 + (down / high) ** 2 < 1)
    person, most = max(counts.items(), key=lambda item: item[1], default=(None, 0))
    return person if most else None


def asked_of(settings: Settings, frames: int) -> dict[str, np.ndarray]:
    """What the tracks of settings ask for, by name, (F,) each: alpha of an identity, or lambda with its strength. Those
    of one name, for other layers, add up."""
    strength = np.ones(frames) if settings.identity is not None else np.array(evaluate(settings.schedule, frames))
    found: dict[str, np.ndarray] = {}
    for track in settings.parsed:
        found[track.called] = found.get(track.called, 0) + np.array(evaluate(track.schedule, frames)) * strength
    return found


def _photographed(identity: str | None, library: Library, reader: Reads) -> np.ndarray | None:
    """The vector of an identity's own photo, which its file keeps small; None where it has none."""
    picture = None if identity is None else read_person(library.find("latents", identity).path).thumbnail
    if picture is None:
        return None
    with suppress(ValueError):  # a reader of drawn faces takes no photo
        seen = next(iter(reader.read([np.asarray(picture.convert("RGB"))])))
        return seen[0].vector if seen else None
    return None


def _away(vectors: Sequence[np.ndarray], who: np.ndarray) -> float | None:
    """How far vectors are from one, on average; None for none."""
    return float(np.mean([np.linalg.norm(vector - who) for vector in vectors])) if vectors else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
