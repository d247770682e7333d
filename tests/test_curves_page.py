"""Curves from videos and sounds on the page, and what it knows of calibrations."""

from __future__ import annotations

import html
import importlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from test_reached import face
from test_sound import tone, written

from wplus_ext.library import calibration
from wplus_ext.library.calibration import Calibration
from wplus_ext.settings import Settings

SIX = 6  # frames of the page


class Reader:
    """Reads the red of a picture's first pixel as a smile; black is no face."""

    def read(self, frames):
        for frame in frames:
            red = int(frame[0, 0, 0])
            yield [face(red / 100)] if red else []


@pytest.fixture
def curves(accordion, monkeypatch):
    monkeypatch.setattr(importlib.import_module("wplus_ext.hosts.webui.seen").Networks, "reader", lambda _: Reader())
    return accordion.curves


@pytest.fixture
def video(tmp_path):
    """Three frames, of a smile of 0, a gap, and a smile of 0.6."""
    frames = [Image.fromarray(np.full((8, 8, 3), red, np.uint8)) for red in (1, 0, 60)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    return tmp_path / "a.webp"


def take(curves, path, direction="smile", identity="None", attribute="smile", **how):
    face_number, times, relative, frames, fps = (
        {**dict(face=1, times=1.0, relative=False, frames=SIX, fps=4.0), **how}.values()
    )  # fmt: skip
    file = None if path is None else SimpleNamespace(name=str(path))
    return curves.take(direction, identity, file, attribute, face_number, times, relative, frames, fps)


def test_a_video_gives_a_track_over_the_pages_frames(curves, video):
    tracks, said = take(curves, video)
    assert tracks == "smile = 0:(0.01), 5:(0.6)"
    assert said == "smile of face 1, measured in 2 of 3 frames: 0.01 to 0.60, 2 keys"


def test_it_is_multiplied_and_may_be_less_its_mean(curves, video):
    tracks, said = take(curves, video, times=2, relative=True)
    assert "-0.59 to 0.59" in said and "smile = 0:(-0.59" in tracks


@pytest.mark.parametrize("identity, number, slope", [("None", "lambda", 0.5), ("anna", "alpha", 0.1)])
def test_a_calibrated_direction_scales_it(curves, video, identity, number, slope):
    found = Calibration("smile", slope=slope, spread=0.0, unit=1.0, low=-1.0, high=1.0, model="<toon>")
    library = curves.library
    calibration.write(library, library.find("directions", "smile"), number, found)
    _, said = take(curves, video, identity=identity)
    assert f"to {0.6 / slope:.2f}" in said and f"1 of {number} gives {slope:g}, as calibrated on &lt;toon&gt;" in said
    assert "faces were seen to hold from -1 to 1: scale it, or look" in said


def test_a_sound_gives_a_track_at_the_pages_speed(curves, tmp_path):
    tracks, said = take(curves, written(tmp_path / "a.wav", tone()), attribute="loudness", frames=4)
    assert tracks.startswith("smile = ") and "loudness, measured in 4 of 4 frames: 0.00 to " in said


@pytest.mark.parametrize(
    "how, words",
    [
        (dict(path=None), "expected a video or a sound to be chosen"),
        (dict(direction=""), "expected a direction to be chosen"),
        (dict(face=2), "there is no face 2 in 3 frames, but faces 1 to 1"),
        (dict(face=float("inf")), "infinity"),
        (dict(frames=0), "0 frames, expected 1 to 10,000"),
        (dict(frames=1e9), "expected 1 to 10,000"),
        (dict(times=float("nan")), "multiplied by nan"),
        (dict(times=100), "the curve goes to"),
        (dict(attribute="loudness"), "a.webp: not the ending of a sound"),
        (dict(path=Path("gone.txt")), "gone.txt: not the ending of a video"),
    ],
)
def test_what_cannot_be_followed_is_said_and_no_track_is_made(curves, video, how, words):
    track, said = take(curves, **{"path": video, **how})
    assert track == "" and words in said and "wplus-fault" in said


def test_a_cleared_number_is_what_it_was_at_first(curves, video):
    assert take(curves, video, face=None, times=None) == take(curves, video)


def test_a_video_that_is_too_long_is_said(curves, video, monkeypatch):
    monkeypatch.setattr(importlib.import_module("wplus_ext.measure.fit"), "MOST", 2)
    assert "more than 2 frames" in take(curves, video)[1]


def test_without_the_networks_it_says_what_to_get(accordion, video):
    assert "get the networks that measure faces" in take(accordion.curves, video)[1]


# What the editor knows of calibrations


def sent(accordion):
    """What Refresh sends of them."""
    return accordion._refresh(*asdict(Settings()).values(), "wplus_adapter", "Smile · smile")[-2]


def test_what_was_calibrated_comes_to_the_editor(accordion):
    library = accordion.library
    found = Calibration("smile", slope=0.5, spread=0.1, unit=1.0, low=-1.0, high=0.75, model="<toon>")
    path = calibration.write(library, library.find("directions", "smile"), "lambda", found)
    calibrated = sent(accordion)
    told = json.loads(html.unescape(re.search('data-calibrated="([^"]*)"', calibrated)[1]))
    assert told["smile"]["lambda"] == {
        "attribute": "smile", "slope": 0.5, "unit": 1.0, "low": -1.0, "high": 0.75, "model": "<toon>"
    }  # fmt: skip
    path.write_text("{")
    assert sent(accordion) == '<div data-calibrated="{}"></div>'
