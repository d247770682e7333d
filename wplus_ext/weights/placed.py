"""What torch's pickles name: storages, the tensors placed in them, NumPy's arrays; and the way through a content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .machine import Machine, Made, Name

DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
ARRAYS = {Name(module, "_reconstruct") for module in ("numpy.core.multiarray", "numpy._core.multiarray")}
MOST_THINGS, DEEPEST = 100_000, 50  # in a file's containers
FEW = 1 << 20  # numbers that a tensor may have beyond its storage: one vector for all layers, say


class Foreign(ValueError):
    """A file asks for more than tensors and plain containers."""


@dataclass(frozen=True)
class Storage:
    """Where the numbers of tensors are."""

    key: str
    dtype: torch.dtype
    count: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.count * size_of(self.dtype)


@dataclass(frozen=True)
class Placed:
    """A tensor that is not read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def numbers(self) -> int:
        """How many it has; more than its storage where rows stand for several."""
        count = 1
        for side in self.shape:
            count *= side
        if count > max(self.storage.count, FEW):
            raise ValueError(f"a tensor of {count:,} numbers over a storage of {self.storage.count:,}")
        return count

    def of(self, flat: Tensor) -> Tensor:
        """The tensor, from its storage's numbers."""
        return flat.as_strided(self.shape, self.stride, self.offset).clone()


def machine() -> Machine:
    def rebuild(storage: Storage, offset: int, shape: tuple, stride: tuple, *rest: object) -> object:
        if not isinstance(storage, Storage):
            return Made(Name("torch", "a storage of another kind"))
        return Placed(storage, int(offset), tuple(map(int, shape)), tuple(map(int, stride)))

    def store(pid: object) -> object:
        kind, name, key, _, count, *_ = pid
        if kind != "storage" or not isinstance(name, Name) or name.name not in DTYPES:
            return Made(Name("torch", "a storage of another kind"))
        return Storage(str(key), DTYPES[name.name], int(count))

    makers = {
        Name("collections", "OrderedDict"): _ordered,
        Name("torch._utils", "_rebuild_tensor"): rebuild,
        Name("torch._utils", "_rebuild_tensor_v2"): rebuild,
        Name("torch._utils", "_rebuild_parameter"): lambda tensor, *rest: tensor,
        Name("_codecs", "encode"): lambda text, coding="latin1": text.encode("latin1"),
    }
    return Machine(makers, store)


def _ordered(pairs: Iterable[tuple[object, object]] = ()) -> dict[object, object]:
    content: dict[object, object] = {}
    Machine.put(content, [part for pair in pairs for part in pair])
    return content


def size_of(dtype: torch.dtype) -> int:
    return torch.empty((), dtype=dtype).element_size()


def things(content: object) -> Iterator[object]:
    """All that is in containers, not these themselves."""
    waiting, count = [(content, 0)], 0
    while waiting:
        thing, depth = waiting.pop()
        count += 1
        if count > MOST_THINGS or depth > DEEPEST:
            raise ValueError(f"more than {MOST_THINGS:,} things, or nested more than {DEEPEST} deep")
        inside = _inside(thing)
        if inside is None:
            yield thing
        else:
            waiting += [(part, depth + 1) for part in inside]


def _inside(thing: object) -> list[object] | None:
    if isinstance(thing, dict):
        return list(thing.values())
    return list(thing) if isinstance(thing, (list, tuple)) and not isinstance(thing, Name) else None


def tensors_in(content: object) -> Iterator[tuple[str, Placed]]:
    """The tensors in dicts of texts, by the keys on the way to them."""
    waiting, count = [("", content, 0)], 0
    while waiting:
        name, thing, depth = waiting.pop()
        count += 1
        if count > MOST_THINGS or depth > DEEPEST:
            raise ValueError(f"more than {MOST_THINGS:,} things, or nested more than {DEEPEST} deep")
        if isinstance(thing, Placed):
            yield name, thing
        elif isinstance(thing, dict):
            waiting += [
                (f"{name}.{key}" if name else key, value, depth + 1)
                for key, value in reversed(thing.items())
                if isinstance(key, str)
            ]


def filled(content: object, tensors: dict[int, Tensor]) -> object:
    """The content with its tensors; `things` has counted it."""
    if isinstance(content, Placed):
        return tensors[id(content)]
    if isinstance(content, dict):
        return {key: filled(value, tensors) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(filled(part, tensors) for part in content)
    return _array(content) if isinstance(content, Made) else content


def is_array(thing: object) -> bool:
    """Whether it is a NumPy array of numbers, as pickles hold them."""
    return isinstance(thing, Made) and thing.name in ARRAYS and isinstance(thing.state, tuple) and len(thing.state) == 5


def _array(made: Made) -> Tensor:
    _, shape, kind, fortran, data = made.state
    if not isinstance(kind, Made) or kind.name != Name("numpy", "dtype") or not isinstance(data, bytes):
        raise ValueError("an array of something else than numbers")
    dtype = np.dtype(str(kind.args[0])).newbyteorder(str(kind.state[1]) if kind.state else "=")
    if dtype.kind not in "fiub":
        raise ValueError(f"an array of {dtype}")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return torch.from_numpy(array.astype(dtype.newbyteorder("=")))
