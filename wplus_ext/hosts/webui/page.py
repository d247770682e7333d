"""The page: components, and what they send and receive."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import fields
from types import ModuleType

import gradio as gr
from modules import scripts, shared

from ... import tracks as language
from ...library.index import KINDS, Library, named_by
from ...settings import MODES, NO_IDENTITY, Settings, from_infotext
from .files import Files, dropdowns, fault_html, first_direction
from .job import Run, look_again, model_roots
from .passports import TITLE
from .people import People

PRESETS = {
    "Sad to happy: -0.7 > 0 > 0.7": "-0.7 > 0 > 0.7",
    "There and back: 0 > 0.7 > 0": "0 > 0.7 > 0",
    "Steady: 0.5": "0.5",
    "Fade in: 0 > 0.7": "0 > 0.7",
    "Pulse: 0 > 0.7 > 0, again and again": "loop 0%:(0):smooth, 50%:(0.7):smooth",
    "Blink: down and up at the middle": "0%:(0), 45%:(0):smooth, 50%:(-0.7):smooth, 55%:(0)",
}
DEFAULTS = Settings()


class Pasted(str):
    """A field's name among the paste fields: the WebUI compares it as text where it sends settings to
    another tab, and calls it where it pastes an infotext."""

    def __call__(self, params: dict[str, object]) -> object:
        value = from_infotext(params).get(self.removeprefix("WPlus "))
        return NO_IDENTITY if self == "WPlus identity" and value == "" else value


class Page:
    """The accordion of one tab. ``inputs`` are in the order of the fields of `Settings`.

    Args:
        tab: ``"txt2img"`` or ``"img2img"``.
        elem_id: makes an id that is unique to the tab.
        library: where the names come from.
        last: gives the last job.
    """

    def __init__(
        self, tab: str, elem_id: Callable[[str], str], library: Library, last: Callable[[], Run | None]
    ) -> None:
        self.library, self._last = library, last
        self._tab, self._id = tab, elem_id
        with gr.Accordion(TITLE, open=False, elem_id=elem_id("wplus"), elem_classes="wplus"):
            self._build()
        self._connect()
        self.inputs = [getattr(self, field.name) for field in fields(Settings)]
        pasted = [Pasted(f"WPlus {field.name}") for field in fields(Settings)]
        self.infotext_fields = list(zip(self.inputs, pasted))
        self.paste_field_names = list(pasted)

    def follow(self, log: gr.components.Component) -> None:
        """Show the report whenever the WebUI's line under the picture changes: it comes with each result."""
        log.change(self._show_report, outputs=self.last, show_progress=False, queue=False)

    def _build(self) -> None:
        adapters, latents, directions = (self.library.names(kind) for kind in ("adapters", "latents", "directions"))
        with gr.Row():
            self.enabled = gr.Checkbox(DEFAULTS.enabled, label="Enable W+ Adapter", elem_id=self._id("enabled"))
            self.mode = gr.Radio(MODES, value=DEFAULTS.mode, label="W+ mode", elem_id=self._id("mode"))
        with gr.Row():
            self.adapter = gr.Dropdown(
                adapters, value=adapters[0] if adapters else "", label="W+ adapter file", elem_id=self._id("adapter")
            )
            self.identity = gr.Dropdown(
                [NO_IDENTITY, *latents], value=NO_IDENTITY, label="W+ identity", elem_id=self._id("identity")
            )
            self.refresh = gr.Button("Refresh files", elem_id=self._id("refresh"), elem_classes="wplus-small")
        with gr.Row():
            first = first_direction(self.library)
            self.direction = gr.Dropdown(directions, value=first, label="W+ direction", elem_id=self._id("direction"))
            self.preset = gr.Dropdown(
                list(PRESETS), value=next(iter(PRESETS)), label="W+ curve", elem_id=self._id("preset")
            )
            for picker in (self.direction, self.preset):  # what they begin with follows the library
                picker.do_not_save_to_config = True
            self.add = gr.Button("Add track", elem_id=self._id("add"), elem_classes="wplus-small")
        self.tracks = gr.Textbox(
            DEFAULTS.tracks, label="W+ tracks", lines=3, max_lines=20, elem_id=self._id("tracks"),
            placeholder=f"{first or 'smile'} = -0.7 > 0 > 0.7",
            info="One line a track: direction = value, or keys over the frames",
        )  # fmt: skip
        self.faults = gr.HTML(elem_id=self._id("faults"))
        gr.HTML(self._editor())
        with gr.Row():
            self.strength = gr.Textbox(
                DEFAULTS.strength, label="W+ strength", lines=1, elem_id=self._id("strength"),
                info="Of all tracks, or of the identity; a number or a curve",
            )  # fmt: skip
            self.start = gr.Slider(0.0, 1.0, DEFAULTS.start, step=0.01, label="W+ start", elem_id=self._id("start"))
            self.end = gr.Slider(0.0, 1.0, DEFAULTS.end, step=0.01, label="W+ end", elem_id=self._id("end"))
        self.negative = gr.Checkbox(
            DEFAULTS.negative, label="W+ in the negative rows too", elem_id=self._id("negative")
        )
        self.last = gr.HTML(elem_id=self._id("report"))
        self.people = People(self._id, self.library, self.identity, lambda: look_again(self.library))
        self.files = Files(
            self._id, self.library, self.adapter, self.direction, lambda: look_again(self.library),
            queued=not getattr(shared.cmd_opts, "no_gradio_queue", False),
        )  # fmt: skip

    def _editor(self) -> str:
        """Where javascript/wplus_page.mjs mounts the curve editor, and what it has to know."""
        names = ("tracks", "identity", "direction", "report")
        known = {name: self._id(name) for name in names} | {
            "tab": self._tab,
            "presets": json.dumps(list(PRESETS.items())),
        }
        data = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in known.items())
        return f'<div class="wplus-curve" {data}></div>'

    def _tell(self, component: gr.components.Component, name: str) -> None:
        """Tell the curve editor of every change, by typing, by Python or by a pasted infotext."""
        place = f".wplus-curve[data-tab={self._tab}]"
        event = f"new CustomEvent('wplus-{name}', {{detail: value}})"
        component.change(
            None, component, _js=f"(value) => {{ document.querySelector('{place}')?.dispatchEvent({event}) }}"
        )

    def _connect(self) -> None:
        quiet = {"show_progress": False, "queue": False}
        for name in ("tracks", "identity"):
            self._tell(getattr(self, name), name)
        self._tell(self.last, "report")
        checked = [self.tracks, self.strength, self.identity, self.mode, self.start, self.end, self.negative]
        for component in checked:  # gradio drops what changes while a check runs: so there is a second one
            change = component.change(self._check, inputs=checked, outputs=self.faults, **quiet)
            change.then(self._check, inputs=checked, outputs=self.faults, **quiet)
        self.add.click(self._add_track, [self.tracks, self.direction, self.preset], self.tracks, **quiet)
        self.refresh.click(
            self._refresh,
            [*checked, self.adapter, self.direction],
            [self.adapter, self.direction, self.identity, self.people.gallery, self.faults, *self.files.latents],
            **quiet,
        )
        for change in (*self.people.changes, *self.files.changes):
            change.then(self._see, checked, [self.faults, *self.files.latents], **quiet)

    def _check(self, tracks: str, strength: str, identity: str | None, mode: str, start: float, end: float,
               negative: bool) -> str:  # fmt: skip
        """What is wrong with the settings, as HTML; nothing where all is well."""
        try:
            values = {"tracks": tracks, "strength": strength, "identity": identity, "mode": mode}
            _find_all(Settings(**values, start=start, end=end, negative=negative), self.library)
        except ValueError as error:
            return fault_html(error)
        return ""

    def _add_track(self, tracks: str, direction: str, preset: str) -> str:
        if not direction:
            folder = self.library.roots[0] / "directions"
            raise gr.Error(f"There is no direction in {folder}: get some by Download, below")
        line = f"{direction} = {PRESETS[preset]}"
        return f"{tracks.rstrip()}\n{line}" if tracks.strip() else line

    def _refresh(self, *values: object) -> list[object]:
        *checked, adapter, direction = values
        look_again(self.library)
        identities = gr.update(choices=[NO_IDENTITY, *self.library.names("latents")])
        return [
            *dropdowns(self.library, adapter, direction), identities, self.people.thumbnails(), *self._see(*checked),
        ]  # fmt: skip

    def _see(self, *checked: object) -> list[object]:
        """What follows from a change of the library: faults, and the faces of which a direction is made."""
        latents = self.library.names("latents")
        return [self._check(*checked), *(gr.update(choices=latents) for _ in self.files.latents)]

    def _show_report(self) -> str:
        run = self._last()
        if run is None:
            return ""
        report = run.report
        data = html.escape(json.dumps({"residual": report.residual, "strip": run.strip()}))
        said = f"<p>{html.escape(report.summary())}</p><details><summary>Plot</summary>{report.plot()}</details>"
        return f'<div class="wplus-report" data-run="{data}">{said}</div>'


