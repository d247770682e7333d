"""LoRAs: fused by the commands, or left beside the layers by whoever has a pipeline of their own."""

from __future__ import annotations

import plain
import published
import pytest
import torch
from unets import call, difference, edited, expected_rows, latents

from wplus_ext import Branch
from wplus_ext.studio import loras, models
from wplus_ext.studio.models import Choice

pytest.importorskip("peft")
DOWN = "down_blocks.0.attentions.0.transformer_blocks.0"
SPATIAL = [f"{DOWN}.attn1.to_q", f"{DOWN}.attn2.to_out.0", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"]
TEMPORAL = [f"up_blocks.1.motion_modules.2.transformer_blocks.0.{each}" for each in ("attn1.to_v", "attn2.to_out.0")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("sd")
    published.motion_adapter().save_pretrained(place / "motion")
    return published.folder(place)


@pytest.fixture(scope="module")
def made(place):
    """The pipeline as it is; a test that changes it makes its own."""
    return models.load(Choice(place, place / "motion"), "cpu", torch.float32).pipe


def layers(pipe, names):
    return {name: pipe.unet.get_submodule(name) for name in names}


def kohya(name):
    return f"lora_unet_{name.replace('.', '_')}"


def published_name(name, layer):
    """What AnimateDiff calls the factor of a layer."""
    place, _, end = published.motion_name(f"{name}.").removesuffix(".").removesuffix(".0").rpartition(".")
    return f"{place}.processor.{end}_lora.{layer}.weight"


def with_file(place, path, weight=1.0):
    return models.load(Choice(place, place / "motion", loras=((path, weight),)), "cpu", torch.float32).pipe


def check(before, after, factors, scale):
    """Whether the layers have the plain formula's weights, and all others those from before."""
    was, now = before.unet.state_dict(), after.unet.state_dict()
    assert was.keys() == now.keys()
    changed = {f"{name}.weight" for name in factors}
    assert {name for name in was if not torch.equal(was[name], now[name])} == changed
    for name, (down, up) in factors.items():
        wanted = was[f"{name}.weight"] + scale * up @ down
        assert difference(now[f"{name}.weight"], wanted) < 1e-6


def test_a_lora_of_the_usual_kind(place, made, tmp_path):
    factors = published.lora(layers(made, SPATIAL))
    tensors = {f"{kohya(name)}.lora_down.weight": down for name, (down, _) in factors.items()}
    tensors |= {f"{kohya(name)}.lora_up.weight": up for name, (_, up) in factors.items()}
    tensors |= {f"{kohya(name)}.alpha": torch.tensor(1.0) for name in factors}
    path = published.save(tensors, tmp_path / "style.safetensors")
    check(made, with_file(place, path, 0.8), factors, 0.8 / 2)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_lora_of_animatediffs_own_kind(place, made, tmp_path, prefix):
    factors = published.lora(layers(made, [*TEMPORAL, SPATIAL[0]]))
    tensors = {}
    for name, (down, up) in factors.items():
        tensors |= {prefix + published_name(name, "down"): down, prefix + published_name(name, "up"): up}
    path = published.save(tensors, tmp_path / "v2_lora_ZoomIn.ckpt")
    check(made, with_file(place, path, -0.5), factors, -0.5)


def test_a_lora_reaches_the_text_encoder(place, made, tmp_path):
    names = [name for name, _ in made.text_encoder.named_modules() if "layers.1.self_attn." in name]
    factors, tensors = published.lora({name: made.text_encoder.get_submodule(name) for name in names}), {}
    for name, (down, up) in factors.items():
        key = f"lora_te_text_model_{name.removeprefix('text_model.').replace('.', '_')}"
        tensors |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up}
    with_lora = with_file(place, published.save(tensors, tmp_path / "te.safetensors"), 2.0).text_encoder
    for name, (down, up) in factors.items():
        wanted = made.text_encoder.get_submodule(name).weight + 2 * up @ down
        assert difference(with_lora.get_submodule(name).weight, wanted) < 1e-6


def test_several_loras_add_up(place, made, tmp_path):
    chosen, wanted = [], made.unet.get_submodule(SPATIAL[0]).weight
    for i, weight in enumerate((1.0, 0.5)):
        ((down, up),) = published.lora(layers(made, SPATIAL[:1]), seed=i).values()
        key = kohya(SPATIAL[0])
        tensors = {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up}
        chosen.append((published.save(tensors, tmp_path / f"{i}.safetensors"), weight))
        wanted = wanted + weight * up @ down
    pipe = models.load(Choice(place, place / "motion", loras=tuple(chosen)), "cpu", torch.float32).pipe
    assert difference(pipe.unet.get_submodule(SPATIAL[0]).weight, wanted) < 1e-6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lora_unet_down_blocks_0_nothing_to_q", "style.safetensors: cannot be loaded"),
        ("lora_te2_text_model_encoder_layers_0_self_attn_q_proj", "style.safetensors: a LoRA of SDXL; expected a LoRA"),
        ("lora_unet_double_blocks_0_img_attn_proj", "a LoRA of Flux"),
    ],
)
def test_a_lora_of_another_model_is_refused(place, tmp_path, name, message):
    tensors = {f"{name}.lora_down.weight": torch.zeros(2, 32), f"{name}.lora_up.weight": torch.zeros(32, 2)}
    with pytest.raises(ValueError, match=message):
        with_file(place, published.save(tensors, tmp_path / "style.safetensors"))


def test_a_lora_with_a_layer_that_is_nowhere_is_refused(place, made, tmp_path):
    ((down, up),) = published.lora(layers(made, SPATIAL[:1])).values()
    tensors = {}
    for key in (kohya(SPATIAL[0]), "lora_unet_down_blocks_0_nothing_to_q"):
        tensors |= {f"{key}.lora_down.weight": down.clone(), f"{key}.lora_up.weight": up.clone()}
    with pytest.raises(ValueError, match="1 of its 2 layers are in this model"):
        with_file(place, published.save(tensors, tmp_path / "style.safetensors"))


def test_without_peft_it_is_told_what_to_install(made, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(ValueError, match="a LoRA needs peft .*: pip install peft"):
        loras.fuse(made, tmp_path / "x.safetensors", 1)


# Beside the layers


@pytest.mark.parametrize("fused", [False, True])
def test_an_edit_of_a_unet_with_a_lora_is_the_plain_formula(state, adapter, fused):
    from diffusers import AnimateDiffPipeline

    unet = plain.motion_unet()
    sites = [f"{path}.to_out.0" for path in plain.diffusers_paths()[::5]]
    factors = published.lora({name: unet.get_submodule(name) for name in sites})
    tensors = {f"unet.{name}.lora_A.weight": down for name, (down, _) in factors.items()}
    tensors |= {f"unet.{name}.lora_B.weight": up for name, (_, up) in factors.items()}
    pipe = AnimateDiffPipeline(None, None, None, unet, None, None)
    before = call(unet)
    pipe.load_lora_weights(tensors)
    if fused:
        pipe.fuse_lora(components=["unet"])
    branches = [Branch(latents(seed=1), 0.7)]
    with plain.plainly(unet, state, expected_rows(branches)):
        wanted = call(unet)
    with edited(unet, adapter, branches):
        got = call(unet)
    assert difference(got, wanted) < 1e-5 < 1e-3 < difference(got, before)
    with_lora = call(unet)
    pipe.unload_lora_weights()
    assert plain.hooks(unet) == 0 and difference(with_lora, before) > 1e-3
