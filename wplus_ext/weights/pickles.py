"""Some tensors of a large torch file, whatever else it holds: nothing of it is run, and only they are read."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip


def read_tensors(path: str | Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """The tensors of a file that ``torch.save`` wrote, in its present or its old format, on the CPU.

    Unlike ``torch.load(weights_only=True)`` this does not mind foreign classes (a namespace of
    options, say): an inert thing stands for each of them. And of a file of a gigabyte it reads only
    what is asked for.

    Args:
        wanted: whether a tensor is, by its name: the keys on the way to it, joined by dots.

    Raises:
        ValueError: damaged, cut short, or not such a file.
        OSError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    return _read_zip(archive, wanted)
            file.seek(0)
            return _read_old(file, wanted)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        reason = str(error).strip().splitlines()[:1]
        raise ValueError(
            f"{path}: damaged, cut short, or not a file that torch.save wrote "
            f"({': '.join([type(error).__name__, *reason])}); download or export it again"
        ) from error


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: torch.dtype
    count: int

    @property
    def size(self) -> int:
        return self.count * torch.empty((), dtype=self.dtype).element_size()


@dataclass(frozen=True)
class _Placed:
    """A tensor that is not read yet."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def read(self, data: bytes) -> Tensor:
        if len(data) != self.storage.size:
            raise ValueError(f"storage {self.storage.key} has {len(data)} bytes, expected {self.storage.size}")
        flat = torch.frombuffer(bytearray(data), dtype=self.storage.dtype) if data else torch.empty(0)
        return flat.as_strided(self.shape, self.stride, self.offset).clone()


class _Inert:
    """Stands for whatever class or function a file asks for, and for what that would have made."""

    def __new__(cls, *args: object, **kwargs: object) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        pass

    def extend(self, items: object) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *rest: _Placed(storage, offset, tuple(shape), tuple(stride))
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *rest: tensor
        return _Inert

    def persistent_load(self, pid: tuple) -> object:
        if pid[0] != "storage" or not isinstance(pid[1], torch.dtype):
            return _Inert()
        return _Storage(str(pid[2]), pid[1], int(pid[4]))


def _tensors(content: object, name: str = "") -> Iterator[tuple[str, _Placed]]:
    if isinstance(content, _Placed) and isinstance(content.storage, _Storage):
        yield name, content
    elif isinstance(content, dict):
        for key, value in content.items():
            if isinstance(key, str):
                yield from _tensors(value, f"{name}.{key}" if name else key)


def _read_zip(archive: zipfile.ZipFile, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    pickled = next(name for name in archive.namelist() if name.endswith("data.pkl"))
    folder = pickled.removesuffix("data.pkl")
    with archive.open(pickled) as file:
        content = _Unpickler(file).load()
    found = {name: placed for name, placed in _tensors(content) if wanted(name)}
    return {name: placed.read(archive.read(f"{folder}data/{placed.storage.key}")) for name, placed in found.items()}


def _read_old(file: BinaryIO, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """Before torch 1.6: three pickles of little interest, the content, the storages' keys, their data."""
    for _ in range(3):
        _Unpickler(file).load()
    placed = dict(_tensors(_Unpickler(file).load()))
    storages = {tensor.storage.key: tensor.storage for tensor in placed.values()}
    needed = {tensor.storage.key for name, tensor in placed.items() if wanted(name)}
    data: dict[str, bytes] = {}
    for key in _Unpickler(file).load():
        if needed <= data.keys():
            break
        (count,) = struct.unpack("<q", file.read(8))
        if key not in storages:
            raise ValueError(f"storage {key} is no plain tensor's")
        size = storages[key].size // max(storages[key].count, 1) * count
        data[key] = file.read(size) if key in needed else b""
        if key not in needed:
            file.seek(size, 1)
    return {name: tensor.read(data[tensor.storage.key]) for name, tensor in placed.items() if wanted(name)}
