"""What the script for several videos is asked to do: its fields, once. Page, API, infotext and docs follow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...fields import check, fields_of, refuse_unknown, setting
from ...measure.goals import Wanted, moved_by
from ...settings import NO_IDENTITY, PREFIX, nearest
from ...tracks import TrackError, parse

NAME = "W+ compare and aim"  # in the list of scripts
KEY = f"{PREFIX}script"  # of the infotext's entries
MODES = ("Compare", "Draft", "Find faces", "Aim")
AXES = ("nothing", "tracks", "strength", "identity", "seed", "prompt")
EDITS = ("tracks", "strength", "identity")  # the axes that an unedited video does not know
FORMATS = ("webp", "gif", "mp4")
MOST = 100  # videos of a table
SEED = 2**32 - 1  # the greatest that all of the WebUI's parts take
ROWS = {  # of the page: modes that have them in common, and what stands in a row
    ("Compare",): (("rows", "columns"), ("row_values", "column_values"), ("unedited", "format")),
    ("Draft", "Find faces"): (("size", "steps"),),
    ("Aim",): (("targets",), ("hold", "by"), ("face", "renders", "close")),
}
FIELDS_OF = {mode: tuple(name for row in rows for name in row) for modes, rows in ROWS.items() for mode in modes}
_SIGNS = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class Value:
    """A row or a column of a table: its label, and what its videos have of their own."""

    label: str
    changes: Mapping[str, object]


UNEDITED = Value("unedited", {"enabled": False})
EDITED = Value("edited", {})


@dataclass(frozen=True)
class Order:
    """What is to be done with the job that the page, or a request, describes.

    ``table`` are the rows and columns of a comparison, ``wanted`` what is aimed at.

    Raises:
        ValueError: a value of a wrong type or out of its range, or that cannot be.
    """

    mode: str = setting(
        "Compare", "What to do", "compare videos, try one out quickly, find its faces, or reach what you name",
        choices=MODES,
    )  # fmt: skip
    rows: str = setting("nothing", "Rows", "what differs from row to row", choices=AXES)
    row_values: str = setting("", "Row values", "one a line; within one, ; parts the lines of tracks")
    columns: str = setting("strength", "Columns", "what differs from column to column", choices=AXES)
    column_values: str = setting("0.5\n1", "Column values", "as those of the rows")
    unedited: bool = setting(True, "Unedited too", "one more row or column, first, without the edit")
    format: str = setting("webp", "File of the table", "MP4 needs PyAV; a single picture is a PNG", choices=FORMATS)
    size: float = setting(0.5, "Smaller sides", "part of the width and height", low=0.1, high=1.0, step=0.05)
    steps: float = setting(
        0.5, "Fewer steps", "part of the steps; as many at least as reach the edit", low=0.05, high=1.0, step=0.05
    )
    targets: str = setting(
        "", "Targets", "what is to be seen in the video, one a line: attribute = value, or keys over the frames"
    )
    hold: str = setting("", "Hold", "attributes that are to stay as they are, with commas between them")
    by: str = setting(
        "",
        "Moved by",
        "attribute = direction, or direction[region], one a line; where empty, the direction of the attribute's name",
    )
    face: int = setting(
        1,
        "Whose face",
        "from 1, the larger first",
        note="it is measured; the edit changes all faces, unless Moved by names a region",
        low=1,
        high=1000,
    )
    renders: int = setting(8, "Renders at most", "videos that are tried, the unedited one first", low=2, high=100)
    close: float = setting(0.03, "Close enough", "the mean error at which the search ends", low=0.0, high=10.0)

    def __post_init__(self) -> None:
        check(self)
        _ = (self.table if self.mode == "Compare" else None), (self.wanted if self.mode == "Aim" else None)

    @classmethod
    def from_args(cls, args: Sequence[object]) -> Order:
        """From a script's positional arguments, in the order of the fields, or one dict in the first place; what the
        WebUI has behind it are other scripts' arguments. Raises ValueError, as the constructor does."""
        if args and isinstance(args[0], Mapping):
            refuse_unknown(cls, args[0], nearest)
            return cls(**args[0])
        return cls(**{field.name: value for field, value in zip(FIELDS, args)})

    def to_infotext(self) -> dict[str, object]:
        """The infotext's entries; an empty value has none, since it would break the paste."""
        values = {f"{KEY} {_worded(name)}": getattr(self, name) for name in FIELDS_OF[self.mode]}
        return {KEY: self.mode, **{key: value for key, value in values.items() if value != ""}}

    @cached_property
    def table(self) -> tuple[list[Value], list[Value]]:
        """The rows and columns of a comparison, the unedited ones among them."""
        if self.rows == self.columns != "nothing":
            raise ValueError(f"rows and columns are both {self.rows}, expected two different things, or nothing")
        rows = _values("rows", self.rows, self.row_values)
        columns = _values("columns", self.columns, self.column_values)
        if self.unedited:
            rows, columns = self._with_unedited(rows, columns)
        if len(rows) * len(columns) > MOST:
            raise ValueError(f"a table of {len(rows)} x {len(columns)} videos, expected at most {MOST}: ask for fewer")
        return rows, columns

    @cached_property
    def wanted(self) -> Wanted:
        """What is aimed at."""
        try:
            targets = parse(self.targets)
        except TrackError as error:
            raise ValueError(f"targets, {error}") from error
        if not targets:
            raise ValueError("targets is empty, expected a line such as smile = 0 > 0.7 > 0")
        hold = [name for name in (part.strip() for part in _SIGNS.split(self.hold)) if name]
        return Wanted(targets, hold, moved_by(line for line in self.by.splitlines() if line.strip()))

    def _with_unedited(self, rows: list[Value], columns: list[Value]) -> tuple[list[Value], list[Value]]:
        """With the unedited video where the edit varies, or else where nothing does; one for each row at last."""
        if self.columns in EDITS:
            return rows, [UNEDITED, *columns]
        if self.rows in EDITS:
            return [UNEDITED, *rows], columns
        if self.rows == "nothing":
            return [UNEDITED, EDITED], columns
        if self.columns == "nothing":
            return rows, [UNEDITED, EDITED]
        return [
            each
            for row in rows
            for each in (Value(f"{row.label}, {UNEDITED.label}", {**row.changes, **UNEDITED.changes}), row)
        ], columns


FIELDS = fields_of(Order)


def key_of(name: str) -> str:
    """The infotext's key of a field."""
    return KEY if name == "mode" else f"{KEY} {_worded(name)}"


def _worded(name: str) -> str:
    return name.replace("_", " ")


def _values(which: str, axis: str, text: str) -> list[Value]:
    """The values of an axis. Raises ValueError where there are none, or one cannot be."""
    if axis == "nothing":
        return [Value("", {})]
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not lines:
        raise ValueError(f"{which} vary {axis} and have no values, expected one a line")
    return [_value(which, axis, line) for line in lines]


def _value(which: str, axis: str, line: str) -> Value:
    if axis == "tracks":
        tracks = "\n".join(part.strip() for part in line.split(";"))
        return Value(tracks, {"tracks": tracks})
    if axis == "identity":
        return Value(f"identity {line}", {"identity": None if line == NO_IDENTITY else line})
    if axis == "seed":
        if not line.isdecimal() or int(line) > SEED:
            raise ValueError(f"{which} have the seed {line[:60]!r}, expected whole numbers, 0 to {SEED}, one a line")
        return Value(f"seed {int(line)}", {"seed": int(line)})
    return Value(line if axis == "prompt" else f"{axis} {line}", {axis: line})
