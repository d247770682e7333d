"""Axes of the X/Y/Z plot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

from modules import scripts

from ...fields import Field
from ...library.index import Library
from ...library.resolve import find_tracks, resolve
from ...settings import FIELDS, NO_IDENTITY, Settings
from .folders import model_roots
from .notes import refuse_zeros
from .passports import named

AXES = ("tracks", "strength", "identity", "adapter", "mode", "start")


def add_axes() -> None:
    """Axes of the X/Y/Z plot. An axis of ours switches the adapter on; ``;`` parts the lines of tracks."""
    grid = _xyz_grid()
    if grid is None or any(option.label.startswith("[W+] ") for option in grid.axis_options):
        return
    for name in AXES:
        field = next(field for field in FIELDS if field.name == name)
        kind, choices = Number(name) if field.kind is float else field.kind, _choices(field)
        grid.axis_options.append(
            grid.AxisOption(f"[W+] {name.capitalize()}", kind, _apply(name), confirm=_confirm(name), choices=choices)
        )


class Number:
    """The type of an axis of numbers: the plot takes it for `float`, whose ranges it reads, and what is none is told in
    our words."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __eq__(self, other: object) -> bool:
        return other is float

    __hash__ = None

    def __call__(self, text: object) -> float:
        with named():
            try:
                return float(text)
            except ValueError as error:
                raise ValueError(f"{self._name} is {text!r}, expected numbers, or as in 0-0.4 (+0.1)") from error


def _choices(field: Field) -> Callable[[], list[str]] | None:
    """What the plot offers for an axis."""
    if field.choices:
        return lambda: list(field.choices)
    if field.folder:
        none = [NO_IDENTITY] if field.optional else []
        return lambda: [*none, *Library(model_roots()).names(field.folder)]
    return None


def _apply(field: str) -> Callable[[object, object, list[object]], None]:
    def apply(p: object, value: object, values: list[object]) -> None:
        with named():
            value = _axis_value(field, value)
        p.wplus_overrides = {**getattr(p, "wplus_overrides", {}), "enabled": True, field: value}

    return apply


def _confirm(field: str) -> Callable[[object, list[object]], None]:
    """Refuse a wrong value before the grid begins: it would leave only an empty cell."""

    def confirm(p: object, values: list[object]) -> None:
        found = Library(model_roots())
        with named():
            for value in values:
                settings = Settings.from_dict({field: _axis_value(field, value)})
                # A cell has the identity of the page, or of another axis: that of tracks is not known here.
                refuse_zeros(find_tracks(settings, found))
                resolve(replace(settings, tracks=""), found)

    return confirm


def _axis_value(field: str, value: object) -> object:
    return value.replace(";", "\n") if field == "tracks" else value


def _xyz_grid() -> ModuleType | None:
    for data in scripts.scripts_data:
        if data.script_class.__module__ == "xyz_grid.py":
            return data.module
    return None
