"""The page's part for files: downloads; what the directions are, one dropped in, one made from two sets of latents."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
from gradio.events import Dependency

from ...library.authoring import import_directions, make_direction
from ...library.directions import describe
from ...library.download import fetch
from ...library.index import FOLDERS, Library
from ...library.published import ITEMS
from .parts import begin, end, pressed, unsaved
from .public import public


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
        self.changes: list[Dependency] = []  # of the library
        with gr.Accordion(
            "Download: adapter, encoder, directions, networks", open=False, elem_id=elem_id("download")
        ) as get:
            self._build_download(elem_id, [adapter, direction], queued)
        with gr.Accordion("Directions: what there is, and new ones", open=False, elem_id=elem_id("files")) as make:
            self._build_directions(elem_id, direction)
        for accordion in (get, make):
            unsaved(accordion)

    def _build_download(self, elem_id: Callable[[str], str], chosen: list[gr.Dropdown], queued: bool) -> None:
        link = r'<a href="\g<0>" target="_blank" rel="noopener">\g<0></a>'
        licences = "\n\n".join(dict.fromkeys(item.licence for item in ITEMS.values()))
        linked = re.sub(r"https://\S+", link, html.escape(licences)).replace("\n\n", "</p><p>")
        gr.HTML(f"<p>{linked}</p>")
        accepted = gr.Checkbox(
            False, label="Licence accepted", elem_id=elem_id("accepted"),
            info="S-Lab's, above; the networks that measure faces are free",
        )  # fmt: skip
        items = gr.CheckboxGroup(
            [(f"{name}: {item.what}", name) for name, item in ITEMS.items()], value=["adapter", "directions"],
            label="Files", elem_id=elem_id("items"), info="what is there already stays as it is",
        )  # fmt: skip
        get = gr.Button("Download", elem_id=elem_id("get"), elem_classes="wplus-small")
        got = gr.HTML(elem_id=elem_id("got"), elem_classes="wplus-got")
        download = self.download_shown if queued else self.download
        # gradio's own bar says how much of it is there.
        fetched = pressed(get, download, [items, accepted], got, queue=queued, show_progress="full")
        self.changes.append(fetched.then(self._choose, chosen, chosen, show_progress=False, queue=False))

    def _build_directions(self, elem_id: Callable[[str], str], direction: gr.Dropdown) -> None:
        show = gr.Button("List directions", elem_id=elem_id("list"), elem_classes="wplus-small")
        listed = gr.HTML(elem_id=elem_id("directions"))
        dropped = gr.File(
            label="Direction files to add", file_count="multiple", file_types=[*FOLDERS["directions"], ".csv"],
            height=110, elem_id=elem_id("dropped"), elem_classes="wplus-file",
        )  # fmt: skip
        latents = self.library.names("latents")
        with gr.Row():
            without = gr.Dropdown(
                latents, value=[], multiselect=True, label="Faces without it", elem_id=elem_id("without"),
                info="for a smile: identities with a calm face",
            )  # fmt: skip
            with_it = gr.Dropdown(
                latents, value=[], multiselect=True, label="Faces with it", elem_id=elem_id("with"),
                info="the same ones or others, smiling",
            )  # fmt: skip
        with gr.Row():
            name = gr.Textbox(
                "", label="Name of the direction", lines=1, max_lines=1, elem_id=elem_id("new"),
                info="which leads from the faces without it to those with it",
            )  # fmt: skip
            make = gr.Button("Make", elem_id=elem_id("make"), elem_classes="wplus-small")
        said = gr.HTML(elem_id=elem_id("files_said"))
        self.latents = [without, with_it]  # whose choices are the library's
        shown, quiet = [direction, said], {"show_progress": False, "queue": False}
        added = dropped.upload(self.add, dropped, shown, _js=begin(dropped, dropped), **quiet)
        end(added, dropped)
        self.changes += [added, pressed(make, self.make, [without, with_it, name], shown, queue=False)]
        pressed(show, self.table, None, listed, queue=False)

    def download_shown(
        self,
        names: Sequence[str],
        accepted: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio's way
    ) -> str:
        """The same with a bar."""
        return self.download(names, accepted, progress)

    def download(
        self,
        names: Sequence[str],
        accepted: bool,
        progress: Callable[..., object] = lambda done, desc, unit: None,
    ) -> str:
        """Get files, and say what came of it, as HTML. What came before one that fails is kept."""

        def show(file: str, done: int, total: int | None) -> None:
            progress((done, total) if total else 0, desc=f"{file}, {done >> 20} MB", unit="bytes")

        said, fault = [], ""
        try:
            for name in names:
                found = fetch(ITEMS[name], self.library.roots[0], accepted, show)
                said.append(f"{name}: {len(found)} {'file is' if len(found) == 1 else 'files are'} there")
        except (ValueError, OSError) as error:
            fault = fault_html(error)
        self._look_again()
        return html.escape("; ".join(said) or ("" if fault else "nothing is chosen")) + fault

    def _choose(self, adapter: str | None, direction: str | None) -> list[object]:
        return dropdowns(self.library, adapter, direction)

    def table(self) -> str:
        """The directions as an HTML table, and what is there and is not offered."""
        self._look_again()
        rows = []
        for name in self.library.names("directions"):
            row = describe(self.library, name)
            rows.append("".join(f"<td>{html.escape(public(cell) if cell else '')}</td>" for cell in row))
        left = self.library.left_out("directions")
        listed = "".join(f"<li>{html.escape(public(str(one)))}</li>" for one in left)
        not_offered = f"<p>Not offered:</p><ul>{listed}</ul>" if left else ""
        if not rows:
            folder = html.escape(public(str(self.library.roots[0] / "directions")))
            return f"<p>There is no direction in {folder}.</p>{not_offered}"
        names = ("name", "more of it is", "kind", "layers", "norm", "measured")
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f'<div class="wplus-table" tabindex="0"><table><tr>{head}</tr>{body}</table>{not_offered}</div>'

    def add(self, dropped: Sequence[object] | None) -> list[object]:
        """Direction files into the library, all of them or none."""

        def work() -> tuple[Path, str]:
            places = import_directions(self.library, [Path(file.name) for file in dropped or ()])
            return places[-1], f"{', '.join(place.name for place in places)} added"

        return self._shown(work)

    def make(self, without: Sequence[str], with_it: Sequence[str], name: str) -> list[object]:
        """A direction from two sets of latents."""

        def work() -> tuple[Path, str]:
            path = make_direction(self.library, name, without, with_it)
            return path, f"{path.stem} is made, from {len(without)} and {len(with_it)} faces"

        return self._shown(work)

    def _shown(self, work: Callable[[], tuple[Path, str]]) -> list[object]:
        """Do something that gives a direction's file to choose and what to say; then the dropdown, and the line."""
        try:
            path, text = work()
        except (ValueError, OSError) as error:
            return [gr.update(), fault_html(error)]
        self._look_again()
        entries = self.library.entries("directions")
        # By its file, and of a table the first one: another folder may have one of this name.
        chosen = next((entry.name for entry in entries if entry.holds(path)), None)
        return [gr.update(choices=[entry.name for entry in entries], value=chosen), html.escape(text)]


def dropdowns(library: Library, adapter: str | None, direction: str | None) -> list[dict[str, object]]:
    """The adapters and directions to choose from, as updates of their dropdowns; what is chosen stays."""
    adapters, directions = library.names("adapters"), library.names("directions")
    return [
        gr.update(choices=adapters, value=adapter or next(iter(adapters), "")),
        gr.update(choices=directions, value=direction or first_direction(library)),
    ]


def first_direction(library: Library) -> str:
    """The direction to begin with: a smile by steps where there is one."""
    entries = library.entries("directions")
    steps = [entry for entry in entries if entry.component is None and entry.name.rpartition("/")[2] == "smile"]
    return next((entry.name for entry in (*steps, *entries)), "")


def fault_html(error: Exception) -> str:
    """What went wrong, as every part of the page shows it."""
    return f'<div class="wplus-fault" role="alert">{html.escape(public(error))}</div>'
