"""The settings, once: the API's dict, the page's components and the infotext all follow from `Settings`."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .fields import check, fields_of, refuse_unknown, setting
from .regions import Region, parse_regions
from .tracks import Key, Schedule, Track, TrackError, format_schedule, parse, parse_schedule
from .window import Window

MODES = ("residual", "direct")
NO_IDENTITY = "None"  # what the page's list of identities says for none
PREFIX = "WPlus "  # of the infotext's keys
_AROUND = " \t\n\u00a0\u3000\ufeff"  # what the track language takes for blanks: others belong to a name
_STEPS = re.compile(r"(\d(?:\.\d+)?)-(\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Settings:
    """What a user asks for.

    ``parsed``, ``places`` and ``schedule`` are the tracks, the regions by name, and the strength as the track language
    reads them; ``window`` is when they apply.

    Raises:
        ValueError: a value of a wrong type or out of its range, a track's region that there is not; `TrackError` for
            the tracks.
    """

    enabled: bool = setting(False, "Enable W+ Adapter", "edit the faces of what is generated")
    adapter: str = setting("", "Adapter file", "by its name; the first one where empty", folder="adapters")
    mode: str = setting(
        "residual", "Method", "residual is the one to use; direct is the earlier, weaker one, for comparison",
        note="residual adds to each cross-attention; direct appends the tokens to the text tokens: it needs the "
        "negative rows, and frames of scale 0 change a little too",
        choices=MODES,
    )  # fmt: skip
    identity: str | None = setting(
        None, "Identity", "a person to draw: then tracks change that face, and without they change any face",
        note="with one, tracks move it (`w_id + alpha * n`, alpha from about -8 to 8) and strength is its lambda; "
        "without, each track is lambda of its direction, from about -1 to 1",
        folder="latents",
    )  # fmt: skip
    tracks: str = setting("", "Tracks", "one line a track: direction = value, or keys over the frames")
    strength: str = setting("1", "Strength", "a number or a curve: of all tracks together, or of the identity")
    start: float = setting(
        0.2, "Start", "part of the steps before the edit begins: the text lays out the picture first",
        note="active in step i of n when `start * n <= i < end * n`",
        low=0.0, high=1.0, step=0.01,
    )  # fmt: skip
    end: float = setting(1.0, "End", "part of the steps after which the edit stops", low=0.0, high=1.0, step=0.01)
    negative: bool = setting(
        True, "Follow the negative prompt's half too", "edit it as well, as the method's authors do",
        note="edits the unconditional rows with the adapter's zero latent, as the reference does",
    )  # fmt: skip
    regions: str = setting(
        "", "Regions", "one line a region: left = (x y half-width half-height), parts of the picture",
        note="a track is kept to one by its name in brackets, `smile[left] = 0.5`; keys over the frames move it",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for field in FIELDS:
            object.__setattr__(self, field.name, _plain(field.name, getattr(self, field.name)))
        check(self)
        check_mode(self.mode, self.negative)
        _ = self.window, self.parsed, self.places, self.schedule  # their faults are ours
        check_regions(self)

    @cached_property
    def window(self) -> Window:
        """The steps between start and end."""
        return Window(self.start, self.end)

    @cached_property
    def parsed(self) -> tuple[Track, ...]:
        """The tracks."""
        return tuple(parse(self.tracks))

    @cached_property
    def places(self) -> dict[str, Region]:
        """The regions, by name."""
        try:
            return {region.name: region for region in parse_regions(self.regions)}
        except TrackError as error:
            raise ValueError(f"regions, {error}") from error

    @cached_property
    def schedule(self) -> Schedule:
        """The strength."""
        try:
            return parse_schedule(self.strength)
        except TrackError as error:
            raise ValueError(f"strength {self.strength!r}: {error}") from error

    @classmethod
    def from_args(cls, args: Sequence[object], overrides: Mapping[str, object] | None = None) -> Settings:
        """From a script's positional arguments, in the order of the fields, or one dict in the first place;
        ``overrides`` go before both. Raises ValueError, as the constructor does.

        Positional arguments are what a page holds: where they are switched off, the rest is not looked at.
        """
        if args and isinstance(args[0], Mapping):
            values = dict(args[0])
            if any(isinstance(other, Mapping) for other in args[1:]):
                raise ValueError(f"{len(args)} arguments, expected one object that holds all fields")
        elif len(args) > len(FIELDS):
            names = ", ".join(field.name for field in FIELDS)
            raise ValueError(f"{len(args)} arguments, expected at most {len(FIELDS)}: {names}")
        else:
            values = {field.name: value for field, value in zip(FIELDS, args)}
            if not overrides and values.get("enabled") is False:
                return cls()
        return cls.from_dict({**values, **(overrides or {})})

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Settings:
        """From the API's dict. Raises ValueError, naming fields that there are not."""
        refuse_unknown(cls, values, nearest)
        return cls(**values)

    def to_infotext(self) -> dict[str, object]:
        """The infotext's entries; an empty value has none, since it would break the paste."""
        values = {name: getattr(self, name) for name in _BY_NAME}
        values |= {name: getattr(self, name).strip(_AROUND) for name in ("tracks", "regions", "strength")}
        values["steps"] = "-".join(f"{x:.6f}".rstrip("0").rstrip(".") for x in (self.start, self.end))
        return {PREFIX + name: value for name, value in values.items() if value not in (None, "")}


