"""What torch's pickles name: storages, the tensors placed in them, NumPy's arrays; and the way through a content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
MOST_SIDES, LONGEST = 64, 300  # of a tensor; letters of a key
SPARE = 64 << 20  # bytes that all of a file may have beyond it
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
    """A machine that makes what torch's files hold: storages and tensors as they are placed, and what people keep
    beside them as plain numbers, texts and containers."""
    purse = _Purse()
    makers: dict[Name, Callable[..., object]] = {
        Name("collections", "OrderedDict"): purse.ordered,
        Name("collections", "Counter"): purse.ordered,
        Name("collections", "defaultdict"): lambda *args: {},
        Name("torch", "Size"): purse.listed,
        Name("torch", "device"): lambda *args: ":".join(map(_text, args[:1])),
        Name("torch._utils", "_rebuild_parameter"): lambda tensor, *rest: tensor,
        Name("torch._utils", "_rebuild_parameter_with_state"): lambda tensor, *rest: tensor,
        Name("_codecs", "encode"): purse.encoded,
    }
    makers |= {Name("torch._utils", name): _rebuild for name in ("_rebuild_tensor", "_rebuild_tensor_v2")}
    for module in ("builtins", "__builtin__"):
        makers |= {Name(module, name): purse.listed for name in ("set", "frozenset")}
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        makers[Name(module, "scalar")] = lambda *args: None  # a number beside what is looked for

    def from_type(rebuild: object, kind: object, args: tuple, state: object) -> object:
        """A tensor with attributes of its own, which are left out."""
        return makers[rebuild](*args) if rebuild in makers else Made(Name("torch", "a tensor of another kind"))

    makers[Name("torch._tensor", "_rebuild_from_type_v2")] = from_type
    return Machine(makers, _store)


def _rebuild(storage: object, offset: int, shape: tuple, stride: tuple, *rest: object) -> object:
    if not isinstance(storage, Storage):
        return Made(Name("torch", "a storage of another kind"))
    if len(shape) != len(stride) or len(shape) > MOST_SIDES:
        raise ValueError(f"a tensor of {len(shape)} sides and {len(stride)} strides")
    return Placed(storage, _whole(offset), tuple(map(_whole, shape)), tuple(map(_whole, stride)))


def _store(pid: object) -> object:
    kind, name, key, _, count, *_ = pid
    if kind != "storage" or not isinstance(name, Name) or name.name not in DTYPES:
        return Made(Name("torch", "a storage of another kind"))
    return Storage(_text(key) if isinstance(key, str) else str(_whole(key)), DTYPES[name.name], _whole(count))


class _Purse:
    """What is copied for a file, all together not much more than it holds: it can name one thing again and again."""

    def __init__(self) -> None:
        self._left = SPARE

    def encoded(self, text: object, coding: object = "latin1") -> bytes:
        """A text as bytes."""
        self._spend(len(_text(text)))
        return _text(text).encode("latin1")

    def listed(self, items: object = ()) -> list[object]:
        """A set or a torch.Size, as a list: nothing is hashed."""
        self._spend(64 * len(items))
        return list(items)

    def ordered(self, pairs: object = ()) -> dict[object, object]:
        """A dict from pairs, or from another dict."""
        self._spend(128 * len(pairs))
        content: dict[object, object] = {}
        for pair in pairs.items() if isinstance(pairs, dict) else pairs:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise ValueError("a dict of what are no pairs")
            Machine.put(content, list(pair))
        return content

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("the same things again and again")


def _whole(number: object) -> int:
    if not isinstance(number, int) or not -(2**63) <= number < 2**63:
        raise ValueError("a size that is no whole number of 64 bits")
    return int(number)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__}, where a text should be")
    return value


def size_of(dtype: torch.dtype) -> int:
    return torch.empty((), dtype=dtype).element_size()


def things(content: object) -> Iterator[object]:
    """All that is in containers, not these themselves."""
    for _, thing in _walked(content, lambda thing: [("", part) for part in _inside(thing)]):
        if not _is_container(thing):
            yield thing


def tensors_in(content: object) -> Iterator[tuple[str, Placed]]:
    """The tensors in dicts of texts, by the keys on the way to them."""

    def inside(thing: object) -> list[tuple[str, object]]:
        items = thing.items() if isinstance(thing, dict) else ()
        return [(key, value) for key, value in items if isinstance(key, str) and len(key) <= LONGEST]

    for keys, thing in _walked(content, inside):
        if isinstance(thing, Placed):
            yield ".".join(keys), thing


def _walked(
    content: object, inside: Callable[[object], list[tuple[str, object]]]
) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each thing with the keys on the way to it, in order; ``inside`` gives what is in one."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), content)]
    count = 1
    while waiting:
        keys, thing = waiting.pop()
        yield keys, thing
        if not _is_container(thing):
            continue
        count += len(thing)
        if count > MOST_THINGS or len(keys) > DEEPEST:
            raise ValueError(f"more than {MOST_THINGS:,} things, or nested more than {DEEPEST} deep")
        waiting += [((*keys, key), part) for key, part in reversed(inside(thing))]


def _is_container(thing: object) -> bool:
    return isinstance(thing, (dict, list, tuple)) and not isinstance(thing, Name)


def _inside(thing: object) -> list[object]:
    if isinstance(thing, dict):
        return list(thing.values())
    return list(thing) if _is_container(thing) else []


def filled(content: object, tensors: dict[int, Tensor], made: dict[int, Tensor] | None = None) -> object:
    """The content with its tensors, and each array made once; `things` has counted it."""
    made = {} if made is None else made
    if isinstance(content, Placed):
        return tensors[id(content)]
    if isinstance(content, dict):
        return {key: filled(value, tensors, made) for key, value in content.items()}
    if isinstance(content, (list, tuple)) and not isinstance(content, Name):
        return type(content)(filled(part, tensors, made) for part in content)
    if isinstance(content, Made):
        if id(content) not in made:
            made[id(content)] = _array(content)
        return made[id(content)]
    return content


def is_array(thing: object) -> bool:
    """Whether it is a NumPy array of numbers, as pickles hold them."""
    return isinstance(thing, Made) and thing.name in ARRAYS and isinstance(thing.state, tuple) and len(thing.state) == 5


def _array(made: Made) -> Tensor:
    _, shape, kind, fortran, data = made.state
    if not isinstance(kind, Made) or kind.name != Name("numpy", "dtype") or not isinstance(data, bytes):
        raise ValueError("an array of something else than numbers")
    order = _text(kind.state[1]) if kind.state else "="
    dtype = np.dtype(_text(kind.args[0])).newbyteorder(order)
    if dtype.kind not in "fiub":
        raise ValueError(f"an array of {dtype}")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return torch.from_numpy(array.astype(dtype.newbyteorder("=")))
