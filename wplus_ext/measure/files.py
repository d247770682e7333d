"""face-api's files: a network's tensors, packed in ``NAME.bin`` as ``NAME-weights_manifest.json`` says.

Source: tfjs' weights manifest, as `@vladmandic/face-api` 1.7.15 (MIT) publishes it: the tensors follow each other in
the manifest's order, as little-endian float32, or as uint8 with value = q * scale + min.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..weights.regular import read_regular

LARGEST, LARGEST_MANIFEST = 16 << 20, 1 << 20  # bytes; the largest of those that are read have 6.4 MB and 20 KB
MANIFEST = "-weights_manifest.json"
SOURCE = "@vladmandic/face-api"


def read_tensors(folder: str | Path, name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The tensors of a network, float32, as the file has them.

    Args:
        folder: where ``NAME.bin`` and its manifest are. Paths that a manifest names are not followed.
        name: the network's, such as ``"face_landmark_68_model"``.
        shapes: what the network needs, by the tensors' names; other sets of tensors are another network.

    Raises:
        ValueError: no manifest of that network, or a damaged one; a tensor that is missing, too many, or of another
            shape; a file that is shorter or longer than its manifest says; numbers that are not finite.
        OSError: a file is not there, or cannot be read.
    """
    path, manifest = Path(folder) / f"{name}.bin", Path(folder) / f"{name}{MANIFEST}"
    entries = _entries(manifest)
    _check_names(manifest, name, entries, shapes)
    for entry in entries.values():
        if entry.shape != shapes[entry.name]:
            raise ValueError(
                f"{manifest}: {entry.name} has the shape {entry.shape}, expected {shapes[entry.name]}; "
                f"take {name} of {SOURCE}"
            )
    data, size = read_regular(path, LARGEST), sum(entry.size for entry in entries.values())
    if len(data) != size:
        raise ValueError(f"{path}: {len(data):,} bytes, expected {size:,} by its manifest; download both again")
    tensors, start = {}, 0
    for entry in entries.values():
        tensors[entry.name] = _unpacked(path, entry, data[start : start + entry.size])
        start += entry.size
    return tensors


class _Entry(NamedTuple):
    """A tensor of a manifest; ``scale`` and ``low`` of one that is packed into bytes."""

    name: str
    shape: tuple[int, ...]
    scale: float | None
    low: float

    @property
    def size(self) -> int:
        """In bytes."""
        return math.prod(self.shape) * (4 if self.scale is None else 1)


def _entries(manifest: Path) -> dict[str, _Entry]:
    """What a manifest lists, in its order."""
    data = read_regular(manifest, LARGEST_MANIFEST)
    try:
        entries = [_entry(weight) for group in json.loads(data) for weight in group["weights"]]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{manifest}: no weights manifest ({reason}); download it again from {SOURCE}") from error
    named = {entry.name: entry for entry in entries}
    if len(named) < len(entries):
        raise ValueError(f"{manifest}: the same tensor twice; download it again from {SOURCE}")
    return named


def _entry(weight: dict) -> _Entry:
    name, shape, packed = weight["name"], weight["shape"], weight.get("quantization")
    kind = packed["dtype"] if packed else weight["dtype"]
    if not isinstance(name, str) or not all(type(side) is int and 0 < side <= LARGEST for side in shape):
        raise ValueError("a tensor without a name or a shape")
    if kind != ("uint8" if packed else "float32"):
        raise ValueError(f"numbers of the kind {kind!r}, expected uint8 or float32")
    scale, low = (float(packed["scale"]), float(packed["min"])) if packed else (None, 0.0)
    return _Entry(name, tuple(shape), scale, low)


def _check_names(manifest: Path, name: str, found: Mapping[str, object], expected: Mapping[str, object]) -> None:
    missing, strange = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if len(missing) == len(expected):
        first = strange[0] if strange else "nothing"
        raise ValueError(f"{manifest}: the manifest of another network (it has {first}); take {name} of {SOURCE}")
    if missing or strange:
        what = f"{missing[0]} is missing" if missing else f"{strange[0]} is too many"
        raise ValueError(f"{manifest}: {what}, expected the {len(expected)} tensors of {name} of {SOURCE}")


def _unpacked(path: Path, entry: _Entry, data: bytes) -> Tensor:
    """A tensor's numbers, of their own memory."""
    if entry.scale is None:
        numbers = np.frombuffer(data, "<f4").astype(np.float32)
    else:
        numbers = np.frombuffer(data, np.uint8).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
            numbers *= np.float32(entry.scale)
            numbers += np.float32(entry.low)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{path}: {entry.name} holds NaN or infinite numbers; download it again")
    return torch.from_numpy(numbers.reshape(entry.shape))
