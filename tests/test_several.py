"""Drafts, faces and aiming: the other things that the script for several videos does."""

from __future__ import annotations

import importlib
import json
import re

import numpy as np
import pytest
from test_reached import face
from webui_several import ON, stop_at

from wplus_ext.curve import evaluate
from wplus_ext.settings import Settings
from wplus_ext.tracks import parse

pytest_plugins = ["webui_several"]

SMILE = {**ON, "tracks": "smile = 1"}


def pixels(images):
    return [np.asarray(image).tolist() for image in images]


class Reader:
    """Reads faces whose smile is 0.1 and half of what the last job's first track says; ``blind`` sees none."""

    units = {}
    blind, ran = False, ()

    def __init__(self, folder):
        pass

    def read(self, frames):
        for _ in frames:
            tracks = parse(getattr(self.ran[-1], "wplus_overrides", {}).get("tracks", ""))
            value = sum(evaluate(track.schedule, 1)[0] for track in tracks if track.name != "age")
            yield [] if self.blind else [face(0.1 + value / 2)]


@pytest.fixture
def networks(webui, models, monkeypatch):
    """The networks' folder, with a reader in place of theirs."""
    monkeypatch.setattr(importlib.import_module("wplus_ext.hosts.webui.seen"), "Reader", Reader)
    monkeypatch.setattr(Reader, "blind", False)
    monkeypatch.setattr(Reader, "ran", webui.ran)
    (models / "wplus" / "measure").mkdir(parents=True)


@pytest.fixture
def shown(scripts):
    """The job that a page with this result shows."""

    def find(made):
        info = json.dumps({"extra_generation_params": made.extra_generation_params})
        return scripts[0].jobs.finished.find(info)

    return find


# Draft


def large(p):
    p.width, p.height, p.enable_hr, p.n_iter = 256, 128, True, 3


def test_a_draft_is_smaller_and_takes_fewer_steps(press, webui, shown):
    made = press({"mode": "Draft"}, SMILE, change=large, steps=8)
    (p,) = webui.ran
    assert (p.width, p.height, p.steps, p.enable_hr, p.n_iter, p.seed) == (128, 64, 4, False, 1, 7)
    assert len(made.images) == 2 and made.images[0].size == (16, 8)
    assert shown(made).strip.url() and "edited in 4 of 4 steps" in made.comments


@pytest.mark.parametrize(
    ("order", "jobs", "steps"),
    [({"mode": "Draft"}, 1, 4), ({"mode": "Find faces"}, 1, 4), ({"mode": "Aim", "targets": "smile = 1"}, 8, 128)],
)
def test_the_progress_counts_what_is_sampled(press, webui, networks, monkeypatch, order, jobs, steps):
    totals = []
    monkeypatch.setattr(webui.total_tqdm, "updateTotal", totals.append)
    press(order, SMILE, change=large, steps=8)
    assert webui.state.job_count == jobs and totals == [steps]


def test_a_draft_is_a_single_run_of_that_size(press):
    def small(p):
        p.width, p.height, p.steps = 128, 64, 4

    drafted = press({"mode": "Draft"}, SMILE, change=large, steps=8)
    assert pixels(drafted.images) == pixels(press(None, SMILE, change=small).images)


@pytest.mark.parametrize(("start", "end", "steps"), [(0, 1, 2), (0.8, 1, 5), (0.95, 1, 20)])
def test_a_draft_reaches_the_edit(press, webui, start, end, steps):
    press({"mode": "Draft", "steps": 0.1}, {**SMILE, "start": start, "end": end}, steps=20)
    assert webui.ran[0].steps == steps


def test_a_draft_of_a_picture_reaches_the_edit(press, webui):
    def picture(p):
        p.init_images, p.denoising_strength = ["a picture"], 0.4

    press({"mode": "Draft", "steps": 0.1}, {**SMILE, "start": 0.7}, steps=20, change=picture)
    assert webui.ran[0].steps == 8  # four of which are sampled


def test_the_upscaling_of_a_picture_is_the_webuis(press, webui):
    assert press({"mode": "Draft"}, SMILE, change=lambda p: setattr(p, "txt2img_upscale", True)) is None
    assert webui.ran == []


def test_a_small_video_stays_as_large(press, webui):
    press({"mode": "Draft", "size": 0.1}, SMILE)
    assert (webui.ran[0].width, webui.ran[0].height) == (64, 64)


def test_a_draft_says_what_it_is_and_is_no_draft_again_when_it_is_pasted(press):
    text = press({"mode": "Draft", "size": 0.4}, SMILE).infotexts[0]
    assert "WPlus script: Draft, WPlus script size: 0.4, WPlus script steps: 0.5" in text and "Script:" not in text


