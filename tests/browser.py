"""The accordion of both tabs on a real gradio page in a real Chromium, with what Python receives.

What the WebUI itself gives a page stands in here: `editor_page.SCRIPT` for its script.js and ui.js, and AnimateDiff's
fields under its own ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from editor_page import CHROMIUM, ROOT, SCRIPT

__all__ = ["CHROMIUM", "Site"]


class Site:
    """A running page: its address, what Python received last, and the scripts behind the two tabs."""

    def __init__(self, module: object) -> None:
        self.received: dict[str, list[str]] = {"txt2img": [], "img2img": []}
        self.scripts = {}
        self.strengths: dict[str, list[str]] = {"txt2img": [], "img2img": []}
        self.pasted = ("", "1")  # the tracks and the strength that Python gives a page that presses "paste"
        self.result = ""  # what the WebUI keeps beside the pictures of a page that presses "done"
        self.blocks = gr.Blocks(css=(ROOT / "style.css").read_text())
        with self.blocks, gr.Tabs():
            for tab in ("txt2img", "img2img"):
                with gr.Tab(tab, elem_id=f"tab_{tab}"):
                    self._tab(module, tab)
        with self.blocks:
            gr.HTML('<div id="ready"></div>')

    def _tab(self, module: object, tab: str) -> None:
        script = self.scripts[tab] = module.WPlusScript()
        script.tabname = tab
        with gr.Row():
            gr.Checkbox(True, label="Enable AnimateDiff", interactive=True, elem_id=f"{tab}-ad-enable")
            gr.Number(1, label="Batch size", precision=0, interactive=True, elem_id=f"{tab}_batch_size")
            gr.Number(16, label="Number of frames", precision=0, interactive=True, elem_id=f"{tab}-ad-video-length")
            gr.Number(8, label="FPS", precision=0, interactive=True, elem_id=f"{tab}-ad-fps")
            gr.Number(16, label="Context", precision=0, interactive=True, elem_id=f"{tab}-ad-batch-size")
        script.ui(tab == "img2img")
        tracks, strength = script.page.settings["tracks"], script.page.settings["strength"]
        tracks.change(self.received[tab].append, tracks, queue=False)
        strength.change(self.strengths[tab].append, strength, queue=False)
        info = gr.Textbox(visible=False, elem_id=f"generation_info_{tab}")
        script.after_component(info, elem_id=f"generation_info_{tab}")
        give, text = gr.Button("give", elem_id=f"{tab}-give"), gr.Textbox(elem_id=f"{tab}-given")
        give.click(lambda value: value, text, tracks, queue=False)  # an update from Python
        paste = gr.Button("paste", elem_id=f"{tab}-paste")
        paste.click(lambda: self.pasted, None, [tracks, strength], queue=False)
        done = gr.Button("done", elem_id=f"{tab}-done")
        done.click(lambda: self.result, None, info, queue=False)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it, as the WebUI does: scripts as classic ones, modules as modules. Gives the address."""
        original = gr.routes.templates.TemplateResponse
        modules = sorted((ROOT / "javascript").glob("*.mjs"))
        tags = "".join(f'<script type="module" src="file={path}?1"></script>' for path in modules)

        def response(*args: object, **kwargs: object) -> object:
            answer = original(*args, **kwargs)
            answer.body = answer.body.replace(b"</head>", f"<script>{SCRIPT}</script>{tags}</head>".encode())
            answer.init_headers()
            return answer

        gr.routes.templates.TemplateResponse = response
        try:
            _, url, _ = self.blocks.launch(
                prevent_thread_lock=True, quiet=True, show_error=True, allowed_paths=[str(ROOT / "javascript")],
                server_name="127.0.0.1", share=False,
            )  # fmt: skip
            yield url
        finally:
            gr.routes.templates.TemplateResponse = original
            self.blocks.close(verbose=False)
