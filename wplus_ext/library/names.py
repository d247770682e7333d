"""Names of things in the library: what can be one, what they stand for, and which are taken."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .. import tracks

LONGEST = 80  # letters of a name
FORBIDDEN = '/\\[]="#<>:|?*'  # in a track, or on a disk
RESERVED = {"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in range(1, 10))}


def can_be_named(name: str) -> bool:
    """Whether a track and an infotext can carry the name."""
    strange = re.fullmatch(r"\d+x\d+|None|@.*", name)
    return tracks.is_name(name) and not strange and not set(name) & set('"\\/')


def named_by(track: str) -> tuple[str, str]:
    """The folder and name of what a track moves along: a direction, or with @ the way to another latent."""
    return ("latents", track[1:]) if track.startswith("@") else ("directions", track)


def check_name(name: str) -> str:
    """A name without spaces around it. Raises ValueError for one that no file or track could have."""
    name = name.strip()
    found = sorted({letter for letter in name if letter in FORBIDDEN or not letter.isprintable()})
    if not name or name.startswith(".") or name.endswith("."):
        raise ValueError(f"the name {name!r}: expected a name, such as 'anna', that neither begins nor ends with a dot")
    if found:
        raise ValueError(f"the name {_short(name)!r} has {' '.join(map(repr, found))}; expected none of {FORBIDDEN}")
    if len(name) > LONGEST or len(os.fsencode(name)) > 200:
        raise ValueError(f"the name {_short(name)!r} has {len(name)} letters, expected at most {LONGEST}")
    if name.partition(".")[0].lower() in RESERVED or not can_be_named(name):
        raise ValueError(
            f"the name {name!r} means something else already, to Windows or to the page; choose another one"
        )
    return name


def taken(folder: Path, name: str) -> Path | None:
    """The file in a folder that goes by this name, whatever its ending; capitals count for nothing on some disks."""
    if not folder.is_dir():
        return None
    found = [path for path in folder.iterdir() if path.is_file() and path.stem.lower() == name.lower()]
    return min(found, key=lambda path: (path.name == f"{name}.safetensors", path.name), default=None)  # others first


def free_place(folder: Path, name: str, suffix: str = ".safetensors", replace: bool = False) -> Path:
    """Where a new file of this name goes in a folder. Raises ValueError for a name that cannot be, or one that is
    taken and not to be replaced."""
    path = folder / f"{check_name(name)}{suffix}"
    existing = taken(folder, path.stem)
    if existing and existing.name != path.name:
        raise ValueError(f"{existing} exists, which is another file; choose another name, or remove it first")
    if existing and not replace:
        raise ValueError(f"{existing} exists; choose another name, or replace it")
    return path


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"
