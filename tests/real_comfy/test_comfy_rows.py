"""Exactly the edited frames' rows differ, in all the ways in which a real ComfyUI sends rows."""

from __future__ import annotations

import pytest
from comfy_api import node, touches_exactly


def looped(**more):
    inputs = {"context_length": 8, "context_stride": 1, "context_overlap": 4, "closed_loop": True}
    return node("ADE_LoopedUniformContextOptions", **{**inputs, **more})


CASES = {
    "windows": {},
    "first frame": {"frames": [0]},
    "last frame": {"frames": [23]},
    "window of 16": {"window": 16},
    "one window": {"window": 24},
    "static": {
        "context": node("ADE_StandardStaticContextOptions", context_length=8, context_overlap=2, fuse_method="pyramid")
    },
    "stride 2": {
        "context": node(
            "ADE_StandardUniformContextOptions", context_length=8, context_stride=2, context_overlap=4
        )
    },
    "loop": {"context": looped()},
    "loop, stride 3": {"context": looped(context_stride=3, context_overlap=2)},
    "batched": {"context": node("ADE_BatchedContextOptions", context_length=8)},
    "only positive": {"only_positive": True},
    "CFG 1": {"cfg": 1.0},
    "without AnimateDiff": {"window": None},
    # They compare the levels of all steps with those of all frames, and so need as many.
    "ComfyUI's own windows": {
        "frames": [4],
        "length": 6,
        "steps": 5,
        "window": None,
        "before": node(
            "ContextWindowsManual", context_length=4, context_overlap=2, context_schedule="standard_static",
            context_stride=1, closed_loop=False, fuse_method="pyramid", dim=0,
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_touches_exactly_the_edited_frame(comfy, case):
    touches_exactly(comfy, **{"frames": [13], **CASES[case]})


@pytest.mark.parametrize(
    "sampler", ["euler_ancestral", "heun", "dpm_2", "dpmpp_2m", "dpmpp_sde", "ddim", "uni_pc", "lcm"]
)
def test_samplers(comfy, sampler):
    touches_exactly(comfy, [9], length=12, sampler_name=sampler)


def test_windows_with_the_whole_unet(comfy):
    touches_exactly(comfy, [9], length=12, steps=1, shallow=False)
