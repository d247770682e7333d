"""Beside other extensions of a real WebUI, where they are active."""

from __future__ import annotations

import pytest
from webui_api import FOLDER, PICTURE, STILL, Refused, picture, settings, touches_exactly


def need(webui, script):
    if script not in webui.get("/sdapi/v1/scripts")["txt2img"]:
        pytest.skip(f"{script} is not active in the WebUI")


def test_controlnet(webui):
    need(webui, "controlnet")
    models = [model for model in webui.get("/controlnet/model_list")["model_list"] if "ip-adapter" not in model]
    if not models:
        pytest.skip("ControlNet has no model")
    unit = {"enabled": True, "module": "none", "model": models[0], "image": picture(64), "weight": 1.0}
    units = {"alwayson_scripts": {"ControlNet": {"args": [unit]}}}
    touches_exactly(webui, {**STILL, **units}, [2])
    try:
        _, made = webui.calls(units)
    except Refused as refused:
        pytest.skip(f"AnimateDiff with ControlNet fails without us: {refused}")
    if "AnimateDiff" not in made.info["extra_generation_params"]:
        pytest.skip("AnimateDiff fails over ControlNet's units, and these are images, without us too")
    touches_exactly(webui, units, [13])


@pytest.mark.parametrize("animate, count", [(None, 2), ({"video_length": 4, "batch_size": 4}, 4)])
def test_adetailer_redraws_each_image_with_its_own_scale(webui, animate, count):
    need(webui, "adetailer")
    known = {path.name for path in FOLDER.glob("models/adetailer/*.pt")}
    models = [model for model in webui.get("/adetailer/v1/ad_model")["ad_model"] if model in known]
    if not models:
        pytest.skip("ADetailer has no model")
    detail = {"ad_model": models[0], "ad_confidence": 0.0001, "ad_mask_k": 1}
    scripts = {"ADetailer": {"args": [True, False, detail]}}
    payload = {"animate": animate, "batch_size": count, "alwayson_scripts": scripts}
    full = {**payload, **settings(sd_vae_decode_method="Full")}  # it looks for faces in the pictures
    with webui.option(ad_script_names=f"{webui.options.get('ad_script_names', '')},wplus"):
        webui.calls(full)  # its detector changes torch's number of threads, and so the last bits of all that follows
        plain = webui.make(PICTURE).images
        without, (calls, _) = webui.calls_without(full), webui.calls(full, webui.only(1))
    assert webui.left_over() == []
    inner = [(a, b) for a, b in zip(without, calls) if b["images"] == 1]
    jobs = sorted({b["pass"] for _, b in inner})
    if len(jobs) != count:
        pytest.skip(f"ADetailer redrew {len(jobs)} of {count} images")
    differs = [{x != y for a, b in inner if b["pass"] == job for x, y in zip(a["f"], b["f"])} for job in jobs]
    assert differs == [{image == 1} for image in range(count)]
    assert webui.make(PICTURE).images == plain
