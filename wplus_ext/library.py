"""Adapters, latents and directions on disk, by name."""

from __future__ import annotations

import csv
import functools
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from . import files, tracks
from .adapter import Adapter
from .settings import nearest
from .tracks import LAYERS

KINDS = {  # folder: endings
    "adapters": (".bin", ".pt", ".safetensors"),
    "latents": (".pth", ".pt", ".npy", ".safetensors"),
    "directions": (".pt", ".pth", ".npy", ".safetensors"),
}
UPSTREAM = "https://github.com/csxmli2016/w-plus-adapter"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A GANSpace edit: move a latent's coordinate along ``component`` to a strength.

    The coordinate is ``((w - mean) . component) / deviation``. Source: Härkönen et al., "GANSpace:
    Discovering Interpretable GAN Controls", NeurIPS 2020.
    """

    mean: Tensor
    component: Tensor
    deviation: float
    sign: float


@dataclass(frozen=True)
class Direction:
    """An edit of a W+ latent.

    ``vector`` (18, 512) is the direction by itself, zero outside of its layers. Where there is a
    ``target``, an edit of a latent goes to a strength instead of by a step.
    """

    vector: Tensor
    layers: tuple[int, int] = (0, LAYERS)
    target: Target | None = None

    def within(self, layers: tuple[int, int]) -> Tensor:
        """The vector, zero outside of ``layers``: (18, 512)."""
        vector = torch.zeros_like(self.vector)
        vector[slice(*layers)] = self.vector[slice(*layers)]
        return vector

    def move(self, w: Tensor, alpha: Tensor, layers: tuple[int, int]) -> Tensor:
        """Edit latents w (F, 18, 512) by alpha (F,), in the layers ``first <= layer < end`` only."""
        if self.target is None:
            return w + alpha[:, None, None] * self.within(layers)
        first, end = max(layers[0], self.layers[0]), min(layers[1], self.layers[1])
        target, w = self.target, w.clone()
        now = ((w[:, first:end] - target.mean) @ target.component) / target.deviation
        step = (target.sign * alpha[:, None] - now) * target.deviation
        w[:, first:end] += step[..., None] * target.component
        return w


@dataclass(frozen=True)
class Entry:
    """A named thing in a file; ``row`` is its line in a GANSpace table."""

    name: str
    path: Path
    row: tuple[str, ...] = ()


class Library:
    """The files under some root folders, each with ``adapters``, ``latents`` and ``directions``.

    A name is the path within such a folder without its ending. The ending can be given, and must be
    where two files differ in nothing else; the sub-folder can be left out where the rest is unique.
    Names come from a listing of the folders: none of them can lead out of a folder, and links that
    do are not followed.
    """

    def __init__(self, roots: Sequence[str | Path]) -> None:
        self.roots = [Path(root) for root in roots]
        self._load_adapter = functools.lru_cache(maxsize=1)(lambda path, changed: Adapter.load(path))
        self._hash = functools.lru_cache(maxsize=256)(lambda path, changed: files.short_hash(path))
        self._entries: dict[str, list[Entry]] = {}

    def refresh(self) -> None:
        """Look at the folders again when next asked."""
        self._entries.clear()

    def names(self, kind: str) -> list[str]:
        """The names of a kind: ``"adapters"``, ``"latents"`` or ``"directions"``."""
        return [entry.name for entry in self._list(kind)]

    def adapter(self, name: str = "") -> Adapter:
        """Load an adapter; the first one where no name is given. Keeps the last one in memory."""
        path = self.find("adapters", name).path
        return self._load_adapter(path, path.stat().st_mtime_ns)

    def latent(self, name: str) -> Tensor:
        """Load a latent: (18, 512) float32."""
        return files.load_latent(self.find("latents", name).path)

    def direction(self, name: str) -> Direction:
        """Load a direction, or a component of a GANSpace file by its name in the table."""
        entry = self.find("directions", name)
        if entry.row:
            return _ganspace(entry)
        return Direction(files.load_direction(entry.path))

    def hash(self, kind: str, name: str) -> str:
        """Ten hexadecimal digits that stand for the file's content."""
        entry = self.find(kind, name)
        path = _pca_path(entry.path.parent) if entry.row else entry.path
        return self._hash(path, path.stat().st_mtime_ns)

    def find(self, kind: str, name: str = "") -> Entry:
        """The entry of that name; the first one where the name is empty.

        Raises:
            ValueError: no such name, with the nearest ones; a name that leaves the folder; several.
        """
        entries, what = self._list(kind), kind[:-1]
        folders = " or ".join(str(root / kind) for root in self.roots)
        if name and (Path(name).is_absolute() or ".." in name.replace("\\", "/").split("/") or ":" in name):
            raise ValueError(f"{what} {name!r} leaves the folder: expected a name inside of {folders}")
        if not entries:
            hint = {"adapters": "wplus_adapter.bin"}.get(kind, f"{what} files")
            wanted = f"{what} {name!r}: " if name else ""
            raise ValueError(f"{wanted}there is no {what} in {folders}; put {hint} there (from {UPSTREAM})")
        if not name:
            return entries[0]
        for match in (_full_names, _bare_names):
            found = [entry for entry in entries if name in match(entry)]
            if len(found) == 1:
                return found[0]
            if found:
                choices = ", ".join(entry.name for entry in found)
                raise ValueError(f"{what} {name!r} is the name of several: {choices}; say which, or rename one")
        raise ValueError(
            f"there is no {what} {name!r} in {folders}"
            f"{nearest(name, self.names(kind)) or f' among {len(entries)}'}; "
            "add its file and refresh, or use another name (links that leave the folder are not followed)"
        )

    def _list(self, kind: str) -> list[Entry]:
        if kind not in self._entries:
            found = [entry for root in self.roots for entry in _scan(root / kind, KINDS[kind])]
            if kind == "directions":
                found += [entry for root in self.roots for entry in _tables(root / kind)]
            self._entries[kind] = sorted(_unique(found), key=lambda entry: entry.name.lower())
        return self._entries[kind]


