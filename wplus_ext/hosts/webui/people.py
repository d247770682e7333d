"""The page's part for people: photos in, identities out, and the gallery of those that are there."""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
from PIL import Image, ImageDraw

from ...library import identities
from ...library.index import Entry, Library
from ...photos.invert import Crop, Inverter
from ...settings import NO_IDENTITY
from .folders import FACE_WEIGHTS
from .words import fault_html


@dataclass
class Desk:
    """What one visitor's page works on: the photos, what was last looked for in them, and the faces. Its events
    share it, so that a slow one cannot bring back what has gone meanwhile."""

    photos: list[Path] = field(default_factory=list)
    asked: object = None
    found: list[Crop] = field(default_factory=list)

    def taken(self, numbers: Sequence[str]) -> list[Crop]:
        """The faces of these numbers, but of those that have gone."""
        return [self.found[int(number) - 1] for number in numbers if int(number) <= len(self.found)]


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
        self._connect(self._build(elem_id), identity)

    def _build(self, elem_id: Callable[[str], str]) -> SimpleNamespace:
        """The components."""
        with gr.Accordion("People: photos to identities", open=False, elem_id=elem_id("people")):
            self.gallery = gr.Gallery(
                self.thumbnails, label="W+ identities: click to use one", height=220, object_fit="contain",
                allow_preview=False, elem_id=elem_id("identities"), elem_classes="wplus-gallery",
            )  # fmt: skip
            with gr.Row():
                photos = gr.File(
                    label="W+ photos of one person", file_count="multiple", file_types=["image"],
                    elem_id=elem_id("photos"),
                )  # fmt: skip
                faces = gr.Gallery(
                    label="W+ faces: click to take one", height=220, object_fit="contain",
                    allow_preview=False, elem_id=elem_id("faces"), elem_classes="wplus-gallery",
                )  # fmt: skip
            taken = gr.CheckboxGroup([], label="W+ faces taken", elem_id=elem_id("taken"))
            with gr.Row():
                aligned = gr.Checkbox(False, label="W+ photos are cut out already", elem_id=elem_id("aligned"))
                bare = gr.Checkbox(False, label="W+ without background and clothes", elem_id=elem_id("bare"))
            with gr.Row():
                name = gr.Textbox("", label="W+ name", lines=1, max_lines=1, elem_id=elem_id("name"))
                save = gr.Button("Save identity", elem_id=elem_id("save"), elem_classes="wplus-small")
            with gr.Row():
                rename = gr.Button("Rename", elem_id=elem_id("rename"), elem_classes="wplus-small")
                remove = gr.Button("Remove", elem_id=elem_id("remove"), elem_classes="wplus-small")
                undo = gr.Button("Undo", elem_id=elem_id("undo"), elem_classes="wplus-small")
            said, faces_said = (gr.HTML(elem_id=elem_id(key)) for key in ("people_said", "faces_said"))
        return SimpleNamespace(
            photos=photos, faces=faces, taken=taken, aligned=aligned, bare=bare, name=name, save=save, rename=rename,
            remove=remove, undo=undo, said=said, faces_said=faces_said,
        )  # fmt: skip

    def _connect(self, on: SimpleNamespace, identity: gr.Dropdown) -> None:
        """What the components do."""
        desk = gr.State(Desk())
        shown, quiet = [identity, self.gallery, on.said], {"show_progress": False, "queue": False}
        look = [self.find, [desk, on.aligned], [on.taken, on.said]]
        clear = [self.clear_background, [desk, on.taken, on.bare], on.faces_said]
        show = [self.crops, [desk, on.bare], on.faces]
        # Gradio drops what changes while an event runs: so all is done twice. Only the first of these takes the
        # photos themselves: one that is still sent comes to a halt when another event asks for it.
        dropped = on.photos.change(self.drop, [desk, on.photos], None, **quiet).then(*look)
        for change in (dropped, on.aligned.change(*look)):
            change.then(*look).then(*clear).then(*show, **quiet)
        for component in (on.taken, on.bare):
            component.change(*clear).then(*clear).then(*show, **quiet)
        on.faces.select(self.take, on.taken, on.taken, **quiet)
        self.gallery.select(self.use, None, [identity, on.name], **quiet)
        self.changes = [  # of the library
            on.save.click(self.save, [desk, on.taken, on.bare, on.name], shown),
            on.rename.click(self.rename, [identity, on.name], shown, **quiet),
            on.remove.click(self.remove, identity, shown, **quiet),
            on.undo.click(self.undo, None, shown, **quiet),
        ]

    def thumbnails(self) -> list[tuple[Image.Image, str]]:
        """What the gallery shows: each latent of the library."""
        return [(_thumbnail(entry), entry.name) for entry in self.library.entries("latents")]

    def drop(self, desk: Desk, files: Sequence[object] | None) -> None:
        """Photos on the desk, in the place of those before."""
        desk.photos = [Path(file.name) for file in files or ()]

    def find(self, desk: Desk, aligned: bool) -> list[object]:
        """Photos to faces, unless they are there already, or others are asked for when they are."""
        asked = (desk.photos, aligned)
        if desk.asked == asked:
            return [gr.update(), gr.update()]
        desk.asked = asked
        found, alone, faults = self._seen(*asked)
        if desk.asked != asked:
            return [gr.update(), gr.update()]
        desk.found = found
        numbers = [str(i) for i, _ in enumerate(found, 1)]
        return [gr.update(choices=numbers, value=alone), "".join(map(fault_html, faults))]

    def take(self, taken: list[str], event: gr.SelectData) -> list[str]:
        """A click on a face."""
        return sorted({*taken, str(event.index + 1)}, key=int)

    def clear_background(self, desk: Desk, taken: list[str], bare: bool) -> str:
        """The taken faces on white too, where they are to be ``bare``; what went wrong, as HTML."""
        try:
            self._inverter.put_on_white(desk.taken(taken) if bare else [])
        except (ValueError, OSError) as error:
            return fault_html(error)
        return ""

    def crops(self, desk: Desk, bare: bool) -> list[tuple[Image.Image, str]]:
        """What the gallery of faces shows."""
        return [((bare and face.on_white) or face.picture, f"face {i}") for i, face in enumerate(desk.found, 1)]

    def save(self, desk: Desk, taken: list[str], bare: bool, name: str) -> list[object]:
        """The taken faces to an identity."""

        def work() -> tuple[Path | None, str]:
            faces = desk.taken(taken)
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

    def _seen(self, photos: Sequence[Path], aligned: bool) -> tuple[list[Crop], list[str], list[Exception]]:
        """The faces of photos, the numbers of those that are alone in theirs, and what went wrong."""
        found, alone, faults = [], [], []
        try:
            for seen in self._inverter.look([(path.name, path) for path in photos], aligned) if photos else ():
                found += seen.crops
                alone += [str(len(found))] if len(seen.crops) == 1 else []
                faults += [seen.fault] if seen.fault else []
        except (ValueError, OSError) as error:  # there is no detector
            return [], [], [error]
        return found, alone, faults

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


def _thumbnail(entry: Entry) -> Image.Image:
    picture = identities.read_person(entry.path).thumbnail
    if picture is None:  # a file from elsewhere: a colour of its own, and its first letters
        side = identities.THUMBNAIL
        picture = Image.new("RGB", (side, side), f"hsl({zlib.crc32(entry.name.encode()) % 360}, 40%, 35%)")
        letters = entry.name.rpartition("/")[2][:3].encode("latin-1", "replace").decode("latin-1")  # Pillow's own font
        ImageDraw.Draw(picture).text((side // 2 - 10, side // 2 - 6), letters, "white")
    return picture
