"""A pickle read as data: what it names is neither imported nor called, and it costs no more than it holds.

Python's own unpickler gives a file an array as long as a number in it, and hashes what the file likes; torch's
``weights_only`` makes what the file asks for. This reads the same opcodes (Python's ``pickletools`` lists them) and
makes plain containers, and an inert thing for everything else.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

MOST_STEPS = 500_000  # opcodes of a pickle: a network of 569 tensors takes 20,000
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
NUMBERS_AND_TEXTS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": list, "EMPTY_TUPLE": tuple}
COLLECTED = {"LIST": list, "TUPLE": tuple, "FROZENSET": list}  # sets are lists: nothing of a file is hashed
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
MARK = object()


class Name(NamedTuple):
    """A class or function that a pickle asks for."""

    module: str
    name: str


@dataclass(eq=False)
class Made:
    """What a pickle wants to be made by a ``name``, which nobody made."""

    name: Name
    args: tuple = ()
    state: object = None


class Key:
    """A key of a dict that is neither text nor number."""

    def __repr__(self) -> str:
        return "a key that is no text"


@runtime_checkable
class Readable(Protocol):
    """As much of a file as is needed."""

    def read(self, count: int = -1) -> bytes: ...

    def readline(self) -> bytes: ...

    def tell(self) -> int: ...


class Machine:
    """Reads one pickle.

    Args:
        makers: what is made of the names that are known, from their arguments.
        persistent: what is made of a persistent id: torch's storages.
    """

    def __init__(
        self, makers: dict[Name, Callable[..., object]], persistent: Callable[[object], object] = lambda pid: pid
    ) -> None:
        self._makers, self._persistent = makers, persistent
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def load(self, file: Readable) -> object:
        """What the pickle at the file's place holds; the place is behind it then.

        Raises:
            ValueError: no pickle, a damaged one, or one of too many steps.
            IndexError, KeyError, TypeError: a damaged one too.
        """
        for count, (opcode, arg, _) in enumerate(pickletools.genops(file)):
            if count == MOST_STEPS:
                raise ValueError(f"a pickle of more than {MOST_STEPS} steps")
            if opcode.name == "STOP":
                return self._stack.pop()
            self._step(opcode.name, arg)
        raise ValueError("a pickle without an end")

    def _step(self, name: str, arg: object) -> None:
        push = self._stack.append
        if name in CONSTANTS:
            push(CONSTANTS[name])
        elif name in NUMBERS_AND_TEXTS:
            push(arg)
        elif name in EMPTY:
            push(EMPTY[name]())
        elif name in COLLECTED:
            push(COLLECTED[name](self._to_mark()))
        elif name in TUPLES:
            push(tuple(self._take(TUPLES[name])))
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "MARK":
            push(MARK)
        elif "GET" in name:
            push(self._memo[int(arg)])
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._stack[-1]
        elif "PUT" in name:
            self._memo[int(arg)] = self._stack[-1]
        else:
            self._change(name, arg)

    def _change(self, name: str, arg: object) -> None:
        stack = self._stack
        if name == "DICT":
            stack.append({})
            self.put(stack[-1], self._between_mark_and_top())
        elif name == "SETITEM":
            items = self._take(2)
            self.put(stack[-1], items)
        elif name == "SETITEMS":
            items = self._to_mark()
            self.put(stack[-1], items)
        elif name == "APPEND":
            items = self._take(1)
            self._add(stack[-1], items)
        elif name in ("APPENDS", "ADDITEMS"):
            items = self._to_mark()
            self._add(stack[-1], items)
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            self._to_mark()
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "BUILD":
            (state,) = self._take(1)
            if isinstance(stack[-1], Made):
                stack[-1].state = state
        else:
            self._make(name, arg)

    def _make(self, name: str, arg: object) -> None:
        stack = self._stack
        if name == "GLOBAL":
            stack.append(Name(*str(arg).split(" ", 1)))
        elif name == "STACK_GLOBAL":
            module, called = self._take(2)
            if not isinstance(module, str) or not isinstance(called, str):
                raise ValueError("a pickle that asks for something without a name")
            stack.append(Name(module, called))
        elif name == "BINPERSID":
            stack.append(self._persistent(*self._take(1)))
        elif name in ("REDUCE", "NEWOBJ"):
            called, args = self._take(2)
            stack.append(self._call(called, args))
        elif name == "NEWOBJ_EX":
            called, args, _ = self._take(3)
            stack.append(self._call(called, args))
        elif name == "OBJ":
            called, *args = self._to_mark()
            stack.append(self._call(called, tuple(args)))
        elif name == "INST":
            stack.append(self._call(Name(*str(arg).split(" ", 1)), tuple(self._to_mark())))
        else:  # the extension registry, which calls what somebody registered; buffers from elsewhere
            raise ValueError(f"a pickle with {name}, which needs more than the file")

    def _call(self, called: object, args: object) -> object:
        if isinstance(called, Made):  # what a made thing would make
            return Made(called.name)
        if not isinstance(called, Name) or not isinstance(args, tuple):
            raise ValueError("a pickle that calls what cannot be called")
        return self._makers[called](*args) if called in self._makers else Made(called, args)

    def _take(self, count: int) -> list[object]:
        if len(self._stack) < count:
            raise ValueError("a pickle that takes more than it has")
        taken = self._stack[-count:]
        del self._stack[-count:]
        return taken

    def _to_mark(self) -> list[object]:
        at = next(i for i in range(len(self._stack) - 1, -1, -1) if self._stack[i] is MARK)
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items

    def _between_mark_and_top(self) -> list[object]:
        top = self._stack.pop()
        items = self._to_mark()
        self._stack.append(top)
        return items

    @staticmethod
    def put(target: object, items: list[object]) -> None:
        """Keys and values into a dict; what is no plain key is not hashed, which can take for ever."""
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2]):
                # Of large whole numbers many can have one hash.
                plain = isinstance(key, (str, bytes)) or (isinstance(key, int) and abs(key) < 2**60)
                target[key if plain else Key()] = value

    @staticmethod
    def _add(target: object, items: list[object]) -> None:
        if isinstance(target, list):
            target.extend(items)
