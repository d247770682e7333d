"""What a job of the WebUI measures of its images, and what it does without the networks."""

from __future__ import annotations

import importlib

import host
import numpy as np
import pytest
from PIL import Image
from test_reached import face
from webui_jobs import SMILE, finished, sampled, shown

pytest_plugins = ["webui_jobs"]


class Reader:
    """Reads the red of a picture's first pixel as a smile; black is no face."""

    units = {}
    loaded = 0

    def __init__(self, folder):
        type(self).loaded += 1

    def read(self, frames):
        for frame in frames:
            red = int(np.asarray(frame)[0, 0, 0])
            yield [face(red / 100)] if red else []


@pytest.fixture
def networks(module, models, monkeypatch):
    """The networks' folder, with a reader in place of theirs."""
    monkeypatch.setattr(importlib.import_module("wplus_ext.hosts.webui.seen"), "Reader", Reader)
    monkeypatch.setattr(Reader, "loaded", 0)
    folder = models / "wplus" / "measure"
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a")
    return folder


def done(jobs, job, *reds):
    """A job with images of these reds, and what the WebUI has after it."""
    sampled(jobs, job)
    for red in reds:
        jobs.see(job, Image.new("RGB", (8, 8), (red, 0, 0)))
    return finished(jobs, job)


def test_the_api_has_what_was_reached(jobs, job, networks):
    told = done(jobs, job, 20, 60).extra_generation_params["WPlus report"]["reached"]
    assert told["frames"] == 2 and told["curves"][0]["measured"] == [0.2, 0.6]
    assert told["curves"][0]["asked"] == [0.5, 0.5]


def test_the_page_has_it_too(jobs, job, networks):
    job = shown(jobs, done(jobs, job, 20, 60))
    assert job.reached().lines()[0] == "smile 0.50 to 0.50: smile measured 0.20 to 0.60"


def test_a_frame_without_a_face_is_a_gap(jobs, job, networks):
    told = done(jobs, job, 20, 0).extra_generation_params["WPlus report"]["reached"]
    assert told["curves"][0]["measured"] == [0.2, None]


def test_of_several_batches_the_last_counts(jobs, job, networks):
    done(jobs, job, 20, 60)
    jobs.start(job)
    for red in (30, 40):
        jobs.see(job, Image.new("RGB", (8, 8), (red, 0, 0)))
    told = finished(jobs, job).extra_generation_params["WPlus report"]["reached"]
    assert told["curves"][0]["measured"] == [0.3, 0.4]


def test_what_animatediff_renders_beyond_a_short_video_is_left_out(jobs, job, networks):
    told = done(jobs, job, 20, 60, 90).extra_generation_params["WPlus report"]["reached"]
    assert told["curves"][0]["measured"] == [0.2, 0.6]


def test_a_batch_that_is_not_complete_has_nothing(jobs, job, networks):
    assert "reached" not in done(jobs, job, 20).extra_generation_params["WPlus report"]


def test_the_networks_are_loaded_once_until_they_change(jobs, job, shared, networks):
    done(jobs, job, 20, 60)
    done(jobs, host.Job(shared, 2, steps=1), 20, 60)
    assert Reader.loaded == 1
    (networks / "b.bin").write_bytes(b"b")
    done(jobs, host.Job(shared, 2, steps=1), 20, 60)
    assert Reader.loaded == 2


def test_without_the_networks_a_line_says_how_to_get_them(jobs, job):
    result = done(jobs, job, 20, 60)
    assert "reached" not in result.extra_generation_params["WPlus report"]
    why = shown(jobs, result).seen.why
    assert "what came out is not measured: there is no wplus/measure; get the networks" in why.replace("\\", "/")


def test_networks_that_are_damaged_do_not_stop_a_job(jobs, job, models):
    (models / "wplus" / "measure").mkdir(parents=True)
    result = done(jobs, job, 20, 60)
    assert "is not there; get the networks" in shown(jobs, result).seen.why
    assert result.extra_generation_params["WPlus report"]["edited_calls"] == 1


def test_a_job_without_an_edit_is_not_measured(jobs, job, networks):
    jobs.prepare(job, [{**SMILE, "enabled": False}])
    jobs.see(job, Image.new("RGB", (8, 8)))
    assert Reader.loaded == 0


# Regions


@pytest.fixture
def find(module, accordion):
    """What the button "Find faces" does, after a job, with a text of regions: the new text, and what is wrong."""

    def act(job, text=""):
        accordion._find = lambda info: job
        return accordion._find_faces("", text)

    return act


def test_faces_become_regions(jobs, job, networks, find):
    text, _ = find(shown(jobs, done(jobs, job, 20, 60)), "# mine\nface1 = (0 0 1 1)\nleft = (0 0 1 1)\n")
    lines = text.split("\n")
    assert lines[:2] == ["# mine", "left = (0 0 1 1)"] and len(lines) == 3
    assert lines[2] == "face1 = (2 2 2 2)"  # the stand-in's box is far beyond such a small picture


def test_an_unedited_draft_has_faces_too(jobs, job, networks, find):
    sampled(jobs, job, {"enabled": True})
    for red in (20, 60):
        jobs.see(job, Image.new("RGB", (100, 100), (red, 0, 0)))
    assert find(shown(jobs, finished(jobs, job))) == ["face1 = (0.25 0.25 0.4 0.4)", ""]


@pytest.mark.parametrize(
    "reds, text, words",
    [((0, 0), "", "no face in the last run&#x27;s 2 frames"), ((9, 9), "x", "expected &#x27;=&#x27;")],
)
def test_what_cannot_become_regions_is_said(jobs, job, networks, find, reds, text, words):
    kept, said = find(shown(jobs, done(jobs, job, *reds)), text)
    assert words in said and "value" not in kept


def test_a_run_that_did_not_end_says_so(jobs, job, networks, find):
    assert "1 of the last run&#x27;s 2 frames were looked at" in find(shown(jobs, done(jobs, job, 20)))[1]


def test_without_a_run_it_says_what_to_do(find):
    assert "generate some first" in find(None)[1]


def test_without_the_networks_it_leads_to_them(jobs, job, find):
    said = find(shown(jobs, done(jobs, job, 20, 60)))[1]
    assert "get the networks" in said and 'data-items="measure"' in said


def test_a_report_without_the_networks_leads_to_them(module, accordion, jobs, job):
    accordion._find = lambda info: shown(jobs, done(jobs, job, 20, 60))
    assert 'data-items="measure"' in accordion._show_report("")
