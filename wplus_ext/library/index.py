"""Adapters, latents and directions on disk, by name."""

from __future__ import annotations

import csv
import functools
import logging
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import torch
from torch import Tensor

from .. import tracks
from ..settings import nearest
from ..tracks import LAYERS
from ..weights import files
from ..weights.adapter import Adapter

KINDS = {  # folder: endings
    "adapters": (".bin", ".pt", ".safetensors"),
    "latents": (".pth", ".pt", ".npy", ".safetensors"),
    "directions": (".pt", ".pth", ".npy", ".safetensors"),
    "encoders": (".pt", ".safetensors"),
}
UPSTREAM = "https://github.com/csxmli2016/w-plus-adapter"

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Target:
    """A GANSpace edit: move a latent's coordinate along ``component`` to a strength.

    The coordinate is ``((w - mean) . component) / deviation``. Source: Härkönen et al., "GANSpace:
    Discovering Interpretable GAN Controls", NeurIPS 2020.
    """

    mean: Tensor
    component: Tensor
    deviation: float
    sign: float


@dataclass(frozen=True, eq=False)
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


class Row(NamedTuple):
    """A line of a GANSpace table, as text."""

    name: str
    component: str
    first: str
    end: str
    strength: str


@dataclass(frozen=True)
class Entry:
    """A named thing in a file. A GANSpace component is a ``row`` of the table ``path``, over the file ``pca``."""

    name: str
    path: Path
    row: Row | None = None
    pca: Path | None = None


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

    def names(self, kind: str) -> list[str]:
        """The names of a kind: ``"adapters"``, ``"latents"``, ``"directions"`` or ``"encoders"``."""
        return [entry.name for entry in self.entries(kind)]

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
        path = entry.pca or entry.path
        return self._hash(path, path.stat().st_mtime_ns)

    def find(self, kind: str, name: str = "") -> Entry:
        """The entry of that name; the first one where the name is empty.

        Raises:
            ValueError: no such name, with the nearest ones; a name that leaves the folder; several.
        """
        entries, what = self.entries(kind), kind[:-1]
        folders = " or ".join(str(root / kind) for root in self.roots)
        if Path(name).is_absolute() or PureWindowsPath(name).drive or ".." in name.replace("\\", "/").split("/"):
            raise ValueError(f"{what} {name!r} leaves the folder: expected a name inside of {folders}")
        if not entries:
            hint = {"adapters": "wplus_adapter.bin", "encoders": "e4e_ffhq_encode.pt"}.get(kind, f"{what} files")
            wanted = f"{what} {name!r}: " if name else ""
            raise ValueError(f"{wanted}there is no {what} in {folders}; put {hint} there (from {UPSTREAM})")
        if not name:
            return entries[0]
        for spellings in (_listed, _with_ending, _without_folder):
            found = [entry for entry in entries if name in spellings(entry)]
            if len(found) == 1:
                return found[0]
            if found:
                choices = ", ".join(entry.name for entry in found)
                raise ValueError(f"{what} {name!r} is the name of several: {choices}; write one of these")
        raise ValueError(
            f"there is no {what} {name!r} in {folders}"
            f"{nearest(name, self.names(kind)) or f' among {len(entries)}'}; "
            "add its file and refresh, or use another name (links that leave the folder are not followed)"
        )

    def entries(self, kind: str) -> list[Entry]:
        """What there is of a kind, in the order of the names."""
        entries = self._entries
        if kind not in entries:
            found: dict[str, Entry] = {}
            for root in dict.fromkeys(root.resolve() for root in self.roots):
                for entry in self._scan(root / kind, kind):
                    found.setdefault(entry.name, entry)  # the first root goes before the others
            entries[kind] = sorted(_shortened(list(found.values())), key=lambda entry: entry.name.lower())
        return entries[kind]

    def _scan(self, folder: Path, kind: str) -> Iterator[Entry]:
        """What a folder and its sub-folders hold, named by the path with its ending."""
        for parent, paths in _walk(folder):
            names = {path: path.relative_to(folder).as_posix() for path in paths}
            tables = [path for path in paths if path.suffix.lower() == ".csv"] if kind == "directions" else []
            pca = next((path for path in paths if self._is_pca(path)), None) if tables else None
            for path, name in names.items():
                parts = name.removesuffix(path.suffix).split("/")
                if path.suffix.lower() in KINDS[kind] and path != pca and all(_can_be_named(p, path) for p in parts):
                    yield Entry(name, path)
            for table in tables if pca else ():
                for row in read_table(table):
                    yield Entry((parent.relative_to(folder) / row.name).as_posix(), table, row, pca)

    def _is_pca(self, path: Path) -> bool:
        """Whether this is the GANSpace file that a table beside it speaks of."""
        if path.suffix.lower() not in KINDS["directions"]:
            return False
        try:
            return self._looks_like_pca(path, path.stat().st_mtime_ns)
        except OSError:
            return False


