"""What a direction was measured to do on a model, kept in a file beside it: `measure.calibrate` finds it out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ..version import VERSION
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing
from .index import Library
from .scan import CALIBRATION, Entry

MARK = "wplus_ext calibrate"  # in the JSON, by which its files are known
NUMBERS = {False: "lambda", True: "alpha"}  # what a track's numbers are: without an identity, and with one
LARGEST = 1 << 20  # bytes of such a file, which has some thousand


@dataclass(frozen=True)
class Step:
    """What a number of the direction gave, on average over the videos: the ``change`` of the attribute, in its own
    unit; the part of the faces that were still ``seen``; how far they are from who they were unedited (``unlike``: less
    than about 0.6 is the same person). None for no number."""

    number: float
    change: float | None
    seen: float
    unlike: float | None


@dataclass(frozen=True)
class Calibration:
    """What 1 of lambda, or of alpha, gives.

    ``slope`` of the ``attribute``, in its own unit, of which ``unit`` counts 1; ``spread`` is the slope's standard
    deviation over the videos. Faces hold from ``low`` to ``high``, both of which were tried. ``gives``: what 1
    gives of all attributes, each in its own unit. An attribute that is empty: it moves none that is measured.
    """

    attribute: str
    slope: float
    spread: float
    unit: float
    low: float
    high: float
    gives: Mapping[str, float] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    videos: int = 0
    model: str = ""
    adapter: str = ""

    def __str__(self) -> str:
        holds = f"faces hold from {self.low:g} to {self.high:g}"
        if not self.attribute:
            return f"nothing that is measured, {holds}"
        return f"{self.slope:+.2f} {self.attribute} (± {self.spread:.2f}), {holds}"

    def beyond(self, values: Sequence[float]) -> str:
        """What is to be said of values beyond the range in which faces held; empty where there are none."""
        if min(values) >= self.low - 1e-9 and max(values) <= self.high + 1e-9:
            return ""
        return f"faces were seen to hold from {self.low:g} to {self.high:g}: scale it, or look"

    @classmethod
    def from_dict(cls, values: object) -> Calibration:
        """From names and values. Raises ValueError for what is none."""
        if not isinstance(values, dict) or (missing := {one.name for one in fields(cls)} - values.keys()):
            raise ValueError(f"expected a calibration{f', with {min(missing)}' if isinstance(values, dict) else ''}")
        try:
            steps = [Step(**step) for step in values["steps"]]
            found = cls(**{**values, "steps": steps, "gives": dict(values["gives"])})
            numbers = (found.slope, found.spread, found.unit, found.low, found.high)
            is_plain = all(isinstance(number, (int, float)) and math.isfinite(number) for number in numbers)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"expected a calibration ({error})") from error
        if not is_plain:
            raise ValueError(f"expected finite numbers, got slope, spread, unit and range {numbers}")
        if not all(isinstance(text, str) for text in (found.attribute, found.model, found.adapter)):
            raise ValueError("expected the names of an attribute, a model and an adapter")
        if not (found.low <= 0 <= found.high and found.unit > 0):
            raise ValueError(f"expected a range around 0, got {found.low:g} to {found.high:g}")
        return found


def place_of(entry: Entry) -> Path:
    """Where a direction's calibration is: beside its file, or of a GANSpace component beside its table."""
    if entry.component:
        return entry.table.parent / f"{entry.component.name}{CALIBRATION}"
    return entry.path.parent / f"{entry.path.name}{CALIBRATION}"


def read(library: Library, entry: Entry) -> dict[str, Calibration]:
    """A direction's calibrations by what its number is, ``"lambda"`` or ``"alpha"``; none where it was another file
    then. Raises ValueError for a file that is damaged, or somebody's."""
    place = place_of(entry)
    if not place.exists():
        return {}
    content = _content(place)
    if content.get("direction") != library.hash(entry):
        return {}
    try:
        return {number: Calibration.from_dict(content[number]) for number in NUMBERS.values() if number in content}
    except ValueError as error:
        raise ValueError(f"{place}: {error}; calibrate again, or delete it") from error


def of(library: Library, direction: str, number: str, attribute: str) -> Calibration | None:
    """What 1 of a direction's lambda or alpha was measured to give of an attribute; None where nothing is known of it,
    or there is no such direction. Raises ValueError as `read`."""
    try:
        entry = library.find("directions", direction)
    except ValueError:
        return None
    found = read(library, entry).get(number)
    return found if found and found.attribute == attribute and found.slope else None


def read_all(library: Library) -> dict[str, dict[str, Calibration]]:
    """What all directions of a library have of it, by name. What cannot be read is left out: the list of directions
    says why."""
    found = {}
    for entry in library.entries("directions"):
        with suppress(ValueError, OSError):
            found[entry.name] = read(library, entry)
    return {name: each for name, each in found.items() if each}


def check(entry: Entry) -> None:
    """Raise ValueError where a direction's calibration cannot be written, since somebody's file is there, or it is in
    a folder that cannot be written."""
    check_place(place_of(entry), _is_ours)


def write(library: Library, entry: Entry, number: str, found: Calibration) -> Path:
    """Keep a calibration, and that of the other kind of number where it is of the same file; gives its place.

    Raises ValueError as `check`, OSError.
    """
    place, digits = place_of(entry), library.hash(entry)
    with replacing(place, lambda: check(entry)) as part:
        before = _content(place) if place.exists() and _is_ours(place) else {}
        kept = before if before.get("direction") == digits else {}
        content = {**kept, MARK: VERSION, "direction": digits, number: asdict(found)}
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return place


def _content(place: Path) -> dict:
    try:
        content = json.loads(read_regular(place, LARGEST))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: no calibration ({error}); calibrate again, or delete it") from error
    if not isinstance(content, dict) or MARK not in content:
        raise ValueError(f"{place}: no calibration, expected what calibrate wrote; delete it")
    return content


def _is_ours(place: Path) -> bool:
    try:
        return MARK in _content(place)
    except (ValueError, OSError):
        return False
