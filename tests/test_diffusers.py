"""A whole diffusers AnimateDiff pipeline, driven by hand with attach()."""

from __future__ import annotations

import plain
import pytest
import torch
from diffusers import AnimateDiffPipeline, AutoencoderKL, DDIMScheduler

from wplus_ext import Branch, Plan, attach
from wplus_ext.curve import evaluate

FRAMES, STEPS = 6, 3


@pytest.fixture(scope="module")
def pipe():
    vae = AutoencoderKL(block_out_channels=(32,), down_block_types=("DownEncoderBlock2D",),
                        up_block_types=("UpDecoderBlock2D",), norm_num_groups=8)  # fmt: skip
    scheduler = DDIMScheduler(beta_schedule="linear", clip_sample=False)
    # The motion modules are in the UNet already.
    made = AnimateDiffPipeline(vae, None, None, plain.motion_unet(), None, scheduler)
    made.set_progress_bar_config(disable=True)
    return made


def render(pipe, **settings):
    g = torch.Generator().manual_seed(0)
    text, negative = torch.randn(1, 77, plain.TEXT, generator=g), torch.randn(1, 77, plain.TEXT, generator=g)
    return pipe(
        prompt_embeds=text, negative_prompt_embeds=negative, num_frames=FRAMES, num_inference_steps=STEPS, width=8,
        height=8, generator=g, output_type="latent", guidance_scale=3.0, **settings,
    ).frames  # fmt: skip


@pytest.fixture(scope="module")
def edited(pipe, adapter):
    """A video edited by hand, the report, and how it would be without."""
    before = render(pipe)
    scale = evaluate("-0.7 > 0 > 0.7", frames=FRAMES)
    plan = Plan([Branch(w=torch.randn(18, 512), scale=scale)], start=0.2)

    def follow(pipe, i, t, kwargs):
        live.step(i + 1, pipe.num_timesteps)
        return kwargs

    with attach(pipe.unet, adapter, plan) as live:
        live.step(0, STEPS)
        live.rows(frames=[*range(FRAMES)] * 2, negative=[True] * FRAMES + [False] * FRAMES)
        video = render(pipe, callback_on_step_end=follow)
    return video, live.report.to_dict(), before


def test_a_pipeline_driven_by_hand_edits(edited):
    video, _, before = edited
    assert video.shape == before.shape and not torch.equal(video, before)


def test_its_report(edited):
    report = edited[1]
    assert (report["layers"], report["unet_calls"], report["edited_calls"]) == (16, STEPS, STEPS - 1)
    assert len(report["residual"]) == FRAMES and min(report["residual"]) > 0


def test_afterwards_it_renders_as_before(edited, pipe):
    assert torch.equal(render(pipe), edited[2])
