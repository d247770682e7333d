"""Jobs of the WebUI, method by method, without a page: from their settings to p.sample, and to the report."""

from __future__ import annotations

import host
import plain
import pytest
import torch
from PIL import Image
from webui_jobs import SMILE, finished, inner, processed, sampled, shown

pytest_plugins = ["webui_jobs"]
PICTURE = Image.new("RGB", (96, 128), "red")


def ours(job):
    return {key for key in job.extra_generation_params if key.startswith("WPlus")}


# Before a job


def test_prepare_writes_the_infotext(jobs, job):
    jobs.prepare(job, [SMILE])
    assert job.extra_generation_params["WPlus tracks"] == "smile = 0.5"
    assert job.extra_generation_params["WPlus adapter"] == "wplus_adapter"
    assert {"WPlus adapter hash", "WPlus direction hashes"} < ours(job)


def test_prepare_makes_a_job_that_knows_what_to_do(jobs, job):
    jobs.prepare(job, [SMILE])
    assert job.wplus_job.needed().settings.tracks == "smile = 0.5" and job.wplus_job.outer is None


def test_what_is_switched_off_is_no_job(jobs, job, module):
    jobs.prepare(job, [{"enabled": False}])
    assert module.job_of(job) is None and ours(job) == set()


def test_entries_and_job_of_a_job_before_are_not_kept(jobs, job, module):
    """Jobs of an X/Y/Z plot share their entries."""
    jobs.prepare(job, [SMILE])
    jobs.prepare(job, [{"enabled": False}])
    assert module.job_of(job) is None and ours(job) == set()


def test_entries_of_others_are_kept(jobs, job):
    job.extra_generation_params["Model"] = "x"
    jobs.prepare(job, [{"enabled": False}])
    assert job.extra_generation_params == {"Model": "x"}


def test_a_cells_own_settings_go_first(jobs, job):
    job.wplus_overrides = {"enabled": True, "tracks": "age = 1"}
    jobs.prepare(job, [{"enabled": False}])
    assert job.extra_generation_params["WPlus tracks"] == "age = 1"


def test_prepare_raises_nothing_and_keeps_the_fault(jobs, job):
    """What callbacks raise, the WebUI swallows."""
    jobs.prepare(job, [{"enabled": True, "tracks": "smyle = 1"}])
    assert ours(job) == set()
    with pytest.raises(ValueError, match="there is no direction 'smyle'"):
        job.wplus_job.needed()


def test_new_files_are_known(jobs, job, models):
    jobs.prepare(job, [SMILE])
    torch.save(torch.ones(512), models / "wplus/directions/new.pt")
    jobs.prepare(job, [{"enabled": True, "tracks": "new = 1"}])
    assert job.wplus_job.needed().names == ["new"]


def test_a_job_that_begins_takes_nothing_from_those_before(jobs, job, shared):
    done = finished(jobs, sampled(jobs, job))
    jobs.prepare(host.Job(shared, 2), [SMILE])
    assert shown(jobs, done) is job.wplus_job


def test_an_inner_job_that_begins_takes_nothing_from_those_before(jobs, job, shared):
    done = finished(jobs, sampled(jobs, job))
    jobs.prepare(inner(shared), [SMILE])
    assert shown(jobs, done) is job.wplus_job


# Before a batch


def test_start_edits_the_next_sampling(jobs, job, shared):
    with torch.no_grad():
        before = job.sample()
        jobs.prepare(job, [SMILE])
        jobs.start(job)
        after = job.sample()
    assert not torch.equal(before, after)


def test_start_edits_one_sampling_only(jobs, job, shared):
    with torch.no_grad():
        before = job.sample()
    sampled(jobs, job)
    assert "sample" not in job.__dict__ and plain.hooks(shared.sd_model.model.diffusion_model) == 0
    with torch.no_grad():
        assert torch.equal(job.sample(), before)


def test_a_sample_of_the_jobs_own_is_put_back(jobs, job):
    own = job.sample = lambda: host.Job.sample(job)
    sampled(jobs, job)
    assert job.sample is own


def test_start_leaves_a_job_that_is_switched_off(jobs, job):
    jobs.prepare(job, [{"enabled": False}])
    jobs.start(job)
    assert "sample" not in job.__dict__


def test_sampling_raises_the_fault(jobs, job):
    jobs.prepare(job, [{"enabled": True, "tracks": "smyle = 1"}])
    jobs.start(job)
    with pytest.raises(RuntimeError, match="W\\+ Adapter: tracks, line 1: there is no direction 'smyle'"):
        job.sample()


