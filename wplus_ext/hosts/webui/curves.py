"""The page's part for curves: a video or a sound in, a track out."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np

from ...library import calibration
from ...library.calibration import NUMBERS
from ...library.index import Library
from ...measure import fit
from ...measure.follow import measure
from ...measure.reader import ATTRIBUTES
from ...settings import NO_IDENTITY
from ...studio.frames import PICTURES, VIDEOS, read_frames
from ...studio.sound import LOUDNESS, SOUNDS, loudness
from ...tracks import Track, format
from .parts import pressed, unsaved
from .picker import named_in
from .seen import networks_of
from .words import fault_html

FRAMES, FPS = 16, 8.0  # where the page does not say


class Curves:
    """An accordion in the accordion.

    Args:
        elem_id: makes an id that is unique to the tab.
        library: where the directions, their calibrations and the networks are.
        tab: whose frames it is for.
    """

    def __init__(self, elem_id: Callable[[str], str], library: Library, tab: str) -> None:
        self.library, self._tab = library, tab
        with gr.Accordion("Curve from a video or a sound", open=False, elem_id=elem_id("curves")) as accordion:
            kinds = [*dict.fromkeys([*VIDEOS, *PICTURES, *SOUNDS])]
            file = gr.File(
                label="Video or sound", file_types=kinds, height=110, elem_id=elem_id("followed"),
                elem_classes="wplus-file",
            )  # fmt: skip
            with gr.Row():
                attribute = gr.Dropdown(
                    [*ATTRIBUTES, LOUDNESS], value="smile", label="What to follow", elem_id=elem_id("attribute"),
                    info="of a face in the video, or the sound's loudness",
                )  # fmt: skip
                face = gr.Number(
                    1, precision=0, label="Whose face", info="1 is the largest at first", elem_id=elem_id("face")
                )
                times = gr.Number(
                    1.0, label="Multiplied by", info="2 asks for twice what is seen", elem_id=elem_id("times")
                )
            with gr.Row():
                relative = gr.Checkbox(
                    False, label="Around its mean", info="the mean becomes 0, as for an age",
                    elem_id=elem_id("relative"),
                )  # fmt: skip
                self._take = gr.Button("Add its track", elem_id=elem_id("take"), elem_classes="wplus-small")
            self._said = gr.HTML(elem_id=elem_id("curves_said"))
        unsaved(accordion)
        self._line = gr.Textbox("", visible=False)  # the new track, until the page has put it after the others
        page = [gr.Number(FRAMES, visible=False), gr.Number(FPS, visible=False)]  # what the curve editor knows of it
        self._asked = [file, attribute, face, times, relative, *page]

    def connect(self, tracks: gr.Textbox, direction: gr.Dropdown, identity: gr.Dropdown) -> None:
        """Let the button add a track, along the chosen direction, to the tracks."""
        told = f"document.querySelector('.wplus-curve[data-tab={self._tab}]')?.dataset ?? {{}}"
        made = pressed(
            self._take,
            self.take,
            [direction, identity, *self._asked],
            [self._line, self._said],
            js=f"(...given) => {{ const {{frames, fps}} = {told}; "
            f"return [...given.slice(0, -2), Number(frames) || {FRAMES}, Number(fps) || {FPS:g}]; }}",
        )
        # After the text as it is then: people go on while a video is measured.
        join = "(line, text) => [line && text.trim() ? `${text.trimEnd()}\\n${line}` : line || text, '']"
        made.then(None, [self._line, tracks], [tracks, self._line], _js=join, show_progress=False, queue=False)

    def take(self, direction: str, identity: str, file: object, attribute: str, *how: float | None) -> list[str]:
        """A track as text, and what it was made of, as HTML; or none, and what is wrong."""
        direction = named_in(direction)
        try:
            if not direction or file is None:
                raise ValueError(f"expected a {'video or a sound' if direction else 'direction'} to be chosen")
            number = NUMBERS[bool(identity) and identity != NO_IDENTITY]
            track, said = self._followed(direction, number, Path(file.name), attribute, *how)
        except (ValueError, OSError, RuntimeError, OverflowError) as error:
            return ["", fault_html(error)]
        return [format([track]), html.escape(said)]

    def _followed(
        self, direction: str, number: str, path: Path, attribute: str, face: float | None, times: float | None,
        relative: bool, frames: float, fps: float,
    ) -> tuple[Track, str]:  # fmt: skip
        """The track of a direction, and what it was made of."""
        what, found = attribute, calibration.of(self.library, direction, number, attribute)
        if attribute == LOUDNESS:
            curve = loudness(path, fps)
        else:
            what += f" of face {face or 1:g}"
            curve = self._seen(path, attribute, int(face or 1))
        scale = (1.0 if times is None else times) / (found.slope if found else 1)
        values, made = fit.followed(curve, int(frames), scale, relative)
        by = f"; 1 of {number} gives {found.slope:g}, as calibrated on {found.model}" if found else ""
        beyond = found.beyond(values) if found else ""
        said = "; ".join(filter(None, (f"{what}, {fit.told(curve, values, made)}{by}", beyond)))
        return Track(direction, made), said

    def _seen(self, path: Path, attribute: str, person: int) -> np.ndarray:
        """An attribute of a face in a video, by frame. Raises ValueError where there is no such face."""
        frames = itertools.islice(read_frames(path), fit.MOST + 1)
        found = measure(frames, networks_of(self.library).reader())
        if len(found.frames) > fit.MOST:
            raise ValueError(f"{path.name}: more than {fit.MOST:,} frames; cut it")
        found.check_person(person)
        return found.curve(attribute, person)
