"""The track language: parse and format.

One line a track, as in ``smile[0:8] = -0.7 > 0 > 0.7``; the grammar stands in docs/tracks.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .easings import PLAIN
from .reader import MAX_KEYS, MAX_PLACES, MAX_SIZE, Reader, TrackError

LAYERS = 18  # rows of a W+ latent
MAX_TRACKS = 64

__all__ = [
    "LAYERS", "MAX_KEYS", "MAX_PLACES", "MAX_SIZE", "MAX_TRACKS", "Key", "Schedule", "Track", "TrackError", "format",
    "format_schedule", "is_name", "parse", "parse_schedule", "plain",
]  # fmt: skip

Read = TypeVar("Read")
_NAME = re.compile(r"[^\[\]=#]+")


@dataclass(frozen=True)
class Key:
    """A value at a position. ``unit`` is ``"frame"``, ``"percent"`` or ``"spread"`` (the position
    is then the key's number); ``easing`` rules the segment that starts here, and ``bezier`` holds
    ``(x1, y1, x2, y2)`` where it is ``"bez"``."""

    position: float
    value: float
    unit: str = "frame"
    easing: str = "linear"
    bezier: tuple[float, float, float, float] | None = None
    column: int = field(default=1, compare=False)  # where it was written


@dataclass(frozen=True)
class Schedule:
    """Keys in the order of the text. A constant is one spread key."""

    keys: tuple[Key, ...]
    loop: bool = False


@dataclass(frozen=True)
class Track:
    """A schedule for a direction, limited to the latent's rows ``first <= row < end``, and to a ``region`` of the
    picture where that is not empty; ``line`` is where it was written."""

    name: str
    schedule: Schedule
    layers: tuple[int, int] = (0, LAYERS)
    line: int = field(default=1, compare=False)
    region: str = ""

    @property
    def called(self) -> str:
        """Its name, with its region where it has one."""
        return f"{self.name}[{self.region}]" if self.region else self.name


def parse(text: str) -> list[Track]:
    """Read a track text.

    Blank lines and lines that begin with ``#`` are skipped.

    Raises:
        TrackError: with line, column and what was expected.

    >>> parse("smile[0:8] = 0 > 0.7")[0].layers
    (0, 8)
    """
    return read_lines(text, "tracks", _track)


def read_lines(text: str, what: str, read: Callable[[Reader], Read]) -> list[Read]:
    """What is read from each line of a text that is neither blank nor a comment; ``what`` they are, in a fault."""
    found: list[Read] = []
    for number, line in enumerate(lines_of(text), 1):
        reader = Reader(line, number)
        if reader.at_end() or reader.peek("#"):
            continue
        if len(found) == MAX_TRACKS:
            reader.fail(f"expected at most {MAX_TRACKS} {what}")
        found.append(read(reader))
    return found


def parse_schedule(text: str) -> Schedule:
    """Read one schedule, the part of a track that follows ``=``. Raises TrackError."""
    reader = Reader(_marked(text), 1)
    schedule = _schedule(reader)
    reader.expect_end()
    return schedule


def is_name(name: str) -> bool:
    """Whether a track can be called by this name."""
    return bool(_NAME.fullmatch(name)) and name == name.strip() and name.isprintable()


def format(tracks: list[Track]) -> str:
    """Write tracks as text; ``parse(format(tracks)) == tracks`` for tracks that came from a text."""
    lines = []
    for track in tracks:
        first, end = track.layers
        limits = [*(() if (first, end) == (0, LAYERS) else (f"{first}:{end}",)), *([track.region] * bool(track.region))]
        brackets = f"[{', '.join(limits)}]" if limits else ""
        lines.append(f"{track.name}{brackets} = {format_schedule(track.schedule)}")
    return "\n".join(lines)


def format_schedule(schedule: Schedule) -> str:
    """Write a schedule as text; parsing it gives the same schedule."""
    if schedule.keys[0].unit == "spread":
        body = " > ".join(plain(key.value) for key in schedule.keys)
    else:
        body = ", ".join(map(_format_key, schedule.keys))
    return f"loop {body}" if schedule.loop else body


def lines_of(text: str) -> list[str]:
    return _marked(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _marked(text: str) -> str:
    """Without the mark that some editors put before a text."""
    return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")


def plain(number: float) -> str:
    """A number as the language writes it: at most four places, no exponent, no trailing zeros, no minus before 0."""
    text = f"{number:.{MAX_PLACES}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _format_key(key: Key) -> str:
    return format_key(key, plain(key.value))


def format_key(key: Key, value: str) -> str:
    """A key as text, with its value as it stands in the parentheses."""
    percent = "%" if key.unit == "percent" else ""
    easing = "" if key.easing == "linear" else f":{key.easing}"
    if key.bezier:
        easing += "".join(f"/{plain(number)}" for number in key.bezier)
    return f"{plain(key.position)}{percent}:({value}){easing}"


def _track(reader: Reader) -> Track:
    name = reader.name()
    layers, region = (0, LAYERS), ""
    if reader.take("["):
        is_layered = reader.at_digit()
        if is_layered:
            layers = _layers(reader)
        if not is_layered or reader.take(","):
            region = reader.region("the name of a region" if is_layered else "the first layer, or a region's name")
        reader.expect("]")
    reader.expect("=")
    schedule = _schedule(reader)
    reader.expect_end()
    return Track(name, schedule, layers, reader.line, region)


def _layers(reader: Reader) -> tuple[int, int]:
    first = reader.whole("the first layer")
    reader.expect(":")
    at = reader.at
    end = reader.whole("the end of the layers")
    if not first < end <= LAYERS:
        reader.at = at
        reader.fail(f"expected layers [first:end] with first < end <= {LAYERS}, found [{first}:{end}]", "")
    return first, end


def _schedule(reader: Reader) -> Schedule:
    loop = reader.word("loop")
    at = reader.at
    first = reader.number("a number or a key")
    if reader.peek(":") or reader.peek("%"):
        reader.at = at
        return Schedule(read_keys(reader, reader.bracketed), loop)
    reader.limit(first, at)
    values = [first]
    while reader.take(">"):
        reader.room(len(values))
        values.append(reader.value())
    return Schedule(tuple(Key(float(i), value, "spread") for i, value in enumerate(values)), loop)


def read_keys(reader: Reader, bracketed: Callable[[], float]) -> tuple[Key, ...]:
    """Keys to the end of a line; ``bracketed`` reads what stands in a key's parentheses, its value."""
    keys, seen = [], set()
    while True:
        reader.room(len(keys))
        reader.skip()
        at = reader.at
        key = _key(reader, bracketed)
        if (key.position, key.unit) in seen:
            reader.at = at
            reader.fail("expected one key a frame, found a second one", "")
        seen.add((key.position, key.unit))
        keys.append(key)
        if not reader.take(",") or reader.at_end():
            return tuple(keys)


def _key(reader: Reader, bracketed: Callable[[], float]) -> Key:
    at = reader.at
    position, unit = reader.number("a frame or a percentage"), "frame"
    written = reader.since(at)
    if reader.take("%"):
        unit = "percent"
        if not 0 <= position <= 100:
            reader.at = at
            reader.fail(f"expected a percentage from 0 to 100, found {written}", "")
    else:
        reader.frame(position, at)
    reader.expect(":")
    value = bracketed()
    easing, bezier = "linear", None
    if reader.take(":"):
        easing, bezier = _easing(reader)
    return Key(position, value, unit, easing, bezier, at + 1)


def _easing(reader: Reader) -> tuple[str, tuple[float, float, float, float] | None]:
    for easing in PLAIN:
        if reader.word(easing):
            return easing, None
    if not reader.word("bez"):
        reader.fail(f"expected {', '.join(PLAIN)} or bez/x1/y1/x2/y2")
    numbers = []
    for coordinate in ("x1", "y1", "x2", "y2"):
        reader.expect("/")
        reader.skip()
        at = reader.at
        numbers.append(reader.value(coordinate, ",:>)/"))
        if coordinate[0] == "x" and not 0 <= numbers[-1] <= 1:
            written, reader.at = reader.since(at), at
            reader.fail(f"expected {coordinate} from 0 to 1, found {written}", "")
    return "bez", tuple(numbers)
