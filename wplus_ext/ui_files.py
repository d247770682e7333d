"""The page's part for files: downloads; what the directions are, one dropped in, one made from two sets of latents."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from . import files, invert, people
from .download import fetch
from .library import KINDS, Library
from .published import DIRECTIONS, ITEMS, LICENCE


class Files:
    """Two accordions in the accordion.

    Args:
        elem_id: makes an id that is unique to the tab.
        library: where the files are.
        adapter, direction: the dropdowns with which these are chosen.
        look_again: makes the library list its folders anew.
        queued: whether gradio has its queue, without which it cannot show progress.
    """

    def __init__(
        self,
        elem_id: Callable[[str], str],
        library: Library,
        adapter: gr.Dropdown,
        direction: gr.Dropdown,
        look_again: Callable[[], None],
        queued: bool,
    ) -> None:
        self.library, self._look_again = library, look_again
        with gr.Accordion("Download: adapter, encoder, directions", open=False, elem_id=elem_id("download")):
            gr.HTML(f"<p>{html.escape(LICENCE)}</p>")
            accepted = gr.Checkbox(False, label="W+ licence accepted", elem_id=elem_id("accepted"))
            items = gr.CheckboxGroup(
                [(f"{name}: {item.what}", name) for name, item in ITEMS.items()], value=["adapter", "directions"],
                label="W+ files", elem_id=elem_id("items"),
            )  # fmt: skip
            get = gr.Button("Download", elem_id=elem_id("get"), elem_classes="wplus-small")
            got = gr.HTML(elem_id=elem_id("got"))
        with gr.Accordion("Directions: what there is, and new ones", open=False, elem_id=elem_id("files")):
            show = gr.Button("List directions", elem_id=elem_id("list"), elem_classes="wplus-small")
            listed = gr.HTML(elem_id=elem_id("directions"))
            dropped = gr.File(
                label="W+ direction files to add", file_count="multiple", file_types=list(KINDS["directions"]),
                height=110, elem_id=elem_id("dropped"),
            )  # fmt: skip
            latents = library.names("latents")
            with gr.Row():
                without = gr.Dropdown(
                    latents, value=[], multiselect=True, label="W+ faces without it", elem_id=elem_id("without")
                )
                with_it = gr.Dropdown(
                    latents, value=[], multiselect=True, label="W+ faces with it", elem_id=elem_id("with")
                )
            with gr.Row():
                name = gr.Textbox("", label="W+ direction name", lines=1, max_lines=1, elem_id=elem_id("new"))
                make = gr.Button("Make", elem_id=elem_id("make"), elem_classes="wplus-small")
            said = gr.HTML(elem_id=elem_id("files_said"))
        self.latents = [without, with_it]  # whose choices are the library's
        quiet = {"show_progress": False, "queue": False}
        get.click(
            self.download_shown if queued else self.download, [items, accepted], [adapter, direction, got], queue=queued
        )
        show.click(self.table, None, listed, **quiet)
        dropped.upload(self.add, dropped, [direction, said], **quiet)
        make.click(self.make, [without, with_it, name], [direction, said], **quiet)

    def download_shown(
        self,
        names: Sequence[str],
        accepted: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio's way
    ) -> list[object]:
        """The same with a bar."""
        return self.download(names, accepted, progress)

    def download(
        self, names: Sequence[str], accepted: bool, progress: Callable[..., object] = lambda done, desc: None
    ) -> list[object]:
        """Get files. What came before one that fails is kept."""

        def show(file: str, done: int, total: int | None) -> None:
            progress((done, total) if total else 0, desc=f"{file}, {done >> 20} MB")

        said, fault = [], ""
        try:
            for name in names:
                found = fetch(ITEMS[name], self.library.roots[0], accepted, show)
                said.append(f"{name}: {len(found)} {'file is' if len(found) == 1 else 'files are'} there")
        except (ValueError, OSError) as error:
            fault = fault_html(error)
        self._look_again()
        adapters, directions = self.library.names("adapters"), self.library.names("directions")
        text = html.escape("; ".join(said) or ("" if fault else "nothing is chosen"))
        return [gr.update(choices=adapters), gr.update(choices=directions), text + fault]

    def table(self) -> str:
        """The directions as an HTML table."""
        self._look_again()
        rows = []
        for name in self.library.names("directions"):
            row = invert.describe(self.library, name)
            cells = (row.name, DIRECTIONS.get(name.rpartition("/")[2], ""), row.kind, row.layers, row.norm)
            rows.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
        if not rows:
            return f"<p>There is no direction in {html.escape(str(self.library.roots[0] / 'directions'))}.</p>"
        names = ("name", "more of it is", "kind", "layers", "norm")
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f'<div class="wplus-table" tabindex="0"><table><tr>{head}</tr>{body}</table></div>'

    def add(self, dropped: Sequence[object] | None) -> list[object]:
        """Direction files into the library, each read first."""

        def work() -> tuple[str, str]:
            name = ""
            for file in dropped or ():
                source = Path(file.name)
                files.load_direction(source)
                name = people.check_name(source.stem)
                target = invert.place(self.library, name, source.suffix.lower())
                shutil.copyfile(source, target.with_name(f".{target.name}"))
                target.with_name(f".{target.name}").replace(target)
            return name, f"{len(dropped or ())} added"

        return self._shown(work)

    def make(self, without: Sequence[str], with_it: Sequence[str], name: str) -> list[object]:
        """A direction from two sets of latents."""

        def work() -> tuple[str, str]:
            target = invert.make_direction(self.library, name, without, with_it)
            return target.stem, f"{target.stem} is made, from {len(without)} and {len(with_it)} faces"

        return self._shown(work)

    def _shown(self, work: Callable[[], tuple[str, str]]) -> list[object]:
        try:
            chosen, text = work()
        except (ValueError, OSError) as error:
            return [gr.update(), fault_html(error)]
        self._look_again()
        return [gr.update(choices=self.library.names("directions"), value=chosen), html.escape(text)]


def fault_html(error: Exception) -> str:
    """What went wrong, as every part of the page shows it."""
    return f'<div class="wplus-fault" role="alert">{html.escape(str(error))}</div>'
