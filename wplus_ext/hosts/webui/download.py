"""The page's part that gets files: a banner where some are missing, and what it opens."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

import gradio as gr

from ...library.download import fetch
from ...library.index import Library
from ...library.published import ITEMS
from .parts import pressed, unsaved
from .words import banner, fault_html, missing, note_html


class Download:
    """A banner, and under it what gets files, which is shown when something asks for it.

    Args:
        elem_id: makes an id that is unique to the tab.
        library: where the files go.
        look_again: makes the library list its folders anew.
        queued: whether gradio has its queue, without which it cannot show progress.

    ``change`` is the event after which the library may have more files.
    """

    def __init__(
        self, elem_id: Callable[[str], str], library: Library, look_again: Callable[[], None], queued: bool
    ) -> None:
        self.library, self._look_again = library, look_again
        self.banner = gr.HTML(self.missing, elem_id=elem_id("banner"))  # asked whenever a page is opened
        with gr.Column(visible=False, elem_id=elem_id("download"), elem_classes="wplus-download") as self.part:
            items = gr.CheckboxGroup(
                [(f"{name}: {item.what}", name) for name, item in ITEMS.items()], value=missing(library),
                label="Files", elem_id=elem_id("items"),
            )  # fmt: skip
            gr.HTML(_licences())
            with gr.Row():
                accepted = gr.Checkbox(False, label="I accept these licences", elem_id=elem_id("accepted"))
                get = gr.Button("Download", variant="primary", elem_id=elem_id("get"), elem_classes="wplus-small")
                close = gr.Button("Close", elem_id=elem_id("close"), elem_classes="wplus-small")
            got, came = gr.HTML(elem_id=elem_id("got"), elem_classes="wplus-got"), gr.State("")
        # What javascript/wplus_leads.mjs writes when a message's button is pressed: the items that it leads to.
        wanted = gr.Textbox(
            "", show_label=False, elem_id=elem_id("wanted"), elem_classes=["wplus-data", "wplus-wanted"]
        )
        quiet = {"show_progress": False, "queue": False}
        shown = f"new CustomEvent('wplus-shown', {{detail: '{elem_id('download')}'}})"  # see wplus_page.mjs
        show = f"() => {{ document.dispatchEvent({shown}) }}"
        wanted.change(self.open, wanted, [self.part, items, got], **quiet).then(None, None, None, _js=show)
        close.click(lambda: gr.update(visible=False), None, self.part, **quiet)
        work = self.download_shown if queued else self.download
        # gradio's own bar says how much of it is there.
        getting = pressed(get, work, [items, accepted], [got, came], queue=queued, show_progress="full")
        self.change = getting.then(self.arrived, came, [self.banner, self.part], **quiet)
        unsaved(self.part)

    def missing(self) -> str:
        """What is missing now, as HTML."""
        self._look_again()
        return banner(self.library)

    def open(self, wanted: str) -> list[object]:
        """Show the part, with the items that were asked for; without any, what is missing."""
        items = [item for item in wanted.split() if item in ITEMS] or missing(self.library)
        return [gr.update(visible=True), items, ""]

    def download_shown(
        self,
        names: Sequence[str],
        accepted: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio's way
    ) -> tuple[str, str]:
        """The same with a bar."""
        return self.download(names, accepted, progress)

    def download(
        self,
        names: Sequence[str],
        accepted: bool,
        progress: Callable[..., object] = lambda done, desc, unit: None,
    ) -> tuple[str, str]:
        """Get files. What came of it as HTML, and as words where all came; what came before one that fails is kept."""

        def show(file: str, done: int, total: int | None) -> None:
            size = f"{done >> 20} of {total >> 20} MB" if total else f"{done >> 20} MB"
            progress((done, total) if total else 0, desc=f"{file}, {size}", unit="bytes")

        said, fault = [], ""
        try:
            for name in names:
                found = fetch(ITEMS[name], self.library.roots[0], accepted, show)
                said.append(f"{name}: {len(found)} {'file is' if len(found) == 1 else 'files are'} there")
        except (ValueError, OSError) as error:
            fault = fault_html(error)
        self._look_again()
        words = "; ".join(said)
        return note_html(words or ("" if fault else "no files are chosen")) + fault, "" if fault else words

    def arrived(self, came: str) -> list[object]:
        """What is still missing; the part is closed where all that is needed came without a fault, in these words."""
        done = bool(came) and not missing(self.library)
        return [banner(self.library, came if done else ""), gr.update(visible=False) if done else gr.update()]


def _licences() -> str:
    """The licences of all items as HTML, with links."""
    link = r'<a href="\g<0>" target="_blank" rel="noopener">\g<0></a>'
    texts = dict.fromkeys(item.licence for item in ITEMS.values())
    linked = (re.sub(r"https://\S+", link, html.escape(text)) for text in texts)
    return "".join(f'<p class="wplus-licence">{text}</p>' for text in linked)
