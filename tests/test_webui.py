"""The extension's script in a stand-in for the WebUI: whole jobs, and that every fault reaches the person."""

from __future__ import annotations

import sys

import host
import plain
import pytest
import torch

from wplus_ext.settings import from_infotext

OFF = {"enabled": False}


@pytest.fixture
def script(shared):
    """The extension's script, without its page."""
    return host.load_script().WPlusScript()


@pytest.fixture
def untouched(shared, script):
    """What four frames are without an edit."""
    return host.run(script, host.Job(shared, 4), OFF)[0]


@pytest.fixture
def unet(shared):
    return shared.sd_model.model.diffusion_model


def settings(**values):
    return {"enabled": True, "start": 0, **values}


SMILE = settings(tracks="smile = 1")


# Whole jobs


@pytest.fixture
def done(shared, script):
    """A job with a smile that grows; its result, and what the API tells of it."""
    job = host.Job(shared, 4)
    out, processed = host.run(script, job, settings(tracks="smile = -0.7 > 0 > 0.7"))
    return job, out, processed


def test_a_job_is_edited(done, untouched):
    assert not torch.equal(done[1], untouched)


def test_a_job_leaves_nothing_behind(done, shared, unet):
    assert plain.hooks(unet) == 0 and shared.callbacks == [] and "sample" not in done[0].__dict__


def test_the_same_job_again_may_be_without_an_edit(done, script, untouched):
    """As Loopback does it."""
    assert torch.equal(host.run(script, done[0], OFF)[0], untouched)


def test_the_report_is_in_the_apis_info(done):
    report = done[2].extra_generation_params["WPlus report"]
    assert report["layers"] == 16 and report["branches"] == ["smile"] and report["edited_calls"] == 2
    assert "WPlus report" not in done[0].extra_generation_params  # it is no setting


def test_the_report_is_said_under_the_picture(done):
    assert "edited in 2 of 2 steps" in done[2].comments


@pytest.mark.parametrize("values", [{"tracks": ""}, {"tracks": "smile = 0"}, {"tracks": "smile = 1", "strength": "0"}])
@pytest.mark.parametrize("mode", ["residual", "direct"])
def test_nothing_asked_is_bit_identical(shared, script, untouched, values, mode):
    out, _ = host.run(script, host.Job(shared, 4), settings(mode=mode, **values))
    assert torch.equal(out, untouched)


@pytest.mark.parametrize("context", [None, 8])
@pytest.mark.parametrize("values", [{"mode": "direct"}, {"tracks": "smile = 0 > 4"}])
def test_an_identity_is_a_branch(shared, script, context, values):
    before, _ = host.run(script, host.Job(shared, 12, context=context), OFF)
    given = settings(identity="anna", **values)
    out, processed = host.run(script, host.Job(shared, 12, context=context), given)
    assert processed.extra_generation_params["WPlus report"]["branches"] == ["anna"] and not torch.equal(out, before)


def test_the_modes_are_not_the_same(shared, script):
    outs = [
        host.run(script, host.Job(shared, 4), settings(identity="anna", mode=mode))[0]
        for mode in ("direct", "residual")
    ]
    assert not torch.equal(*outs)


def test_an_infotext_makes_the_same_again(shared, script):
    job = host.Job(shared, 4)
    given = settings(tracks="smile = 0:(0), 3:(0.7):smooth\nage = 0.2", strength="0.5")
    out, _ = host.run(script, job, given)
    entries = {"Steps": 2, **{key: str(value) for key, value in job.extra_generation_params.items()}}
    assert entries["WPlus adapter"] == "wplus_adapter" and len(entries["WPlus adapter hash"]) == 10
    again, _ = host.run(script, host.Job(shared, 4), from_infotext(entries))
    assert torch.equal(out, again)


def test_entries_of_another_job_are_not_kept(shared, script):
    """Jobs of an X/Y/Z plot share their infotext's entries."""
    job = host.Job(shared, 4)
    host.run(script, job, settings(identity="anna"))
    job.wplus_overrides = {"enabled": True, "identity": None, "tracks": "smile = 1"}
    host.run(script, job, settings(identity="anna"))
    assert "WPlus identity" not in job.extra_generation_params
    assert job.extra_generation_params["WPlus tracks"] == "smile = 1"


# Faults


