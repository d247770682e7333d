"""Adapters, latents and directions on disk, by name."""

from __future__ import annotations

import functools
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path, PureWindowsPath

from torch import Tensor

from ..settings import nearest
from ..weights import files, ganspace
from ..weights.adapter import Adapter
from ..weights.ganspace import Component
from ..weights.kinds import PCA, identify
from ..weights.latents import load_latent
from ..weights.shapes import Float
from .names import can_be_named, composed

FOLDERS = {  # of the library, with the endings of their files
    "adapters": (".bin", ".pt", ".safetensors"),
    "latents": (".pth", ".pt", ".npy", ".safetensors"),
    "directions": (".pt", ".pth", ".npy", ".safetensors"),
    "encoders": (".pt", ".safetensors"),
}
UPSTREAM = "https://github.com/csxmli2016/w-plus-adapter"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A named thing, and the ``path`` of the file with its numbers. A GANSpace component is a line of a ``table``
    beside that file."""

    name: str
    path: Path
    table: Path | None = None
    component: Component | None = None


class Library:
    """The files under some root folders, each with ``adapters``, ``latents``, ``directions`` and ``encoders``.

    A name is the path within such a folder without its ending. The ending can be given, and must be
    where two files differ in nothing else; the sub-folder can be left out where the rest is unique.
    Names come from a listing of the folders: none of them can lead out of a folder, and links that
    do are not followed.
    """

    def __init__(self, roots: Sequence[str | Path]) -> None:
        self.roots = [Path(root) for root in roots]
        self._load_adapter = functools.lru_cache(maxsize=1)(lambda path, changed: Adapter.load(path))
        self._hash = functools.lru_cache(maxsize=256)(lambda path, changed: files.short_hash(path))
        self._looks_like_pca = functools.lru_cache(maxsize=4096)(_looks_like_pca)
        self._entries: dict[str, list[Entry]] = {}

    def refresh(self) -> None:
        """Look at the folders again when next asked."""
        self._entries = {}  # a new one: another thread may be at work on the old one

    def names(self, folder: str) -> list[str]:
        """The names in a folder: ``"adapters"``, ``"latents"``, ``"directions"`` or ``"encoders"``."""
        return [entry.name for entry in self.entries(folder)]

    def adapter(self, name: str = "") -> Adapter:
        """Load an adapter; the first one where no name is given. Keeps the last one in memory."""
        path = self.find("adapters", name).path
        return self._load_adapter(path, path.stat().st_mtime_ns)

    def latent(self, name: str) -> Float[Tensor, "18 512"]:
        """Load a latent, float32."""
        return load_latent(self.find("latents", name).path)

    def hash(self, entry: Entry) -> str:
        """Ten hexadecimal digits that stand for the content of an entry's file."""
        return self._hash(entry.path, entry.path.stat().st_mtime_ns)

    def find(self, folder: str, name: str = "") -> Entry:
        """The entry of that name; the first one where the name is empty.

        Raises:
            ValueError: no such name, with the nearest ones; a name that leaves the folder; several.
        """
        entries, what = self.entries(folder), folder[:-1]
        folders = " or ".join(str(root / folder) for root in self.roots)
        if Path(name).is_absolute() or PureWindowsPath(name).drive or ".." in name.replace("\\", "/").split("/"):
            raise ValueError(f"{what} {name!r} leaves the folder: expected a name inside of {folders}")
        if not entries:
            hint = {"adapters": "wplus_adapter.bin", "encoders": "e4e_ffhq_encode.pt"}.get(folder, f"{what} files")
            wanted = f"{what} {name!r}: " if name else ""
            raise ValueError(f"{wanted}there is no {what} in {folders}; put {hint} there (from {UPSTREAM})")
        if not name:
            return entries[0]
        for spelt, spellings in product((str, composed), (_listed, _with_ending, _without_folder)):
            found = [entry for entry in entries if spelt(name) in map(spelt, spellings(entry))]
            if len(found) == 1:
                return found[0]
            if found:
                choices = ", ".join(entry.name for entry in found)
                raise ValueError(f"{what} {name!r} is the name of several: {choices}; write one of these")
        raise ValueError(
            f"there is no {what} {name!r} in {folders}"
            f"{nearest(name, self.names(folder)) or f' among {len(entries)}'}; "
            "add its file and refresh, or use another name (links that leave the folder are not followed)"
        )

    def entries(self, folder: str) -> list[Entry]:
        """What there is in a folder of the library, in the order of the names."""
        entries = self._entries
        if folder not in entries:
            found: dict[str, Entry] = {}
            for root in dict.fromkeys(root.resolve() for root in self.roots):
                for entry in self._scan(root / folder, folder):
                    found.setdefault(entry.name, entry)  # the first root goes before the others
            entries[folder] = sorted(_shortened(list(found.values())), key=lambda entry: entry.name.lower())
        return entries[folder]

    def _scan(self, place: Path, folder: str) -> Iterator[Entry]:
        """What a place and its sub-folders hold, named by the path with its ending."""
        for parent, paths in _walk(place):
            names = {path: path.relative_to(place).as_posix() for path in paths}
            tables = [path for path in paths if path.suffix.lower() == ".csv"] if folder == "directions" else []
            pca = next((path for path in paths if self._is_pca(path)), None) if tables else None
            for path, name in names.items():
                parts = name.removesuffix(path.suffix).split("/")
                if path.suffix.lower() in FOLDERS[folder] and path != pca and all(_nameable(p, path) for p in parts):
                    yield Entry(name, path)
            for table in tables if pca else ():
                for line in _table(table):
                    yield Entry((parent.relative_to(place) / line.name).as_posix(), pca, table, line)

    def _is_pca(self, path: Path) -> bool:
        """Whether this is the GANSpace file that a table beside it speaks of."""
        if path.suffix.lower() not in FOLDERS["directions"]:
            return False
        try:
            return self._looks_like_pca(path, path.stat().st_mtime_ns)
        except OSError:
            return False


