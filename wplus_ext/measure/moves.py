"""Which attribute a direction moves: its name says so, or it was seen to."""

from __future__ import annotations

from contextlib import suppress

from ..library import calibration
from ..library.index import Library
from .reader import ATTRIBUTES

# What published directions, and those of the miniature, are called where it is not the attribute's own name.
CALLED = {
    "emotion_happy": "smile",
    "eyes": "eyes_open",
    "angle_horizontal": "yaw",
    "angle_pitch": "pitch",
    "turn": "yaw",
}


def moved(direction: str, library: Library | None = None) -> str:
    """The attribute that a direction moves by its name, with or without a folder, or else by its calibration in a
    library; empty where nothing is known."""
    name = direction.rpartition("/")[2].lower()
    named = name if name in ATTRIBUTES else CALLED.get(name, "")
    return named or (_seen(direction, library) if library else "")


def mover(attribute: str, library: Library) -> str:
    """The direction of a library that moves an attribute: the one of its name goes before others, and what was seen to
    do so comes last; empty where there is none."""

    def rank(direction: str) -> int:
        name = direction.rpartition("/")[2].lower()
        return 0 if name == attribute else 1 if moved(name) else 2

    names = library.names("directions")
    return min((name for name in names if moved(name, library) == attribute), key=rank, default="")


def _seen(direction: str, library: Library) -> str:
    with suppress(ValueError, OSError):  # the list of directions says what is wrong with it
        found = calibration.read(library, library.find("directions", direction))
        return next((each.attribute for each in found.values() if each.attribute), "")
    return ""
