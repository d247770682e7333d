"""What a file of a diffusion model is, told by names and shapes; nothing of a pickle is run."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from wplus_ext.library.index import Library
from wplus_ext.studio import record
from wplus_ext.studio.shot import Shot
from wplus_ext.weights.checkpoints import CHECKPOINT, CONTROLNET, LORA, MOTION, VAE, Checkpoint

UNET, CLIP, STAGE = "model.diffusion_model.", "cond_stage_model.transformer.", "first_stage_model."
TEMPORAL = "motion_modules.0.temporal_transformer.norm.weight"
KINDS = {
    CHECKPOINT: {
        f"{UNET}input_blocks.0.0.weight": (8, 4, 3, 3),
        f"{CLIP}x": (1,),
        f"{STAGE}encoder.conv_in.weight": (1,),
    },
    "an inpainting checkpoint": {f"{UNET}input_blocks.0.0.weight": (8, 9, 3, 3), f"{CLIP}x": (1,)},
    "a checkpoint of SDXL": {f"{UNET}input_blocks.0.0.weight": (8, 4, 3, 3), "conditioner.embedders.0.x": (1,)},
    "a checkpoint of Stable Diffusion 2": {f"{UNET}x.attn2.to_k.weight": (8, 1024), "cond_stage_model.model.x": (1,)},
    "a UNet by itself, without its text encoder": {f"{UNET}input_blocks.0.0.weight": (8, 4, 3, 3)},
    MOTION: {f"down_blocks.{i}.{TEMPORAL}": (8,) for i in range(4)},
    "motion modules of SDXL": {f"down_blocks.{i}.{TEMPORAL}": (8,) for i in range(3)},
    "a SparseCtrl of AnimateDiff": {f"down_blocks.3.{TEMPORAL}": (8,), "controlnet_cond_embedding.weight": (8,)},
    "HotShot-XL's motion modules": {"down_blocks.0.temporal_attentions.0.norm.weight": (8,)},
    LORA: {"lora_unet_x_attn2_to_k.lora_down.weight": (4, 768), "lora_unet_x_attn2_to_k.alpha": ()},
    "a LoRA of SDXL": {"lora_unet_x_attn2_to_k.lora_down.weight": (4, 2048)},
    "a LyCORIS (LoHa, LoKr, OFT)": {"lora_unet_x.hada_w1_a": (4, 4)},
    CONTROLNET: {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)},
    VAE: {"encoder.conv_in.weight": (8, 3, 3, 3), "decoder.conv_in.weight": (8, 4, 3, 3)},
    "none of the kinds that are known here": {"x": (1,)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["safetensors", "ckpt"])
def test_what_a_file_is(tmp_path, kind, ending):
    tensors = {name: torch.zeros(shape) for name, shape in KINDS[kind].items()}
    path = tmp_path / f"a.{ending}"
    (save_file if ending == "safetensors" else torch.save)(tensors, path)
    assert Checkpoint.open(path).kind == kind


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


def test_nothing_of_a_pickle_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"module.x": torch.ones(2)}, "callbacks": Evil()}, tmp_path / "a.ckpt")
    file = Checkpoint.open(tmp_path / "a.ckpt")
    assert file.shapes == {"x": (2,)} and torch.equal(file.read()["x"], torch.ones(2))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt"])
@pytest.mark.parametrize("content", [b"", b"<html>", b"\x80\x02}."])
def test_what_is_no_file_of_tensors_is_told(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: .*download or export it again"):
        Checkpoint.open(tmp_path / name)


def test_another_ending_is_told(tmp_path):
    with pytest.raises(ValueError, match="a.gguf: expected .safetensors, .ckpt"):
        Checkpoint.open(tmp_path / "a.gguf")


# What is kept of them


def studio(name="m.ckpt", **hashes):
    return SimpleNamespace(name=name, library=Library([]), hashes={f"model {name}": "1", **hashes})


@pytest.mark.parametrize(
    ("now", "notes"),
    [
        (studio(**{"lora a": "1"}), []),
        (studio(**{"lora a": "2"}), ["lora a was 1 when {} was made, and is 2"]),
        (studio(), ["lora a was used when {} was made, and is not now"]),
        (studio(**{"lora a": "1", "vae b": "1"}), ["vae b was not used when {} was made, and is now"]),
        (studio("n.ckpt", **{"lora a": "1"}), ["{} was made with the model m.ckpt, this is n.ckpt"]),
    ],
    ids=["same", "changed", "dropped", "new", "another model"],
)
def test_other_models_than_a_file_was_made_with_are_told(tmp_path, now, notes):
    path = tmp_path / "a.gif"
    record.save(path, np.zeros((1, 8, 8, 3), np.uint8), studio(**{"lora a": "1"}), [Shot()])
    assert record.load(path, now)[1] == [note.format(path) for note in notes]
