"""The residual in real UNets, against the plain formula; and that nothing is left of it."""

from __future__ import annotations

import plain
import pytest
import torch
from torch import nn
from unets import FRAMES, NEGATIVE, PLANS, F, call, difference, edited, expected_rows, latents

from wplus_ext import Adapter, Branch, Plan, attach

# As the formula says


@pytest.mark.parametrize("name", PLANS)
def test_the_whole_unet_equals_the_plain_formula(unet, adapter, state, name):
    with plain.plainly(unet, state, expected_rows(PLANS[name])):
        wanted = call(unet)
    before = call(unet)
    with edited(unet, adapter, PLANS[name]):
        got = call(unet)
    assert difference(got, wanted) < 1e-5
    assert difference(wanted, before) > 1e-2, "the edit is too small for the comparison to mean anything"


@pytest.mark.parametrize("mode", ["residual", "direct"])
def test_afterwards_the_unet_is_as_before(unet, adapter, mode):
    before = call(unet)
    with edited(unet, adapter, PLANS["one direction"], mode=mode):
        assert plain.hooks(unet) == 16 and not torch.equal(call(unet), before)
    assert plain.hooks(unet) == 0 and torch.equal(call(unet), before)


def test_negative_rows_can_be_left_alone(unet, adapter, state):
    branches = PLANS["several branches"]
    with plain.plainly(unet, state, expected_rows(branches, touch_negative=False)):
        wanted = call(unet)
    with attach(unet, adapter, Plan(branches, negative=False)) as live:
        live.rows(FRAMES, NEGATIVE)
        got = call(unet)
    assert difference(got, wanted) < 1e-5


def test_rows_in_any_order(compvis, adapter, state):
    branches = PLANS["both per frame"]
    frames, negative = [3, 3, 0, 2, 1, 0, 2, 2], [True, False, False, True, False, True, False, False]
    with plain.plainly(compvis, state, expected_rows(branches, frames, negative)):
        wanted = call(compvis)
    with edited(compvis, adapter, branches, frames, negative):
        got = call(compvis)
    assert difference(got, wanted) < 1e-5


