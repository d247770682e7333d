"""Videos as files with the settings that made them, and back to these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..library.resolve import resolve
from . import video
from .pipeline import Studio
from .shot import Shot


def save(path: Path, frames: np.ndarray, studio: Studio, shots: Sequence[Shot]) -> None:
    """Write a video, (F, H, W, 3) uint8, with the settings of its shots. Raises as `video.save`."""
    content = {"model": studio.name, "files": _hashes(studio, shots), "shots": [asdict(shot) for shot in shots]}
    video.save(frames, path, shots[0].fps, json.dumps(content, sort_keys=True))


def load(path: Path, studio: Studio) -> tuple[list[Shot], list[str]]:
    """The shots of a file that `save` wrote, and what was another model or file then, as sentences.

    Raises:
        ValueError: no such file, or one without our settings.
    """
    if not path.exists():
        raise ValueError(f"{path}: no such file; expected one that render or sweep wrote")
    try:
        content = json.loads(video.load_settings(path))
        shots = [Shot.from_dict(values) for values in content["shots"]]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: its settings are not those of render or sweep ({error})") from error
    notes = []
    if content.get("model") != studio.name:
        notes.append(f"{path} was made with the model {content.get('model')}, this is {studio.name}")
    before = dict(content.get("files") or {})
    now = _hashes(studio, shots) if before else {}
    for key, then in before.items():
        if now.get(key) != then:
            notes.append(f"{key} was {then} when {path} was made, and is {now.get(key)}")
    return shots, notes


def _hashes(studio: Studio, shots: Sequence[Shot]) -> dict[str, str]:
    """Short hashes of the W+ files that the shots name."""
    entries = {}
    for shot in shots:
        if shot.edit.identity or shot.edit.tracks.strip():
            entries |= resolve(shot.edit, studio.library).fingerprints()
    return entries
