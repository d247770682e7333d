"""Fields of settings. What a field is called, what it means and what it may be stands at the field, once: the checks,
the page, the command line's options and the tables of the docs follow from it."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A field of settings.

    ``help`` is a short line, and what more there is to say is its ``note``, for the docs alone. ``kind`` is ``bool``,
    ``int``, ``float`` or ``str``; ``low``, ``high`` and ``step`` are a number's; a text that is
    one of some ``choices`` has them; one that is the name of a file has the ``folder`` of the library where it is.
    An ``optional`` field may be None.
    """

    name: str
    kind: type
    default: object
    label: str
    help: str
    note: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    folder: str = ""
    optional: bool = False

    @property
    def limits(self) -> str:
        """Its range, as words; empty where it has none."""
        return "" if self.low is None else f"{_short(self.low)} to {_short(self.high)}"

    def check(self, value: object) -> None:
        """Raise ValueError, with what was given and what was expected, for a value that cannot be."""
        if value is None and self.optional:
            return
        numeric = (int, float) if self.kind is float else self.kind
        if not isinstance(value, numeric) or (isinstance(value, bool) and self.kind is not bool):
            wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[self.kind]
            raise ValueError(f"{self.name} is {value!r} ({type(value).__name__}), expected {wanted}")
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                half = f"U+{ord(value[error.start]):04X}"
                raise ValueError(f"{self.name} holds {half}, half a letter; expected a text") from error
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} is {value!r}, expected one of {', '.join(self.choices)}")
        if self.low is not None and not self.low <= value <= self.high:
            raise ValueError(f"{self.name} is {_short(value)}, expected {self.limits}")


def setting(default: object, label: str, help: str, **more: object) -> typing.Any:  # noqa: ANN401 - as dataclasses.field
    """A dataclass's field with a `Field`'s ``label``, ``help`` and so on."""
    return dataclasses.field(default=default, metadata={"label": label, "help": help, **more})


@functools.cache
def fields_of(kind: type) -> tuple[Field, ...]:
    """The described fields of a dataclass, in their order."""
    types, found = typing.get_type_hints(kind), []
    for field in dataclasses.fields(kind):
        if "label" in field.metadata:
            options = [option for option in typing.get_args(types[field.name]) if option is not type(None)]
            base = options[0] if options else types[field.name]
            found.append(Field(field.name, base, field.default, optional=bool(options), **field.metadata))
    return tuple(found)


def check(settings: object) -> None:
    """Raise ValueError for the first field of ``settings`` whose value cannot be."""
    for field in fields_of(type(settings)):
        field.check(getattr(settings, field.name))


def refuse_unknown(kind: type, values: Mapping[str, object], hint: typing.Callable[[str, list[str]], str]) -> None:
    """Raise ValueError for a name among ``values`` that is no field of ``kind``; ``hint`` says what may be meant."""
    names = [field.name for field in dataclasses.fields(kind)]
    for name in values:
        if name not in names:
            raise ValueError(f"unknown field {name!r}{hint(str(name), names)}; expected {', '.join(names)}")


def _short(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)
