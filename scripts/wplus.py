"""The extension's only script: callbacks of the WebUI, no logic."""

from __future__ import annotations

import gradio as gr
from modules import script_callbacks, scripts

from wplus_ext.hosts.webui import api
from wplus_ext.hosts.webui import job as webui
from wplus_ext.hosts.webui import page as ui
from wplus_ext.library.index import Library


class WPlusScript(scripts.Script):
    library: Library = ui.library()  # of both tabs and the API: what one adds, the others know

    def __init__(self) -> None:
        self.page: ui.Page | None = None
        self.outer: object | None = None  # the job whose images are being postprocessed
        self.last: webui.Run | None = None  # the last job

    def title(self) -> str:
        return ui.TITLE

    def show(self, is_img2img: bool) -> object:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[gr.components.Component]:
        # The WebUI asks for the components again, to learn their defaults; the first page is the shown one.
        page = ui.Page("img2img" if is_img2img else "txt2img", self.elem_id, self.library, lambda: self.last)
        self.page = self.page or page
        self.infotext_fields, self.paste_field_names = page.infotext_fields, page.paste_field_names
        return page.inputs

    def after_component(self, component: gr.components.Component, **kwargs: object) -> None:
        if self.page is not None and kwargs.get("elem_id") == f"html_log_{self.tabname}":
            self.page.follow(component)

    def process(self, p: object, *args: object) -> None:
        webui.prepare(p, args, self.library, self.outer)
        if not webui.is_inner(p):
            self.last = None  # a job that fails has no report

    def process_batch(self, p: object, *args: object, **kwargs: object) -> None:
        self.outer = webui.start(p, self.outer)

    def postprocess_image(self, p: object, pp: object, *args: object) -> None:
        webui.see(p, pp.image)

    def postprocess(self, p: object, processed: object, *args: object) -> None:
        run = webui.finish(p, processed)
        if not webui.is_inner(p):
            self.last = run
        if p is self.outer:
            self.outer = None


script_callbacks.on_ui_settings(ui.add_options)
script_callbacks.on_before_ui(ui.add_axes)
script_callbacks.on_app_started(api.add_routes(WPlusScript.library))
