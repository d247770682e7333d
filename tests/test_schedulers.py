"""Schedulers by name, and the betas that motion modules want."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
)

from wplus_ext.__main__ import main
from wplus_ext.studio import record, schedulers
from wplus_ext.studio.pipeline import Studio
from wplus_ext.studio.shot import Shot

FOLDER = Path("sd")
SCALED = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
DETERMINISTIC = ["ddim", "euler", "dpm++", "dpm++_karras", "unipc"]


@pytest.fixture(scope="module")
def studio():
    return Studio(device="cpu")


def shot(name):
    return Shot(prompt="a face with blond hair", frames=1, steps=3, guidance=2.0, scheduler=name)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_video_with_it_is_the_pipelines_own(studio, name):
    ((ours, _),) = studio.render([shot(name)])
    studio.pipe.scheduler = schedulers.made(name, studio.pipe.scheduler)
    theirs = studio.pipe(
        "a face with blond hair", 1, num_inference_steps=3, guidance_scale=2.0, output_type="np",
        generator=torch.Generator().manual_seed(0),
    ).frames[0]  # fmt: skip
    assert np.array_equal((theirs * 255).round().astype(np.uint8), ours)


def test_those_that_draw_noise_make_other_videos(studio):
    names = ("ddim", "euler_a", "lcm", "dpm++_sde")
    assert len({next(studio.render([shot(name)]))[0].tobytes() for name in names}) == 4


@pytest.mark.parametrize("name", schedulers.KINDS)
def test_it_has_the_betas_of_the_pipelines_own(name):
    own = DDIMScheduler(beta_start=0.001, beta_end=0.02, beta_schedule="linear", clip_sample=False)
    made = schedulers.made(name, own)
    assert torch.equal(made.betas, own.betas)
    assert made.config.get("clip_sample", False) is False


@pytest.mark.parametrize("name", ["dpm++", "dpm++_karras", "dpm++_sde"])
def test_it_is_what_it_is_called_whatever_the_pipelines_own(name):
    odd = {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++", "solver_order": 3}
    made = schedulers.made(name, DPMSolverMultistepScheduler(beta_schedule="linear", **odd)).config
    wanted = (name == "dpm++_karras", "sde-dpmsolver++" if name == "dpm++_sde" else "dpmsolver++", 2)
    assert (made.use_karras_sigmas, made.algorithm_type, made.solver_order) == wanted


def test_it_keeps_what_the_model_was_trained_for():
    trained = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    made = schedulers.made("dpm++", DDIMScheduler(**SCALED, **trained)).config
    assert {key: made[key] for key in trained} == trained


def test_betas_that_are_its_classs_own_are_kept():
    assert torch.equal(schedulers.made("ddim", LCMScheduler()).betas, LCMScheduler().betas)


def test_own_is_the_pipelines(studio):
    assert next(studio.render([shot("own")]))[0].tobytes() == next(studio.render([shot("ddim")]))[0].tobytes()


def test_a_scheduler_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="scheduler is 'plms', expected one of own, ddim, euler, euler_a, dpm"):
        shot("plms")


def test_like_has_the_scheduler_again(studio, tmp_path):
    record.save(tmp_path / "a.gif", np.zeros((2, 8, 8, 3), np.uint8), studio, [shot("euler")])
    assert record.load(tmp_path / "a.gif", studio) == ([shot("euler")], [])


# With motion modules


def test_betas_that_motion_modules_do_not_want_are_changed_and_told():
    made, note = schedulers.fitting(PNDMScheduler(**SCALED), FOLDER, is_motions=False, is_lcm=False)
    assert (type(made), made.config.beta_schedule, made.config.clip_sample) == (DDIMScheduler, "linear", False)
    assert note.startswith(
        "sd: its scheduler is PNDM with scaled_linear betas; motion modules want linear ones: ddim is"
    )


def test_what_the_model_predicts_stays_with_other_betas():
    own = DDIMScheduler(**SCALED, prediction_type="v_prediction")
    made, _ = schedulers.fitting(own, FOLDER, is_motions=False, is_lcm=False)
    assert (made.config.beta_schedule, made.config.prediction_type) == ("linear", "v_prediction")


@pytest.mark.parametrize("is_motions", [True, False])
def test_animatelcms_modules_have_lcm_in_any_folder(is_motions):
    own = DDIMScheduler(beta_schedule="linear")
    made, note = schedulers.fitting(own, FOLDER, is_motions, is_lcm=True)
    assert (type(made), made.config.beta_schedule) == (LCMScheduler, "linear")
    assert note.startswith("sd: its scheduler is DDIM with linear betas; AnimateLCM's motion modules want LCM and")
    assert schedulers.fitting(made, FOLDER, is_motions, is_lcm=True) == (made, "")


def test_linear_betas_stay():
    own = EulerDiscreteScheduler(beta_schedule="linear")
    assert schedulers.fitting(own, FOLDER, is_motions=False, is_lcm=False) == (own, "")


def test_an_animatediff_folders_own_betas_stay_and_are_told():
    own = DDIMScheduler(**SCALED)
    made, note = schedulers.fitting(own, FOLDER, is_motions=True, is_lcm=False)
    assert made is own
    assert note == "sd: its scheduler has scaled_linear betas, and motion modules want linear ones; it is left as it is"


def test_too_many_steps_for_lcm_are_told_in_a_line(tmp_path, capsys):
    given = ["--scheduler", "lcm", "--steps", "60", "--frames", "1", "--out", str(tmp_path / "a.gif")]
    assert main(["render", *given]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "50" in told
    assert "steps is 60, which the scheduler lcm cannot have (" in told and told.endswith("); take fewer\n")


def test_too_many_steps_are_told_before_anything_is_rendered(studio):
    with pytest.raises(ValueError, match="steps is 60, which the scheduler lcm cannot have"):
        studio.check([shot("ddim"), replace(shot("lcm"), steps=60)])
