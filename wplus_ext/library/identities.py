"""Identities in the library: latents with a picture and where they come from, saved, renamed, put away."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..tracks import LAYERS
from ..weights import files
from ..weights.files import WIDTH
from .index import can_be_named

THUMBNAIL = 128  # pixels of a side
LONGEST = 80  # letters of a name
FORBIDDEN = '/\\[]="#<>:|?*'  # in a track, or on a disk
RESERVED = {"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in range(1, 10))}
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


def check_name(name: str) -> str:
    """A name without spaces around it. Raises ValueError for one that no file or track could have."""
    name = name.strip()
    found = sorted({letter for letter in name if letter in FORBIDDEN or not letter.isprintable()})
    if not name or name.startswith(".") or name.endswith("."):
        raise ValueError(f"the name {name!r}: expected a name, such as 'anna', that neither begins nor ends with a dot")
    if found:
        raise ValueError(f"the name {_short(name)!r} has {' '.join(map(repr, found))}; expected none of {FORBIDDEN}")
    if len(name) > LONGEST or len(os.fsencode(name)) > 200:
        raise ValueError(f"the name {_short(name)!r} has {len(name)} letters, expected at most {LONGEST}")
    if name.partition(".")[0].lower() in RESERVED or not can_be_named(name):
        raise ValueError(
            f"the name {name!r} means something else already, to Windows or to the page; choose another one"
        )
    return name


def check_free(folder: Path, name: str, replace: bool = False) -> str:
    """The same, and raises ValueError for the name of an identity in ``folder`` that is not to be replaced: worth
    asking before the work."""
    name = check_name(name)
    existing = taken(folder, name)
    if existing and existing.name != f"{name}.safetensors":
        raise ValueError(f"{existing} exists, which is another file; choose another name, or remove it first")
    if existing and not replace:
        raise ValueError(f"{existing} exists; choose another name, or replace it")
    return name


def save(
    folder: Path, name: str, w: Tensor, picture: Image.Image, sources: Sequence[str], replace: bool = False
) -> Path:
    """Write an identity into the library's ``latents``: ``NAME.safetensors``, with its picture in the metadata.

    Args:
        folder: ``latents`` of the library; made where it is missing.
        w: (18, 512).
        picture: the aligned face; kept small.
        sources: SHA-256 of each photo that went into it.
        replace: put one of this name away first (`restore` brings it back).

    Raises:
        ValueError: a name that cannot be, or is taken; a latent of another shape, or not finite.
        OSError: the disk is full, or does not let us write; nothing is changed.
    """
    name = check_free(folder, name, replace)
    if tuple(w.shape) != (LAYERS, WIDTH) or not torch.isfinite(w).all():
        raise ValueError(f"a latent of shape {tuple(w.shape)}, expected ({LAYERS}, {WIDTH}) finite numbers")
    path = folder / f"{name}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
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


def describe(path: Path) -> Person:
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
    name = check_name(name)
    target = path.with_name(name + path.suffix)
    existing = taken(path.parent, name)
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


def mean(latents: Sequence[Tensor]) -> Tensor:
    """The mean (18, 512) of several latents (18, 512) of one person. Raises ValueError for none."""
    if not latents:
        raise ValueError("no latents, expected at least one")
    return torch.stack(list(latents)).mean(0)


def direction(without: Sequence[Tensor], with_it: Sequence[Tensor]) -> Tensor:
    """An edit direction (18, 512) from two sets of latents (18, 512): the difference of their means, each layer of
    mean norm 1.

    Raises:
        ValueError: an empty set, or two with the same mean.

    Source: the class-mean difference, the simplest of the linear edits that Shen et al. compare
    ("Interpreting the Latent Space of GANs for Semantic Face Editing", CVPR 2020).
    """
    step = mean(with_it) - mean(without)
    norm = step.norm(dim=1).mean()
    if norm < 1e-6:
        raise ValueError("both sets have the same mean: there is no direction between them")
    return step / norm


def taken(folder: Path, name: str) -> Path | None:
    """The file in a folder that goes by this name, whatever its ending; capitals count for nothing on some disks."""
    if not folder.is_dir():
        return None
    found = [path for path in folder.iterdir() if path.is_file() and path.stem.lower() == name.lower()]
    return min(found, key=lambda path: (path.name == f"{name}.safetensors", path.name), default=None)  # others first


def _name_before(place: Path) -> Path:
    """Where something that `remove` put away was."""
    return place.parent.parent / place.name.partition("-")[2]


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"