def _looks_like_pca(path: Path, changed: int) -> bool:
    try:
        return files.is_ganspace(files.read(path))
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


def read_table(table: Path) -> list[Row]:
    """A GANSpace table: tab-separated name, component, first layer, end, typical strength."""
    try:
        with open(table, newline="", encoding="utf-8", errors="replace") as file:
            lines = [line for line in csv.reader(file, delimiter="\t") if len(line) == 5]
    except (OSError, csv.Error) as error:
        log.warning("%s cannot be read: %s", table, error)
        return []
    return [Row(*line) for line in lines if _can_be_named(line[0], table)]


def can_be_named(name: str) -> bool:
    """Whether a track and an infotext can carry the name."""
    strange = re.fullmatch(r"\d+x\d+|None|@.*", name)
    return tracks.is_name(name) and not strange and not set(name) & set('"\\/')


def named_by(track: str) -> tuple[str, str]:
    """The kind and name of what a track moves along: a direction, or with @ the way to another latent."""
    return ("latents", track[1:]) if track.startswith("@") else ("directions", track)


def _can_be_named(name: str, path: Path) -> bool:
    """The same; says so where not."""
    good = can_be_named(name)
    if not good:
        log.warning('%s: %r cannot be used as a name, rename it: plain words without any of [ ] = # "', path, name)
    return good


def _shortened(entries: list[Entry]) -> list[Entry]:
    """Drop the ending from every name that is unique without it."""
    short = [entry.name if entry.row else entry.name.removesuffix(entry.path.suffix) for entry in entries]
    count = Counter(short)
    return [replace(entry, name=entry.name if count[name] > 1 else name) for entry, name in zip(entries, short)]


def _listed(entry: Entry) -> set[str]:
    return {entry.name}


def _with_ending(entry: Entry) -> set[str]:
    return {entry.name.removesuffix(entry.path.suffix), f"{entry.name}{entry.path.suffix}"}


def _without_folder(entry: Entry) -> set[str]:
    return {name.rpartition("/")[2] for name in _listed(entry) | _with_ending(entry)}


def _ganspace(entry: Entry) -> Direction:
    row, content = entry.row, files.read(entry.pca)
    try:
        number, first, end, strength = int(row.component), int(row.first), int(row.end), float(row.strength)
        deviation = float(content["std"][number])
        if not (number >= 0 and 0 <= first < end <= LAYERS and 0 < deviation < math.inf and strength):
            raise ValueError("expected a component, layers within 0 to 18, a strength and a deviation that are not 0")
        mean, axis = (files.as_latent(x, entry.pca)[0] for x in (content["mean"], content["comp"][number]))
    except (ValueError, IndexError) as error:
        raise ValueError(f"{entry.path}: the line of {row.name!r} does not fit {entry.pca.name} ({error})") from error
    sign, layers = math.copysign(1.0, strength), (first, end)
    whole = Direction((sign * deviation * axis).expand(LAYERS, -1))
    return Direction(whole.within(layers), layers, Target(mean, axis / axis.norm(), deviation, sign))
