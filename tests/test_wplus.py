"""wplus() with what pipelines have beside it, and its faults."""

from __future__ import annotations

from types import SimpleNamespace

import plain
import pytest
import torch
from pipelines import BRANCHES, F, by_formula, make, rows, run, text
from unets import difference, latents

from wplus_ext import Branch, Plan, wplus

POSITIVE, BOTH = rows(BRANCHES, "p", F), rows(BRANCHES, "np", F)
NONE = [[]] * len(BOTH)


@pytest.fixture(scope="module")
def unet():
    return plain.motion_unet()


@pytest.fixture
def pipe(unet):
    return make("AnimateDiff", unet)


def both_ways(pipe, state, adapter, calls, plan=None, **options):
    """What is made by the formula and by wplus(), and the report."""
    with by_formula(pipe.unet, state, calls):
        wanted = run(pipe, **options)
    with wplus(pipe, adapter, plan or Plan(BRANCHES)) as live:
        got = run(pipe, **options)
    return wanted, got, live.report.to_dict()


# Runs


def test_each_pass_of_freeinit_starts_its_steps_anew(pipe, adapter, state):
    pipe.enable_free_init(num_iters=3)
    calls = [NONE, BOTH, BOTH, BOTH, BOTH] * 3
    wanted, got, told = both_ways(pipe, state, adapter, calls, Plan(BRANCHES, start=0.2), steps=5)
    assert difference(got, wanted) < 1e-5
    assert (told["unet_calls"], told["edited_calls"], told["steps"], told["edited_steps"]) == (15, 12, 15, 12)


def test_passes_of_freeinit_may_have_more_and_more_steps(pipe, adapter, state):
    pipe.enable_free_init(num_iters=2, use_fast_sampling=True)
    calls = [NONE, BOTH, NONE, NONE, BOTH, BOTH]
    wanted, got, _ = both_ways(pipe, state, adapter, calls, Plan(BRANCHES, start=0.5), steps=4)
    assert difference(got, wanted) < 1e-5


def test_guidance_may_end_in_the_middle(pipe, adapter, state):
    def end(pipe, i, t, tensors):
        if i == 1:
            pipe._guidance_scale, tensors["prompt_embeds"] = 1.0, tensors["prompt_embeds"].chunk(2)[-1]
        return tensors

    calls = [BOTH, BOTH, POSITIVE, POSITIVE]
    options = {"callback_on_step_end": end, "callback_on_step_end_tensor_inputs": ["latents", "prompt_embeds"]}
    wanted, got, _ = both_ways(pipe, state, adapter, calls, **options)
    assert difference(got, wanted) < 1e-5


def test_a_report_is_of_one_run(pipe, adapter):
    with wplus(pipe, adapter, Plan(BRANCHES)) as live:
        assert live.report is None
        run(pipe, steps=2)
        first = live.report
        run(pipe, steps=2)
    assert live.report is not first and [first.calls, live.report.calls] == [2, 2]
    assert first.residual == live.report.residual


def test_videos_may_have_frames_of_their_own(pipe, adapter, state):
    own = [Branch(latents(seed=1), [0.5, 0, -0.5, -0.5, 0.2, 0.7])]
    calls = [rows(own, "np", 2 * F)] * 2
    wanted, got, told = both_ways(pipe, state, adapter, calls, Plan(own), videos=2, steps=2)
    assert difference(got, wanted) < 1e-5 and told["frames"] == 2 * F


def test_a_plan_may_be_made_when_the_frames_are_known(pipe, adapter):
    asked = []

    def planned(frames):
        asked.append(frames)
        return Plan([Branch(latents(), [0.1 * i for i in range(frames)])])

    with wplus(pipe, adapter, planned) as live:
        for frames in (2, 4):
            run(pipe, steps=1, num_frames=frames)
            assert live.report.frames == frames
    assert asked == [2, 4]


def test_a_plan_that_changes_nothing_is_counted(pipe, adapter):
    with wplus(pipe, adapter, Plan([])) as live:
        run(pipe, steps=2)
    assert live.report.summary() == "edited in 0 of 2 steps"


# Beside others


@pytest.mark.parametrize("inside", [False, True])
def test_freenoise_may_split_its_inference(adapter, state, inside):
    """Layers are then called with two of the six rows at a time, and one is left."""
    pipe = make("AnimateDiff", plain.motion_unet())
    pipe.motion_adapter = SimpleNamespace(config=SimpleNamespace(motion_max_seq_length=32))
    pipe._encode_prompt_free_noise = lambda **given: (text(2).repeat_interleave(F, 0), None)  # for want of an encoder
    pipe.enable_free_noise(context_length=2, context_stride=1)
    plan = Plan([*BRANCHES, Branch(latents(seed=4), [0, 0.4, 0], region=(0.3, 0.5, 0.2, 0.3))])
    with wplus(pipe, adapter, plan):
        wanted = run(pipe, steps=2)
    if not inside:
        pipe.enable_free_noise_split_inference(temporal_split_size=4)
    with wplus(pipe, adapter, plan) as live:
        if inside:
            pipe.enable_free_noise_split_inference(temporal_split_size=4)
        got = run(pipe, steps=2)
    assert difference(got, wanted) < 1e-5
    assert (live.report.calls, len(live.report.layers)) == (2, 16)


