"""Torch's files, whatever else they hold: nothing of it is run, and no more is read than what is asked for."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from .machine import Made, Name
from .placed import SPARE, Foreign, Placed, Storage, filled, is_array, machine, size_of, tensors_in, things
from .regular import open_regular

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file in the old format
LARGEST_PICKLE = 64 << 20  # bytes, of what is no tensor's numbers


def read_tensors(path: str | Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """The tensors of a file that ``torch.save`` wrote, in its present or its old format, on the CPU.

    It does not mind foreign classes (a namespace of options, say): an inert thing stands for each of them. And of a
    file of a gigabyte it reads only what is asked for.

    Args:
        wanted: whether a tensor is, by its name: the keys on the way to it, joined by dots.

    Raises:
        ValueError: damaged, cut short, or not such a file.
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        placed = {name: tensor for name, tensor in tensors_in(file.content) if wanted(name)}
        return dict(zip(placed, file.read(list(placed.values()))))


def read_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a file's tensors, by their names as in `read_tensors`, which says what it raises."""
    with _opened(path) as file:
        return {name: tensor.shape for name, tensor in tensors_in(file.content)}


def check_plain(path: str | Path) -> None:
    """Raise `Foreign` for a file that asks for more than tensors and plain containers: whoever reads it otherwise might
    run that. ValueError and OSError as `read_tensors`."""
    with _opened(path) as file:
        _refuse_foreign(file.content)


def read_content(path: str | Path) -> object:
    """All that a file holds: tensors, NumPy's arrays as tensors, numbers, texts, and containers of these.

    Raises:
        Foreign: it asks for something else, which was not made.
        ValueError, OSError: as `read_tensors`.
    """
    with _opened(path) as file:
        _refuse_foreign(file.content)
        found = [thing for thing in things(file.content) if isinstance(thing, Placed)]
        tensors = dict(zip(map(id, found), file.read(found)))
        return filled(file.content, tensors)


class _Zip:
    """A file in torch's present format."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._archive, self._size = zipfile.ZipFile(file), size
        pickled = next((name for name in self._archive.namelist() if name.endswith("data.pkl")), None)
        if pickled is None:
            raise ValueError("a zip without the data.pkl of torch.save")
        self._folder = pickled.removesuffix("data.pkl")
        order = f"{self._folder}byteorder"
        if order in self._archive.namelist() and self._member(order, 99).strip() != b"little":
            raise ValueError("the numbers of another kind of machine (big-endian)")
        self.content = machine().load(io.BytesIO(self._member(pickled, LARGEST_PICKLE)))

    def read(self, placed: list[Placed]) -> list[Tensor]:
        return _read(placed, self._size, self._storage)

    def _storage(self, storage: Storage) -> bytes:
        return self._member(f"{self._folder}data/{storage.key}", storage.size)

    def _member(self, name: str, most: int) -> bytes:
        """The bytes of a member. The archive checks their CRC."""
        known = self._archive.getinfo(name)
        if known.compress_type != zipfile.ZIP_STORED or known.file_size > min(most, self._size):
            raise ValueError(f"{name} is packed, or larger than it says")
        return self._archive.read(known)


class _Old:
    """A file in the format that torch had before its zips: three pickles of little interest, the content, the keys of
    the storages, and their numbers."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        if file.read(1) != b"\x80":
            raise ValueError("no pickle; a renamed text or web page?")
        file.seek(0)
        first = machine().load(_Bounded(file, size))
        if first != MAGIC:
            _refuse_foreign(first)
            raise ValueError("a pickle by itself")
        machine().load(_Bounded(file, size))
        system = machine().load(_Bounded(file, size))
        if isinstance(system, dict) and system.get("little_endian") is False:
            raise ValueError("the numbers of another kind of machine (big-endian)")
        self.content = machine().load(_Bounded(file, size))
        self._storages = {
            thing.storage.key: thing.storage for thing in things(self.content) if isinstance(thing, Placed)
        }

    def read(self, placed: list[Placed]) -> list[Tensor]:
        needed, places = {tensor.storage.key for tensor in placed}, {}
        for key in machine().load(_Bounded(self._file, self._size)):
            if needed <= places.keys():
                break
            (count,) = struct.unpack("<q", self._file.read(8))
            if not isinstance(key, str) or key not in self._storages:
                raise ValueError(f"storage {key} is no plain tensor's")
            places[key] = self._file.tell(), count * size_of(self._storages[key].dtype)
            self._file.seek(places[key][1], os.SEEK_CUR)

        def at(storage: Storage) -> bytes:
            place, size = places[storage.key]
            self._file.seek(place)
            return self._file.read(min(size, self._size))

        return _read(placed, self._size, at)


class _Bounded:
    """A file of which nobody can ask for more than there is."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def read(self, count: int = -1) -> bytes:
        return self._file.read(min(count, self._size) if count >= 0 else self._size)

    def readline(self) -> bytes:
        return self._file.readline(LARGEST_PICKLE)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _opened(path: str | Path) -> Iterator[_Zip | _Old]:
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            is_zip = zipfile.is_zipfile(file)
            file.seek(0)
            yield _Zip(file, size) if is_zip else _Old(file, size)
    except Foreign as error:
        raise Foreign(
            f"{path}: a pickle that asks for more than tensors and numbers ({error}); it was not run. Expected a file "
            "of tensors, from a source you trust"
        ) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        reason = str(error).strip().splitlines()[:1]
        raise ValueError(
            f"{path}: damaged or cut short, or not a file that torch.save wrote "
            f"({': '.join([type(error).__name__, *reason])}); download or export it again"
        ) from error


def _refuse_foreign(content: object) -> None:
    for thing in things(content):
        plain = is_array(thing) or (isinstance(thing, Name) and thing.module == "torch")  # a dtype, say
        if isinstance(thing, (Made, Name)) and not plain:
            name = thing.name if isinstance(thing, Made) else thing
            raise Foreign(".".join(name))


def _read(placed: list[Placed], size: int, data_of: Callable[[Storage], bytes]) -> list[Tensor]:
    """The tensors, each storage read once, all of them together not much larger than the file."""
    if sum(tensor.numbers * size_of(tensor.storage.dtype) for tensor in placed) > 2 * size + SPARE:
        raise ValueError(f"tensors far larger than the file's {size:,} bytes")
    by_storage: dict[str, list[int]] = {}
    for i, tensor in enumerate(placed):
        by_storage.setdefault(tensor.storage.key, []).append(i)
    found: list[Tensor] = [torch.empty(0)] * len(placed)
    for key, numbers in by_storage.items():
        storage = placed[numbers[0]].storage
        data = data_of(storage)
        if len(data) != storage.size:
            raise ValueError(f"storage {key} has {len(data)} bytes, expected {storage.size}")
        flat = torch.frombuffer(bytearray(data), dtype=storage.dtype) if data else torch.empty(0, dtype=storage.dtype)
        for i in numbers:
            found[i] = placed[i].of(flat)
    return found
