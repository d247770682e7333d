"""Small models with random weights, in files and folders as people publish them."""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path

import plain
import torch
from safetensors.torch import save_file
from torch import nn

from wplus_ext.studio.models import MINIATURE

SIDES = tuple(c * plain.CHANNELS for c in (1, 2, 4, 4))
VAE_SIDE, LATENT = 32, 4


def save(tensors, path):
    """Tensors in a file: safetensors, or a pickle with what training programs leave in it."""
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors, "global_step": 7, "callbacks": {type(Path()): Path("x")}}, path)
    return path


class Autoencoder(nn.Module):
    """CompVis' autoencoder, of its own parts."""

    def __init__(self):
        from ldm.modules.diffusionmodules.model import Decoder, Encoder

        super().__init__()
        sides = {"ch": VAE_SIDE, "out_ch": 3, "ch_mult": (1, 1, 1, 1), "num_res_blocks": 2, "attn_resolutions": [],
                 "in_channels": 3, "resolution": 64, "z_channels": LATENT}  # fmt: skip
        self.encoder, self.decoder = Encoder(double_z=True, **sides), Decoder(**sides)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(8, 8, 1), nn.Conv2d(4, 4, 1)

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


def autoencoder(seed=5):
    return plain.fill(Autoencoder(), seed)


def text_encoder():
    from transformers import CLIPTextConfig, CLIPTextModel

    words = len((MINIATURE / "tokenizer" / "vocab.json").read_text(encoding="utf-8").split('": '))
    config = CLIPTextConfig(
        vocab_size=words, hidden_size=plain.TEXT, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return plain.fill(CLIPTextModel(config), 6)


def text_tensors(model):
    """CLIP's tensors as a checkpoint names them."""
    state = {name.removeprefix("text_model."): tensor for name, tensor in model.state_dict().items()}
    return {f"cond_stage_model.transformer.text_model.{name}": tensor for name, tensor in state.items()}


@functools.cache  # some biases are random whatever the seed
def checkpoint():
    """A checkpoint's tensors, and what they are of: UNet, autoencoder, text encoder."""
    models = plain.compvis_unet(), autoencoder(), text_encoder()
    tensors = {f"model.diffusion_model.{name}": tensor for name, tensor in models[0].state_dict().items()}
    tensors |= {f"first_stage_model.{name}": tensor for name, tensor in models[1].state_dict().items()}
    return {**tensors, **text_tensors(models[2]), "model_ema.decay": torch.tensor(0.9)}, models


def folder(place, unet=None):
    """The folder of a Stable Diffusion pipeline of these sizes, as diffusers saves it, with other random weights."""
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline
    from transformers import CLIPTokenizer

    vae = AutoencoderKL(
        block_out_channels=(VAE_SIDE,) * 4, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=2, norm_num_groups=32, latent_channels=LATENT,
    )  # fmt: skip
    scheduler = PNDMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, skip_prk_steps=True)
    tokenizer = CLIPTokenizer.from_pretrained(MINIATURE / "tokenizer")
    StableDiffusionPipeline(
        plain.fill(vae), text_encoder(), tokenizer, unet or plain.diffusers_unet(), scheduler, None, None,
        requires_safety_checker=False,
    ).save_pretrained(place)  # fmt: skip
    return place


def configuration(source, place):
    """Only what a checkpoint needs of such a folder."""
    return shutil.copytree(source, place, ignore=shutil.ignore_patterns("*.safetensors", "*.bin"))


def motion_adapter(middle=True, longest=32, seed=2):
    from diffusers import MotionAdapter

    adapter = MotionAdapter(
        block_out_channels=SIDES, motion_layers_per_block=2, motion_num_attention_heads=8, motion_norm_num_groups=32,
        motion_max_seq_length=longest, use_motion_mid_block=middle,
    )  # fmt: skip
    return plain.fill(adapter, seed)


def motion_name(name):
    """What AnimateDiff calls a part that diffusers calls ``name``."""
    name = re.sub(r"(motion_modules\.\d+)", r"\1.temporal_transformer", name)
    for ours, theirs in {"attn1": "attention_blocks.0", "attn2": "attention_blocks.1", "norm1": "norms.0",
                         "norm2": "norms.1", "norm3": "ff_norm"}.items():  # fmt: skip
        name = name.replace(f".{ours}.", f".{theirs}.")
    return name


def motion_tensors(adapter, positions=True, prefix=""):
    """A motion adapter's tensors as AnimateDiff publishes them; AnimateLCM leaves out the positions."""
    made = {}
    for name, tensor in adapter.state_dict().items():
        place, end, _ = name.partition("pos_embed.pe")
        if not end:
            made[prefix + motion_name(name)] = tensor
        elif positions:
            made |= {
                f"{prefix}{motion_name(f'{place}attn{i}.x').removesuffix('x')}pos_encoder.pe": tensor for i in (1, 2)
            }
    return made


def lora(layers, rank=2, seed=9):
    """Random factors for some linear layers, by their names: (down, up)."""
    g = torch.Generator().manual_seed(seed)
    return {
        name: (torch.randn(rank, x.in_features, generator=g), torch.randn(x.out_features, rank, generator=g) / 9)
        for name, x in layers.items()
    }
