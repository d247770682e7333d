"""The strip of a job's frames."""

from __future__ import annotations

import base64
import importlib
import io
import re
from pathlib import Path

import pytest
from PIL import Image

COLOURS = ("red", "lime", "blue")


@pytest.fixture
def module(shared):
    return importlib.import_module("wplus_ext.hosts.webui.strip")


def strip(module, *colours, frames=3):
    made = module.Strip()
    for colour in colours:
        made.add(Image.new("RGB", (96, 128), colour), frames)
    return made


def test_the_frames_are_side_by_side(module):
    url = strip(module, *COLOURS).url()
    shown = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert shown.size == (3 * 144, 192)
    assert [tuple(round(x / 255) for x in shown.getpixel((72 + 144 * i, 96))) for i in range(3)] == [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("colours", [(), COLOURS[:2]])
def test_no_strip_of_a_batch_that_is_not_complete(module, colours):
    assert strip(module, *colours).url() is None


def test_what_animatediff_renders_beyond_a_short_video_is_left_out(module):
    assert strip(module, *COLOURS, "white", "white").url() == strip(module, *COLOURS).url()


def test_a_very_long_strip_is_small(module):
    url = strip(module, *["red"] * 2000, frames=2000).url()
    shown = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert shown.size == (2000 * 8, 10)  # and keeps its shape


def test_the_page_and_the_style_sheet_count_the_same_styles():
    root = Path(__file__).parents[1]
    shapes = re.search(r"SHAPES = \[(.*?)\];", (root / "javascript/wplus_styles.mjs").read_text(), re.DOTALL)[1]
    colours = set(re.findall(r"\.wplus-scale-(\d+)", (root / "style.css").read_text()))
    assert shapes.count('"M') == len(colours)
