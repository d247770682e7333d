"""Exactly the edited frames' rows differ, in all the ways in which a real WebUI sends rows."""

from __future__ import annotations

import pytest
from webui_api import LONG, STILL, TRAVEL, VIDEO, only, picture, settings, touches_exactly

# AnimateDiff by itself fails where a UNet call has fewer rows than it expects while batch_cond_uncond is on:
# with skip_early_cond, NGMS, AND and prompts of unequal length. These are tried with it off, and without AnimateDiff.
SINGLE = settings(batch_cond_uncond=False)
CASES = {
    "plain windows": {},
    "first frame": {"frames": [0]},
    "last frame": {"frames": [23]},
    "stride 2": {"payload": {"animate": {"stride": 2}}},
    "overlap 2": {"payload": {"animate": {"overlap": 2}}},
    "overlap 6": {"payload": {"animate": {"overlap": 6}}},
    "closed loop R-P": {"payload": {"animate": {"closed_loop": "R-P"}}},
    "closed loop R+P": {"payload": {"animate": {"closed_loop": "R+P"}}},
    "closed loop A": {"payload": {"animate": {"closed_loop": "A"}}},
    "only positive": {"negative": False},
    "batch_cond_uncond off": {"payload": SINGLE},
    "only positive, batch_cond_uncond off": {"payload": SINGLE, "negative": False},
    "unequal prompts": {"payload": {"prompt": LONG, **SINGLE}},
    "unequal prompts, negative": {"payload": {"negative_prompt": LONG, **SINGLE}},
    "unequal prompts, padded": {"payload": {"prompt": LONG, **settings(pad_cond_uncond=True)}},
    "unequal prompts, padded v0": {"payload": {"prompt": LONG, **settings(pad_cond_uncond_v0=True)}},
    "prompt travel": {"payload": {"prompt": TRAVEL}},
    "prompt travel, closed loop A": {"payload": {"prompt": TRAVEL, "animate": {"closed_loop": "A"}}},
    "AND": {"payload": {"prompt": "a woman AND a dog:0.5", **SINGLE}},
    "NGMS": {"payload": settings(batch_cond_uncond=False, s_min_uncond=30.0)},
    "NGMS, all": {
        "payload": settings(batch_cond_uncond=False, s_min_uncond=30.0, s_min_uncond_all=True),
        "both": False,
    },
    "skip_early_cond": {"payload": settings(batch_cond_uncond=False, skip_early_cond=0.4)},
    "img2img": {"payload": {"page": "img2img", "init_images": [picture(64)], "denoising_strength": 0.8, "steps": 3}},
    "hires fix": {
        "payload": {"enable_hr": True, "hr_scale": 2, "hr_upscaler": "Latent", "denoising_strength": 0.7},
        "passes": 2,
    },
    "FreeInit": {"payload": {"animate": {"freeinit_enable": True, "freeinit_iters": 2}}, "passes": 2},
    "batch count 2": {"payload": {"n_iter": 2}, "passes": 2},
    "video of 5": {"payload": {"animate": {"video_length": 5}}, "frames": [2]},
    "video of 0": {"payload": {"animate": {"video_length": 0}}, "frames": [2]},
    "still": {"payload": STILL, "frames": [2]},
    "still, batch_cond_uncond off": {"payload": {**STILL, **SINGLE}, "frames": [2]},
    "still, unequal prompts": {"payload": {**STILL, "prompt": LONG}, "frames": [2]},
    "still, unequal prompts, negative": {"payload": {**STILL, "negative_prompt": LONG}, "frames": [2]},
    "still, AND": {"payload": {**STILL, "prompt": "a woman AND a dog:0.5 AND a cat"}, "frames": [2]},
    "still, unequal AND": {"payload": {**STILL, "prompt": f"a woman AND {LONG}:0.5"}, "frames": [2]},
    "still, NGMS": {
        "payload": {**STILL, **settings(s_min_uncond=30.0, s_min_uncond_all=True)},
        "frames": [2],
        "both": False,
    },
    "still, skip_early_cond": {"payload": {**STILL, **settings(skip_early_cond=0.4)}, "frames": [2]},
    "still, hires fix": {
        "payload": {**STILL, "enable_hr": True, "hr_scale": 2, "hr_upscaler": "Latent", "denoising_strength": 0.7},
        "frames": [2],
        "passes": 2,
    },
    "still, batch count 2": {"payload": {**STILL, "n_iter": 2}, "frames": [2], "passes": 2},
}


@pytest.mark.parametrize("case", CASES)
def test_touches_exactly_the_edited_frame(webui, case):
    touches_exactly(webui, **{"payload": {}, "frames": [13], **CASES[case]})