def _scan(folder: Path, endings: tuple[str, ...]) -> list[Entry]:
    """The files of a folder and its sub-folders, named by their path with its ending."""
    entries, real = [], folder.resolve()
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() not in endings or _is_pca(path):
            continue
        if not path.resolve().is_relative_to(real):
            log.warning("%s is a link that leaves the folder: not followed, copy the file instead", path)
        elif not tracks.is_name(name):
            log.warning("%s cannot be named in a track: rename it without any of [ ] = #", path)
        else:
            entries.append(Entry(name, path))
    return entries


def _walk(folder: Path) -> list[Path]:
    return sorted(
        Path(parent) / name for parent, _, names in os.walk(folder) for name in names if not name.startswith(".")
    )


def _tables(folder: Path) -> list[Entry]:
    """The rows of the GANSpace tables (tab-separated: name, component, first layer, end, strength)."""
    entries = []
    for path in _walk(folder):
        if path.suffix.lower() != ".csv" or _pca_path(path.parent, missing_ok=True) is None:
            continue
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            rows = [row for row in csv.reader(file, delimiter="\t") if len(row) == 5 and tracks.is_name(row[0])]
        parent = path.parent.relative_to(folder)
        entries += [Entry((parent / row[0]).as_posix(), path, tuple(row)) for row in rows]
    return entries


def _unique(entries: list[Entry]) -> list[Entry]:
    """Drop the ending from every name that is unique without it."""
    short = [entry.name if entry.row else str(Path(entry.name).with_suffix("").as_posix()) for entry in entries]
    return [
        Entry(entry.name if short.count(name) > 1 else name, entry.path, entry.row)
        for entry, name in zip(entries, short)
    ]


def _full_names(entry: Entry) -> set[str]:
    return {entry.name, entry.name.removesuffix(entry.path.suffix), f"{entry.name}{entry.path.suffix}"}


def _bare_names(entry: Entry) -> set[str]:
    return {name.rpartition("/")[2] for name in _full_names(entry)}


def _is_pca(path: Path) -> bool:
    """Whether this is the GANSpace file of the table beside it."""
    return any(path.parent.glob("*.csv")) and path == _pca_path(path.parent, missing_ok=True)


def _pca_path(folder: Path, missing_ok: bool = False) -> Path | None:
    for path in sorted(path for path in folder.glob("*") if path.suffix in (".pt", ".safetensors")):
        try:
            if files.is_ganspace(files.read(path)):
                return path
        except (ValueError, OSError):
            continue  # whoever names that file is told
    if missing_ok:
        return None
    raise ValueError(f"{folder}: a GANSpace table without its PCA file (ffhq_pca.pt) beside it")


def _ganspace(entry: Entry) -> Direction:
    name, component, first, end, strength = entry.row
    path = _pca_path(entry.path.parent)
    content = files.read(path)
    try:
        number, layers, sign = int(component), (int(first), int(end)), -1.0 if float(strength) < 0 else 1.0
        mean, axis = content["mean"].reshape(-1).float(), content["comp"][number].reshape(-1).float()
        deviation = float(content["std"][number])
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise ValueError(f"{entry.path}: the line of {name!r} does not fit {path.name} ({error})") from error
    files.as_latent(mean, path)
    vector = sign * deviation * files.as_latent(axis, path)
    direction = Direction(vector, layers, Target(mean, axis / axis.norm(), deviation, sign))
    return Direction(direction.within(layers), layers, direction.target)
