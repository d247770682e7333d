"""One writer at a time in a folder, of threads and of processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK = ".wplus-lock"  # of a folder, while it is locked, on Windows
WAIT = 30.0  # seconds for other writers


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """The only one who writes into a folder; the system lets go when a process ends, however it does.

    Gives whether that is so: there are disks that cannot lock, and folders that cannot be read. Not to be entered
    again by who has it; `swap.replacing` enters it for a moment.

    Raises TimeoutError where others write for half a minute, OSError where there is no such folder.
    """
    with ExitStack() as held:
        try:
            locked = (_lock_folder if fcntl else _lock_file)(folder, held)
        except (Timeout, BlockingIOError) as error:
            raise TimeoutError(f"{folder}: others write there for {WAIT:.0f} s; try again when they have") from error
        yield locked


def _lock_folder(folder: Path, held: ExitStack) -> bool:
    """Lock the folder itself, which leaves no file there. Raises BlockingIOError where others have it for too long."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return False
    held.callback(os.close, number)
    until = time.monotonic() + WAIT
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.callback(fcntl.flock, number, fcntl.LOCK_UN)  # closing is not enough where a fork has it open too
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        except OSError:
            return False


def _lock_file(folder: Path, held: ExitStack) -> bool:
    """Lock a file there, on Windows. Raises Timeout where others have it for too long."""
    try:
        held.enter_context(FileLock(folder / LOCK, timeout=WAIT))
    except (NotImplementedError, PermissionError):
        return False  # or somebody else's lock; a folder that is read-only says so to the writer
    return True
