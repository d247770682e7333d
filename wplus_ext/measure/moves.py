"""Which attribute a direction moves, where its name says so."""

from __future__ import annotations

from collections.abc import Sequence

from .reader import ATTRIBUTES

# What published directions, and those of the miniature, are called where it is not the attribute's own name.
CALLED = {
    "emotion_happy": "smile",
    "eyes": "eyes_open",
    "angle_horizontal": "yaw",
    "angle_pitch": "pitch",
    "turn": "yaw",
}


def moved(direction: str) -> str:
    """The attribute that a direction moves by its name, with or without a folder; empty where that does not say."""
    name = direction.rpartition("/")[2].lower()
    return name if name in ATTRIBUTES else CALLED.get(name, "")


def mover(attribute: str, directions: Sequence[str]) -> str:
    """The direction that moves an attribute: the one of its name goes before others; empty where there is none."""
    found = [name for name in directions if moved(name) == attribute]
    return min(found, key=lambda name: name.rpartition("/")[2].lower() != attribute, default="")
