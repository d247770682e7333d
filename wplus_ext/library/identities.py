"""Identities in the library: latents with a picture and where they come from, saved, renamed, put away."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..weights import files
from ..weights.locks import alone
from ..weights.regular import open_regular
from ..weights.shapes import LAYERS, WIDTH, Float
from .exclusive import TRASH, move, new_file, put_away
from .names import all_taken, check_name

THUMBNAIL = 128  # pixels of a side
LARGEST = 512  # pixels of a side, of a picture that a file from elsewhere brings
HEADER = 1 << 20  # bytes of a file's header, in which a picture takes some thousand
PUT_AWAY = re.compile(r"[0-9]{1,30}-.+", re.DOTALL)  # the time in ns, and the name
SOURCE, DATE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9T:.Z+-]{1,40}")


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


def save(
    path: Path, w: Float[Tensor, "18 512"], picture: Image.Image, sources: Sequence[str], replace: bool = False
) -> Path:
    """Write an identity into the library's ``latents``, with its picture in the metadata; gives its place.

    Args:
        path: `names.free_place` gives one.
        picture: the aligned face; kept small.
        sources: SHA-256 of each photo that went into it.
        replace: put away what has the name (`restore` brings it back).

    Raises:
        ValueError: a latent of another shape, or not finite; the name is taken, by now.
        OSError: the disk is full, or does not let us write; nothing is changed.
    """
    if tuple(w.shape) != (LAYERS, WIDTH) or not torch.isfinite(w).all():
        raise ValueError(f"a latent of shape {tuple(w.shape)}, expected ({LAYERS}, {WIDTH}) finite numbers")
    file = io.BytesIO()
    picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.LANCZOS).save(file, "JPEG", quality=88)
    metadata = {
        "wplus_sources": " ".join(sources),
        "wplus_date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "wplus_thumbnail": base64.b64encode(file.getvalue()).decode(),
    }
    with new_file(path, replace) as part:
        files.write(part, {"w": w.detach().cpu().float().contiguous()}, metadata)
    return path


def read_person(path: Path) -> Person:
    """What a latent's file says of itself; of a file that says nothing of the kind, or that is replaced just now, only
    its path. Raises nothing."""
    metadata = _metadata(path) if path.suffix.lower() == ".safetensors" else {}
    sources = tuple(filter(SOURCE.fullmatch, metadata.get("wplus_sources", "").split()))
    date = metadata.get("wplus_date", "")
    return Person(path, sources, date if DATE.fullmatch(date) else "", _picture(metadata.get("wplus_thumbnail", "")))


def rename(path: Path, name: str) -> Path:
    """Give an identity another name, in the same folder. Raises ValueError where that is taken."""
    target = path.with_name(check_name(name) + path.suffix)
    with alone(path.parent):
        others = [other for other in all_taken(path.parent, target.stem) if other.name != path.name]
        if others:
            raise ValueError(f"{others[0]} exists; choose another name")
        if target.exists() and target.samefile(path):  # between capitals and small letters, on a disk that ignores them
            return path.rename(target)
        try:
            move(path, target)
        except FileExistsError as error:
            raise ValueError(f"{target} exists; choose another name") from error
    return target


def remove(path: Path) -> Path:
    """Put an identity away, where `restore` finds it; gives its place. Raises OSError where it is gone already."""
    with alone(path.parent):
        return put_away(path)


def removed_last(folders: Sequence[Path]) -> Path:
    """The place of what `remove` put away last, in any of these folders, and whose name is free again.

    Raises ValueError where there is nothing like that.
    """
    places = [place for folder in folders for place in folder.rglob(f"{TRASH}/*") if PUT_AWAY.fullmatch(place.name)]
    for place in sorted(places, key=lambda place: int(place.name.partition("-")[0]), reverse=True):
        before = _name_before(place)
        if not all_taken(before.parent, before.stem):
            return place
    raise ValueError(f"nothing is put away in {' or '.join(map(str, folders))}, or its name is taken")


def restore(place: Path) -> Path:
    """Bring back what `remove` put away. Raises ValueError where its name is taken by now, OSError where it is gone."""
    target = _name_before(place)
    with alone(target.parent):
        for existing in all_taken(target.parent, target.stem):
            raise ValueError(f"{existing} exists; rename it first")
        try:
            move(place, target)
        except FileExistsError as error:
            raise ValueError(f"{target} exists; rename it first") from error
    return target


def mean(latents: Sequence[Float[Tensor, "18 512"]]) -> Float[Tensor, "18 512"]:
    """The mean of several latents of one person. Raises ValueError for none."""
    if not latents:
        raise ValueError("no latents, expected at least one")
    return torch.stack(list(latents)).mean(0)


def _name_before(place: Path) -> Path:
    """Where something that `remove` put away was."""
    return place.parent.parent / place.name.partition("-")[2]


def _metadata(path: Path) -> dict[str, str]:
    """The texts in a safetensors file's header, read without its tensors; none of a file that is not whole."""
    with contextlib.suppress(OSError, ValueError, RecursionError), open_regular(path) as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size)) if size <= HEADER else {}
        metadata = header.get("__metadata__") if isinstance(header, dict) else None
        if isinstance(metadata, dict):
            return {key: value for key, value in metadata.items() if isinstance(value, str)}
    return {}


def _picture(text: str) -> Image.Image | None:
    """The small JPEG that a file brings; None for what is none, or is large: it is told by what it says, undecoded."""
    with contextlib.suppress(Exception):  # Pillow's readers raise what they like on damage
        data = base64.b64decode(text, validate=True)
        picture = Image.open(io.BytesIO(data), formats=["JPEG"])
        if max(picture.size) <= LARGEST:
            return picture.convert("RGB")
    return None
