"""The script for several videos from one press: its page, and where a press leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import gradio as gr

from ...fields import Field
from .aiming import aim
from .compare import compare
from .draft import draft, find_faces
from .order import FIELDS, FIELDS_OF, KEY, MODES, ROWS, Order, key_of
from .passports import named
from .runs import Runs

DO = dict(zip(MODES, (compare, draft, find_faces, aim)))
EXAMPLES = {
    "row_values": "smile = 0 > 0.7 > 0",
    "column_values": "0.5",
    "targets": "smile = 0 > 0.7 > 0",
    "hold": "age, yaw",
    "by": "smile = latent/smile",
}


def run(p: object, args: Sequence[object]) -> object:
    """Do what a page or a request asks for; the WebUI's result. Raises RuntimeError, one line, for what cannot be, and
    whatever the WebUI does. None, so that the WebUI does it, for the upscaling of a finished picture."""
    if getattr(p, "txt2img_upscale", False):
        return None
    with named():
        order = Order.from_args(args)
        runs = Runs(p, {} if order.mode == "Compare" else order.to_infotext())
    return DO[order.mode](order, runs)


class Pasted(str):
    """A field's key in the infotext, as which the WebUI compares it where it sends settings to another tab; it calls it
    where it pastes an infotext. An empty text has no entry there, and empties its box all the same."""

    def __call__(self, params: Mapping[str, object]) -> object:
        own = FIELDS_OF.get(params.get(KEY), ())
        may_be_empty = self in [key_of(field.name) for field in FIELDS if field.name in own and is_text(field)]
        return params.get(self, "" if may_be_empty else None)


class SeveralPage:
    """The script's page in one tab. ``settings`` has the component of each field of `Order`, in their order.

    Args:
        elem_id: makes an id that is unique to the tab.
    """

    def __init__(self, elem_id: Callable[[str], str]) -> None:
        self._id, self._fields = elem_id, {field.name: field for field in FIELDS}
        mode, self._made = self._fields["mode"], {}
        with gr.Column(elem_classes="wplus-several"):
            self._add([mode.name])
            groups = {modes: self._group(modes, rows, mode.default in modes) for modes, rows in ROWS.items()}
        self._made[mode.name].change(
            lambda chosen: [gr.update(visible=chosen in modes) for modes in groups],
            self._made[mode.name], list(groups.values()), show_progress=False, queue=False,
        )  # fmt: skip
        self.settings = {field.name: self._made[field.name] for field in FIELDS}
        self.infotext_fields = [(component, Pasted(key_of(name))) for name, component in self.settings.items()]
        self.paste_field_names = [key for _, key in self.infotext_fields]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What the script's arguments are read from."""
        return list(self.settings.values())

    def _group(self, modes: Sequence[str], rows: Sequence[Sequence[str]], visible: bool) -> gr.Column:
        with gr.Column(visible=visible, elem_id=self._id(modes[0].lower().replace(" ", "_"))) as group:
            for names in rows:
                with gr.Row():
                    self._add(names)
        return group

    def _add(self, names: Sequence[str]) -> None:
        for name in names:
            self._made[name] = self._component(name)

    def _component(self, name: str) -> gr.components.Component:
        """What a field is set with."""
        field = self._fields[name]
        known = {"label": field.label, "elem_id": self._id(name), "info": field.help}
        if field.kind is bool:
            return gr.Checkbox(field.default, **known)
        if field.choices:
            return gr.Radio(list(field.choices), value=field.default, **known)
        if field.step:
            return gr.Slider(field.low, field.high, field.default, step=field.step, **known)
        if not is_text(field):
            return gr.Number(field.default, precision=0 if field.kind is int else None, **known)
        lines = 1 if name == "hold" else 3
        return gr.Textbox(field.default, lines=lines, max_lines=20, placeholder=EXAMPLES[name], **known)


def is_text(field: Field) -> bool:
    """Whether anything may be typed in it."""
    return field.kind is str and not field.choices
