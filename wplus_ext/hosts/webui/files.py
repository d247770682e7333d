"""The page's part for directions: what they are, one dropped in, one made from two sets of latents."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
from gradio.events import Dependency

from ...library.authoring import import_directions, make_direction
from ...library.directions import describe
from ...library.index import FOLDERS, Library
from .parts import begin, end, pressed, unsaved
from .picker import directions_of, titled
from .public import public
from .words import fault_html, lead_to


class Files:
    """An accordion in the accordion.

    Args:
        elem_id: makes an id that is unique to the tab.
        library: where the files are.
        direction: the dropdown with which one is chosen.
        look_again: makes the library list its folders anew.
    """

    def __init__(
        self,
        elem_id: Callable[[str], str],
        library: Library,
        direction: gr.Dropdown,
        look_again: Callable[[], None],
    ) -> None:
        self.library, self._look_again = library, look_again
        self.changes: list[Dependency] = []  # of the library
        with gr.Accordion("Directions: what there is, and new ones", open=False, elem_id=elem_id("files")) as accordion:
            self._build(elem_id, direction)
        unsaved(accordion)

    def _build(self, elem_id: Callable[[str], str], direction: gr.Dropdown) -> None:
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
            return f"<p>There is no direction in {folder}.{lead_to(['directions'])}</p>{not_offered}"
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
        return [gr.update(choices=directions_of(self.library), value=titled(chosen or "")), html.escape(text)]
