"""What lies in a folder of the library: what can be named, and what is left out and why."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..weights import ganspace
from ..weights.files import PICKLES
from ..weights.ganspace import Component
from ..weights.kinds import PCA, identify
from .names import can_be_named, key_of

LATENTS = (".pth", ".pt", ".npy", ".npz", ".safetensors")
FOLDERS = {  # of the library, with the endings of their files
    "adapters": (".bin", ".pt", ".safetensors"),
    "latents": LATENTS,
    "directions": LATENTS,
    "encoders": (".pt", ".safetensors"),
}
TABLE = ".csv"
CALIBRATION = ".calibration.json"  # ends the name of a file beside a direction, see `calibration`

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A named thing, and the ``path`` of the file with its numbers. A GANSpace component is a line of a ``table``
    beside that file."""

    name: str
    path: Path
    table: Path | None = None
    component: Component | None = None

    @property
    def ending(self) -> str:
        """Of the file that people see it in."""
        return (self.table or self.path).suffix

    def holds(self, path: Path) -> bool:
        """Whether it stands in this file, also by way of links."""
        return path.resolve() in {place.resolve() for place in (self.path, self.table) if place}


@dataclass(frozen=True)
class Left:
    """A file, folder or line of a table that is there and is not offered, and why."""

    path: Path
    name: str
    why: str
    inner: str  # the path within the folder of the library

    def is_meant(self, name: str) -> bool:
        """Whether who asks for something of this name may mean it, or what lies in it."""
        parts, mine = ([key_of(part) for part in text.split("/")] for text in (name, self.inner))
        last = (key_of(self.name), mine[-1])
        if len(parts) == 1:
            return parts[0] in last
        return parts[: len(mine)] == mine or (parts[:-1] == mine[:-1] and parts[-1] in last)

    def __str__(self) -> str:
        return " ".join(f"{self.path.name}: {self.why}".split()).encode("utf-8", "backslashreplace").decode()


@dataclass
class Scan:
    """What a ``folder`` of the library holds at a ``place``, and in its sub-folders."""

    place: Path
    folder: str
    entries: list[Entry] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    @classmethod
    def of(cls, place: Path, folder: str) -> Scan:
        """Look at a place."""
        scan = cls(place, folder)
        for parent, paths in scan._walk():
            tables = [path for path in paths if path.suffix.lower() == TABLE and folder == "directions"]
            pca = next((path for path in paths if tables and _is_pca(path)), None)
            scan.left += [scan._left(table, "no GANSpace file is beside it") for table in tables if pca is None]
            named = [line for table in tables if pca for line in scan._lines(table, pca, parent)]
            scan.entries += named
            for path in paths:
                known = path in tables or (path == pca and named) or scan._is_calibration(path)
                if not known:
                    scan._add(path)
        for left in scan.left:
            log.warning("%s", left)
        return scan

    def _is_calibration(self, path: Path) -> bool:
        return self.folder == "directions" and path.name.endswith(CALIBRATION)

    def _add(self, path: Path) -> None:
        name = path.relative_to(self.place).as_posix()
        endings = FOLDERS[self.folder]
        if path.suffix.lower() not in endings:
            self._leave(path, f"expected one of {' '.join(endings)}, not {path.suffix or 'no ending'}")
        elif wrong := [part for part in name.removesuffix(path.suffix).split("/") if not can_be_named(part)]:
            self._leave(path, f'{wrong[0]!r} cannot be a name, rename it: plain words without any of [ ] = # " \\ @')
        else:
            self.entries.append(Entry(name, path))

    def _lines(self, table: Path, pca: Path, parent: Path) -> Iterator[Entry]:
        """The directions that a table names."""
        try:
            lines = ganspace.read_table(table)
        except (ValueError, OSError) as error:
            self._leave(table, str(error).replace(str(table), "it"))
            return
        for line in lines:
            if can_be_named(line.name):
                yield Entry((parent.relative_to(self.place) / line.name).as_posix(), pca, table, line)
            else:
                self.left.append(self._left(table, f"the line {line.name!r} cannot be a name, rename it", line.name))

    def _walk(self) -> Iterator[tuple[Path, list[Path]]]:
        """Each folder with its files; links that lead out of the place are left out, as is what is no file."""
        real = self.place.resolve()

        def unreadable(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):  # a folder that is missing is an empty one
                self._leave(Path(error.filename), f"cannot be listed: {error.strerror}")

        for parent, folders, names in os.walk(self.place, onerror=unreadable):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in [name for name in folders if (Path(parent) / name).is_symlink()]:
                self._leave(Path(parent) / name, "a link to a folder is not followed")
            paths = sorted(Path(parent) / name for name in names if not name.startswith("."))
            yield Path(parent), [path for path in paths if self._is_inside(path, real)]

    def _is_inside(self, path: Path, real: Path) -> bool:
        try:
            if not path.resolve(strict=True).is_relative_to(real):
                self._leave(path, "a link that leaves the folder is not followed, copy the file instead")
            elif not path.is_file():
                self._leave(path, "no regular file")
            elif not os.access(path, os.R_OK):
                self._leave(path, "it cannot be read: no permission")
            else:
                return True
        except (OSError, RuntimeError) as error:  # a loop of links, or one that leads nowhere
            self._leave(path, f"it cannot be read: {getattr(error, 'strerror', None) or 'links in a circle'}")
        return False

    def _leave(self, path: Path, why: str) -> None:
        self.left.append(self._left(path, why))

    def _left(self, path: Path, why: str, name: str = "") -> Left:
        inner = path.relative_to(self.place).as_posix() if path.is_relative_to(self.place) else path.name
        return Left(path, name or path.stem, why, inner)


def shortened(entries: list[Entry]) -> list[Entry]:
    """Drop the ending from every name that is unique without it, also among those that keep theirs."""
    short = [entry.name if entry.component else entry.name.removesuffix(entry.path.suffix) for entry in entries]
    count = Counter(short)
    taken = {entry.name for entry, name in zip(entries, short) if count[name] > 1}
    return [
        replace(entry, name=entry.name if count[name] > 1 or name in taken else name)
        for entry, name in zip(entries, short)
    ]


def _is_pca(path: Path) -> bool:
    """Whether this is the GANSpace file that a table beside it speaks of."""
    try:
        return path.suffix.lower() in (*PICKLES, ".npz", ".safetensors") and identify(path).kind is PCA
    except (ValueError, OSError, MemoryError):
        return False  # whoever names that file is told