def library() -> Library:
    """The WebUI's library. Makes its folders, where that is allowed."""
    made = Library(model_roots())
    for kind in KINDS:
        try:
            (made.roots[0] / kind).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            print(f"{TITLE}: cannot make the folder {made.roots[0] / kind} ({error.strerror})")
    return made


def add_options() -> None:
    """The extension's page in the settings."""
    info = shared.OptionInfo(
        "", "Another folder with adapters, latents and directions (besides wplus in the models folder)",
        section=("wplus", TITLE),
    )  # fmt: skip
    shared.opts.add_option("wplus_extra_folder", info)


def add_axes() -> None:
    """Axes of the X/Y/Z plot. An axis of ours switches the adapter on; ``;`` parts the lines of tracks."""
    grid = _xyz_grid()
    if grid is None or any(option.label.startswith("[W+] ") for option in grid.axis_options):
        return
    axes = {
        "tracks": (str, None),
        "strength": (str, None),
        "identity": (str, lambda: [NO_IDENTITY, *Library(model_roots()).names("latents")]),
        "adapter": (str, lambda: Library(model_roots()).names("adapters")),
        "mode": (str, lambda: list(MODES)),
        "start": (float, None),
    }
    for field, (kind, choices) in axes.items():
        grid.axis_options.append(
            grid.AxisOption(f"[W+] {field.capitalize()}", kind, _apply(field), confirm=_confirm(field), choices=choices)
        )


