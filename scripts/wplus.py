"""The extension's scripts: callbacks of the WebUI, no logic."""

from __future__ import annotations

import gradio as gr
from modules import script_callbacks, scripts

from wplus_ext.hosts.webui import api, axes, folders, order, several
from wplus_ext.hosts.webui.job import Jobs
from wplus_ext.hosts.webui.page import Page
from wplus_ext.library.index import Library


class WPlusScript(scripts.Script):
    library: Library = folders.library()  # of both tabs and the API: what one adds, the others know

    def __init__(self) -> None:
        self.page: Page | None = None
        self.jobs = Jobs(self.library)

    def title(self) -> str:
        return folders.TITLE

    def show(self, is_img2img: bool) -> object:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[gr.components.Component]:
        # The WebUI asks for the components again, to learn their defaults; the first page is the shown one.
        page = Page("img2img" if is_img2img else "txt2img", self.elem_id, self.library, self.jobs.finished.find)
        self.page = self.page or page
        self.infotext_fields, self.paste_field_names = page.infotext_fields, page.paste_field_names
        return page.inputs

    def after_component(self, component: gr.components.Component, **kwargs: object) -> None:
        if self.page is not None and kwargs.get("elem_id") == f"generation_info_{self.tabname}":
            self.page.follow(component)

    def process(self, p: object, *args: object) -> None:
        self.jobs.prepare(p, args)

    def process_batch(self, p: object, *args: object, **kwargs: object) -> None:
        self.jobs.start(p)

    def postprocess_image(self, p: object, pp: object, *args: object) -> None:
        self.jobs.see(p, pp.image)

    def postprocess_image_after_composite(self, p: object, pp: object, *args: object) -> None:
        self.jobs.keep_frame(p, pp.image)

    def postprocess(self, p: object, processed: object, *args: object) -> None:
        self.jobs.finish(p, processed)


class SeveralScript(scripts.Script):
    def title(self) -> str:
        return order.NAME

    def ui(self, is_img2img: bool) -> list[gr.components.Component]:
        page = several.SeveralPage(self.elem_id)
        self.infotext_fields, self.paste_field_names = page.infotext_fields, page.paste_field_names
        return page.inputs

    def run(self, p: object, *args: object) -> object:
        return several.run(p, args)


script_callbacks.on_ui_settings(folders.add_options)
script_callbacks.on_before_ui(axes.add_axes)
script_callbacks.on_app_started(api.add_routes(WPlusScript.library))
