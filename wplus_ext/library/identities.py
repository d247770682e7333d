"""Identities in the library: latents with a picture and where they come from, saved, renamed, put away."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..weights import files
from ..weights.shapes import LAYERS, WIDTH, Float
from .names import check_name, taken

THUMBNAIL = 128  # pixels of a side
TRASH = ".removed"  # the folder of what was put away, which the library does not list
PUT_AWAY = re.compile(r"\d+-.+")  # the time in ns, and the name


@dataclass(frozen=True)
class Person:
    """What a latent's file says of itself.

    ``sources`` are the SHA-256 of the photos, ``date`` is ISO 8601 in UTC, ``thumbnail`` is None where
    the file has none (made elsewhere).
    """

    path: Path
    sources: tuple[str, ...] = ()
    date: str = ""
    thumbnail: Image.Image | None = None


def save(path: Path, w: Float[Tensor, "18 512"], picture: Image.Image, sources: Sequence[str]) -> Path:
    """Write an identity into the library's ``latents``, with its picture in the metadata; one that is there is put
    away first (`restore` brings it back).

    Args:
        path: `names.free_place` gives one.
        picture: the aligned face; kept small.
        sources: SHA-256 of each photo that went into it.

    Raises:
        ValueError: a latent of another shape, or not finite.
        OSError: the disk is full, or does not let us write; nothing is changed.
    """
    if tuple(w.shape) != (LAYERS, WIDTH) or not torch.isfinite(w).all():
        raise ValueError(f"a latent of shape {tuple(w.shape)}, expected ({LAYERS}, {WIDTH}) finite numbers")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.LANCZOS).save(file, "JPEG", quality=88)
    metadata = {
        "wplus_sources": " ".join(sources),
        "wplus_date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "wplus_thumbnail": base64.b64encode(file.getvalue()).decode(),
    }
    put_away = remove(path) if path.exists() else None
    try:
        files.write(path, {"w": w.detach().cpu().float().contiguous()}, metadata)
    except BaseException:
        if put_away:
            restore(put_away)
        raise
    return path


def read_person(path: Path) -> Person:
    """What a latent's file says of itself; of a file that says nothing, only its path."""
    metadata: dict[str, str] = {}
    if path.suffix.lower() == ".safetensors":
        with contextlib.suppress(SafetensorError, OSError), safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    thumbnail = None
    with contextlib.suppress(KeyError, OSError, ValueError, binascii.Error, Image.DecompressionBombError):
        opened = Image.open(io.BytesIO(base64.b64decode(metadata["wplus_thumbnail"], validate=True)), formats=["JPEG"])
        opened.load()
        thumbnail = opened
    sources = tuple(metadata.get("wplus_sources", "").split())
    return Person(path, sources, metadata.get("wplus_date", ""), thumbnail)


def rename(path: Path, name: str) -> Path:
    """Give an identity another name, in the same folder. Raises ValueError where that is taken."""
    target = path.with_name(check_name(name) + path.suffix)
    existing = taken(path.parent, target.stem)
    if existing and not existing.samefile(path):  # a name may change between capitals and small letters
        raise ValueError(f"{existing} exists; choose another name")
    path.rename(target)
    return target


def remove(path: Path) -> Path:
    """Put an identity away, where `restore` finds it; gives its place there."""
    trash = path.parent / TRASH
    trash.mkdir(exist_ok=True)
    place = trash / f"{time.time_ns()}-{path.name}"
    path.rename(place)
    return place


def removed_last(folders: Sequence[Path]) -> Path:
    """The place of what `remove` put away last, in any of these folders, and whose name is free again.

    Raises ValueError where there is nothing like that.
    """
    places = [place for folder in folders for place in folder.rglob(f"{TRASH}/*") if PUT_AWAY.fullmatch(place.name)]
    for place in sorted(places, key=lambda place: int(place.name.partition("-")[0]), reverse=True):
        before = _name_before(place)
        if not taken(before.parent, before.stem):
            return place
    raise ValueError(f"nothing is put away in {' or '.join(map(str, folders))}, or its name is taken")


def restore(place: Path) -> Path:
    """Bring back what `remove` put away. Raises ValueError where its name is taken by now."""
    target = _name_before(place)
    existing = taken(target.parent, target.stem)
    if existing:
        raise ValueError(f"{existing} exists; rename it first")
    place.rename(target)
    return target


def mean(latents: Sequence[Float[Tensor, "18 512"]]) -> Float[Tensor, "18 512"]:
    """The mean of several latents of one person. Raises ValueError for none."""
    if not latents:
        raise ValueError("no latents, expected at least one")
    return torch.stack(list(latents)).mean(0)


def _name_before(place: Path) -> Path:
    """Where something that `remove` put away was."""
    return place.parent.parent / place.name.partition("-")[2]