@pytest.mark.parametrize("mode", ["Draft", "Aim"])
def test_a_wrong_setting_is_told_before_anything_is_rendered(press, webui, networks, mode):
    with pytest.raises(RuntimeError, match="^W\\+ Adapter: tracks, line 1: there is no direction 'smyle'"):
        press({"mode": mode, "targets": "smile = 1"}, {**ON, "tracks": "smyle = 1"})
    assert webui.ran == []


# Faces


def test_faces_of_an_unedited_draft_become_regions(press, webui, networks, shown):
    edit = {**SMILE, "tracks": "smile[left] = 1", "regions": "left = (0.2 0.5 0.1 0.2)"}
    made = press({"mode": "Find faces"}, edit, change=large, steps=8)
    proposed = shown(made).proposed
    assert [*proposed] == ["regions"] and proposed["regions"].startswith("left = (0.2 0.5 0.1 0.2)\nface1 = ")
    assert made.extra_generation_params["WPlus proposed"] == proposed and "found face1 = " in made.comments
    assert webui.ran[0].steps == 4 and "WPlus tracks" not in made.extra_generation_params


def test_tracks_may_name_regions_that_are_to_be_found(press, networks, shown):
    assert shown(press({"mode": "Find faces"}, {**ON, "tracks": "smile[face1] = 1"})).proposed


def test_no_face_is_said_under_the_picture(press, networks, shown, monkeypatch):
    monkeypatch.setattr(Reader, "blind", True)
    made = press({"mode": "Find faces"}, SMILE)
    assert "W+ Adapter: no face in the last run's 2 frames" in made.comments and shown(made).proposed == {}


def gone(monkeypatch, webui, after):
    """The networks cannot be read after so many jobs."""

    def read(self, frames):
        if len(webui.ran) > after:
            raise OSError("the networks are gone")
        yield from own(self, frames)

    own = Reader.read
    monkeypatch.setattr(Reader, "read", read)


def test_faces_that_cannot_be_measured_leave_the_draft(press, webui, networks, monkeypatch):
    gone(monkeypatch, webui, 0)
    made = press({"mode": "Find faces"}, SMILE)
    assert len(made.images) == 2 and "W+ Adapter: the networks are gone\n" in made.comments


def test_finding_faces_that_is_stopped_says_so(press, networks, shown):
    made = press({"mode": "Find faces"}, SMILE, change=stop_at(1))
    assert made.extra_generation_params["WPlus told"] == ["stopped before faces were looked for"]
    assert shown(made).proposed == {}


def test_targets_that_cannot_be_read_say_that_it_is_they(press, webui, networks):
    with pytest.raises(RuntimeError, match="targets, line 1, column 9: expected a number"):
        press({"mode": "Aim", "targets": "smile = much"}, SMILE)
    assert webui.ran == []


@pytest.mark.parametrize("order", [{"mode": "Find faces"}, {"mode": "Aim", "targets": "smile = 1"}])
def test_without_the_networks_a_line_says_how_to_get_them(press, webui, order):
    with pytest.raises(RuntimeError, match=r"^W\+ Adapter: .*get the networks that measure .* \(Download: measure\)$"):
        press(order, SMILE)
    assert webui.ran == []


# Aim

AIM = {"mode": "Aim", "targets": "smile = 0.3", "renders": 3, "close": 0.0}  # such a smile needs a track of 0.4


def test_aiming_ends_with_tracks_that_make_the_video_again(press, networks, shown):
    made = press(AIM, {**ON, "tracks": "age = 0.2"})
    told, job = made.extra_generation_params["WPlus aim"], shown(made)
    assert told["tracks"].startswith("age = 0.2\nsmile = ") and job.proposed == {"tracks": told["tracks"]}
    assert len(told["rounds"]) == 3 and job.needed().settings.tracks == told["tracks"]
    assert pixels(made.images) == pixels(press(None, {**ON, "tracks": told["tracks"]}).images)


def test_aiming_reaches_what_is_asked(press, networks):
    told = press({**AIM, "close": 0.03}, ON).extra_generation_params["WPlus aim"]
    assert told["rounds"][0]["tracks"] == {"smile": "0"} and told["rounds"][-1]["error"] < 0.03
    assert told["reached"]["smile"] == pytest.approx([0.3, 0.3], abs=0.03)


def test_aiming_moves_one_region(press, networks):
    regions = {**ON, "regions": "left = (0.3 0.5 0.2 0.3)"}
    told = press({**AIM, "by": "smile = smile[left]"}, regions).extra_generation_params["WPlus aim"]
    assert told["tracks"].startswith("smile[left] = ") and told["rounds"][1]["error"] < told["rounds"][0]["error"]


