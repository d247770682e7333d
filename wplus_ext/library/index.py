"""Adapters, latents and directions on disk, by name."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from itertools import product
from pathlib import Path, PureWindowsPath

from torch import Tensor

from ..settings import nearest
from ..weights import files
from ..weights.adapter import Adapter
from ..weights.latents import load_latent
from ..weights.shapes import Float
from .names import bare, composed
from .scan import FOLDERS, Entry, Left, Scan, shortened

__all__ = ["FOLDERS", "UPSTREAM", "Entry", "Left", "Library"]
UPSTREAM = "https://github.com/csxmli2016/w-plus-adapter"


class Missing(ValueError):
    """Files are not there at all; ``item`` of `published.ITEMS` has them, where it is not empty."""

    def __init__(self, text: str, item: str) -> None:
        super().__init__(text)
        self.item = item


def item_in(error: BaseException | None) -> str:
    """The item that has what a fault misses, be it `Missing` or raised for one; empty where there is none."""
    while error is not None and not isinstance(error, Missing):
        error = error.__cause__
    return error.item if error is not None else ""


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
        self._known: dict[str, tuple[list[Entry], list[Left]]] = {}

    def refresh(self) -> None:
        """Look at the folders again when next asked."""
        self._known = {}  # a new one: another thread may be at work on the old one

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
        """Ten hexadecimal digits that stand for an entry: its file, and of a GANSpace component its line too."""
        digits = self._hash(entry.path, entry.path.stat().st_mtime_ns)
        if entry.component:
            _, number, first, end, strength = entry.component
            line = f"{digits} {number} {first} {end} {strength.startswith('-')}"
            digits = hashlib.sha256(line.encode()).hexdigest()[: len(digits)]
        return digits

    def make_folders(self) -> list[str]:
        """Make the folders of the first root. Gives a sentence for each that cannot be made."""
        faults = []
        for folder in FOLDERS:
            place = self.roots[0] / folder
            try:
                place.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                faults.append(f"cannot make the folder {place} ({error.strerror})")
        return faults

    def find(self, folder: str, name: str = "") -> Entry:
        """The entry of that name; the first one where the name is empty.

        Raises:
            ValueError: no such name, with the nearest ones; a name that leaves the folder; several; `Missing` where
                there are none at all.
        """
        entries, what = self.entries(folder), folder[:-1]
        folders = " or ".join(str(root / folder) for root in self.roots)
        if Path(name).is_absolute() or PureWindowsPath(name).drive or ".." in name.replace("\\", "/").split("/"):
            raise ValueError(f"{what} {name!r} leaves the folder: expected a name inside of {folders}")
        if not entries:
            item = {"adapters": "adapter", "encoders": "encoder", "directions": folder}.get(folder, "")
            hint = {"adapters": "wplus_adapter.bin", "encoders": "e4e_ffhq_encode.pt"}.get(folder, f"{what} files")
            wanted = f"{what} {name!r}: " if name else ""
            left = "".join(f" ({left})" for left in self.left_out(folder)[:3])
            raise Missing(f"{wanted}there is no {what} in {folders}{left}; put {hint} there (from {UPSTREAM})", item)
        if not name:
            return entries[0]
        for spelt, spellings in product((str, composed, bare), (_listed, _with_ending, _without_folder)):
            found = [entry for entry in entries if spelt(name) in map(spelt, spellings(entry))]
            if len(found) == 1:
                return found[0]
            if found:
                choices = ", ".join(entry.name for entry in found)
                raise ValueError(f"{what} {name!r} is the name of several: {choices}; write one of these")
        left = next((str(left) for left in self.left_out(folder) if left.is_meant(name)), "")
        raise ValueError(
            f"there is no {what} {name!r} in {folders}"
            f"{nearest(name, self.names(folder)) or f' among {len(entries)}'}; "
            + (f"what is there is not offered: {left}" if left else "add its file and refresh, or use another name")
        )

    def entries(self, folder: str) -> list[Entry]:
        """What there is in a folder of the library, in the order of the names."""
        return self._seen(folder)[0]

    def left_out(self, folder: str) -> list[Left]:
        """What is there and is not offered, and why."""
        return self._seen(folder)[1]

    def _seen(self, folder: str) -> tuple[list[Entry], list[Left]]:
        known = self._known
        if folder not in known:
            found: dict[str, Entry] = {}
            left: list[Left] = []
            for root in dict.fromkeys(root.resolve() for root in self.roots):
                scan = Scan.of(root / folder, folder)
                left += scan.left
                for entry in scan.entries:
                    found.setdefault(entry.name, entry)  # the first root goes before the others
            known[folder] = sorted(shortened(list(found.values())), key=lambda entry: entry.name.lower()), left
        return known[folder]


def _listed(entry: Entry) -> set[str]:
    return {entry.name}


def _with_ending(entry: Entry) -> set[str]:
    return {entry.name.removesuffix(entry.ending), f"{entry.name}{entry.ending}"}


def _without_folder(entry: Entry) -> set[str]:
    return {name.rpartition("/")[2] for name in _listed(entry) | _with_ending(entry)}