FIELDS = fields_of(Settings)
_READ = {bool: lambda value: str(value) != "False", int: int, float: float, str: lambda value: value}  # from infotext
# In the infotext by their own names: `enabled` is that there is one, start and end share "WPlus steps".
_BY_NAME = [field.name for field in FIELDS if field.name not in ("enabled", "start", "end")]


def from_infotext(params: Mapping[str, object]) -> dict[str, object]:
    """The fields that a parsed infotext says, unchecked; a picture made without us says ``enabled`` False.

    Gives nothing for a text that is no infotext.
    """
    if "Steps" not in params:
        return {}
    if f"{PREFIX}mode" not in params:
        return {"enabled": False}
    found: dict[str, object] = {"enabled": True}
    for field in FIELDS:
        if field.name in _BY_NAME:
            missing = "" if field.optional else field.default
            value = params.get(PREFIX + field.name, missing)
            found[field.name] = _READ[field.kind](value)
    steps = _STEPS.fullmatch(str(params.get(f"{PREFIX}steps", "")))
    found["start"], found["end"] = map(float, steps.groups()) if steps else (Settings.start, Settings.end)
    return found


def check_mode(mode: str, negative: bool) -> None:
    """Raise ValueError for a mode that there is not, or that cannot leave the negative rows alone."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    if mode == "direct" and not negative:
        raise ValueError(
            "negative is off in the direct mode, which appends tokens to every row of a batch: "
            "switch negative on, or use the residual mode"
        )


def check_regions(settings: Settings) -> None:
    """Raise ValueError for a track in a region that there is not, and for regions in the direct mode."""
    for track in settings.parsed:
        if track.region and track.region not in settings.places:
            meant = nearest(track.region, [*settings.places])
            raise ValueError(
                f"tracks, line {track.line}: there is no region {track.region!r}{meant}; expected a line of it in "
                f"regions, such as {track.region} = (0.5 0.4 0.2 0.3)"
            )
        if track.region and settings.mode == "direct":
            raise ValueError(
                f"tracks, line {track.line}: the region {track.region!r} in the direct mode, whose tokens all of a "
                "picture attends to: use the residual mode, or no region"
            )


def nearest(name: str, names: Sequence[str]) -> str:
    """`` (did you mean …?)`` with the names that are spelt alike, with or without their folder, or nothing."""
    alike: dict[str, list[str]] = {}
    for other in names:
        for spelling in {other.lower(), other.lower().rpartition("/")[2]}:
            alike.setdefault(spelling, []).append(other)
    close = [other for match in difflib.get_close_matches(name.lower(), alike, 3, 0.5) for other in alike[match]]
    return f" (did you mean {' or '.join(dict.fromkeys(close[:4]))}?)" if close else ""


def _plain(name: str, value: object) -> object:
    """A value as it is kept: what the page and the API write in several ways is one of them here."""
    if name == "adapter" and value is None:  # null in the API: the first one
        return ""
    if name == "identity" and (value is None or isinstance(value, str) and value.strip() in ("", NO_IDENTITY)):
        return None
    if name in ("tracks", "regions") and isinstance(value, str):  # as every text box has them
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) > sys.float_info.max:  # as JSON may have it: no float is so large
            raise ValueError(f"{name} is a number of {value.bit_length()} bits, expected a number of common size")
        if name == "strength":
            return format_schedule(Schedule((Key(0, float(value), "spread"),)))
        if name in ("start", "end"):
            return round(float(value), 6) + 0.0  # as exact as the infotext
    return value
