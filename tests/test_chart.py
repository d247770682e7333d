"""What the page shows of a job: the chart of its report, and the strip of its frames."""

from __future__ import annotations

import base64
import importlib
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from wplus_ext.edit.report import Report

COLOURS = ("red", "lime", "blue")


@pytest.fixture
def chart(shared):
    return importlib.import_module("wplus_ext.hosts.webui.chart")


@pytest.fixture
def drawn(chart):
    return chart.draw(Report("residual", 3, ["<smile>", "age"], [[-0.7, 1], [0.0, 1], [0.7, 1]], {"a"}, 4, 3, 2))


def test_each_branch_has_a_dot_for_each_frame(drawn):
    assert drawn.count("<circle") == 2 * 3 + 2  # and the zero line's ends
    assert drawn.count("<li ") == 2


def test_names_are_no_html(drawn):
    assert "&lt;smile&gt;" in drawn and "<smile>" not in drawn


def test_the_range_is_said(drawn):
    assert "scale from -0.70 to 1.00 over 3 frames" in drawn and "residual" not in drawn


def strip(chart, *colours, frames=3):
    made = chart.Strip()
    for colour in colours:
        made.add(Image.new("RGB", (96, 128), colour), frames)
    return made


def test_the_frames_are_side_by_side(chart):
    url = strip(chart, *COLOURS).url()
    shown = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert shown.size == (3 * 144, 192)
    assert [tuple(round(x / 255) for x in shown.getpixel((72 + 144 * i, 96))) for i in range(3)] == [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("colours", [(), COLOURS[:2]])
def test_no_strip_of_a_batch_that_is_not_complete(chart, colours):
    assert strip(chart, *colours).url() is None


def test_what_animatediff_renders_beyond_a_short_video_is_left_out(chart):
    assert strip(chart, *COLOURS, "white", "white").url() == strip(chart, *COLOURS).url()


def test_a_very_long_strip_is_small(chart):
    url = strip(chart, *["red"] * 2000, frames=2000).url()
    shown = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert shown.size == (2000 * 8, 10)  # and keeps its shape


def test_the_page_the_chart_and_the_style_sheet_count_the_same_styles(chart):
    """A track's colour in the report is its colour in the editor."""
    root = Path(__file__).parents[1]
    shapes = re.search(r"SHAPES = \[(.*?)\];", (root / "javascript/wplus_styles.mjs").read_text(), re.DOTALL)[1]
    colours = set(re.findall(r"\.wplus-scale-(\d+)", (root / "style.css").read_text()))
    assert shapes.count('"M') == len(colours) == chart.STYLES
