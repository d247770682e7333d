"""The page's part for the first track: a direction in plain words, a curve to begin with, and a button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gradio as gr

from ...library.index import Library, Missing
from ...library.published import DIRECTIONS, FIRST, TITLES
from ...measure.goals import FAR
from ...presets import PRESETS
from ...settings import NO_IDENTITY
from ...tracks import format_schedule, parse_schedule
from .words import fault_html

BETWEEN = " · "  # what a direction does, and its name


class Picker:
    """A direction and a curve, from which a track is made.

    Args:
        elem_id: makes an id that is unique to the tab.
        library: where the directions are.
    """

    def __init__(self, elem_id: Callable[[str], str], library: Library) -> None:
        self.library = library
        with gr.Row(elem_classes="wplus-picker"):
            self.direction = gr.Dropdown(
                directions_of(library), value=titled(first_direction(library)), label="Direction", scale=3,
                elem_id=elem_id("direction"),
            )  # fmt: skip
            self.preset = gr.Dropdown(
                list(PRESETS), value=next(iter(PRESETS)), label="Curve", scale=2, elem_id=elem_id("preset")
            )
            for picker in (self.direction, self.preset):  # what they begin with follows the library
                picker.do_not_save_to_config = True
            self.button = gr.Button("Add track", variant="primary", elem_id=elem_id("add"), elem_classes="wplus-small")

    def connect(self, tracks: gr.Textbox, identity: gr.Dropdown, enabled: gr.Checkbox, faults: gr.HTML) -> None:
        """Let the button add a track to the tracks, and switch the adapter on."""
        given = [tracks, self.direction, self.preset, identity]
        self.button.click(self.add, given, [tracks, enabled, faults], show_progress=False, queue=False)

    def add(self, tracks: str, direction: str | None, preset: str, identity: str | None) -> list[object]:
        """The tracks with one more, the adapter's switch, and what is wrong, as HTML."""
        if not direction:
            folder = self.library.roots[0] / "directions"
            error = Missing(f"there is no direction in {folder}: get some", "directions")
            return [gr.update(), gr.update(), fault_html(error)]
        line = f"{named_in(direction)} = {preset_of(preset, bool(identity) and identity != NO_IDENTITY)}"
        return [f"{tracks.rstrip()}\n{line}" if tracks.strip() else line, True, gr.update()]


def preset_of(title: str, alpha: bool) -> str:
    """A preset's schedule, as large as lambda, or alpha, is meant to be."""
    schedule = parse_schedule(PRESETS[title])
    if not alpha:
        return format_schedule(schedule)
    keys = tuple(replace(key, value=round(key.value * FAR[True] / FAR[False], 4)) for key in schedule.keys)
    return format_schedule(replace(schedule, keys=keys))


def directions_of(library: Library) -> list[str]:
    """The directions to choose from, with what they do: those that people use first, then the others by folder."""
    names = [entry.name for entry in library.entries("directions")]

    def rank(name: str) -> tuple[int, str]:
        folder, _, bare = name.rpartition("/")
        first = bare in FIRST and not folder.endswith("ganspace")
        return (FIRST.index(bare) if first else len(FIRST), "" if first else folder.lower())

    return [titled(name) for name in sorted(names, key=rank)]


def titled(name: str) -> str:
    """A direction as the page's list has it: what it is called, what more of it is, and its name."""
    bare = name.rpartition("/")[2]
    title, what = TITLES.get(bare, bare.replace("_", " ")), DIRECTIONS.get(bare, "")
    said = f"{title[:1].upper()}{title[1:]}".replace(BETWEEN, " ") + (f": {what}" if what and what != title else "")
    return f"{said}{BETWEEN}{name}" if name else ""


def named_in(title: str | None) -> str:
    """The name in what `titled` gave, or a bare name; empty where none is chosen."""
    said, between, name = (title or "").partition(BETWEEN)
    return name if between else said


def first_direction(library: Library) -> str:
    """The name of the direction to begin with: a smile by steps where there is one."""
    entries = library.entries("directions")
    steps = [entry for entry in entries if entry.component is None and entry.name.rpartition("/")[2] == "smile"]
    return next((entry.name for entry in (*steps, *entries)), "")
