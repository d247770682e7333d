"""The file of a comparison's table: where it lies, what is in it, and what no file holds."""

from __future__ import annotations

import base64
import importlib
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from test_compare import STRENGTHS
from webui_several import ON

pytest_plugins = ["webui_several"]


@pytest.fixture
def made(press):
    """Two tracks by three strengths, and the unedited video."""
    return press(STRENGTHS)


def test_the_table_is_where_the_webui_keeps_its_grids(made, tmp_path):
    assert made.images[0] == str(tmp_path / "grids" / "2026-12-01" / "wplus-0000-7.webp")
    assert made.index_of_first_image == 1 and len(made.infotexts) == len(made.images) == 15


def test_a_program_gets_its_content(press):
    made = press(STRENGTHS, change=lambda p: setattr(p, "is_api", True))
    assert Image.open(io.BytesIO(base64.b64decode(made.images[0]))).n_frames == 2


@pytest.mark.parametrize("is_api", [False, True])
@pytest.mark.parametrize("of", ["request", "webui"])
def test_a_table_that_is_not_to_be_kept_is_shown_all_the_same(press, webui, tmp_path, of, is_api):
    webui.opts.data |= {"temp_dir": str(tmp_path), "grid_save": of != "webui"}

    def change(p):
        p.is_api, p.do_not_save_grid = is_api, of == "request"

    table = press(STRENGTHS, change=change).images[0]
    assert Image.open(io.BytesIO(base64.b64decode(table)) if is_api else table).n_frames == 2
    assert not (tmp_path / "grids").exists() and len([*tmp_path.glob("wplus-*")]) == 1 - is_api


@pytest.mark.parametrize(("frames", "format"), [(1, "webp"), (2, "webp"), (2, "gif")])
def test_no_infotext_is_kept_where_the_webui_keeps_none(press, webui, frames, format):
    webui.opts.data["enable_pnginfo"] = False
    made = press({**STRENGTHS, "format": format}, frames=frames)
    assert b"smile" not in Path(made.images[0]).read_bytes() and "smile" in made.infotexts[0]
    assert not Image.open(made.images[0]).info.keys() & {"parameters", "comment", "exif"}


def test_a_single_picture_makes_a_png_with_its_infotext(press):
    made = press({"columns": "strength", "column_values": "1\n2"}, {**ON, "tracks": "smile = 1"}, frames=1)
    assert made.images[0].endswith(".png") and Image.open(made.images[0]).info["parameters"] == made.info


@pytest.mark.parametrize(("format", "is_said"), [("gif", True), ("webp", False)])
def test_what_browsers_slow_down_is_said(press, format, is_said):
    def change(p):
        p.extra_generation_params["AnimateDiff"] = "model: x, video_length: 2, fps: 60, batch_size: 16"

    made = press({**STRENGTHS, "format": format}, change=change)
    assert ("W+ Adapter: browsers show GIF slower than 60 frames a second" in made.comments) == is_said


def test_a_table_that_cannot_be_written_leaves_the_videos(press, tmp_path):
    (tmp_path / "grids").write_text("no folder")
    made = press(STRENGTHS)
    assert len(made.images) == 14 and "W+ Adapter: there is no table: " in made.comments and made.infotexts[0]


def test_a_table_that_no_file_holds_is_told_before(press, webui):
    def change(p):
        p.width = p.height = 4096

    order = {"columns": "seed", "column_values": "1\n2\n3\n4\n5"}
    with pytest.raises(RuntimeError, match="a webp holds 16383 a side"):
        press(order, change=change)
    assert webui.ran == []


@pytest.mark.parametrize(
    ("x", "y", "size"), [(0, 0, (128, 256)), (100, 0, (100, 200)), (0, 100, (50, 100)), (30, 90, (30, 90))]
)
def test_the_size_of_the_hires_pass_is_known_before(webui, x, y, size):
    compare = importlib.import_module("wplus_ext.hosts.webui.compare")
    p = SimpleNamespace(enable_hr=True, width=64, height=128, hr_scale=2.0, hr_resize_x=x, hr_resize_y=y)
    assert compare._size(p) == size


def test_a_table_that_memory_does_not_hold_is_told_after_the_first_video(press, webui, monkeypatch):
    monkeypatch.setattr(importlib.import_module("wplus_ext.hosts.webui.compare"), "BYTES", 1000)
    with pytest.raises(RuntimeError, match="^W\\+ Adapter: the table would have 2 frames of .* more than 1,000 bytes"):
        press(STRENGTHS)
    assert len(webui.ran) == 1
