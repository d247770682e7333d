"""wplus() afterwards, and what it refuses."""

from __future__ import annotations

import diffusers
import plain
import pytest
import torch
from pipelines import BRANCHES, PICTURES, make, run, text
from torch import nn
from unets import latents

from wplus_ext import Adapter, Branch, Plan, wplus


@pytest.fixture(scope="module")
def unet():
    return plain.motion_unet()


@pytest.fixture
def pipe(unet):
    return make("AnimateDiff", unet)


@pytest.fixture
def image_pipe():
    return make("StableDiffusion", plain.diffusers_unet())


def test_afterwards_it_is_as_before(pipe, adapter):
    before, hooks = run(pipe, steps=1), plain.hooks(pipe.unet)
    with pytest.raises(KeyError), wplus(pipe, adapter, Plan(BRANCHES)):
        run(pipe, steps=1)
        raise KeyError
    assert plain.hooks(pipe.unet) == hooks and torch.equal(run(pipe, steps=1), before)


@pytest.mark.parametrize("count", [2, 7])
def test_a_plan_of_other_frames_is_refused(pipe, adapter, count):
    plan = Plan([Branch(latents(), [0.5] * (count - 1) + [0.1])])
    with (
        wplus(pipe, adapter, plan),
        pytest.raises(ValueError, match=f"the plan has {count} frames, expected 3, as many as are made, or 1, or 6"),
    ):
        run(pipe, videos=2)


class Unfit:
    """A pipeline as others are."""

    def __init__(self, unet):
        self.unet = unet


class Pix2Pix(Unfit):
    do_classifier_free_guidance, image_guidance_scale = True, 1.5


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (nn.Linear(2, 2), "a Linear has no UNet; expected a pipeline of Stable Diffusion 1.5, such as"),
        (Unfit(nn.Linear(2, 2)), "which rows of a Unfit's batches are negative is not known"),
        (Pix2Pix(nn.Linear(2, 2)), "which rows of a Pix2Pix's batches are negative is not known"),
    ],
)
def test_pipelines_that_cannot_be_edited_are_refused(adapter, made, message):
    with pytest.raises(ValueError, match=message), wplus(made, adapter, Plan(BRANCHES)):
        pass


def test_a_unet_of_another_kind_is_refused(adapter):
    xl = make("StableDiffusion", plain.diffusers_unet(cross_attention_dim=64, transformer_layers_per_block=4))
    with pytest.raises(ValueError, match="64 cross-attentions .* not 2.x or SDXL"), wplus(xl, adapter, Plan(BRANCHES)):
        pass


def test_a_unet_that_is_replaced_is_an_error(image_pipe, adapter):
    with pytest.raises(RuntimeError, match="UNet was replaced while"), wplus(image_pipe, adapter, Plan(BRANCHES)):
        image_pipe.unet = plain.diffusers_unet()
        run(image_pipe, steps=1)


class Loop(diffusers.StableDiffusionPipeline):
    """A pipeline whose UNet calls are those that it is given: rows and timesteps."""

    @torch.no_grad()
    def __call__(self, rows, timesteps):
        self._guidance_scale = 3.0
        for t in timesteps:
            self.unet(torch.randn(rows, 4, 8, 8), t, text(rows))
            yield


@pytest.fixture
def loop(image_pipe):
    made = Loop(**image_pipe.components, requires_safety_checker=False)
    made.scheduler = diffusers.HeunDiscreteScheduler()
    made.scheduler.set_timesteps(3)
    return made


@pytest.mark.parametrize("has_run", [False, True])
def test_another_pipeline_that_shares_the_unet_is_refused(pipe, adapter, has_run):
    other = diffusers.AnimateDiffPipeline.from_pipe(pipe)
    with wplus(pipe, adapter, Plan(BRANCHES)):
        if has_run:
            run(pipe, steps=1)
        with pytest.raises(RuntimeError, match="by another than the pipeline .*; call the pipeline itself that is ed"):
            run(other, guidance=1.0, steps=1, videos=2)
        run(pipe, steps=1)


def test_a_call_that_is_none_of_a_pipelines_is_refused(image_pipe, adapter):
    run(image_pipe, steps=1)
    with (
        torch.no_grad(),
        wplus(image_pipe, adapter, Plan(BRANCHES)),
        pytest.raises(RuntimeError, match="by another than the pipeline"),
    ):
        image_pipe.unet(torch.randn(6, 4, 8, 8), 501, text(6))


@pytest.mark.parametrize(
    ("rows", "t", "message"), [(3, 999, "a batch of 3, expected a multiple of 2"), (6, 7, "timestep 7, which is none")]
)
def test_a_call_that_is_not_as_the_pipeline_says_is_refused(loop, adapter, rows, t, message):
    with wplus(loop, adapter, Plan(BRANCHES)), pytest.raises(RuntimeError, match=message):
        next(loop(rows, [t]))


def test_a_timestep_may_be_a_number(loop, adapter):
    """They are found by their value, each after the one before."""
    with wplus(loop, adapter, Plan(BRANCHES)) as live:
        steps = [live.report.steps for _ in loop(6, loop.scheduler.timesteps.tolist())]
    assert steps == [1, 1, 2, 2, 3]


def test_an_adapters_file_will_do(image_pipe, adapter, adapter_file):
    found = []
    for each in (adapter, adapter_file, str(adapter_file)):
        with wplus(image_pipe, each, Plan(BRANCHES)):
            found.append(run(image_pipe, steps=1))
    assert isinstance(adapter, Adapter) and torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def test_pictures_of_a_video_are_frames(unet, adapter):
    """Video to video begins in the middle of the scheduler's steps: the plan's are those that are run."""
    pipe = make("AnimateDiffVideoToVideo", unet, "PNDM")
    with wplus(pipe, adapter, Plan(BRANCHES, end=0.5)) as live:
        run(pipe, steps=8, video=PICTURES)
    assert live.report.summary().startswith("edited in 2 of 4 steps")