def test_an_inner_job_does_as_the_one_around_it(jobs, job, shared):
    redrawn = inner(shared)
    sampled(jobs, job)
    jobs.prepare(redrawn, [{"enabled": False}])
    assert redrawn.wplus_job.outer is job and redrawn.wplus_job.needed().settings.tracks == "smile = 0.5"


def test_an_inner_job_has_the_scale_of_its_image(jobs, job, shared):
    redrawn, job.batch_index = inner(shared), 1
    sampled(jobs, job, {**SMILE, "tracks": "smile = 0 > 1"})
    sampled(jobs, redrawn, {"enabled": False})
    assert redrawn.wplus_job.report.residual[0] == 0 and redrawn.wplus_job.report.residual[1] > 0


def test_an_inner_job_of_one_that_is_switched_off_does_as_it_says(jobs, job, shared):
    redrawn = inner(shared)
    jobs.prepare(job, [{"enabled": False}])
    jobs.start(job)
    jobs.prepare(redrawn, [SMILE])
    assert redrawn.wplus_job.outer is None and redrawn.wplus_job.needed().settings.tracks == "smile = 0.5"


def test_an_inner_job_does_not_become_the_one_around(jobs, job, shared):
    sampled(jobs, job)
    sampled(jobs, inner(shared))
    another = inner(shared)
    jobs.prepare(another, [{"enabled": False}])
    assert another.wplus_job.outer is job


# A finished image


def test_see_keeps_an_image(jobs, job):
    jobs.see(sampled(jobs, job), PICTURE)
    jobs.see(job, PICTURE)
    assert job.wplus_job.strip.url().startswith("data:image/")


def test_see_leaves_a_job_that_is_not_ours(jobs, job):
    jobs.prepare(job, [{"enabled": False}])
    jobs.see(job, PICTURE)
    assert job.wplus_job is None


def test_see_leaves_what_comes_before_the_report(jobs, job):
    jobs.prepare(job, [SMILE])
    jobs.see(job, PICTURE)
    jobs.start(job)
    with torch.no_grad():
        job.sample()
    jobs.see(job, PICTURE)
    assert job.wplus_job.strip.url() is None
    jobs.see(job, PICTURE)
    assert job.wplus_job.strip.url() is not None


def test_see_leaves_what_is_redrawn(jobs, job, shared):
    sampled(jobs, job)
    redrawn = sampled(jobs, inner(shared))
    jobs.see(redrawn, PICTURE)
    jobs.see(redrawn, PICTURE)
    assert redrawn.wplus_job.strip.url() is None and job.wplus_job.strip.url() is None


# After a job


def test_finish_tells_the_report(jobs, job):
    done = processed()
    jobs.finish(sampled(jobs, job), done)
    report = done.extra_generation_params["WPlus report"]
    assert (report["layers"], report["branches"], report["frames"]) == (16, ["smile"], 2)
    assert done.comments.startswith("W+ Adapter: edited in 1 of 1 steps") and done.comments.endswith("\n")


def test_finish_leaves_what_others_tell(jobs, job):
    done = processed()
    before = done.extra_generation_params
    jobs.finish(sampled(jobs, job), done)
    assert done.extra_generation_params["Model"] == "x" and before == {"Model": "x"}  # the WebUI shares that dict
    assert "WPlus report" not in job.extra_generation_params


def test_finish_keeps_the_job_for_the_page(jobs, job):
    assert shown(jobs, finished(jobs, sampled(jobs, job))) is job.wplus_job


@pytest.mark.parametrize("stopped", ["interrupted", "skipped"])
def test_a_job_that_was_stopped_before_it_sampled_has_no_report(jobs, job, shared, stopped):
    setattr(shared.state, stopped, True)
    jobs.prepare(job, [SMILE])
    done = finished(jobs, job)
    assert shown(jobs, done) is None and done == processed()


def test_a_redrawn_image_is_not_kept_for_the_page(jobs, job, shared):
    sampled(jobs, job)
    assert shown(jobs, finished(jobs, sampled(jobs, inner(shared)))) is None
    assert shown(jobs, finished(jobs, job)) is job.wplus_job


def test_after_a_job_nothing_is_inside_of_it(jobs, job, shared):
    redrawn = inner(shared)
    jobs.finish(sampled(jobs, job), processed())
    jobs.prepare(redrawn, [{**SMILE, "tracks": "age = 1"}])
    assert redrawn.wplus_job.outer is None and redrawn.wplus_job.needed().settings.tracks == "age = 1"


def test_another_jobs_end_is_not_ours(jobs, job, shared):
    sampled(jobs, job)
    jobs.finish(host.Job(shared, 2), processed())
    redrawn = inner(shared)
    jobs.prepare(redrawn, [{"enabled": False}])
    assert redrawn.wplus_job.outer is job
