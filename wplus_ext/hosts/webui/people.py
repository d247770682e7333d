"""The page's part for people: photos in, identities out, and the gallery of those that are there."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
from PIL import Image

from ...library import identities
from ...library.index import Library
from ...photos.invert import Crop, Inverter, Seen
from ...settings import NO_IDENTITY
from .folders import FACE_WEIGHTS
from .parts import begin, end, pressed, unsaved
from .portraits import called, photos_html, thumbnail
from .words import fault_html


@dataclass
class Desk:
    """What one visitor's page works on: the photos, what was last looked for in them, and what was found. Its events
    share it, so that a slow one cannot bring back what has gone meanwhile."""

    photos: list[Path] = field(default_factory=list)
    asked: object = None
    seen: list[Seen] = field(default_factory=list)

    @property
    def found(self) -> list[tuple[str, Crop]]:
        """All faces, and what each is called. Their numbers are those of this list, from 1."""
        return [face for seen in self.seen for face in called(seen)]

    @property
    def alone(self) -> list[str]:
        """The numbers of the faces that are alone in their photos."""
        counts = [len(seen.crops) for seen in self.seen for _ in seen.crops]
        return [str(number) for number, count in enumerate(counts, 1) if count == 1]

    def taken(self, numbers: Sequence[str]) -> list[tuple[str, Crop]]:
        """The faces of these numbers, but of those that have gone."""
        found = self.found
        return [found[int(number) - 1] for number in numbers if int(number) <= len(found)]


class People:
    """An accordion in the accordion. Every change of the library ends in `_shown`.

    Args:
        elem_id: makes an id that is unique to the tab.
        library: where the identities are.
        identity: the dropdown that an identity is chosen with.
        look_again: makes the library list its folders anew.
    """

    def __init__(
        self, elem_id: Callable[[str], str], library: Library, identity: gr.Dropdown, look_again: Callable[[], None]
    ) -> None:
        self.library, self._look_again = library, look_again
        self._inverter = Inverter(library, weights=FACE_WEIGHTS)
        self._taken_id = elem_id("taken")
        self._connect(self._build(elem_id), identity)

    def _build(self, elem_id: Callable[[str], str]) -> SimpleNamespace:
        """The components."""
        on = SimpleNamespace()
        with gr.Accordion("People: photos to identities", open=False, elem_id=elem_id("people")) as accordion:
            self.gallery = gr.Gallery(
                self.thumbnails, label="Identities: click one to use it", object_fit="cover", allow_preview=False,
                elem_id=elem_id("identities"), elem_classes="wplus-gallery",
            )  # fmt: skip
            on.photos = gr.File(
                label="Photos of one person", file_count="multiple", file_types=["image"], height=110,
                elem_id=elem_id("photos"), elem_classes="wplus-file",
            )  # fmt: skip
            on.seen = gr.HTML(elem_id=elem_id("seen"))
            with gr.Row():
                on.taken = gr.CheckboxGroup(  # what a click on a face ticks
                    [], label="Faces taken", elem_id=self._taken_id, elem_classes="wplus-data"
                )
                on.aligned = gr.Checkbox(
                    False, label="Photos are cut out already", elem_id=elem_id("aligned"),
                    info="no face is looked for: the square in the middle is taken",
                )  # fmt: skip
                on.bare = gr.Checkbox(
                    False, label="Without background and clothes", elem_id=elem_id("bare"),
                    info="white around the face, as the adapter's own faces have it",
                )  # fmt: skip
            on.faces_said = gr.HTML(elem_id=elem_id("faces_said"))
            on.faces = gr.Gallery(
                label="What the identity will be made of", object_fit="cover", allow_preview=False,
                elem_id=elem_id("faces"), elem_classes="wplus-gallery",
            )  # fmt: skip
            with gr.Row():
                on.name = gr.Textbox(
                    "", label="Name", lines=1, max_lines=1, elem_id=elem_id("name"),
                    info="of the identity to save, or the new one of what Rename is pressed for",
                )  # fmt: skip
                on.save = gr.Button("Save identity", elem_id=elem_id("save"), elem_classes="wplus-small")
            with gr.Row():
                on.rename, on.remove, on.undo = (
                    gr.Button(word, elem_id=elem_id(word.lower()), elem_classes="wplus-small")
                    for word in ("Rename", "Remove", "Undo")
                )
            on.said = gr.HTML(elem_id=elem_id("people_said"))
        unsaved(accordion)
        return on

    def _connect(self, on: SimpleNamespace, identity: gr.Dropdown) -> None:
        """What the components do."""
        desk = gr.State(Desk())
        shown, silent = [identity, self.gallery, on.said], {"show_progress": False}
        quiet = {**silent, "queue": False}
        look = [self.find, [desk, on.aligned], [on.taken, on.seen]]
        clear = [self.clear_background, [desk, on.taken, on.bare], on.faces_said]
        show = [self.crops, [desk, on.taken, on.bare], on.faces]
        # Gradio drops what changes while an event runs: so all is done twice. Only the first of these takes the
        # photos themselves: one that is still sent comes to a halt when another event asks for it.
        looking = "Looking for faces …"
        drop = [self.drop, [desk, on.photos], None]
        dropped = on.photos.change(*drop, _js=begin(on.photos, drop[1], says=looking), **quiet).then(*look, **silent)
        aligned = on.aligned.change(*look, _js=begin(on.photos, look[1], says=looking), **silent)
        for change in (dropped, aligned):
            found = change.then(*look, **silent)
            end(found, on.photos)
            found.then(*clear, **silent).then(*show, **quiet)
        for component in (on.taken, on.bare):
            cleared = component.change(*clear, _js=begin(on.bare, clear[1]), **silent)
            cleared = cleared.then(*clear, **silent)
            end(cleared, on.bare)
            cleared.then(*show, **quiet)
        told = f"{{detail: {{id: '{on.taken.elem_id}', numbers}}}}"
        js = f"(numbers) => {{ document.dispatchEvent(new CustomEvent('wplus-taken', {told})) }}"
        on.taken.change(None, on.taken, None, _js=js)
        on.seen.change(None, None, None, _js="() => { document.dispatchEvent(new CustomEvent('wplus-seen')) }")
        self.gallery.select(self.use, None, [identity, on.name], **quiet)
        self.changes = [  # of the library
            pressed(on.save, self.save, [desk, on.taken, on.bare, on.name], shown),
            pressed(on.rename, self.rename, [identity, on.name], shown, queue=False),
            pressed(on.remove, self.remove, identity, shown, queue=False),
            pressed(on.undo, self.undo, None, shown, queue=False),
        ]

    def thumbnails(self) -> list[tuple[Image.Image, str]]:
        """What the gallery shows: each latent of the library."""
        return [(thumbnail(entry), entry.name) for entry in self.library.entries("latents")]

    def drop(self, desk: Desk, files: Sequence[object] | None) -> None:
        """Photos on the desk, in the place of those before."""
        desk.photos = [Path(file.name) for file in files or ()]

    def find(self, desk: Desk, aligned: bool) -> list[object]:
        """Photos to faces, unless they are there already, or others are asked for when they are: which can be taken,
        and the photos."""
        asked = (desk.photos, aligned)
        if desk.asked == asked:
            return [gr.update(), gr.update()]
        desk.asked = asked
        seen, faults = self._seen(*asked)
        if desk.asked != asked:
            return [gr.update(), gr.update()]
        desk.seen = seen
        numbers = [str(i) for i, _ in enumerate(desk.found, 1)]
        shown = photos_html(seen, desk.alone, self._taken_id) + "".join(map(fault_html, faults))
        return [gr.update(choices=numbers, value=desk.alone), shown]

    def clear_background(self, desk: Desk, taken: list[str], bare: bool) -> str:
        """The taken faces on white too, where they are to be ``bare``; what went wrong, as HTML."""
        try:
            self._inverter.put_on_white([crop for _, crop in desk.taken(taken)] if bare else [])
        except (ValueError, OSError) as error:
            return fault_html(error)
        return ""

    def crops(self, desk: Desk, taken: list[str], bare: bool) -> list[tuple[Image.Image, str]]:
        """What is shown of the taken faces: as they will be used."""
        return [((bare and crop.on_white) or crop.picture, name) for name, crop in desk.taken(taken)]

    def save(self, desk: Desk, taken: list[str], bare: bool, name: str) -> list[object]:
        """The taken faces to an identity."""

        def work() -> tuple[Path | None, str]:
            faces = [crop for _, crop in desk.taken(taken)]
            path = self._inverter.save(self._inverter.place(name), faces, bare)
            return path, f"{path.stem} is saved, from {len(faces)} {'face' if len(faces) == 1 else 'faces'}"

        return self._shown(work)

    def use(self, event: gr.SelectData) -> list[object]:
        """A click on an identity. Its name is the caption: the gallery may be older than the library."""
        return [event.value, event.value.rpartition("/")[2]]

    def rename(self, identity: str | None, name: str) -> list[object]:
        """The chosen identity to another name."""

        def work() -> tuple[Path | None, str]:
            path = identities.rename(self._path(identity), name)
            return path, f"{identity} is {path.stem} now"

        return self._shown(work)

    def remove(self, identity: str | None) -> list[object]:
        """The chosen identity out of the library; it can be brought back."""

        def work() -> tuple[Path | None, str]:
            identities.remove(self._path(identity))
            return None, f"{identity} is removed; Undo brings it back"

        return self._shown(work)

    def undo(self) -> list[object]:
        """What was removed last, back."""

        def work() -> tuple[Path | None, str]:
            path = identities.restore(identities.removed_last([root / "latents" for root in self.library.roots]))
            return path, f"{path.stem} is back"

        return self._shown(work)

    def _seen(self, photos: Sequence[Path], aligned: bool) -> tuple[list[Seen], list[Exception]]:
        """What is in photos that can be used, and what is wrong with the others."""
        try:
            found = self._inverter.look([(path.name, path) for path in photos], aligned) if photos else ()
            seen = list(found)
        except (ValueError, OSError) as error:  # there is no detector
            return [], [error]
        return [one for one in seen if not one.fault], [one.fault for one in seen if one.fault]

    def _path(self, identity: str | None) -> Path:
        if not identity or identity == NO_IDENTITY:
            raise ValueError("no identity is chosen: click one")
        return self.library.find("latents", identity).path

    def _shown(self, work: Callable[[], tuple[Path | None, str]]) -> list[object]:
        """Do something that gives the identity's file to choose and what to say; then the dropdown, the gallery, the
        line."""
        try:
            path, text = work()
        except (ValueError, OSError) as error:
            return [gr.update(), gr.update(), fault_html(error)]
        self._look_again()
        entries = self.library.entries("latents")
        # By its file: another folder may have one of this name.
        chosen = next((entry.name for entry in entries if path and entry.holds(path)), NO_IDENTITY)
        identity = gr.update(choices=[NO_IDENTITY, *(entry.name for entry in entries)], value=chosen)
        return [identity, self.thumbnails(), html.escape(text)]
