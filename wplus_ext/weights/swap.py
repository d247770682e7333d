"""The one way to write: what stands at a path is the old file or folder or the new one, at every moment."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .locks import alone

PREFIX = ".wplus-writing-"  # of the folders in which something is being written, beside what it will replace
LOCK, NEW, BEFORE = "lock", "new", "before"  # in such a folder: held by who writes; what is written; what it replaces
YOUNG = 60.0  # seconds in which such a folder may still be without its lock
AT_FDCWD, EXCHANGE = -100, 2  # of Linux's renameat2
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)  # what disks say that do not know it


def check_place(path: Path, is_ours: Callable[[Path], bool] | None = None, force: bool = False) -> None:
    """Whether a file may be written there: nothing is there, or what ``is_ours``; with ``force`` any file.

    Raises:
        ValueError: a file or link of somebody's; no file at all; as `check_parent`.
        OSError: the disk does not let us look, or cannot have such a name.
    """
    check_parent(path)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise ValueError(f"{path} is a folder, expected the name of a file")
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise ValueError(f"{path} is a pipe or a device, expected the name of a file")
    if force:
        return
    if stat.S_ISLNK(mode):
        raise ValueError(f"{path} is a link; name what it leads to, or add --force to put a file in its place")
    if is_ours is None or not is_ours(path):
        what = "exists" if is_ours is None else "exists and was not made here"
        raise ValueError(f"{path} {what}; choose another name, or add --force to replace it")


def check_parent(path: Path) -> None:
    """Raise ValueError where there is no folder to write ``path`` into, or one that is closed to us."""
    parent = path.parent
    if not path.name or path.name == "..":
        raise ValueError(f"{path}: expected the name of something to write, got that of a folder that is there")
    if not parent.is_dir():
        raise ValueError(f"{parent}: no such folder, expected one to write {path.name} into")
    if not os.access(parent, os.W_OK):
        raise ValueError(f"{parent}: cannot be written, choose another folder")


@contextmanager
def replacing(path: str | Path, check: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """A path to write a file or a folder to, which takes the place of ``path`` when all went well.

    Nobody ever sees half of it, and on any fault, even where the process is killed, what was there is still there: on
    Linux at every moment, elsewhere a folder may be away until the next run brings it back. What dead runs left beside
    ``path`` is cleared away.

    Args:
        check: asked again whether that may be, when all is written: it raises where somebody's has come there.

    Raises:
        OSError: the disk is full or does not let us write; a file where a folder should go, or the other way round.
    """
    path = Path(path)
    with own_folder(path) as folder:
        part = folder / path.name
        yield part
        with alone(path.parent):  # of two at once the second one sees what the first has written
            check()
            if part.is_dir() and not path.is_symlink() and path.exists():
                _replace_folder(part, path, folder.parent / BEFORE)
            else:
                part.replace(path)


@contextmanager
def own_folder(path: Path) -> Iterator[Path]:
    """A folder to write in, in a hidden one beside ``path``, gone afterwards; what dead runs left is cleared first.

    The hidden one is locked as long as this process lives. Raises OSError, with the name of what was to be written.
    """
    with _named(path):
        with alone(path.parent) as locked:
            _clear_dead(path.parent, locked)
            folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path.name)))
            lock = FileLock(folder / LOCK, timeout=0)
            with suppress(OSError, NotImplementedError):  # a disk without locks: nobody can clear it away either
                lock.acquire()
        try:
            (folder / NEW).mkdir()
            yield folder / NEW
        finally:
            waiting = folder / BEFORE / path.name
            if waiting.exists() and not os.path.lexists(path):  # stopped between two renames
                waiting.rename(path)
            _clear(folder)
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)


def clear_dead(parent: Path) -> None:
    """Clear away what runs left in a folder that were killed while they wrote, and bring back what they had moved.
    Leaves alone what a living process holds, what cannot be locked, and what has our prefix and not our lock."""
    with suppress(OSError), alone(parent) as locked:
        _clear_dead(parent, locked)


def _clear_dead(parent: Path, locked: bool) -> None:
    """`clear_dead`, of a folder where nobody begins to write meanwhile; where somebody may, what is young stays."""
    try:
        found = [Path(entry.path) for entry in os.scandir(parent) if entry.name.startswith(PREFIX)]
    except OSError:  # whoever writes there is told
        return
    for folder in found:
        with suppress(Timeout, OSError, NotImplementedError, RuntimeError):  # the last one: held in this thread
            about = os.lstat(folder)
            if not stat.S_ISDIR(about.st_mode) or not locked and time.time() - about.st_mtime < YOUNG:
                continue
            if not (folder / LOCK).is_file():
                folder.rmdir()  # killed before it had one, and so empty
                continue
            with FileLock(folder / LOCK, timeout=0):
                for waiting in (folder / BEFORE).glob("*"):
                    is_old = folder.name.startswith(_prefix(waiting.name))  # and not half of a new one,
                    if is_old and not os.path.lexists(parent / waiting.name):  # which once could have the name
                        waiting.rename(parent / waiting.name)
                _clear(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _prefix(name: str) -> str:
    """What a hidden folder's name begins with, where a thing of this name is written."""
    return f"{PREFIX}{name[:30]}-"


def _clear(folder: Path) -> None:
    """Delete what a hidden folder holds, the lock last: one that has none is not known for ours."""
    for entry in folder.iterdir() if folder.exists() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOCK:
            entry.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Give the disk's errors the name of what was to be written, not of the hidden folder, or none."""
    try:
        yield
    except OSError as error:
        inside = error.filename is None or str(path.parent / PREFIX) in str(error.filename)
        if error.errno is None or not inside:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _replace_folder(part: Path, path: Path, before: Path) -> None:
    """Put a folder in the place of another one."""
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "a file, where a folder should be written", str(path))
    if _exchange(part, path):
        return  # the old one is where the new one was, and goes with the hidden folder
    before.mkdir()
    path.rename(before / path.name)
    part.rename(path)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; whether this system and this disk can."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if renameat2 is None:
        return False
    if renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
