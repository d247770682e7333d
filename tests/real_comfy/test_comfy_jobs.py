"""Whole runs in a real ComfyUI: what nodes beside ours do, what is left, and which node turns red."""

from __future__ import annotations

import pytest
from comfy_api import Red, node, only, touches_exactly

SHORT = {"length": 12, "steps": 1}


def picked(comfy, kind, name):
    """The first of a node's files."""
    found = comfy.choices(kind, name)
    if not found:
        pytest.skip(f"ComfyUI has no file or no node {kind}")
    return node(kind, **{name: found[0]})


def test_several_nodes_in_a_row_add_up(comfy):
    touches_exactly(comfy, [4, 9], [comfy.only(4), comfy.only(9)], **SHORT)


def test_a_plain_run_after_an_edited_one_is_as_before(comfy, untouched):
    shown = comfy.calls([comfy.only(2)], shallow=False, length=4, window=4, steps=1)[1]
    assert shown["show"] != comfy.plain() and shown["report"][0].endswith(": 0 to 1")
    untouched()


def test_a_plain_run_after_a_fault_is_as_before(comfy, untouched):
    with pytest.raises(Red, match="the probe fails"):
        comfy.calls([comfy.only(2)], fault="raise", **SHORT)
    untouched()


def test_a_plain_run_after_an_interrupt_is_as_before(comfy, untouched):
    assert comfy.calls([comfy.only(2)], fault="interrupt", **SHORT)[1] is None
    untouched()


def test_start_leaves_the_first_steps_alone(comfy):
    before, after = (
        comfy.calls_without(length=4, window=4, steps=4),
        comfy.calls([comfy.only(2, start=0.5)], length=4, window=4, steps=4)[0],
    )
    assert [old["f"] != new["f"] for old, new in zip(before, after)] == [False, False, True, True]


@pytest.mark.parametrize("kind", ["list", "tensor"])
def test_numbers_of_another_node(comfy, kind):
    numbers = [0.0] * 9 + [1.0] + [0.0] * 2
    given = {
        "numbers": node("Numbers", text=str(numbers), kind=kind),
        "drawn": node("WPlusTrack", track=comfy.direction, numbers=["numbers", 0], low=0.0, high=1.0),
    }
    touches_exactly(comfy, [9], [{"drawn": ["drawn", 0]}], **SHORT, **given)


def test_numbers_that_come_one_by_one(comfy):
    numbers = [0.0] * 9 + [1.0] + [0.0] * 2
    given = {
        "numbers": node("OneByOne", text=str(numbers), kind="list"),
        "drawn": node("WPlusTrack", track=comfy.direction, numbers=["numbers", 0], low=0.0, high=1.0),
    }
    touches_exactly(comfy, [9], [{"drawn": ["drawn", 0]}], **SHORT, **given)


def test_a_curve_of_another_node(comfy):
    given = {
        "numbers": node("Numbers", text="0.8", kind="curve"),
        "drawn": node("WPlusTrack", track=comfy.direction, numbers=["numbers", 0], low=0.0, high=1.0),
    }
    touches_exactly(comfy, [9, 10, 11], [{"drawn": ["drawn", 0]}], **SHORT, **given)


def test_an_identity(comfy):
    pick = picked(comfy, "WPlusLatent", "latent")
    touches_exactly(comfy, [9], [{"identity": ["pick", 0], "strength": only(9)}], **SHORT, pick=pick)


def test_the_curve_for_other_nodes(comfy):
    edit = comfy.only(2, latent=["latent", 0])
    shown = comfy.calls([edit], length=4, window=4, steps=1, floats=node("Show", it=["apply 0", 1]))[1]
    assert shown["floats"] == ["[0.0, 0.0, 1.0, 0.0]"]


def test_two_guided_prompts(comfy):
    """Negative is whom the guider calls so: in such a one it comes first."""
    custom = {
        "guider": node(
            "DualCFGGuider", model=["probe", 0], cond1=["positive", 0], cond2=["positive", 0],
            negative=["negative", 0], cfg_conds=4.0, cfg_cond2_negative=4.0, style="regular",
        ),
        "noise": node("RandomNoise", noise_seed=7),
        "kind": node("KSamplerSelect", sampler_name="euler"),
        "levels": node("BasicScheduler", model=["probe", 0], scheduler="normal", steps=1, denoise=1.0),
        "sampler": node(
            "SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0], sampler=["kind", 0],
            sigmas=["levels", 0], latent_image=["latent", 0],
        ),
    }  # fmt: skip
    before, after = (
        [*comfy.calls(edits, length=4, window=None, **custom)[0]]
        for edits in ([], [{"tracks": f"{comfy.direction} = 1", "negative": False}])
    )
    for old, new in zip(before, after):
        parts = [part for part in new["parts"] for _ in range(4)]
        assert {part for part, was, now in zip(parts, old["f"], new["f"]) if was != now} == {1, 2} & {*parts}


