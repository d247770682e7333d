"""Jobs that edit nothing say so, and why."""

from __future__ import annotations

import gc
import weakref

import host
import pytest
import torch
from webui_jobs import SMILE, finished, sampled, shown

pytest_plugins = ["webui_jobs"]


@pytest.mark.parametrize(
    ("tracks", "words"),
    [("smile = 1", "another extension replaced the sampling"), ("smlie = 1", "no direction 'smlie")],
)
def test_a_job_whose_sampling_was_replaced_says_so(jobs, job, tracks, words):
    jobs.prepare(job, [{**SMILE, "tracks": tracks}])
    jobs.start(job)
    job.sample = lambda: torch.zeros(2, 4, 8, 8)
    job.sample()
    done = finished(jobs, job)
    assert shown(jobs, done) is None
    assert (
        done.comments.startswith("W+ Adapter: nothing was edited, though the infotext names it")
        and words in done.comments
    )


@pytest.mark.parametrize("mode", ["residual", "direct"])
@pytest.mark.parametrize("tracks", ["smile = 0 > 0.7", "smile = 0 > 1 > 0"])
def test_a_curve_that_is_zero_at_the_only_frame_is_told(jobs, shared, mode, tracks):
    job = host.Job(shared, 1, steps=1)
    done = finished(jobs, sampled(jobs, job, {**SMILE, "mode": mode, "tracks": tracks}))
    assert "the curve is 0 at the only frame, so nothing was edited" in done.comments


def test_curves_that_cancel_each_other_are_told(jobs, job):
    given = {**SMILE, "tracks": "smile = 0:(0):hold, 1:(1)", "strength": "0:(1):hold, 1:(0)"}
    done = finished(jobs, sampled(jobs, job, given))
    assert "the curve is 0 at all 2 frames, so nothing was edited" in done.comments


def test_a_picture_that_adetailer_throws_away_needs_no_step(jobs, job):
    job._ad_skip_img2img = True
    given = {**SMILE, "start": 0.9}
    assert "0 of " in finished(jobs, sampled(jobs, job, given)).comments


def test_a_program_that_does_not_switch_it_on_is_told(jobs, job):
    job.is_api = True
    jobs.prepare(job, [{"tracks": "smile = 1"}])
    done = finished(jobs, job)
    assert "W+ is off" in done.comments and "W+ is off" in done.extra_generation_params["WPlus note"]
    jobs.prepare(job, [{"tracks": "smile = 1", "enabled": False}])
    assert finished(jobs, job).comments == ""


def test_a_job_fault_names_no_folder_of_the_server(jobs, job, models):
    with pytest.raises(RuntimeError, match="there is no direction 'smlie' in wplus/directions") as fault:
        sampled(jobs, job, {**SMILE, "tracks": "smlie = 1"})
    assert str(models) not in str(fault.value)


def test_a_job_that_failed_is_let_go(jobs, shared):
    job = host.Job(shared, 1, steps=1)
    with pytest.raises(RuntimeError):
        sampled(jobs, job, {**SMILE, "tracks": "smlie = 1"})
    kept = weakref.ref(job)
    del job
    gc.collect()
    assert kept() is None
