"""Figures in JSON files, which are known by a mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..version import VERSION
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing

LARGEST = 1 << 24  # bytes of such a file, which has some thousand


def check(path: Path, mark: str, force: bool) -> None:
    """Raise ValueError where something stands at ``path`` that is no file of figures with this mark."""
    check_place(path, lambda file: is_marked(file, mark), force)


def write(path: Path, mark: str, figures: Mapping[str, object], force: bool) -> None:
    """Write figures with a mark, as a whole, and over nothing else. Raises ValueError, OSError."""
    with replacing(path, lambda: check(path, mark, force)) as part:
        part.write_text(json.dumps({mark: VERSION, **figures}, indent=2) + "\n", encoding="utf-8")


def is_marked(path: Path, mark: str) -> bool:
    """Whether a file is one of figures with this mark."""
    try:
        content = json.loads(read_regular(path, LARGEST))
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and mark in content
