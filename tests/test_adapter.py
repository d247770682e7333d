"""Adapters: every stored form, tokens by the paper's words, and what is no adapter."""

from __future__ import annotations

import plain
import pytest
import torch
from safetensors.torch import save_file

from wplus_ext import Adapter


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".safetensors"])
@pytest.mark.parametrize("stored", [torch.float32, torch.float16])
def test_adapters_in_every_stored_form(tmp_path, state, suffix, stored):
    cast = {part: {name: tensor.to(stored) for name, tensor in group.items()} for part, group in state.items()}
    path = tmp_path / f"wplus_adapter_stage1{suffix}"
    if suffix == ".safetensors":
        save_file(plain.flat(cast), path)
    else:
        torch.save(cast, path)
    adapter = Adapter.load(path)
    assert adapter.widths == plain.WIDTHS and adapter.text == plain.TEXT
    assert adapter.state().keys() == plain.flat(cast).keys()
    assert all(torch.equal(tensor, plain.flat(cast)[name].float()) for name, tensor in adapter.state().items())


# Tokens and folded matrices


def latents(count=3):
    return torch.randn(count, 18, 512, generator=torch.Generator().manual_seed(0))


def test_tokens_are_those_of_the_paper(adapter, state):
    w = latents()
    assert torch.allclose(adapter.tokens(w), torch.stack([plain.phi(state, x) for x in w]), atol=1e-5)


def test_the_length_of_a_direction_says_nothing(adapter):
    assert torch.allclose(adapter.tokens(latents() * 1000), adapter.tokens(latents() * 10), atol=1e-3)


def test_the_zero_latent_is_the_norms_bias(adapter, state):
    bias = state["w_proj"]["norm.bias"]
    assert torch.equal(adapter.tokens(torch.zeros(1, 18, 512))[0], bias.expand(4, -1))


def test_tokens_want_latents_in_a_batch(adapter):
    with pytest.raises(ValueError, match=r"w has shape \(18, 512\), expected \(B, 18, 512\)"):
        adapter.tokens(torch.zeros(18, 512))


def test_autocast_leaves_tokens_alone(adapter):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tokens = adapter.tokens(latents())
    assert torch.equal(tokens, adapter.tokens(latents()))


def test_folded_matrices_are_the_attention(adapter, state):
    tokens, heads, f = adapter.tokens(latents(1)), 8, torch.randn(16, 32)
    scores, values = adapter.fold(0, tokens, heads)
    attention = (f @ scores[0]).view(16, 4, heads).softmax(1).flatten(1)
    wanted = plain.residual(state, 1, heads, f, plain.phi(state, latents(1)[0]))
    assert torch.allclose(attention @ values[0], wanted, atol=1e-5)


# What is no adapter


def changed(state, **changes):
    """A copy of a checkpoint with tensors replaced, or taken out where the new one is None."""
    copy = {part: dict(group) for part, group in state.items()}
    for name, tensor in changes.items():
        part, _, key = name.partition("/")
        if tensor is None:
            del copy[part][key]
        else:
            copy[part][key] = tensor
    return copy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wplus_adapter/5.to_v_wplus.weight": None}, "'wplus_adapter.5.to_v_wplus.weight' is missing"),
        ({"w_proj/proj_3.weight": None}, "'w_proj.proj_3.weight' is missing"),
        ({"w_proj/norm.bias": None}, "'w_proj.norm.bias' is missing"),
        ({"w_proj/proj_0.bias": torch.zeros(48)}, "unexpected tensor 'w_proj.proj_0.bias'"),
        ({"wplus_adapter/2.to_k_wplus.weight": torch.zeros(2, 2)}, "unexpected tensor 'wplus_adapter.2.to_k_wplus"),
        ({"w_proj/proj_1.weight": torch.zeros(48, 7)}, r"of shape \(48, 7\), expected floats of \(48, 2048\)"),
        ({"wplus_adapter/1.to_q_wplus.weight": torch.zeros(32, 31)}, r"\(32, 31\), expected floats of \(32, 32\)"),
        ({"wplus_adapter/3.to_k_wplus.weight": torch.zeros(32, 9)}, r"\(32, 9\), expected floats of \('any', 48\)"),
        ({"w_proj/norm.weight": torch.full((48,), float("nan"))}, "'w_proj.norm.weight' holds NaN"),
        ({"w_proj/norm.weight": torch.ones(48, dtype=torch.int32)}, "'w_proj.norm.weight' is torch.int32"),
        ({"w_proj/norm.weight": "text"}, "'w_proj.norm.weight' is a str, expected a tensor"),
    ],
)
def test_wrong_tensors_are_named(tmp_path, state, changes, message):
    torch.save(changed(state, **changes), tmp_path / "a.bin")
    with pytest.raises(ValueError, match=message):
        Adapter.load(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"lora_unet_down_blocks_0.lora_up.weight": torch.zeros(2, 2)}, "looks like a LoRA"),
        ({"image_proj": {"w": torch.zeros(2)}, "ip_adapter": {"1.to_k_ip.weight": torch.zeros(2)}}, "IP-Adapter"),
        ({"model.diffusion_model.x": torch.zeros(2)}, "looks like a checkpoint"),
        ({"encoder.x": torch.zeros(2), "latent_avg": torch.zeros(2)}, "e4e encoder"),
        ({"state_dict": {"x": torch.zeros(2)}, "epoch": 3}, "'epoch' is a int, expected a tensor"),
        (torch.zeros(3), "holds a Tensor, expected the dict of a W\\+ adapter"),
    ],
)
def test_other_peoples_files_as_adapter(tmp_path, content, message):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=message):
        Adapter.load(tmp_path / "a.pt")
