"""Regular files: a reader of anything else would wait for ever, or begin something."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: str | Path) -> BinaryIO:
    """A file open for reading.

    Raises:
        ValueError: a folder; a pipe, a device, or a link to one, at which a reader would wait.
        OSError: there is nothing, or it cannot be read.
    """
    if Path(path).is_dir():
        raise ValueError(f"{path}: a folder, expected a file")
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise ValueError(f"{path}: no regular file (a pipe or a device), expected a file")
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def check_regular(path: str | Path) -> None:
    """Raise as `open_regular`."""
    open_regular(path).close()


def read_regular(path: str | Path, most: int) -> bytes:
    """The bytes of a file, which may have so many. Raises ValueError for more, and as `open_regular`."""
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path}: more than {most >> 20} MB, expected at most that; is it the right file?")
    return data
