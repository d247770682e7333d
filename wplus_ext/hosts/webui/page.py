"""The page: components, and what they send and receive."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence

import gradio as gr
from modules import shared

from ...fields import Field
from ...library import calibration
from ...library.index import Library
from ...library.resolve import resolve
from ...regions import with_regions
from ...settings import FIELDS, NO_IDENTITY, PREFIX, Settings, from_infotext
from .chart import draw
from .curves import Curves
from .files import Files, dropdowns, fault_html, first_direction
from .folders import TITLE, look_again
from .job import Job
from .notes import note, refuse_zeros
from .people import People
from .public import public

PRESETS = {
    "Sad to happy: -0.7 > 0 > 0.7": "-0.7 > 0 > 0.7",
    "There and back: 0 > 0.7 > 0": "0 > 0.7 > 0",
    "Steady: 0.5": "0.5",
    "Fade in: 0 > 0.7": "0 > 0.7",
    "Pulse: 0 > 0.7 > 0, again and again": "loop 0%:(0):smooth, 50%:(0.7):smooth",
    "Blink: down and up at the middle": "0%:(0), 45%:(0):smooth, 50%:(-0.7):smooth, 55%:(0)",
}
ROWS = (("enabled", "mode"), ("adapter", "identity"), ("tracks",), ("regions",), ("strength", "start", "end"))


class Pasted(str):
    """A field's name among the paste fields: the WebUI compares it as text where it sends settings to
    another tab, and calls it where it pastes an infotext."""

    def __call__(self, params: dict[str, object]) -> object:
        name = self.removeprefix(PREFIX)
        value = from_infotext(params).get(name)
        return NO_IDENTITY if name == "identity" and value == "" else value


class Page:
    """The accordion of one tab. ``settings`` has the component of each field of `Settings`, in their order.

    Args:
        tab: ``"txt2img"`` or ``"img2img"``.
        elem_id: makes an id that is unique to the tab.
        library: where the names come from.
        find: gives the job of a result, as `Finished.find` does.
    """

    def __init__(
        self, tab: str, elem_id: Callable[[str], str], library: Library, find: Callable[[str], Job | None]
    ) -> None:
        self.library, self._find = library, find
        self._tab, self._id = tab, elem_id
        self._fields = {field.name: field for field in FIELDS}
        self._made: dict[str, gr.components.Component] = {}
        with gr.Accordion(TITLE, open=False, elem_id=elem_id("wplus"), elem_classes="wplus"):
            self._build()
        self.settings = {field.name: self._made[field.name] for field in FIELDS}
        self._connect()
        pasted = [Pasted(PREFIX + name) for name in self.settings]
        self.infotext_fields = list(zip(self.settings.values(), pasted))
        self.paste_field_names = list(pasted)

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What a job's settings are read from."""
        return list(self.settings.values())

    def follow(self, info: gr.components.Component) -> None:
        """Show the report whenever the WebUI's JSON beside the picture changes: each result has its own."""
        quiet, regions = {"show_progress": False, "queue": False}, self.settings["regions"]
        info.change(self._show_report, info, self.last, **quiet)
        info.change(self._take_proposed, info, [self.settings["tracks"], regions], **quiet)
        self.faces.click(self._find_faces, [info, regions], regions, **quiet)

    def _build(self) -> None:
        switches, files, tracks, regions, numbers = ([self._fields[name] for name in row] for row in ROWS)
        self._add_row(switches)
        with gr.Row():
            self._add_fields(files)
            self.refresh = gr.Button("Refresh files", elem_id=self._id("refresh"), elem_classes="wplus-small")
        self._build_picker()
        self._add_fields(tracks)
        self.faults = gr.HTML(elem_id=self._id("faults"))
        gr.HTML(self._editor())
        with gr.Row():
            self._add_fields(regions)
            self.faces = gr.Button("Find faces", elem_id=self._id("find_faces"), elem_classes="wplus-small")
        gr.HTML(f'<div class="wplus-regions" data-tab="{self._tab}"></div>')
        self._add_row(numbers)
        self._add_fields([field for field in FIELDS if field.name not in self._made])
        self.last = gr.HTML(elem_id=self._id("report"))
        self.calibrated = gr.HTML(self._calibrated(), elem_id=self._id("calibrated"), elem_classes="wplus-data")
        identity = self._made["identity"]
        self.curves = Curves(self._id, self.library, self._tab)
        self.people = People(self._id, self.library, identity, lambda: look_again(self.library))
        self.files = Files(
            self._id, self.library, self._made["adapter"], self.direction, lambda: look_again(self.library),
            queued=not getattr(shared.cmd_opts, "no_gradio_queue", False),
        )  # fmt: skip

    def _build_picker(self) -> None:
        """A direction and a curve, from which a track is made."""
        with gr.Row():
            first = first_direction(self.library)
            directions = self.library.names("directions")
            self.direction = gr.Dropdown(directions, value=first, label="W+ direction", elem_id=self._id("direction"))
            self.preset = gr.Dropdown(
                list(PRESETS), value=next(iter(PRESETS)), label="W+ curve", elem_id=self._id("preset")
            )
            for picker in (self.direction, self.preset):  # what they begin with follows the library
                picker.do_not_save_to_config = True
            self.add = gr.Button("Add track", elem_id=self._id("add"), elem_classes="wplus-small")

    def _add_row(self, fields: Sequence[Field]) -> None:
        with gr.Row():
            self._add_fields(fields)

    def _add_fields(self, fields: Sequence[Field]) -> None:
        for field in fields:
            self._made[field.name] = self._component(field)

    def _component(self, field: Field) -> gr.components.Component:
        """What a field is set with."""
        known = {"label": field.label, "elem_id": self._id(field.name)}
        if field.kind is bool:
            return gr.Checkbox(field.default, **known)
        known["info"] = field.help
        if field.choices:
            return gr.Radio(field.choices, value=field.default, **known)
        if field.folder:
            names = [NO_IDENTITY] if field.optional else []
            names += self.library.names(field.folder)
            return gr.Dropdown(names, value=names[0] if names else "", **known)
        if field.step:
            return gr.Slider(field.low, field.high, field.default, step=field.step, **known)
        if field.kind is not str:
            return gr.Number(field.default, precision=0 if field.kind is int else None, **known)
        if field.name == "tracks":
            example = f"{first_direction(self.library) or 'smile'} = -0.7 > 0 > 0.7"
            return gr.Textbox(field.default, lines=3, max_lines=20, placeholder=example, **known)
        if field.name == "regions":
            return gr.Textbox(field.default, lines=2, max_lines=20, placeholder="left = (0.3 0.4 0.15 0.25)", **known)
        return gr.Textbox(field.default, lines=1, **known)

    def _editor(self) -> str:
        """Where javascript/wplus_page.mjs mounts the curve editor, and what it has to know."""
        names = ("tracks", "identity", "direction", "strength", "regions", "report", "calibrated")
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
        self._tell(self.settings["tracks"], "tracks")
        self._tell(self.settings["identity"], "identity")
        self._tell(self.settings["regions"], "regions")
        self._tell(self.last, "report")
        self._tell(self.calibrated, "calibrated")
        for component in self.inputs:  # gradio drops what changes while a check runs: so there is a second one
            change = component.change(self._check, self.inputs, self.faults, **quiet)
            change.then(self._check, self.inputs, self.faults, **quiet)
        tracks, files = self.settings["tracks"], [self.settings["adapter"], self.direction]
        self.curves.connect(tracks, self.direction, self.settings["identity"])
        self.add.click(self._add_track, [tracks, self.direction, self.preset], tracks, **quiet)
        seen = [self.faults, *self.files.latents, self.calibrated]
        shown = [*files, self.settings["identity"], self.people.gallery, *seen]
        self.refresh.click(self._refresh, [*self.inputs, *files], shown, **quiet)
        for change in (*self.people.changes, *self.files.changes):
            change.then(self._see, self.inputs, seen, **quiet)

    def _check(self, *values: object) -> str:
        """What is wrong with the settings, or leaves pictures as they are, as HTML; nothing where all is well."""
        try:
            settings = Settings.from_dict(dict(zip(self.settings, values)))
            refuse_zeros(resolve(settings, self.library).tracks)
        except ValueError as error:
            return fault_html(error)
        said = note(settings)
        return f'<div class="wplus-note" role="status">{html.escape(said)}</div>' if said else ""

    def _add_track(self, tracks: str, direction: str, preset: str) -> str:
        if not direction:
            folder = public(str(self.library.roots[0] / "directions"))
            raise gr.Error(f"There is no direction in {folder}: get some by Download, below")
        line = f"{direction} = {PRESETS[preset]}"
        return f"{tracks.rstrip()}\n{line}" if tracks.strip() else line

    def _take_proposed(self, info: str) -> list[object]:
        """What a job of the script for several videos found for the boxes, once."""
        job = self._find(info)
        proposed = {} if job is None else dict(job.proposed)
        if job is not None:
            job.proposed.clear()
        return [gr.update(value=proposed[name]) if name in proposed else gr.update() for name in ("tracks", "regions")]

    def _find_faces(self, info: str, regions: str) -> str:
        """The regions with those around the faces of the last run."""
        job = self._find(info)
        if job is None:
            raise gr.Error("There are no frames to find faces in: generate some first, with the edit enabled")
        try:
            return with_regions(regions, job.seen.regions(job.frames))
        except ValueError as error:
            raise gr.Error(public(error)) from error

    def _refresh(self, *values: object) -> list[object]:
        *settings, adapter, direction = values
        look_again(self.library)
        identities = gr.update(choices=[NO_IDENTITY, *self.library.names("latents")])
        return [
            *dropdowns(self.library, adapter, direction), identities, self.people.thumbnails(), *self._see(*settings),
        ]  # fmt: skip

    def _see(self, *settings: object) -> list[object]:
        """What follows from a change of the library: faults, the faces of which a direction is made, and what it has of
        calibrations."""
        latents = self.library.names("latents")
        return [self._check(*settings), *(gr.update(choices=latents) for _ in self.files.latents), self._calibrated()]

    def _calibrated(self) -> str:
        """What directions were measured to give, as the curve editor reads it."""
        shown = ("attribute", "slope", "unit", "low", "high", "model")
        told = {
            name: {number: {key: getattr(one, key) for key in shown} for number, one in found.items()}
            for name, found in calibration.read_all(self.library).items()
        }
        return f'<div data-calibrated="{html.escape(json.dumps(told))}"></div>'

    def _show_report(self, info: str) -> str:
        job = self._find(info)
        if job is None:
            return ""
        report, reached = job.report, job.reached()
        curves = reached.to_dict()["curves"] if reached else []
        data = html.escape(json.dumps({"residual": report.residual, "strip": job.strip.url(), "reached": curves}))
        lines = [job.summary(), *(reached.lines() if reached else [job.seen.why])]
        said = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
        said += f"<details><summary>Plot</summary>{draw(report)}</details>"
        return f'<div class="wplus-report" data-run="{data}">{said}</div>'
