"""Shots to videos, on the miniature: the loop, its shared steps, and windows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from wplus_ext import Branch, Plan, attach, wplus
from wplus_ext.library.directions import load
from wplus_ext.library.resolve import resolve
from wplus_ext.settings import Settings
from wplus_ext.studio.pipeline import Studio, count_steps
from wplus_ext.studio.shot import Shot

FIVE = [{"tracks": f"smile = {i / 10}"} for i in range(1, 6)]


@pytest.fixture(scope="module")
def studio():
    return Studio(device="cpu")


def shot(**values):
    edit = Settings.from_dict({"enabled": True, **values.pop("edit", {})})
    return Shot(prompt="a face with blond hair", frames=4, steps=5, guidance=2.0, seed=7, edit=edit, **values)


def frames(studio, *shots):
    return [video for video, _ in studio.render(shots)]


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_loop_is_the_pipelines_own(studio, guidance):
    ours = replace(shot(), guidance=guidance, negative_prompt="a face on a blue background")
    theirs = studio.pipe(
        ours.prompt, ours.frames, num_inference_steps=ours.steps, guidance_scale=guidance, output_type="np",
        negative_prompt=ours.negative_prompt, generator=torch.Generator().manual_seed(ours.seed),
    ).frames[0]  # fmt: skip
    assert np.array_equal((theirs * 255).round().astype(np.uint8), frames(studio, ours)[0])


@pytest.fixture(scope="module")
def edited():
    return shot(edit={"tracks": "smile = -0.7 > 0 > 0.7", "start": 0.4})


def test_the_edit_is_the_librarys_own(studio, edited):
    direction = load(studio.library.find("directions", "smile")).vector
    plan = Plan([Branch(direction, [-0.7, -0.7 / 3, 0.7 / 3, 0.7])], start=0.4)

    def follow(pipe, i, t, kwargs):
        live.step(i + 1, edited.steps)
        return kwargs

    with attach(studio.pipe.unet, studio.library.adapter(), plan) as live:
        live.step(0, edited.steps)
        live.rows([*range(4)] * 2, [True] * 4 + [False] * 4)
        theirs = studio.pipe(
            edited.prompt, 4, num_inference_steps=5, guidance_scale=2.0, output_type="np", negative_prompt="",
            generator=torch.Generator().manual_seed(7), callback_on_step_end=follow,
        ).frames[0]  # fmt: skip
    (ours,) = frames(studio, edited)
    assert np.abs((theirs * 255).round() - ours).max() <= 1  # the curve's thirds are rounded


def test_an_edited_video_is_another_one(studio, edited):
    first, second = frames(studio, edited, shot())
    assert not np.array_equal(first, second)


def test_the_report_counts_steps(studio, edited):
    ((_, report),) = studio.render([edited])
    assert (report.calls, report.edited) == (5, 3)


# Steps of several UNet calls


@pytest.fixture(params=[("HeunDiscrete", 11), ("PNDM", 7), ("DDIM", 6)], ids=lambda param: param[0])
def called(studio, request, monkeypatch):
    """The studio with a scheduler, and how many UNet calls six steps of it are."""
    import diffusers

    name, calls = request.param
    made = getattr(diffusers, f"{name}Scheduler").from_config(studio.pipe.scheduler.config, skip_prk_steps=True)
    monkeypatch.setattr(studio.models, "scheduler", made)
    monkeypatch.setattr(studio.pipe, "scheduler", made)
    return studio, calls


@pytest.fixture
def six():
    """Shots of six steps, whose edits begin at the same time."""
    return [replace(shot(edit={"tracks": f"smile = {x}", "start": 0.34}), steps=6) for x in (-0.7, 0.7)]


def test_an_edit_is_that_of_wplus_whatever_the_scheduler(called, six):
    studio, calls = called
    ((ours, report),) = studio.render(six[:1])
    plan = resolve(six[0].edit, studio.library).plan(4)
    with wplus(studio.pipe, studio.library.adapter(), plan) as live:
        theirs = studio.pipe(
            six[0].prompt, 4, num_inference_steps=6, guidance_scale=2.0, output_type="np", negative_prompt="",
            generator=torch.Generator().manual_seed(7),
        ).frames[0]  # fmt: skip
    assert np.abs((theirs * 255).round() - ours).max() <= 1
    told = live.report.to_dict()
    assert told.pop("residual") == pytest.approx(report.to_dict()["residual"], rel=1e-3)
    assert told == {key: value for key, value in report.to_dict().items() if key != "residual"}
    assert (report.calls, report.steps, report.edited_steps) == (calls, 6, 3)


def test_steps_are_told_and_shared_whatever_the_scheduler(called, six):
    studio, _ = called
    alone, ticks = [frames(studio, one)[0] for one in six], []
    shared = [video for video, _ in studio.render(six, tick=lambda: ticks.append(1))]
    assert len(ticks) == count_steps(six) == 3 + 3 + 3
    assert [np.array_equal(a, b) for a, b in zip(alone, shared, strict=True)] == [True] * 2
    for one, video in studio.together(six, 2, tick=lambda: ticks.append(1)):
        assert np.abs(video.astype(int) - alone[six.index(one)]).max() <= 1
    assert len(ticks) == 18


# Steps that several shots share


@pytest.fixture(scope="module")
def several():
    shots = [shot(edit={"tracks": f"smile = {x}", "start": 0.6}) for x in (-0.5, 0.5)]
    return [*shots, shot(), shot(edit={"identity": "ada"})]


def test_shared_steps_change_nothing(studio, several):
    together, alone = frames(studio, *several), [frames(studio, one)[0] for one in several]
    assert [np.array_equal(a, b) for a, b in zip(together, alone, strict=True)] == [True] * 4
    assert len({video.tobytes() for video in alone}) == 4


def test_each_step_is_told(studio, several):
    ticks = []
    assert len(list(studio.render(several, tick=lambda: ticks.append(1)))) == 4
    assert len(ticks) == count_steps(several) == (3 + 2 + 2) + (1 + 4 + 4)


# Videos in one batch


@pytest.fixture(scope="module")
def mixed(several, edited):
    """Edits that fit into one batch, and such as do not; three begin alike."""
    return [*several, edited, shot(edit={"tracks": "smile = 0.5", "mode": "direct"})]


@pytest.fixture(scope="module")
def together(studio, mixed):
    """Their frames, and how many steps were told."""
    ticks = []
    return dict(studio.together(mixed, 2, tick=lambda: ticks.append(1))), len(ticks)


def test_videos_together_are_those_alone(studio, mixed, together):
    alone = {one: frames(studio, one)[0].astype(int) for one in mixed}
    assert set(together[0]) == set(alone)
    assert max(np.abs(together[0][one] - alone[one]).max() for one in mixed) <= 1  # other sums, rounded
    assert min(np.abs(alone[a] - alone[b]).max() for a, b in itertools.combinations(mixed, 2)) > 1


def test_each_step_of_each_video_is_told(mixed, together):
    assert together[1] == count_steps(mixed)


def test_a_batch_holds_as_many_as_allowed(studio, several, monkeypatch):
    sizes, finish = [], Studio.finish
    monkeypatch.setattr(Studio, "finish", lambda self, draft: sizes.append(len(draft.latents)) or finish(self, draft))
    list(studio.together([replace(several[0], edit=shot(edit=edit).edit) for edit in FIVE], 2))
    assert sizes == [2, 2, 1]


# Windows


@pytest.fixture(scope="module")
def long(studio):
    """A video of 21 frames in windows of 8, of which one frame is edited, and its report."""
    edit = {"tracks": "smile = 0:(0):hold, 17:(1):hold, 18:(0)", "start": 0.0}
    before = frames(studio, shot())[0]
    ((video, report),) = studio.render([replace(shot(edit=edit), frames=21, context=8)])
    return video, report, before


def test_windows_give_every_frame_its_scale(long):
    video, report, _ = long
    residual = report.to_dict()["residual"]
    assert len(video) == len(residual) == 21
    assert [frame for frame, value in enumerate(residual) if value > 0] == [17]


def test_afterwards_the_windows_are_gone(studio, long):
    assert np.array_equal(frames(studio, shot())[0], long[2])
    assert not hasattr(studio.pipe.unet.mid_block, "motion_modules")


@pytest.mark.parametrize("way", [Studio.render, lambda studio, shots: studio.together(shots, 2)])
def test_between_two_videos_the_windows_are_gone(studio, way):
    edits = [{"tracks": f"smile = {x}", "start": 0} for x in (-1, 0, 1)]
    shots = [replace(shot(edit=edit), steps=1, context=2) for edit in edits]
    for _ in way(studio, shots):
        assert not studio.pipe.free_noise_enabled


def test_all_calls_of_an_unedited_video_are_counted(studio):
    ((_, report),) = studio.render([shot()])
    assert "edited in 0 of 5 steps" in report.summary()