def _apply(field: str) -> Callable[[object, object, list[object]], None]:
    def apply(p: object, value: object, values: list[object]) -> None:
        p.wplus_overrides = {**getattr(p, "wplus_overrides", {}), "enabled": True, field: _axis_value(field, value)}

    return apply


def _confirm(field: str) -> Callable[[object, list[object]], None]:
    """Refuse a wrong value before the grid begins: it would leave only an empty cell."""

    def confirm(p: object, values: list[object]) -> None:
        found = Library(model_roots())
        for value in values:
            _find_all(Settings.from_dict({field: _axis_value(field, value)}), found)

    return confirm


def _find_all(settings: Settings, library: Library) -> None:
    """Raise ValueError, with its place, for a name that the library does not know."""
    for track in language.parse(settings.tracks):
        try:
            library.find(*named_by(track.name))
        except ValueError as error:
            raise language.TrackError(str(error), track.line) from error
    if settings.identity is not None:
        library.find("latents", settings.identity)
    if settings.adapter:
        library.find("adapters", settings.adapter)


def _axis_value(field: str, value: object) -> object:
    return value.replace(";", "\n") if field == "tracks" else value


def _xyz_grid() -> ModuleType | None:
    for data in scripts.scripts_data:
        if data.script_class.__module__ == "xyz_grid.py":
            return data.module
    return None