def fail_at(job, step, error):
    def fail(now):
        if now == step:
            raise error

    job.before_step = fail
    return job


def test_an_exception_while_sampling_stays_as_it_was_raised(shared, script):
    job = fail_at(host.Job(shared, 4, steps=3), 1, MemoryError("out of memory"))
    with pytest.raises(MemoryError, match="^out of memory$"):
        host.run(script, job, SMILE)


def test_after_an_exception_nothing_is_left(shared, script, unet, untouched):
    job = fail_at(host.Job(shared, 4, steps=3), 1, MemoryError("out of memory"))
    with pytest.raises(MemoryError):
        host.run(script, job, SMILE)
    assert plain.hooks(unet) == 0 and shared.callbacks == []
    assert torch.equal(host.run(script, host.Job(shared, 4), OFF)[0], untouched)


def test_while_sampling_each_attention_has_a_hook(shared, script, unet):
    job, seen = host.Job(shared, 4), []
    job.before_step = lambda step: seen.append(plain.hooks(unet))
    host.run(script, job, SMILE)
    assert seen == [17, 17]  # and the UNet


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trcks": "smile = 1"}, "W\\+ Adapter: unknown field 'trcks'"),
        ({"tracks": "smyle = 1"}, "W\\+ Adapter: tracks, line 1: there is no direction 'smyle'"),
        ({"tracks": "smile = 1 2"}, "W\\+ Adapter: line 1, column 11: expected the end of the line"),
        ({"tracks": "smile = 3:(0), 100%:(1)"}, "two keys on frame 3 of 4"),
        ({"identity": "../anna"}, "W\\+ Adapter: latent '../anna' leaves the folder"),
        ({"adapter": "other"}, "W\\+ Adapter: there is no adapter 'other'"),
        ({"tracks": "smile = 1", "start": 0.9}, "W\\+ Adapter: none of the steps lies between start 0.9 and end 1"),
        ({"start": 2}, "W\\+ Adapter: start is 2"),
    ],
)
def test_what_is_wrong_reaches_the_person(shared, script, unet, values, message):
    """The WebUI swallows exceptions in callbacks, and would show an unedited picture."""
    with pytest.raises(RuntimeError, match=message):
        host.run(script, host.Job(shared, 4), settings(**values))
    assert plain.hooks(unet) == 0 and shared.callbacks == []


def test_a_damaged_file_reaches_the_person(shared, script, models):
    file = models / "wplus/adapters/wplus_adapter.bin"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(RuntimeError, match="W\\+ Adapter: .*wplus_adapter.bin: damaged or cut short"):
        host.run(script, host.Job(shared, 4), SMILE)


def test_another_checkpoint_is_refused(shared, script):
    shared.sd_model.model.diffusion_model = plain.diffusers_unet(cross_attention_dim=64)
    with pytest.raises(RuntimeError, match="W\\+ Adapter: adapter 'wplus_adapter' does not fit this checkpoint"):
        host.run(script, host.Job(shared, 4), SMILE)


def test_a_unet_that_is_replaced_is_refused(shared, script, monkeypatch):
    monkeypatch.setattr(sys.modules["modules.sd_unet"], "current_unet", object())
    with pytest.raises(RuntimeError, match="W\\+ Adapter: the UNet is replaced; set 'SD Unet' to None"):
        host.run(script, host.Job(shared, 4), SMILE)


def test_rows_that_the_sampler_did_not_send_are_refused(shared, script, unet):
    job, intrusion = host.Job(shared, 4), (torch.zeros(1, 4, 8, 8), torch.zeros(1))
    job.before_step = lambda step: unet(*intrusion, context=torch.zeros(1, 77, plain.TEXT))
    with pytest.raises(RuntimeError, match="W\\+ Adapter: a UNet call came with rows that the sampler did not send"):
        host.run(script, job, SMILE)
    assert plain.hooks(unet) == 0


def test_a_sampler_that_never_reaches_the_unet_is_refused(shared, script):
    with pytest.raises(RuntimeError, match="went past the edit"):
        host.run(script, host.Job(shared, 4, steps=0), SMILE)


def test_an_interrupt_is_no_fault(shared, script):
    shared.state.interrupted = True
    _, processed = host.run(script, host.Job(shared, 4, steps=0), SMILE)
    assert processed.extra_generation_params["WPlus report"]["unet_calls"] == 0
