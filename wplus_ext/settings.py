"""The settings, once: the API's dict, the page's values and the infotext all follow from `Settings`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from . import tracks as language

MODES = ("residual", "direct")
NO_IDENTITY = "None"  # what the page's list of identities says for none
_STEPS = re.compile(r"(\d(?:\.\d+)?)-(\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Settings:
    """What a user asks for. Fields and defaults are described in the README.

    Raises:
        ValueError: a value of a wrong type or out of its range; `language.TrackError` for the tracks.
    """

    enabled: bool = False
    adapter: str = ""  # empty: the first one found
    mode: str = "residual"
    identity: str | None = None
    tracks: str = ""
    strength: str = "1"
    start: float = 0.2
    end: float = 1.0
    negative: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            self._check_type(field.name, field.default)
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}, expected one of {', '.join(MODES)}")
        if not 0 <= self.start < self.end <= 1:
            raise ValueError(f"start is {self.start:g} and end {self.end:g}, expected 0 <= start < end <= 1")
        if self.mode == "direct" and not self.negative:
            raise ValueError(
                "negative is off in the direct mode, which appends tokens to every row of a batch: "
                "switch negative on, or use the residual mode"
            )
        language.parse(self.tracks)
        try:
            language.parse_schedule(self.strength)
        except language.TrackError as error:
            raise ValueError(f"strength {self.strength!r}: {error}") from error

    def _check_type(self, name: str, default: object) -> None:
        value = getattr(self, name)
        if name == "adapter" and value is None:  # null in the API: the first one
            value = ""
        elif name == "identity" and value in ("", NO_IDENTITY):
            value = None
        elif name == "strength" and _is_number(value):
            value = language.format_schedule(language.Schedule((language.Key(0, float(value), "spread"),)))
        elif isinstance(default, float) and _is_number(value):
            value = round(float(value), 6) + 0.0  # as exact as the infotext
        kind = str if default is None else type(default)
        if not (isinstance(value, kind) or (default is None and value is None)):
            raise ValueError(f"{name} is {value!r} ({type(value).__name__}), expected {kind.__name__}")
        object.__setattr__(self, name, value)

    @classmethod
    def from_args(cls, args: Sequence[object], overrides: Mapping[str, object] | None = None) -> Settings:
        """From a script's positional arguments, in the order of the fields, or one dict in the first place;
        ``overrides`` go before both. Raises ValueError, as the constructor does.

        Positional arguments are what a page holds: where they are switched off, the rest is not looked at.
        """
        names = [field.name for field in fields(cls)]
        if args and isinstance(args[0], Mapping):
            values = dict(args[0])
        elif len(args) > len(names):
            raise ValueError(f"{len(args)} arguments, expected at most {len(names)}: {', '.join(names)}")
        else:
            values = dict(zip(names, args))
            if not overrides and values.get("enabled") is False:
                return cls()
        return cls.from_dict({**values, **(overrides or {})})

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Settings:
        """From the API's dict. Raises ValueError, naming fields that there are not."""
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise ValueError(f"unknown field {name!r}{nearest(str(name), names)}; expected {', '.join(names)}")
        return cls(**values)

    def to_infotext(self) -> dict[str, object]:
        """The infotext's entries; an empty value has none, since it would break the paste."""
        entries = {
            "WPlus adapter": self.adapter,
            "WPlus mode": self.mode,
            "WPlus identity": self.identity,
            "WPlus tracks": self.tracks.strip(),
            "WPlus strength": self.strength,
            "WPlus steps": "-".join(f"{x:.6f}".rstrip("0").rstrip(".") for x in (self.start, self.end)),
            "WPlus negative": self.negative,
        }
        return {key: value for key, value in entries.items() if value not in (None, "")}


def from_infotext(params: Mapping[str, object]) -> dict[str, object]:
    """The fields that a parsed infotext says, unchecked; a picture made without us says ``enabled`` False.

    Gives nothing for a text that is no infotext.
    """
    if "Steps" not in params:
        return {}
    if "WPlus mode" not in params:
        return {"enabled": False}
    steps = _STEPS.fullmatch(str(params.get("WPlus steps", "")))
    return {
        "enabled": True,
        "adapter": params.get("WPlus adapter", ""),
        "mode": params["WPlus mode"],
        "identity": params.get("WPlus identity", ""),
        "tracks": params.get("WPlus tracks", ""),
        "strength": params.get("WPlus strength", "1"),
        "start": float(steps[1]) if steps else Settings.start,
        "end": float(steps[2]) if steps else Settings.end,
        "negative": str(params.get("WPlus negative", True)) != "False",
    }


def nearest(name: str, names: Sequence[str]) -> str:
    """`` (did you mean …?)`` with the names that are spelt alike, with or without their folder, or nothing."""
    alike: dict[str, list[str]] = {}
    for other in names:
        for spelling in {other.lower(), other.lower().rpartition("/")[2]}:
            alike.setdefault(spelling, []).append(other)
    close = [other for match in difflib.get_close_matches(name.lower(), alike, 3, 0.5) for other in alike[match]]
    return f" (did you mean {' or '.join(dict.fromkeys(close[:4]))}?)" if close else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
