"""Files of the library that come under a name only if it is free: one writer at a time, of threads and of processes,
and what is written over is put away."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..weights.locks import alone
from ..weights.swap import own_folder
from .names import free_place

LONGEST = 255  # bytes of a name on a disk
TRASH = ".removed"  # the folder of what was put away, which the library does not list


@contextmanager
def new_file(path: Path, replace: bool = False) -> Iterator[Path]:
    """A path to write a file to, which comes under the name of ``path`` when all went well and if that is free then.

    With ``replace``, what has exactly this name is put away. Whoever is killed in between leaves the old file or the
    new one there.

    Raises:
        ValueError: the name is taken, which is asked when the file is written: somebody else may have been quicker.
        OSError: the disk does not let us write; nothing is changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with own_folder(path) as folder:
        part = folder / path.name
        yield part
        with alone(path.parent):
            target = free_place(path.parent, path.stem, path.suffix, replace)
            try:
                bring(part, target, replace)
            except FileExistsError as error:  # somebody who asks for no lock, or a folder of this name
                raise ValueError(f"{target} exists; choose another name, or remove it first") from error


def move(path: Path, target: Path) -> None:
    """Give a file another name on its disk, if nothing has that. Raises FileExistsError, or OSError."""
    if os.name == "nt":  # where this writes over nothing
        path.rename(target)
        return
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is gone; somebody else may have been quicker") from error
    except OSError:  # a disk without hard links
        if os.path.lexists(target):
            raise FileExistsError(f"{target} exists") from None
        path.rename(target)
        return
    path.unlink()


def bring(path: Path, target: Path, replace: bool = False) -> None:
    """A finished file under a name, for whoever is `alone`; with ``replace`` the file that has it is put away.

    Raises FileExistsError where something has the name, or OSError; nothing is changed then.
    """
    if replace and target.is_file():
        _over(path, target)
    else:
        move(path, target)


def put_away(path: Path) -> Path:
    """Move a file into the folder of what is put away; gives its place. For whoever is `alone`. Raises OSError."""
    place = _place_away(path)
    move(path, place)
    return place


def _over(part: Path, target: Path) -> None:
    """A finished file in the place of another one, which is put away first under a second name."""
    place = _place_away(target)
    try:
        os.link(target, place, follow_symlinks=False)
    except OSError:  # a disk without hard links: the name is free for a moment, and the old file is put away
        move(target, place)
    try:
        part.replace(target)
    except OSError:
        if os.path.lexists(target):
            place.unlink()
        else:
            move(place, target)
        raise


def _place_away(path: Path) -> Path:
    """A free name for a file in the folder of what is put away, by the time in ns. A name that leaves no room for that
    is cut before its ending."""
    trash = path.parent / TRASH
    trash.mkdir(exist_ok=True)
    now = time.time_ns()
    room = LONGEST - len(f"{now}-{path.suffix}".encode("utf-8", "surrogateescape"))
    stem = path.stem.encode("utf-8", "surrogateescape")
    kept = path.stem if len(stem) <= room else stem[:room].decode("utf-8", "ignore").rstrip(" .")
    while os.path.lexists(place := trash / f"{now}-{kept}{path.suffix}"):
        now += 1
    return place
