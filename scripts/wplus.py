"""The extension's only script: callbacks of the WebUI, no logic."""

from __future__ import annotations

import gradio as gr
from modules import script_callbacks, scripts

from wplus_ext import ui, webui
from wplus_ext.library import Library


class WPlusScript(scripts.Script):
    def __init__(self) -> None:
        self.page: ui.Page | None = None
        self.library: Library = ui.library()
        self.outer: object | None = None  # the job whose images are being postprocessed

    def title(self) -> str:
        return ui.TITLE

    def show(self, is_img2img: bool) -> object:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[gr.components.Component]:
        self.page = ui.Page(self.elem_id, self.library)
        self.infotext_fields = self.page.infotext_fields
        self.paste_field_names = self.page.paste_field_names
        return self.page.inputs

    def after_component(self, component: gr.components.Component, **kwargs: object) -> None:
        if self.page is not None and kwargs.get("elem_id") == f"generation_info_{self.tabname}":
            self.page.follow(component)

    def process(self, p: object, *args: object) -> None:
        webui.prepare(p, args, self.library, self.outer)

    def process_batch(self, p: object, *args: object, **kwargs: object) -> None:
        self.outer = webui.start(p, self.outer)

    def postprocess(self, p: object, processed: object, *args: object) -> None:
        if webui.finish(p, processed) and self.page is not None:
            self.page.report = p.wplus_run.report
        if p is self.outer:
            self.outer = None


script_callbacks.on_ui_settings(ui.add_options)
script_callbacks.on_before_ui(ui.add_axes)