def with_ip_adapter(pipe):
    """Load a random IP-Adapter in the published layout; gives what the pipeline is called with."""
    g, layers = torch.Generator().manual_seed(9), {}
    image = {
        "proj.weight": torch.randn(4 * plain.TEXT, 16, generator=g), "proj.bias": torch.zeros(4 * plain.TEXT),
        "norm.weight": torch.ones(plain.TEXT), "norm.bias": torch.zeros(plain.TEXT),
    }  # fmt: skip
    names = [name for name in pipe.unet.attn_processors if name.endswith("attn2.processor") and "motion" not in name]
    for i, name in enumerate(names):
        width = pipe.unet.get_submodule(name.removesuffix(".processor")).to_q.in_features
        for part in ("k", "v"):
            layers[f"{2 * i + 1}.to_{part}_ip.weight"] = torch.randn(width, plain.TEXT, generator=g) / 7
    pipe.unet._load_ip_adapter_weights([{"image_proj": image, "ip_adapter": layers}])
    return {"ip_adapter_image_embeds": [torch.randn(2, 1, 16, generator=g)]}


def test_beside_an_ip_adapter(adapter, state):
    pipe = make("AnimateDiff", plain.motion_unet())
    options = with_ip_adapter(pipe)
    wanted, got, _ = both_ways(pipe, state, adapter, [BOTH] * 2, steps=2, **options)
    assert difference(got, wanted) < 1e-5


def test_the_direct_mode_beside_an_ip_adapter(adapter, state):
    """The text, of which an IP-Adapter makes a tuple, gets four tokens more, and the pictures none."""
    pipe, seen = make("AnimateDiff", plain.motion_unet()), []
    options = with_ip_adapter(pipe)
    attention = pipe.unet.get_submodule(plain.diffusers_paths()[0])
    attention.to_k.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    attention.processor.to_k_ip[0].register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with wplus(pipe, adapter, Plan(BRANCHES, mode="direct")):
        run(pipe, steps=1, **options)
    texts, pictures = seen
    assert texts.shape[1] == 77 + 4 and pictures.shape[-2] == 4
    for row, terms in zip(texts, BOTH, strict=True):
        wanted = sum(scale * plain.phi(state, w) for scale, w in terms)
        assert torch.allclose(row[77:], wanted, atol=1e-5)


def test_slicing_and_tiling_change_nothing(pipe, adapter):
    with wplus(pipe, adapter, Plan(BRANCHES)):
        wanted = run(pipe, steps=1, output_type="pt")
        pipe.enable_attention_slicing(1)
        pipe.vae.enable_slicing()
        pipe.vae.enable_tiling()
        got = run(pipe, steps=1, output_type="pt")
    pipe.disable_attention_slicing()
    assert difference(got, wanted) < 1e-5


def never(graph, inputs):
    raise AssertionError("the UNet was compiled")


def compiled_as_a_whole(pipe):
    pipe.unet = torch.compile(pipe.unet, backend=never)


def compiled_in_place(pipe):
    pipe.unet.compile(backend=never)


def compiled_in_parts(pipe):
    pipe.unet.mid_block = torch.compile(pipe.unet.mid_block, backend=never)
    pipe.unet.down_blocks[1].compile(backend=never)
    pipe.unet.up_blocks[1].forward = torch.compile(pipe.unet.up_blocks[1].forward, backend=never)


@pytest.fixture
def image_pipe():
    return make("StableDiffusion", plain.diffusers_unet())


@pytest.mark.parametrize("how", [compiled_as_a_whole, compiled_in_place, compiled_in_parts])
def test_a_compiled_unet_is_not_while_it_is_edited(image_pipe, adapter, how):
    with wplus(image_pipe, adapter, Plan(BRANCHES)):
        wanted = run(image_pipe, steps=1)
    how(image_pipe)
    whole, parts = image_pipe.unet, dict(image_pipe.unet.named_modules())
    with (
        pytest.warns(UserWarning, match="runs uncompiled while it is edited"),
        wplus(image_pipe, adapter, Plan(BRANCHES)),
    ):
        assert torch.equal(run(image_pipe, steps=1), wanted)
    assert image_pipe.unet is whole and dict(image_pipe.unet.named_modules()) == parts
    with pytest.raises(Exception, match="the UNet was compiled"):
        run(image_pipe, steps=1)


def test_layers_that_are_passed_by_are_an_error(image_pipe, adapter, monkeypatch):
    with wplus(image_pipe, adapter, Plan(BRANCHES)):
        monkeypatch.setattr(image_pipe.unet, "forward", lambda sample, *_, **__: (sample,))
        with pytest.raises(RuntimeError, match="16 of 16 cross-attentions were passed by"):
            run(image_pipe, steps=1)


def test_parts_that_do_not_add_up_are_an_error(image_pipe, adapter, monkeypatch):
    block = image_pipe.unet.mid_block.attentions[0]
    forward = block.forward
    monkeypatch.setattr(block, "forward", lambda x, **given: forward(x[:2], given["encoder_hidden_states"][:2]))
    resnet = image_pipe.unet.mid_block.resnets[1]
    monkeypatch.setattr(resnet, "forward", lambda x, *_: x.repeat(3, 1, 1, 1))
    with wplus(image_pipe, adapter, Plan(BRANCHES)), pytest.raises(RuntimeError, match="2 rows together, expected 6"):
        run(image_pipe, steps=1)
