"""Videos as files with the settings that made them, and back to these."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..library.resolve import resolve
from ..version import VERSION
from . import footage, video
from .frames import short_hash
from .pipeline import Studio
from .shot import Shot

_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}", re.ASCII)
STRANGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)  # of any JSON


def save(
    path: Path,
    frames: np.ndarray,
    studio: Studio,
    shots: Sequence[Shot],
    force: bool = False,
    lossless: bool = False,
    more: Mapping[str, str] | None = None,
) -> list[str]:
    """Write a video, (F, H, W, 3) uint8, with the settings of its shots, and what ``more`` is to be known of it; an MP4
    with the sound of the video that they begin with. ``force``, ``lossless`` and faults as of `video.save`.

    Gives what a person should know, as sentences: where that video is not there any more, it is written without sound.
    """
    content = {
        "version": VERSION,
        "model": studio.name,
        "models": studio.hashes,
        "files": {**hashes(studio, shots), **_videos(shots)},
        "shots": [asdict(shot) for shot in shots],
    }
    sound, notes = None, []
    if path.suffix.lower() == ".mp4":
        try:
            sound = footage.sound_of(shots[0])
        except (ValueError, OSError) as error:  # it was there when the video was rendered, which must not be lost
            notes.append(f"{path} has no sound: {error}")
    settings = json.dumps({**(more or {}), **content}, sort_keys=True)
    video.save(frames, path, shots[0].fps, settings, force, lossless, sound)
    return notes


def load(path: Path, studio: Studio) -> tuple[list[Shot], list[str]]:
    """The shots of a file that `save` wrote, and what was another model or file then, as sentences. A file that is not
    there any more is one of these: other settings may name another.

    Raises:
        ValueError: no such file, or one without our settings.
        OSError: it cannot be read.
    """
    if not path.exists():
        raise ValueError(f"{path}: no such file; expected one that render or sweep wrote")
    text, content = video.load_settings(path), None
    try:
        content = json.loads(text)
        shots = [Shot.from_dict(values) for values in content["shots"]]
        before, models = (
            {str(key): str(value) for key, value in dict(content.get(name) or {}).items()}
            for name in ("files", "models")
        )
        if not shots:
            raise ValueError("no shots")
    except STRANGE as error:
        reason = _shown(f"no {error}" if isinstance(error, KeyError) else str(error), 300)
        if newer := _newer(content):
            raise ValueError(
                f"{path}: made by version {newer}, this is {VERSION} ({reason}); update this one"
            ) from error
        raise ValueError(
            f"{path}: its settings are not those of render or sweep ({reason}); name a file that they wrote"
        ) from error
    notes, same = [], content.get("model") == studio.name
    if newer := _newer(content):
        notes.append(f"{path} was made by version {newer}, this is {VERSION}")
    if not same:
        notes.append(f"{path} was made with the model {_shown(content.get('model'))}, this is {studio.name}")
    if models:
        notes += _other_models(path, models, studio.hashes, same)
    now = _videos(shots)
    try:
        now |= hashes(studio, shots) if before else {}
    except (ValueError, OSError) as error:
        notes.append(f"the files that {path} was made with cannot be compared: {error}")
        before = {key: then for key, then in before.items() if key in now}
    for key, then in before.items():
        if now.get(key) != then:
            notes.append(f"{_shown(key)} was {_shown(then, 300)} when {path} was made, and is {now.get(key)}")
    return shots, notes


def _other_models(path: Path, then: dict[str, str], now: dict[str, str], same: bool) -> list[str]:
    """What a file was made with and is not used now, or is another one, or the other way round; of the model itself,
    whether it is another one, where it has the ``same`` name."""
    if not same:
        then, now = ({key: each[key] for key in each if not key.startswith("model ")} for each in (then, now))
    notes = [f"{key} was not used when {path} was made, and is now" for key in now if key not in then]
    notes += [f"{_shown(key)} was used when {path} was made, and is not now" for key in then if key not in now]
    changed = [key for key in then if now.get(key, then[key]) != then[key]]
    return notes + [f"{key} was {_shown(then[key])} when {path} was made, and is {now[key]}" for key in changed]


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


def _videos(shots: Sequence[Shot]) -> dict[str, str]:
    """The same of the videos that they begin with, or follow."""
    named = dict.fromkeys((what, getattr(shot, what)) for shot in shots for what in ("video", "control"))
    found = {path: _hash(Path(path)) for path in dict.fromkeys(path for _, path in named if path)}
    return {f"{what} {Path(path).name}": found[path] for what, path in named if path}


def _hash(path: Path) -> str:
    try:
        return short_hash(path)
    except (ValueError, OSError):
        return "not there any more"


def _newer(content: object) -> str:
    """By which later version of ours settings were written; empty where they were not."""
    then = content.get("version") if isinstance(content, dict) else None
    if not isinstance(then, str) or not _VERSION.fullmatch(then):
        return ""
    return then if [*map(int, then.split("."))] > [*map(int, VERSION.split("."))] else ""