def test_each_round_is_told_as_it_comes_and_in_the_end(press, webui, networks):
    made = press(AIM, ON)
    assert [f"render {i}: mean error" in made.comments for i in (1, 2, 3, 4)] == [True, True, True, False]
    assert "3 renders are done" in made.comments
    assert made.comments.splitlines()[-4:] == [
        f"W+ Adapter: {line}" for line in made.extra_generation_params["WPlus told"]
    ]
    assert webui.state.job.startswith("render 3 of 3; render 2: mean error") and webui.state.job_count == 3


def test_what_is_near_enough_is_not_tried_again(press, webui, networks, shown):
    made = press({**AIM, "close": 10.0}, ON)
    assert len(webui.ran) == 1 and shown(made).proposed == {"tracks": "smile = 0"}


def test_aiming_begins_with_the_pages_own_track(press, webui, networks):
    press(AIM, SMILE)
    assert [Settings.from_args([SMILE], p.wplus_overrides).tracks for p in webui.ran[:2]] == ["smile = 0", "smile = 1"]


@pytest.mark.parametrize(("of", "rounds"), [("interrupted", 1), ("stopping_generation", 2)])
def test_stopped_it_gives_the_best_of_what_is_done(press, webui, networks, of, rounds):
    made = press(AIM, ON, change=stop_at(2, of=of))
    assert len(webui.ran) == 2 and len(made.extra_generation_params["WPlus aim"]["rounds"]) == rounds
    assert "stopped; render" in made.comments


def test_stopped_in_the_first_it_has_no_tracks(press, webui, networks, shown):
    made = press(AIM, ON, change=stop_at(1))
    assert len(webui.ran) == 1 and shown(made).proposed == {} and "W+ Adapter: stopped\n" in made.comments


def test_stopped_before_anything_is_sampled_it_says_so(press, scripts, webui, networks, monkeypatch):
    monkeypatch.setattr(scripts[0].jobs, "start", lambda p: setattr(webui.state, "interrupted", True))
    made = press(AIM, ON)
    assert len(webui.ran) == 1 and "W+ Adapter: stopped\n" in made.comments


def test_what_cannot_be_measured_is_said_under_the_picture(press, webui, networks, monkeypatch):
    monkeypatch.setattr(Reader, "blind", True)
    assert "smile cannot be measured in any of 2 frames" in press(AIM, ON).comments and len(webui.ran) == 1


def test_what_can_no_longer_be_measured_keeps_the_rounds(press, webui, networks, monkeypatch):
    gone(monkeypatch, webui, 2)
    made = press(AIM, ON)
    assert len(webui.ran) == 3 and len(made.extra_generation_params["WPlus aim"]["rounds"]) == 2
    assert "W+ Adapter: the networks are gone\n" in made.comments


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"targets": ""}, "targets is empty, expected a line such as smile = 0 > 0.7 > 0"),
        ({"targets": "grin = 1"}, "target asks for 'grin', expected smile, "),
        ({"hold": "age, grin"}, "hold asks for 'grin', expected smile, "),
        ({"hold": "smile"}, "attributes smile, smile"),
        ({"targets": "mouth_open = 1"}, 'no direction is known to move mouth_open; say by "mouth_open = DIRECTION"'),
        ({"by": "smile"}, "by is 'smile', expected ATTRIBUTE = DIRECTION"),
        ({"by": "smile = grin"}, "there is no direction 'grin'"),
        ({"by": "smile = smile[left]"}, "there is no region 'left'"),
        ({"renders": 1}, "renders is 1, expected 2 to 100"),
    ],
)
def test_what_cannot_be_aimed_at_is_told_before_anything_is_rendered(press, webui, networks, order, words):
    with pytest.raises(RuntimeError, match=f"^W\\+ Adapter: .*{re.escape(words)}"):
        press({**AIM, **order}, ON)
    assert webui.ran == []


def test_directions_by_other_names_are_said(press, networks):
    made = press({**AIM, "by": "smile = more/glasses", "renders": 2}, ON)
    assert made.extra_generation_params["WPlus aim"]["tracks"].startswith("more/glasses = ")


def test_a_plain_job_afterwards_is_as_before(press, networks, webui):
    before = pixels(press(None, {"enabled": False}).images)
    press(AIM, ON)
    assert pixels(press(None, {"enabled": False}).images) == before
    assert webui.sd_model.model.diffusion_model._forward_pre_hooks == {}
