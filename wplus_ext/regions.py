"""Regions of the picture, in text: ellipses that move with the frames.

One line a region, as in ``left = 0:(0.3 0.42 0.12 0.17), 100%:(0.36 0.4 0.12 0.17)``: centre and half-axes, as parts of
the picture's width and height; the grammar stands in docs/tracks.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .curve import evaluate
from .reader import Reader
from .tracks import Key, Schedule, format_key, lines_of, plain, read_keys, read_lines

Ellipse = tuple[float, float, float, float]  # x and y of its centre, half its width and height, parts of the picture's
PARTS = (("the centre's x", -1, 2), ("the centre's y", -1, 2), ("half the width", 0, 2), ("half the height", 0, 2))

EXPECTED = "four numbers in parentheses, such as (0.5 0.4 0.2 0.3), or keys with them"


@dataclass(frozen=True)
class Region:
    """A named ellipse. ``parts`` are the schedules of its four numbers, with the same keys; ``line`` is where it was
    written."""

    name: str
    parts: tuple[Schedule, Schedule, Schedule, Schedule]
    line: int = field(default=1, compare=False)

    def ellipses(self, frames: int) -> list[Ellipse]:
        """Where it is at each frame. Raises TrackError as `curve.evaluate`."""
        x, y, wide, high = (evaluate(part, frames) for part in self.parts)
        return [(a, b, max(c, 0.0), max(d, 0.0)) for a, b, c, d in zip(x, y, wide, high)]  # a Bezier may go further


def parse_regions(text: str) -> list[Region]:
    """Read a text of regions. Blank lines and lines that begin with ``#`` are skipped.

    Raises:
        TrackError: with line, column and what was expected.
    """
    names: set[str] = set()

    def read(reader: Reader) -> Region:
        at, region = reader.at, _region(reader)
        if region.name in names:
            reader.at = at
            reader.fail(f"expected one region of a name, found a second {region.name}", "")
        names.add(region.name)
        return region

    return read_lines(text, "regions", read)


def format_regions(regions: list[Region]) -> str:
    """Write regions as text; what was parsed from a text is parsed from this again."""
    return "\n".join(f"{region.name} = {_format_parts(region.parts)}" for region in regions)


def with_regions(text: str, regions: list[Region]) -> str:
    """A text of regions with these too, in the place of those of their names. Raises TrackError where it cannot be
    read."""
    names = {region.name for region in regions}
    gone = {region.line for region in parse_regions(text) if region.name in names}
    kept = [line for number, line in enumerate(lines_of(text), 1) if number not in gone]
    return "\n".join([*"\n".join(kept).rstrip().split("\n"), format_regions(regions)]).lstrip("\n")


def _format_parts(parts: tuple[Schedule, ...]) -> str:
    keys = zip(*(part.keys for part in parts))
    texts = [(several[0], " ".join(plain(key.value) for key in several)) for several in keys]
    body = ", ".join(f"({text})" if key.unit == "spread" else format_key(key, text) for key, text in texts)
    return f"loop {body}" if parts[0].loop else body


def _region(reader: Reader) -> Region:
    name = reader.region("the name of a region")
    reader.expect("=")
    loop = reader.word("loop")
    if reader.peek("("):
        keys: tuple[Key, ...] = (Key(0.0, reader.numbers(PARTS), "spread"),)
    else:
        at = reader.at
        reader.number(EXPECTED)
        is_key, reader.at = reader.peek(":") or reader.peek("%"), at
        if not is_key:
            reader.fail(f"expected {EXPECTED}")
        keys = read_keys(reader, lambda: reader.numbers(PARTS))
    reader.expect_end()
    parts = (Schedule(tuple(replace(key, value=key.value[i]) for key in keys), loop) for i in range(len(PARTS)))
    return Region(name, tuple(parts), reader.line)