FREE_INIT = {
    "iterations": 2, "filter": "gaussian", "d_s": 0.25, "d_t": 0.25, "n_butterworth": 4, "sigma_step": 999,
    "apply_to_1st_iter": False, "init_type": "FreeInit [sampler sigma]",
}  # fmt: skip


def test_free_init(comfy):
    settings = {"batch_offset": 0, "noise_type": "default", "seed_gen": "comfy", "seed_offset": 0}
    given = {
        "free": node("ADE_IterationOptsFreeInit", **FREE_INIT),
        "settings": node("ADE_AnimateDiffSamplingSettings", iteration_opts=["free", 0], **settings),
    }
    calls, _ = touches_exactly(comfy, [9], **SHORT, motion={"sample_settings": ["settings", 0]}, **given)
    assert len(calls) == 2 * len(comfy.calls_without(**SHORT))


def test_lora(comfy):
    lora = picked(comfy, "LoraLoaderModelOnly", "lora_name")
    lora["inputs"]["strength_model"] = 1.0
    touches_exactly(comfy, [9], **SHORT, before=lora)
    assert comfy.calls_without(**SHORT, before=lora)[0]["f"] != comfy.calls_without(**SHORT)[0]["f"]


@pytest.mark.parametrize("loader, window", [("ControlNetLoader", 12), ("ACN_ControlNetLoaderAdvanced", 8)])
def test_controlnet(comfy, loader, window):
    """In windows AnimateDiff-Evolved wants those of Advanced-ControlNet."""
    name = {"ControlNetLoader": "control_net_name"}.get(loader, "cnet")
    controlled = {
        "positive": ["text", 0], "negative": ["text", 0], "control_net": ["net", 0], "image": ["image", 0],
        "strength": 1.0, "start_percent": 0.0, "end_percent": 1.0,
    }  # fmt: skip
    given = {
        "image": node("EmptyImage", width=64, height=64, batch_size=1, color=0x808080),
        "net": picked(comfy, loader, name),
        "text": node("CLIPTextEncode", text="a photo of a woman", clip=["checkpoint", 1]),
        **{sign: node("ControlNetApplyAdvanced", **controlled) for sign in ("positive", "negative")},
    }
    touches_exactly(comfy, [9], **SHORT, window=window, **given)


@pytest.mark.parametrize("order", ["before", "after"])
def test_ipadapter(comfy, order):
    given = {
        "ip": picked(comfy, "IPAdapterModelLoader", "ipadapter_file"),
        "embeds": node("Embeds"),
    }
    beside = node(
        "IPAdapterEmbeds", ipadapter=["ip", 0], pos_embed=["embeds", 0], neg_embed=["embeds", 0], weight=1.0,
        weight_type="linear", start_at=0.0, end_at=1.0, embeds_scaling="V only",
    )  # fmt: skip
    touches_exactly(comfy, [9], **SHORT, **given, **{order: beside})
    assert comfy.calls_without(**SHORT, **given, **{order: beside})[0]["f"] != comfy.calls_without(**SHORT)[0]["f"]


FAULTS = {
    "an unknown name": ({"tracks": "smlie = 1"}, "apply 0", "there is no direction 'smlie'"),
    "a fault in the tracks": ({"tracks": "smile ="}, "apply 0", "line 1"),
    "a list for other frames": ({"strengths": ["numbers", 0]}, "sampler", "strengths has 3 numbers, expected 12"),
    "a list for other frames, told by the latent": (
        {"strengths": ["numbers", 0], "latent": ["latent", 0]}, "apply 0", "strengths has 3 numbers, expected 12"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_node_turns_red_with_one_line(comfy, fault):
    edit, where, message = FAULTS[fault]
    with pytest.raises(Red, match=message) as told:
        comfy.calls([edit], **SHORT, numbers=node("Numbers", text="[0, 1, 0]", kind="list"))
    assert told.value.node == where and "\n" not in told.value.message


def test_an_adapter_that_is_not_there_is_refused(comfy):
    graph = {**comfy.graph([comfy.only(2)]), "adapter": node("WPlusLoadAdapter", adapter="nobody")}
    with pytest.raises(Red, match="Value not in list"):
        comfy.run(graph)