@pytest.fixture(scope="module")
def converted(compvis):
    """A diffusers UNet with the weights of the CompVis one."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    other = plain.diffusers_unet()
    weights = {f"model.diffusion_model.{name}": value for name, value in compvis.state_dict().items()}
    config = {**other.config, "class_embed_type": None, "addition_embed_type": None}
    other.load_state_dict(convert_ldm_unet_checkpoint(weights, config))
    return other


def test_a_converted_checkpoint_is_the_same(compvis, converted):
    assert difference(call(converted), call(compvis)) < 1e-5


def test_the_order_of_the_layers_is_that_of_the_file_in_both_worlds(compvis, converted, adapter):
    results = []
    for unet in (compvis, converted):
        with edited(unet, adapter, PLANS["several branches"]):
            results.append(call(unet))
    assert difference(*results) < 1e-5


def test_untouched_rows_keep_their_bits(compvis, adapter):
    """One frame's scale is 1 and all others are 0: only that frame's rows change."""
    before = call(compvis)
    with edited(compvis, adapter, [Branch(latents(), [0, 0, 1, 0])]):
        changed = (call(compvis) != before).flatten(1).any(1).tolist()
    assert changed == [frame == 2 for frame in FRAMES]


def test_a_smaller_unet_with_its_own_adapter(tmp_path):
    small = plain.diffusers_unet(
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    torch.save(plain.checkpoint([64] * 6), tmp_path / "small.bin")
    before = call(small)
    with edited(small, Adapter.load(tmp_path / "small.bin"), PLANS["one direction"]) as live:
        assert not torch.equal(call(small), before)
    assert len(live.report.layers) == 6


def test_gradients_pass(adapter):
    unet = plain.diffusers_unet()
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    with edited(unet, adapter, PLANS["one direction"], [0], [False]):
        unet(x, torch.tensor([5]), torch.randn(1, 77, plain.TEXT)).sample.sum().backward()
    assert torch.isfinite(x.grad).all() and x.grad.abs().sum() > 0


# Nothing, and faults


@pytest.mark.parametrize("mode", ["residual", "direct"])
@pytest.mark.parametrize("branches", [[], [Branch(latents(), 0.0)], [Branch(latents(F), [0.0] * F)]])
def test_scale_zero_is_bit_identical_and_hooks_nothing(unet, adapter, mode, branches):
    before = call(unet)
    with edited(unet, adapter, branches, mode=mode):
        assert plain.hooks(unet) == 0
        assert torch.equal(call(unet), before)


@pytest.mark.parametrize("mode", ["residual", "direct"])
def test_an_exception_leaves_no_hook(unet, adapter, mode):
    before = call(unet)
    with pytest.raises(KeyError), edited(unet, adapter, PLANS["one direction"], mode=mode):
        call(unet)
        raise KeyError
    assert plain.hooks(unet) == 0
    assert torch.equal(call(unet), before)


def test_a_half_made_set_of_hooks_unwinds(compvis, adapter, monkeypatch):
    last = compvis.middle_block[1].transformer_blocks[0].attn2
    monkeypatch.setattr(last, "heads", 7)
    attached = attach(compvis, adapter, Plan(PLANS["one direction"]))
    with pytest.raises(ValueError, match="128.* 7 heads"):
        attached.__enter__()
    assert plain.hooks(compvis) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(2, 2), "Linear; expected a CompVis"),
        (lambda: plain.diffusers_unet(cross_attention_dim=64), "text width 64; the adapter has 16 of .* 48"),
        (lambda: plain.diffusers_unet(transformer_layers_per_block=2), "the UNet has 32 .* not 2.x or SDXL"),
    ],
)
def test_unets_that_do_not_fit_are_refused(adapter, make, message):
    attached = attach(make(), adapter, Plan(PLANS["one direction"]))
    with pytest.raises(ValueError, match=message):
        attached.__enter__()


# Steps and rows


def test_steps(compvis, adapter):
    before, changed = call(compvis), {}
    with edited(compvis, adapter, PLANS["one direction"], start=0.2, end=0.6) as live:
        for step in (5, 6, 17, 18):
            live.step(step, 30)
            changed[step] = not torch.equal(call(compvis), before)
    assert changed == {5: False, 6: True, 17: True, 18: False}


@pytest.fixture
def live(compvis, adapter):
    """An edit of four frames from 0.2 on, attached, of which nothing was announced yet."""
    with attach(compvis, adapter, Plan(PLANS["a scale per frame"], start=0.2)) as live:
        yield live


@pytest.mark.parametrize(("calls", "steps", "edited"), [(1, 4, 3), (2, 2, 2)])
def test_calls_of_a_step_are_one_for_a_person(compvis, adapter, calls, steps, edited):
    plan = Plan([Branch(torch.ones(18, 512), 1.0)], start=0.25)
    with attach(compvis, adapter, plan) as live:
        live.rows(FRAMES, NEGATIVE)
        for i in range(4):
            live.step(i, 4, calls)
            call(compvis)
    assert (live.report.steps, live.report.edited_steps) == (steps, edited)


def test_a_call_without_a_step_is_refused(live, compvis):
    with pytest.raises(RuntimeError, match=r"step\(i, n\) was not called"):
        call(compvis)


def test_a_call_without_rows_is_refused(live, compvis):
    live.step(3, 4)
    with pytest.raises(RuntimeError, match=r"rows\(frames, negative\) was not called"):
        call(compvis)


def test_a_call_with_other_rows_is_refused(live, compvis):
    live.step(3, 4)
    live.rows([0, 1], [False, True])
    with pytest.raises(RuntimeError, match="8 rows, but rows.. announced 2"):
        call(compvis)


@pytest.mark.parametrize("frame", [4, -1])
def test_a_frame_outside_of_the_plan_is_refused(live, frame):
    with pytest.raises(ValueError, match=f"frame {frame} is outside of the plan, expected 0 to 3"):
        live.rows([frame], [False])


@pytest.mark.parametrize(("frames", "negative"), [([0, 1], [False]), ([], [])])
def test_rows_that_are_no_pairs_are_refused(live, frames, negative):
    with pytest.raises(ValueError, match=f"{len(frames)} frames and {len(negative)} negative"):
        live.rows(frames, negative)


@pytest.mark.parametrize(("step", "steps"), [(1, 0), (-1, 4)])
def test_steps_that_cannot_be_are_refused(live, step, steps):
    with pytest.raises(ValueError, match=f"step {step} of {steps}"):
        live.step(step, steps)


# The report


def report(unet, adapter):
    with edited(unet, adapter, PLANS["a scale per frame"]) as live:
        call(unet)
    return live.report.to_dict()


def test_the_report_counts_layers_and_calls(unet, adapter):
    told = report(unet, adapter)
    assert (told["layers"], told["unet_calls"], told["edited_calls"]) == (16, 1, 1)


def test_the_report_has_the_scales(unet, adapter):
    assert [scale for (scale,) in report(unet, adapter)["scales"]] == [-0.7, 0.0, 0.3, 0.7]


def test_the_report_has_the_residual(unet, adapter):
    told = report(unet, adapter)["residual"]
    assert [ratio > 0 for ratio in told] == [True, False, True, True] and told[0] > told[2]
