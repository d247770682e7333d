"""Videos as files with the settings that made them, and back to these."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..library.resolve import resolve
from . import video
from .pipeline import Studio
from .shot import Shot

STRANGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)  # of any JSON


def save(
    path: Path,
    frames: np.ndarray,
    studio: Studio,
    shots: Sequence[Shot],
    force: bool = False,
    lossless: bool = False,
    more: Mapping[str, str] | None = None,
) -> None:
    """Write a video, (F, H, W, 3) uint8, with the settings of its shots, and what ``more`` is to be known of it.
    ``force``, ``lossless`` and faults as of `video.save`."""
    content = {"model": studio.name, "files": hashes(studio, shots), "shots": [asdict(shot) for shot in shots]}
    settings = json.dumps({**(more or {}), **content}, sort_keys=True)
    video.save(frames, path, shots[0].fps, settings, force, lossless)


def load(path: Path, studio: Studio) -> tuple[list[Shot], list[str]]:
    """The shots of a file that `save` wrote, and what was another model or file then, as sentences. A file that is not
    there any more is one of these: other settings may name another.

    Raises:
        ValueError: no such file, or one without our settings.
        OSError: it cannot be read.
    """
    if not path.exists():
        raise ValueError(f"{path}: no such file; expected one that render or sweep wrote")
    text = video.load_settings(path)
    try:
        content = json.loads(text)
        shots = [Shot.from_dict(values) for values in content["shots"]]
        before = {str(key): str(value) for key, value in dict(content.get("files") or {}).items()}
        if not shots:
            raise ValueError("no shots")
    except STRANGE as error:
        reason = _shown(f"no {error}" if isinstance(error, KeyError) else str(error), 300)
        raise ValueError(
            f"{path}: its settings are not those of render or sweep ({reason}); name a file that they wrote"
        ) from error
    notes = []
    if content.get("model") != studio.name:
        notes.append(f"{path} was made with the model {_shown(content.get('model'))}, this is {studio.name}")
    try:
        now = hashes(studio, shots) if before else {}
    except (ValueError, OSError) as error:
        return shots, [*notes, f"the files that {path} was made with cannot be compared: {error}"]
    for key, then in before.items():
        if now.get(key) != then:
            notes.append(f"{_shown(key)} was {_shown(then, 300)} when {path} was made, and is {now.get(key)}")
    return shots, notes


def _shown(value: object, longest: int = 80) -> str:
    """What a file says, for a terminal: in one line, not long, and without signs that would command it."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return text if len(text) <= longest else f"{text[:longest]}…"


def hashes(studio: Studio, shots: Sequence[Shot]) -> dict[str, str]:
    """Short hashes of the W+ files that the shots name."""
    entries = {}
    for shot in shots:
        if shot.edit.identity or shot.edit.tracks.strip():
            entries |= resolve(shot.edit, studio.library).fingerprints()
    return entries
