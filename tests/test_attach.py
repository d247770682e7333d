"""The residual in real UNets, against the plain formula."""

from __future__ import annotations

import inspect

import plain
import pytest
import torch
from torch import nn

from wplus_ext import Adapter, Branch, Plan, attach
from wplus_ext.edit.residual import Folded
from wplus_ext.edit.rows import Compiled, segments
from wplus_ext.window import Window

F = 4
FRAMES = [0, 1, 2, 3, 0, 1, 2, 3]
NEGATIVE = [False] * F + [True] * F


def latents(*shape, seed=0):
    return torch.randn(*shape, 18, 512, generator=torch.Generator().manual_seed(seed))


def call(unet, rows=2 * F, text=77):
    """A UNet call with ``rows`` rows; a motion UNet gets them as two videos."""
    g = torch.Generator().manual_seed(1)
    context = torch.randn(rows, text, plain.TEXT, generator=g)
    x = torch.randn(rows, 4, 8, 8, generator=g)
    with torch.no_grad():
        if hasattr(unet, "input_blocks"):
            return unet(x, torch.full((rows,), 500), context=context)
        if type(unet).__name__ == "UNetMotionModel":
            video = x.view(2, rows // 2, 4, 8, 8).transpose(1, 2)
            if "encoder_hidden_states.repeat_interleave" in inspect.getsource(type(unet).forward):
                context = context[:: rows // 2]  # older versions want the text of each video, not of each frame
            return unet(video, torch.full((2,), 500), context).sample
        return unet(x, torch.full((rows,), 500), context).sample


def expected_rows(branches, frames=FRAMES, negative=NEGATIVE, touch_negative=True):
    rows = []
    for frame, is_negative in zip(frames, negative):
        terms = [branch.over(max(frames) + 1)[frame] for branch in branches]
        terms = [(scale, torch.zeros(18, 512) if is_negative else w) for w, scale in terms]
        rows.append([] if is_negative and not touch_negative else terms)
    return rows


PLANS = {
    "one direction": [Branch(latents(), 0.5)],
    "a scale per frame": [Branch(latents(), [-0.7, 0.0, 0.3, 0.7])],
    "a latent per frame": [Branch(latents(F), 1.0)],
    "both per frame": [Branch(latents(F), [-1.0, 0.5, 0.0, 1.0])],
    "several branches": [Branch(latents(seed=1), [-0.7, 0, 0, 0.7]), Branch(latents(seed=2), 0.3)],
    "shared and per frame": [Branch(latents(seed=1), [0.5, 0, -0.5, 1]), Branch(latents(F, seed=2), [1, 0, 0.2, -0.3])],
}


@pytest.mark.parametrize("name", PLANS)
def test_the_whole_unet_equals_the_plain_formula(unet, adapter, state, name):
    branches = PLANS[name]
    with plain.plainly(unet, state, expected_rows(branches)):
        wanted = call(unet)
    before = call(unet)
    with attach(unet, adapter, Plan(branches)) as live:
        live.rows(FRAMES, NEGATIVE)
        got = call(unet)
    assert (got - wanted).norm() / wanted.norm() < 1e-5
    assert (wanted - before).norm() / before.norm() > 1e-2, "the edit is too small for the comparison to mean anything"
    assert torch.equal(call(unet), before)


def test_negative_rows_can_be_left_alone(unet, adapter, state):
    branches = PLANS["several branches"]
    with plain.plainly(unet, state, expected_rows(branches, touch_negative=False)):
        wanted = call(unet)
    with attach(unet, adapter, Plan(branches, negative=False)) as live:
        live.rows(FRAMES, NEGATIVE)
        assert (call(unet) - wanted).norm() / wanted.norm() < 1e-5


def test_rows_in_any_order(compvis, adapter, state):
    branches = PLANS["both per frame"]
    frames, negative = [3, 3, 0, 2, 1, 0, 2, 2], [True, False, False, True, False, True, False, False]
    with plain.plainly(compvis, state, expected_rows(branches, frames, negative)):
        wanted = call(compvis)
    with attach(compvis, adapter, Plan(branches)) as live:
        live.rows(frames, negative)
        assert (call(compvis) - wanted).norm() / wanted.norm() < 1e-5


def test_compvis_and_diffusers_agree_on_the_same_weights(compvis, adapter):
    """The order of the layers is that of the file in both worlds."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    other = plain.diffusers_unet()
    weights = {f"model.diffusion_model.{name}": value for name, value in compvis.state_dict().items()}
    config = {**other.config, "class_embed_type": None, "addition_embed_type": None}
    other.load_state_dict(convert_ldm_unet_checkpoint(weights, config))
    assert (call(compvis) - call(other)).norm() / call(other).norm() < 1e-5
    results = []
    for unet in (compvis, other):
        with attach(unet, adapter, Plan(PLANS["several branches"])) as live:
            live.rows(FRAMES, NEGATIVE)
            results.append(call(unet))
    assert (results[0] - results[1]).norm() / results[0].norm() < 1e-5


@pytest.mark.parametrize("mode", ["residual", "direct"])
def test_scale_zero_is_bit_identical_and_hooks_nothing(unet, adapter, mode):
    before = call(unet)
    for branches in ([], [Branch(latents(), 0.0)], [Branch(latents(F), [0.0] * F)]):
        with attach(unet, adapter, Plan(branches, mode=mode)) as live:
            live.rows(FRAMES, NEGATIVE)
            assert plain.hooks(unet) == 0
            assert torch.equal(call(unet), before)


@pytest.mark.parametrize("mode", ["residual", "direct"])
def test_an_exception_leaves_no_hook(unet, adapter, mode):
    before = call(unet)
    with pytest.raises(KeyError), attach(unet, adapter, Plan(PLANS["one direction"], mode=mode)) as live:
        live.rows(FRAMES, NEGATIVE)
        assert plain.hooks(unet) == 16
        call(unet)
        raise KeyError
    assert plain.hooks(unet) == 0
    assert torch.equal(call(unet), before)


def test_a_half_made_set_of_hooks_unwinds(compvis, adapter, monkeypatch):
    last = compvis.middle_block[1].transformer_blocks[0].attn2
    monkeypatch.setattr(last, "heads", 7)
    with pytest.raises(ValueError, match="128.* 7 heads"), attach(compvis, adapter, Plan(PLANS["one direction"])):
        pass
    assert plain.hooks(compvis) == 0


def test_steps(compvis, adapter):
    before = call(compvis)
    plan = Plan(PLANS["one direction"], start=0.2, end=0.6)
    with attach(compvis, adapter, plan) as live:
        live.rows(FRAMES, NEGATIVE)
        edited = []
        for i in range(30):
            live.step(i, 30)
            if i in (5, 6, 17, 18):
                edited.append(not torch.equal(call(compvis), before))
    assert edited == [False, True, True, False]  # steps 6 to 17
    assert [i for i in range(10) if Window(0.1, 0.7).active(i, 10)] == [1, 2, 3, 4, 5, 6]
    assert plan.window.active(40, 30) is False and Window().active(40, 30) is True  # a sampler may overrun its steps


def test_untouched_rows_keep_their_bits(compvis, adapter):
    """One frame's scale is 1 and all others are 0: only that frame's rows change."""
    before = call(compvis)
    with attach(compvis, adapter, Plan([Branch(latents(), [0, 0, 1, 0])])) as live:
        live.rows(FRAMES, NEGATIVE)
        changed = (call(compvis) != before).flatten(1).any(1).tolist()
    assert changed == [frame == 2 for frame in FRAMES]


def test_direct_appends_tokens_to_the_text(unet, adapter, state):
    branches = [Branch(latents(seed=1), [0.5, 0, 0.25, 1]), Branch(latents(F, seed=2), -0.5)]
    seen = []
    paths = plain.compvis_paths() if hasattr(unet, "input_blocks") else plain.diffusers_paths()
    attention = unet.get_submodule(paths[0])
    handle = attention.to_k.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    before = call(unet)
    try:
        with attach(unet, adapter, Plan(branches, mode="direct")) as live:
            live.rows(FRAMES, NEGATIVE)
            assert not torch.equal(call(unet), before)
    finally:
        handle.remove()
    assert seen[1].shape[1] == 77 + 4
    assert torch.equal(seen[1][:, :77], seen[0])
    for row, terms in zip(seen[1], expected_rows(branches)):
        wanted = sum(scale * plain.phi(state, w) for scale, w in terms)
        assert torch.allclose(row[77:], wanted, atol=1e-5)
    assert torch.equal(call(unet), before)


def test_wrong_rows_and_steps_are_refused(compvis, adapter):
    with attach(compvis, adapter, Plan(PLANS["a scale per frame"], start=0.2)) as live:
        with pytest.raises(RuntimeError, match=r"step\(i, n\) was not called"):
            call(compvis)
        live.step(3, 4)
        with pytest.raises(RuntimeError, match=r"rows\(frames, negative\) was not called"):
            call(compvis)
        live.rows([0, 1], [False, True])
        with pytest.raises(RuntimeError, match="8 rows, but rows.. announced 2"):
            call(compvis)
        with pytest.raises(ValueError, match="frame 4 is outside"):
            live.rows([4], [False])
        with pytest.raises(ValueError, match="2 frames and 1 negative"):
            live.rows([0, 1], [False])
        with pytest.raises(ValueError, match="step 1 of 0"):
            live.step(1, 0)


def test_unets_that_do_not_fit_are_refused(adapter, tmp_path):
    plan = Plan(PLANS["one direction"])
    with pytest.raises(ValueError, match="Linear; expected a CompVis"), attach(nn.Linear(2, 2), adapter, plan):
        pass
    wide = plain.diffusers_unet(cross_attention_dim=64)
    with pytest.raises(ValueError, match="text width 64; the adapter has 16 of .* 48"), attach(wide, adapter, plan):
        pass
    deep = plain.diffusers_unet(transformer_layers_per_block=2)
    with pytest.raises(ValueError, match="the UNet has 32 .* not 2.x or SDXL"), attach(deep, adapter, plan):
        pass


def test_a_smaller_unet_with_its_own_adapter(tmp_path):
    small = plain.diffusers_unet(
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    widths = [64] * 2 + [64] * 3 + [64]
    torch.save(plain.checkpoint(widths), tmp_path / "small.bin")
    before = call(small)
    with attach(small, Adapter.load(tmp_path / "small.bin"), Plan(PLANS["one direction"])) as live:
        live.rows(FRAMES, NEGATIVE)
        assert not torch.equal(call(small), before)
    assert len(live.report.layers) == 6


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_residual_follows_the_type_of_f(adapter, state, dtype):
    w = latents()
    compiled = Compiled(adapter, Plan([Branch(w, 0.5)]))
    if dtype == torch.float16 and torch.__version__ < "2.2":
        pytest.skip("this torch has no half precision on the CPU")
    f = torch.randn(2, 16, 32)
    wanted = torch.stack([row + 0.5 * plain.residual(state, 1, 8, row, plain.phi(state, w)) for row in f])
    got = f.to(dtype)
    Folded(adapter, 0, 8, compiled.tokens).add(got, *segments([compiled.row(0, False)] * 2))
    assert got.dtype == dtype
    assert (got.float() - wanted).norm() / wanted.norm() < (2e-3 if dtype == torch.float16 else 2e-2)


def test_autocast_does_not_change_the_type_of_f(compvis, adapter):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = call(compvis)
        with attach(compvis, adapter, Plan(PLANS["one direction"])) as live:
            live.rows(FRAMES, NEGATIVE)
            edited = call(compvis)
    assert edited.dtype == before.dtype and torch.isfinite(edited).all() and not torch.equal(edited, before)


def test_gradients_pass(adapter):
    unet = plain.diffusers_unet()
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    with attach(unet, adapter, Plan(PLANS["one direction"])) as live:
        live.rows([0], [False])
        unet(x, torch.tensor([5]), torch.randn(1, 77, plain.TEXT)).sample.sum().backward()
    assert torch.isfinite(x.grad).all() and x.grad.abs().sum() > 0


def test_the_report_says_what_was_done(unet, adapter):
    with attach(unet, adapter, Plan(PLANS["a scale per frame"])) as live:
        live.rows(FRAMES, NEGATIVE)
        call(unet)
    report = live.report.to_dict()
    assert (report["layers"], report["unet_calls"], report["edited_calls"]) == (16, 1, 1)
    assert [scale for (scale,) in report["scales"]] == [-0.7, 0.0, 0.3, 0.7]
    assert [ratio > 0 for ratio in report["residual"]] == [True, False, True, True]
    assert report["residual"][0] > report["residual"][2]


def test_the_measured_residual_is_the_true_one(adapter, state):
    """Up to 64 tokens of a row are measured: here that is all of them."""
    w, f = latents(), torch.randn(3, 48, 32)
    compiled = Compiled(adapter, Plan([Branch(w, [0.5, 0.0, -2.0])]))
    first, second = segments([compiled.row(frame, False, frame) for frame in range(3)])
    assert (first.start, first.stop, second.start, second.stop) == (0, 1, 2, 3)  # row 1 is not touched
    for segment, row, scale in ((first, f[0], 0.5), (second, f[2], -2.0)):
        wanted = scale * plain.residual(state, 1, 8, row, plain.phi(state, w))
        ((residual, norm),) = Folded(adapter, 0, 8, compiled.tokens).measure(f, segment).tolist()
        assert residual == pytest.approx(wanted.square().sum().item(), rel=1e-4)
        assert norm == pytest.approx(row.square().sum().item(), rel=1e-4)