def _looks_like_pca(path: Path, changed: int) -> bool:
    try:
        return identify(path).kind is PCA
    except ValueError:
        return False  # whoever names that file is told


def _walk(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with its files; links that lead out of the first one are left out, with a warning."""
    real = folder.resolve()

    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # a folder that is missing is an empty one
            log.warning("%s cannot be listed: %s", error.filename, error.strerror)

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [name for name in folders if (Path(parent) / name).is_symlink()]:
            log.warning("%s is a link to a folder: not followed", Path(parent) / name)
        inside = []
        for path in sorted(Path(parent) / name for name in names if not name.startswith(".")):
            try:
                if path.resolve(strict=True).is_relative_to(real):
                    inside.append(path)
                    continue
            except (OSError, RuntimeError) as error:  # a loop of links, or one that leads nowhere
                log.warning("%s cannot be read: %s", path, error)
                continue
            log.warning("%s is a link that leaves the folder: not followed, copy the file instead", path)
        yield Path(parent), inside


def _table(path: Path) -> list[Component]:
    """The lines of a GANSpace table that can be named; says which cannot."""
    try:
        return [line for line in ganspace.read_table(path) if _nameable(line.name, path)]
    except (ValueError, OSError) as error:
        log.warning("%s", error)
        return []


def _nameable(name: str, path: Path) -> bool:
    good = can_be_named(name)
    if not good:
        log.warning('%s: %r cannot be used as a name, rename it: plain words without any of [ ] = # "', path, name)
    return good


def _shortened(entries: list[Entry]) -> list[Entry]:
    """Drop the ending from every name that is unique without it."""
    short = [entry.name if entry.component else entry.name.removesuffix(entry.path.suffix) for entry in entries]
    count = Counter(short)
    return [replace(entry, name=entry.name if count[name] > 1 else name) for entry, name in zip(entries, short)]


def _listed(entry: Entry) -> set[str]:
    return {entry.name}


def _with_ending(entry: Entry) -> set[str]:
    ending = (entry.table or entry.path).suffix
    return {entry.name.removesuffix(ending), f"{entry.name}{ending}"}


def _without_folder(entry: Entry) -> set[str]:
    return {name.rpartition("/")[2] for name in _listed(entry) | _with_ending(entry)}
