"""Compare: the same video in several ways from one press, in one labelled table beside the single videos."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageSequence
from webui_several import ON, stop_at

from wplus_ext.studio.sheet import Sheet

pytest_plugins = ["webui_several"]

STRENGTHS = {"mode": "Compare", "rows": "tracks", "row_values": "smile = 1\nsmile = 0.5; age = -1"}
LABELS = ["unedited", "strength 0.5", "strength 1 > 0", "strength 2"], ["smile = 1", "smile = 0.5\nage = -1"]
STRENGTHS |= {"columns": "strength", "column_values": "0.5\n1 > 0\n2"}


def pixels(images):
    return [np.asarray(image).tolist() for image in images]


def table_of(made):
    """The frames of the table that a result begins with."""
    return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(made.images[0]))]


@pytest.fixture
def made(press):
    """Two tracks by three strengths, and the unedited video."""
    return press(STRENGTHS)


def test_each_cell_is_what_a_single_run_makes(made, press):
    shown = [made.images[i : i + 2] for i in range(1, len(made.images), 2)]
    asked = [{"enabled": False}]
    for tracks in ("smile = 1", "smile = 0.5\nage = -1"):
        asked += [{**ON, "tracks": tracks, "strength": strength} for strength in ("0.5", "1 > 0", "2")]
    assert [pixels(each) for each in shown] == [pixels(press(None, edit).images) for edit in asked]


def test_a_video_that_stands_at_several_places_is_rendered_once(made, webui):
    assert len(webui.ran) == 7  # the unedited one is before both rows
    assert [len(video["places"]) for video in made.extra_generation_params["WPlus videos"]] == [2, 1, 1, 1, 1, 1, 1]


def test_the_table_has_all_frames_and_labels(press):
    made = press({**STRENGTHS, "format": "gif"})
    frames = table_of(made)
    assert len(frames) == 2 and frames[0].shape[1::-1] == Sheet.of(*LABELS, 8, 8).size


def test_the_table_shows_the_videos_frames(made):
    sheet = Sheet.of(*LABELS, 8, 8)
    frame = table_of(made)[1]
    for image, (row, column) in ((made.images[2], (0, 0)), (made.images[2], (1, 0)), (made.images[8], (0, 3))):
        x, y = sheet.place(row, column)
        cell = frame[y : y + sheet.height, x : x + sheet.width].mean((0, 1))
        assert cell == pytest.approx(np.asarray(image).mean((0, 1)), abs=6)  # a WebP keeps a little less


def test_the_infotext_has_what_was_asked(made):
    text = made.infotexts[0]
    assert "Script: W+ compare and aim, WPlus script: Compare, WPlus script rows: tracks" in text
    assert 'WPlus script row values: "smile = 1\\nsmile = 0.5; age = -1", ' in text
    assert made.info == text and "WPlus script" not in made.infotexts[1]
    for key in re.findall(r"(?:^|, )(WPlus [\w ]+|Script):", text):
        assert re.fullmatch(r"\w[\w \-/]+", key)


def test_each_video_keeps_its_report(made):
    told = made.extra_generation_params["WPlus videos"]
    assert told[0]["labels"] == ["smile = 1", "unedited"] and told[0]["report"] is None
    assert told[2]["labels"] == ["smile = 1", "strength 1 > 0"] and told[2]["report"]["scales"] == [[1.0], [0.0]]
    assert all(video["images"] == 2 and video["seed"] == 7 for video in told)


def test_what_stands_under_the_pictures_says_which_it_is(made):
    lines = made.comments.splitlines()
    assert lines[0].startswith("W+ Adapter, smile = 1; strength 0.5: edited in 2 of 2 steps, ") and len(lines) == 6


def test_what_is_redrawn_in_the_unedited_video_is_not_edited_either(press, scripts):
    """ADetailer's jobs have the page's settings, in which the edit is on."""
    given = {**ON, "tracks": "smile = 1"}

    def change(p):
        def redraw(step):
            last = scripts[0].jobs._last()
            if last is not None and last.wplus_overrides["enabled"] is False:
                inner = SimpleNamespace(_ad_inner=True, extra_generation_params={})
                scripts[0].jobs.prepare(inner, [given])
                redrawn.append(inner.wplus_job)

        p.before_step = redraw

    redrawn = []
    press({"columns": "strength", "column_values": "1"}, given, change=change)
    assert redrawn == [None, None]


def test_the_page_shows_the_last_of_them(made, scripts):
    job = scripts[0].jobs.finished.find(json.dumps({"extra_generation_params": made.extra_generation_params}))
    assert job.needed().settings.strength == "2"


def test_seeds_and_prompts_vary_with_the_pages_edit(press):
    made = press(
        {"rows": "seed", "row_values": "3\n4", "columns": "prompt", "column_values": "a man\na cat in the rain"},
        edit := {**ON, "tracks": "smile = 1"},
    )
    told = [video["labels"] for video in made.extra_generation_params["WPlus videos"]]
    assert told[0] == ["seed 3, unedited", "a man"] and told[-1] == ["seed 4", "a cat in the rain"] and len(told) == 8

    def change(p):
        p.seed, p.prompt = 4, "a cat in the rain"

    assert pixels(made.images[-2:]) == pixels(press(None, edit, change=change).images)


def test_identities_may_be_none(press):
    edit = {**ON, "tracks": "smile = 1"}
    made = press({"columns": "identity", "column_values": "None\nanna", "unedited": False}, edit)
    assert pixels(made.images[1:3]) == pixels(press(None, edit).images)
    assert pixels(made.images[3:]) == pixels(press(None, {**edit, "identity": "anna"}).images)


def test_the_page_need_not_have_the_edit_on(press):
    made = press({"columns": "strength", "column_values": "1"}, {"enabled": False, "start": 0, "tracks": "smile = 1"})
    assert pixels(made.images[3:]) == pixels(press(None, {**ON, "tracks": "smile = 1"}).images)
    assert "W+ is off" not in made.comments


def test_what_changes_nothing_is_the_unedited_video(press, webui):
    press({"columns": "strength", "column_values": "0\n1"}, {**ON, "tracks": "smile = 1"})
    assert len(webui.ran) == 2


@pytest.mark.parametrize(("of", "shown"), [("interrupted", 2), ("stopping_generation", 3)])
def test_stopped_it_shows_what_is_done(press, webui, of, shown):
    made = press(STRENGTHS, change=stop_at(3, of=of))
    assert len(webui.ran) == 3 and len(made.images) == 1 + 2 * shown
    assert f"stopped with {shown} of 7 videos" in made.comments


def test_stopped_at_once_it_shows_that_video(press, webui):
    made = press(STRENGTHS, change=stop_at(1))
    assert len(webui.ran) == 1 and len(made.images) == 2


@pytest.mark.parametrize("is_forgotten", [False, True])  # as by a batch that follows
def test_a_video_that_was_skipped_is_left_out(press, scripts, webui, monkeypatch, is_forgotten):
    def finish(p, made):
        own(p, made)
        webui.state.skipped &= not is_forgotten

    own = scripts[0].jobs.finish
    monkeypatch.setattr(scripts[0].jobs, "finish", finish)

    def change(p):
        def skipped(step):
            p.shared.state.skipped = len(p.shared.ran) == 2

        p.before_step = skipped

    assert "stopped with 6 of 7" in press(STRENGTHS, change=change).comments and len(webui.ran) == 7


def test_each_file_of_a_video_has_the_text_of_its_batch(made):
    runs = sys.modules["wplus_ext.hosts.webui.runs"]
    texts, seeds = [f"of {seed}" for seed in (7, 7, 8, 8)], [7, 7, 8, 8]
    two = SimpleNamespace(
        images=["7.mp4", "8.mp4"], index_of_first_image=0, infotexts=texts, all_seeds=seeds, all_prompts=["a woman"]
    )
    assert runs.Done(None, two, True).shown == [("7.mp4", "of 7", 7, "a woman"), ("8.mp4", "of 8", 8, "a woman")]


def test_the_progress_counts_the_jobs(made, webui):
    assert webui.state.job_count == 7 and webui.state.job == "7 of 7: smile = 0.5; age = -1; strength 2"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"columnns": "seed"}, "unknown field 'columnns' (did you mean columns"),
        ({"mode": "Comparison"}, "mode is 'Comparison', expected one of Compare, Draft"),
        ({"columns": "seed", "column_values": "1\nany"}, "columns have the seed 'any', expected whole numbers"),
        ({"columns": "seed", "column_values": "4294967296"}, "expected whole numbers, 0 to 4294967295, one a line"),
        ({"columns": "tracks", "column_values": " \n"}, "columns vary tracks and have no values"),
        ({"rows": "strength", "row_values": "1"}, "rows and columns are both strength"),
        ({"column_values": "much"}, "strength 'much'"),
        ({"columns": "identity", "column_values": "annna"}, "did you mean anna"),
        ({"columns": "tracks", "column_values": "smyle = 1"}, "there is no direction 'smyle'"),
        ({"mode": "Compare"}, "there is no track and no identity, so all of them would be the unedited video"),
        ({"columns": "seed", "column_values": "\n".join(map(str, range(60)))}, "a table of 2 x 60 videos"),
        (["Compare", "rows"], "rows is 'rows', expected one of nothing, tracks"),
        ([True], "mode is True (bool), expected a text"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_rendered(press, webui, order, words):
    with pytest.raises(RuntimeError, match=f"^W\\+ Adapter: .*{re.escape(words)}"):
        press(order)
    assert webui.ran == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_video_without_frames_leaves_the_others(press, webui, monkeypatch, number):
    def process(p):
        made = own(p)
        if len(webui.ran) == number:
            made.images, made.infotexts = [], []
            p.wplus_frames.clear()
        return made

    processing = sys.modules["modules.processing"]
    own = processing.process_images
    monkeypatch.setattr(processing, "process_images", process)
    made = press(STRENGTHS)
    assert len(made.images) == 12 and "W+ Adapter: there is no table: a video has no frames" in made.comments


def test_a_fault_while_rendering_stays_as_it_was_raised(press):
    def change(p):
        p.before_step = lambda step: (_ for _ in ()).throw(MemoryError("out of memory"))

    with pytest.raises(MemoryError, match="^out of memory$"):
        press(STRENGTHS, change=change)
