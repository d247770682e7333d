"""What was downloaded into a library: the record of it, and the lock on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..weights.files import replacing


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One download into a library at a time. The system lets go of the lock when its process ends, however it does."""
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise ValueError(
            f"{path} is locked: another download into {path.parent} runs (or this disk cannot lock files); try again "
            "when it has ended"
        ) from error
    except NotImplementedError as error:
        raise OSError(f"{path}: this disk cannot lock files ({error}); download to another one") from error


def remembered(path: Path) -> dict[str, dict]:
    """By address: ``sha256`` and ``size`` of what came, its ``date``, and ``kept``, the hash of what was made of it."""
    content = read_json(path) if path.exists() else {}
    keys = {"sha256", "size", "date", "kept"}
    if content is None or not all(isinstance(entry, dict) and keys <= entry.keys() for entry in content.values()):
        raise ValueError(f"{path}: damaged, expected an entry for each address; mend it, or delete it")
    return content


def read_json(path: Path) -> dict | None:
    """A file of JSON that holds a dict; None for any other."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else None
    return None


def write_json(path: Path, content: dict) -> None:
    """Write a dict as JSON, whole or not at all."""
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