@pytest.mark.parametrize(
    "sampler",
    ["Euler a", "DPM++ 2M", "DPM++ SDE", "Heun", "DDIM", "PLMS", "UniPC", "LCM"],
)
def test_samplers(webui, sampler):
    steps = 4 if sampler == "UniPC" else 2  # more than its order
    touches_exactly(webui, {"sampler_name": sampler, "steps": steps, "animate": {"video_length": 12}}, [9])


@pytest.mark.parametrize(
    "name",
    ["Automatic", "xformers", "sdp", "sdp-no-mem", "sub-quadratic", "V1", "InvokeAI", "Doggettx", "None"],
)
def test_attention_optimizations(webui, name):
    titles = [title for title in webui.get("/wplus-probe")["attention"] if title.split(" - ")[0] == name]
    if not titles:
        pytest.skip(f"this machine has no {name}")
    with webui.option(cross_attention_optimization=titles[0]):
        touches_exactly(webui, {"animate": {"video_length": 12}, "seed": 8 + len(name)}, [9])


def test_lora(webui):
    loras = webui.get("/sdapi/v1/loras")
    if not loras:
        pytest.skip("the WebUI has no LoRA")
    with_lora = {"prompt": f"a woman <lora:{loras[0]['name']}:1>"}
    touches_exactly(webui, with_lora, [13])
    assert webui.calls_without(with_lora)[0]["f"] != webui.calls_without({"prompt": "a woman"})[0]["f"]


def test_windows_with_the_whole_unet(webui):
    touches_exactly(webui, {"steps": 1, "animate": {"video_length": 12}}, [9], shallow=False)


HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Latent", "denoising_strength": 0.7}


@pytest.mark.parametrize("more", [{}, {"width": 128}, {**HIRES, "steps": 2}], ids=["square", "wide", "hires fix"])
def test_a_region_with_the_whole_unet(webui, more):
    edit = {
        "tracks": f"{webui.direction}[left] = {only(9)}",
        "regions": "left = 0:(0.2 0.5 0.2 0.3), 11:(0.6 0.5 0.2 0.3)",
    }
    touches_exactly(webui, {"steps": 1, "animate": {"video_length": 12}, **more}, [9], edit, shallow=False)


def test_a_region_of_the_whole_picture_is_none_and_an_empty_one_no_edit(webui):
    made = {
        region: webui.make(VIDEO, {"tracks": f"{webui.direction}[a] = 0.5", "regions": f"a = ({region})"}).images
        for region in ("0.5 0.5 2 2", "0.5 0.5 0 0", "0.3 0.5 0.2 0.2")
    }
    whole, none, some = made.values()
    assert whole == webui.make(VIDEO, {"tracks": f"{webui.direction} = 0.5"}).images
    assert none == webui.make(VIDEO).images and some not in (whole, none)


def test_identity(webui):
    if webui.latent is None:
        pytest.skip("models/wplus has no latent")
    edit = {"identity": webui.latent, "strength": only(13), "tracks": f"{webui.direction} = 0 > 2"}
    touches_exactly(webui, {}, [13], edit)


@pytest.mark.parametrize("length, frames", [(5, 5), (0, 8), (12, 12)])
def test_curve_spans_the_video(webui, length, frames):
    """100 % is the video's last frame; those that AnimateDiff renders beyond it, and drops, are like it."""
    edited = list(range(frames - 1, max(frames, 8)))
    edit = {"tracks": f"{webui.direction} = 0%:(0):hold, 100%:(1)"}
    _, result = touches_exactly(webui, {"animate": {"video_length": length}}, edited, edit)
    assert result.report["frames"] == frames


def test_the_frames_of_a_video(webui):
    """As img2img's Batch tab has AnimateDiff do it where ControlNet is active: a folder's files are one video."""
    animate = {"video_length": 0, "batch_size": 8, "is_i2i_batch": True}
    images = {"page": "img2img", "init_images": [picture(64)] * 6, "denoising_strength": 0.8, "steps": 3}
    video = {**images, "animate": animate}
    webui.calls(video)  # the encoder's noise goes on from the job before
    _, result = touches_exactly(webui, video, [4])
    assert result.report["frames"] == 6


def test_direct_mode_appends_four_tokens(webui):
    calls, _ = webui.calls({}, {**webui.only(13), "mode": "direct"})
    assert {call["tokens"] for call in webui.calls_without({})} == {77}
    assert {call["tokens"] for call in calls} == {81}
    assert webui.left_over() == []
