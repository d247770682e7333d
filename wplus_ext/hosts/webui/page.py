"""The page: components, and what they send and receive."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

import gradio as gr
from modules import shared

from ...fields import Field
from ...library import calibration
from ...library.index import Library
from ...library.resolve import resolve
from ...presets import PRESETS
from ...regions import with_regions
from ...settings import FIELDS, NO_IDENTITY, PREFIX, Settings, from_infotext
from ...tracks import TrackError
from .curves import Curves
from .download import Download
from .files import Files
from .folders import TITLE, look_again
from .job import Job
from .notes import note, refuse_zeros
from .parts import pressed
from .people import People
from .picker import Picker, directions_of, first_direction, named_in, titled
from .shown import report_html
from .words import banner, fault_html, lead_to, note_html

HELP = {  # what a field or a button does, beside the settings, which say so themselves
    "direction": "What is changed: type to search among the names",
    "preset": "How strongly, over the frames: it can be changed in the drawing",
    "add": "Adds the direction with this curve as a track, and switches the adapter on",
    "refresh": "Looks for files that were added since",
    "find_faces": "Writes a region around each face of the last run, which follows it",
    "tracks": "The curves as text: they can be copied, pasted and typed here",
}
FIRST = ("enabled", "tracks")  # above all else: they have their help where the pointer rests alone
NUMBERS = ("strength", "start", "end")  # fields that stand side by side
QUIET = {"show_progress": False, "queue": False}  # of an event that is soon done


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
        regions = self.settings["regions"]
        info.change(self._show_report, info, self.last, **QUIET)
        boxes = [self.settings["tracks"], regions, self.settings["enabled"]]
        info.change(self._take_proposed, info, boxes, **QUIET)
        pressed(self.faces, self._find_faces, [info, regions], [regions, self.faces_said], queue=False)

    def _build(self) -> None:
        """What is needed for the first video, from above; all else under "Advanced"."""
        self.download = Download(
            self._id, self.library, lambda: look_again(self.library),
            queued=not getattr(shared.cmd_opts, "no_gradio_queue", False),
        )  # fmt: skip
        self._add_fields("enabled")
        self.picker = Picker(self._id, self.library)
        self.direction = self.picker.direction
        self.faults = gr.HTML(elem_id=self._id("faults"))
        gr.HTML(self._editor())
        self.last = gr.HTML(elem_id=self._id("report"))
        self._add_fields("tracks")
        with gr.Accordion("Advanced", open=False, elem_id=self._id("advanced")):
            self._build_advanced()
        self.calibrated = gr.HTML(self._calibrated(), elem_id=self._id("calibrated"), elem_classes="wplus-data")
        # Pressed by the other tab, when it has changed the library.
        self.again = gr.Button("Refresh", elem_id=self._id("again"), elem_classes=["wplus-data", "wplus-again"])

    def _build_advanced(self) -> None:
        with gr.Row():
            self._add_fields("identity")
            self.refresh = gr.Button("Refresh files", elem_id=self._id("refresh"), elem_classes="wplus-small")
        with gr.Row():
            self._add_fields(*NUMBERS)
        with gr.Row():
            self._add_fields("adapter", "mode")
        self._add_fields(*(name for name in self._fields if name not in {*self._made, "regions"}))
        self.people = People(self._id, self.library, self._made["identity"], lambda: look_again(self.library))
        with gr.Accordion("Regions: only this face", open=False, elem_id=self._id("places")):
            with gr.Row():
                self._add_fields("regions")
                self.faces = gr.Button("Find faces", elem_id=self._id("find_faces"), elem_classes="wplus-small")
            self.faces_said = gr.HTML(elem_id=self._id("find_faces_said"))
            gr.HTML(f'<div class="wplus-regions" data-tab="{self._tab}"></div>')
        self.curves = Curves(self._id, self.library, self._tab)
        self.files = Files(self._id, self.library, self.direction, lambda: look_again(self.library))
        gr.HTML(f"<p>{lead_to([], 'Download more files')}</p>")

    def _add_fields(self, *names: str) -> None:
        for name in names:
            self._made[name] = self._component(self._fields[name])

    def _component(self, field: Field) -> gr.components.Component:
        """What a field is set with."""
        known = {"label": field.label, "elem_id": self._id(field.name)}
        known["info"] = None if field.name in FIRST else field.help
        if field.kind is bool:
            return gr.Checkbox(field.default, **known)
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
            known["elem_classes"] = "wplus-text"
            return gr.Textbox(field.default, lines=2, max_lines=20, placeholder=example, **known)
        if field.name == "regions":
            return gr.Textbox(field.default, lines=2, max_lines=20, placeholder="left = (0.3 0.4 0.15 0.25)", **known)
        return gr.Textbox(field.default, lines=1, **known)

    def _editor(self) -> str:
        """Where javascript/wplus_page.mjs mounts the curve editor, and what it has to know."""
        names = ("tracks", "identity", "direction", "strength", "regions", "report", "calibrated", "add", "again")
        told = {field.name: [field.help, field.note] if field.note else [field.help] for field in FIELDS}
        told |= {name: [text] for name, text in HELP.items()}
        known = {name: self._id(name) for name in names} | {
            "tab": self._tab,
            "presets": json.dumps(list(PRESETS.items())),
            "help": json.dumps({self._id(name): text for name, text in told.items()}),
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
        for name in ("tracks", "identity", "strength", "regions"):
            self._tell(self.settings[name], name)
        self._tell(self.last, "report")
        self._tell(self.calibrated, "calibrated")
        for component in self.inputs:  # gradio drops what changes while a check runs: so there is a second one
            change = component.change(self._check, self.inputs, self.faults, **QUIET)
            change.then(self._check, self.inputs, self.faults, **QUIET)
        tracks, identity = self.settings["tracks"], self.settings["identity"]
        self.curves.connect(tracks, self.direction, identity)
        self.picker.connect(tracks, identity, self.settings["enabled"], self.faults)
        seen = [self.faults, *self.files.latents, self.calibrated, self.download.banner]
        files = [self.settings["adapter"], self.direction]
        shown = [*files, identity, self.people.gallery, *seen]
        others = f"() => document.querySelectorAll('.wplus-again:not(#{self._id('again')})').forEach((b) => b.click())"
        self.again.click(self._refresh, [*self.inputs, *files], shown, **QUIET)
        refreshed = pressed(self.refresh, self._refresh, [*self.inputs, *files], shown, queue=False)
        arrived = self.download.change.then(  # the banner says what came
            lambda *values: self._refresh(*values)[:-1], [*self.inputs, *files], shown[:-1], **QUIET
        )
        for change in (refreshed, arrived):
            change.then(None, None, None, _js=others)
        for change in (*self.people.changes, *self.files.changes):
            change.then(self._see, self.inputs, seen, **QUIET).then(None, None, None, _js=others)

    def _check(self, *values: object) -> str:
        """What is wrong with the settings, or leaves pictures as they are, as HTML; nothing where all is well, and of
        a text that cannot be read, since the drawing says that."""
        try:
            settings = Settings.from_dict(dict(zip(self.settings, values)))
            refuse_zeros(resolve(settings, self.library).tracks)
        except TrackError:
            return ""
        except ValueError as error:
            return fault_html(error)
        return note_html(note(settings))

    def _take_proposed(self, info: str) -> list[object]:
        """What a job of the script for several videos found for the boxes, once; tracks switch the adapter on."""
        job = self._find(info)
        proposed = {} if job is None else dict(job.proposed)
        if job is not None:
            job.proposed.clear()
        if "tracks" in proposed:
            proposed["enabled"] = True
        boxes = ("tracks", "regions", "enabled")
        return [gr.update(value=proposed[name]) if name in proposed else gr.update() for name in boxes]

    def _find_faces(self, info: str, regions: str) -> list[object]:
        """The regions with those around the faces of the last run, and what is wrong."""
        try:
            job = self._find(info)
            if job is None:
                raise ValueError("there are no frames to find faces in: generate some first, with the edit enabled")
            return [with_regions(regions, job.seen.regions(job.frames)), ""]
        except (ValueError, OSError, RuntimeError) as error:
            return [gr.update(), fault_html(error)]

    def _refresh(self, *values: object) -> list[object]:
        """Everything that follows from the library, listed anew; what is chosen stays."""
        *settings, adapter, direction = values
        look_again(self.library)
        adapters = self.library.names("adapters")
        chosen = named_in(direction) or first_direction(self.library)
        return [
            gr.update(choices=adapters, value=adapter or next(iter(adapters), "")),
            gr.update(choices=directions_of(self.library), value=titled(chosen)),
            gr.update(choices=[NO_IDENTITY, *self.library.names("latents")]),
            self.people.thumbnails(),
            *self._see(*settings),
        ]

    def _see(self, *settings: object) -> list[object]:
        """What follows from a change of the library: faults, the faces of which a direction is made, what it has of
        calibrations, and what is missing."""
        latents = self.library.names("latents")
        lists = [gr.update(choices=latents) for _ in self.files.latents]
        return [self._check(*settings), *lists, self._calibrated(), banner(self.library)]

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
        return "" if job is None else report_html(job)
