"""Names of things in the library: what can be one, what they stand for, and which are taken."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from .. import tracks

LONGEST, LONGEST_BYTES = 80, 200  # letters of a name, and what they take on a disk
FORBIDDEN = '/\\[]="#;<>:|?*'  # in a track, between tracks, or on a disk
RESERVED = {"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in "123456789¹²³")}
BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + (  # and what looks like one, or like nothing
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u2800\u3164\ufeff\uffa0"
)


def can_be_named(name: str) -> bool:
    """Whether a track and an infotext can carry the name."""
    strange = re.fullmatch(r"\d+x\d+|None|@.*", name)
    return tracks.is_name(name) and not strange and not set(name) & set('"\\/')


def named_by(track: str) -> tuple[str, str]:
    """The folder and name of what a track moves along: a direction, or with @ the way to another latent."""
    return ("latents", track[1:]) if track.startswith("@") else ("directions", track)


def composed(name: str) -> str:
    """The one spelling of names that look alike: an é of two parts, as macOS writes it, is an é."""
    return unicodedata.normalize("NFC", name)


def bare(name: str) -> str:
    """A name in its one spelling, without blanks around it, seen or not."""
    return composed(composed(name).strip(BLANKS))


def check_name(name: str) -> str:
    """A name in its one spelling, without blanks around it, seen or not. Raises ValueError for one that no file or
    track could have."""
    if len(name) > 100 * LONGEST:
        raise ValueError(f"the name {_short(name)!r} has {len(name)} letters, expected at most {LONGEST}")
    name = bare(name)
    found = sorted({letter for letter in name if letter in FORBIDDEN or not letter.isprintable()})
    if not name or name.startswith(".") or name.endswith("."):
        raise ValueError(
            f"the name {_short(name)!r}: expected a name, such as 'anna', that neither begins nor ends with a dot"
        )
    if found:
        culprits = " ".join(map(_called, found[:5]))
        raise ValueError(
            f"the name {_short(name)!r} has {culprits}; expected letters that can be seen, and none of {FORBIDDEN}"
        )
    if len(name) > LONGEST:
        raise ValueError(f"the name {_short(name)!r} has {len(name)} letters, expected at most {LONGEST}")
    if (size := len(name.encode())) > LONGEST_BYTES:
        raise ValueError(
            f"the name {_short(name)!r} takes {size} bytes on a disk, expected at most {LONGEST_BYTES}; shorten it"
        )
    if name.partition(".")[0].rstrip().lower() in RESERVED or not can_be_named(name):
        raise ValueError(
            f"the name {name!r} means something else already, to Windows or to the page; choose another one"
        )
    return name


def all_taken(folder: Path, name: str) -> list[Path]:
    """The files in a folder that go by this name, whatever their endings; capitals, and in how many parts a letter is
    written, count for nothing on some disks."""
    if not folder.is_dir():
        return []
    wanted = key_of(name)
    return sorted(path for path in folder.iterdir() if key_of(path.stem) == wanted and path.is_file())


def taken(folder: Path, name: str) -> Path | None:
    """The first of them that is another than the library's own; that one, or None."""
    found = all_taken(folder, name)
    return min(found, key=lambda path: (path.name == f"{name}.safetensors", path.name), default=None)


def free_place(folder: Path, name: str, suffix: str = ".safetensors", replace: bool = False) -> Path:
    """Where a new file of this name goes in a folder; with ``replace``, the file that has the name.

    Raises ValueError for a name that cannot be, or one that is taken and not to be replaced.
    """
    path = folder / f"{check_name(name)}{suffix}"
    found = all_taken(folder, path.stem)
    for existing in found:
        if composed(existing.name) != path.name:
            raise ValueError(f"{existing} exists, which is another file; choose another name, or remove it first")
        if not replace:
            raise ValueError(f"{existing} exists; choose another name, or replace it")
    return path if path in found or not found else found[0]


def key_of(name: str) -> str:
    """The same for names of which only one can be."""
    return composed(composed(name).casefold())


def _called(letter: str) -> str:
    """A letter as a fault names it: what cannot be seen by its number."""
    if letter.isprintable():
        return repr(letter)
    return f"U+{ord(letter):04X} ({unicodedata.name(letter, 'a control character')})"


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"
