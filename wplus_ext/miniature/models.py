"""The miniature's models: diffusers' and transformers' own, only small; and what is trained beside them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, MotionAdapter, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from ..edit.sites import Site
from ..weights.adapter import EPS, GROUPS
from ..weights.shapes import WIDTH
from . import world

TEXT = 64  # width of the text
WORDS = 24  # tokens of a caption at most
FRAMES = 32  # of a clip at most
CHANNELS = (48, 80, 96)
HEADS = 4


def autoencoder() -> AutoencoderKL:
    """64x64 pictures to 16x16 latents of four channels."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(24, 40, 56),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=world.SIZE,
        mid_block_add_attention=False,
    )


def unet() -> UNet2DConditionModel:
    """A small brother of Stable Diffusion 1.5's UNet, with seven cross-attentions."""
    return UNet2DConditionModel(
        sample_size=world.SIZE // 4,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=TEXT,
        attention_head_dim=HEADS,  # diffusers means the number of heads
        norm_num_groups=16,
    )


def motion_adapter() -> MotionAdapter:
    """Temporal attention in each block, as AnimateDiff's."""
    return MotionAdapter(
        block_out_channels=CHANNELS,
        motion_layers_per_block=1,
        motion_num_attention_heads=HEADS,
        motion_norm_num_groups=16,
        motion_max_seq_length=FRAMES,
        use_motion_mid_block=False,
    )


def scheduler() -> DDIMScheduler:
    """The noise that AnimateDiff's pipelines use."""
    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False, steps_offset=1)


def tokenizer(folder: Path) -> CLIPTokenizer:
    """Writes CLIP's kind of tokenizer into a folder, with the captions' words as its tokens; others are spelt."""
    letters = _byte_letters()
    tokens, merges = letters + [f"{letter}</w>" for letter in letters], []
    for word in world.vocabulary():
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            merges.append(f"{parts[0]} {parts[1]}")
            parts = [parts[0] + parts[1], *parts[2:]]
            tokens.append(parts[0])
    tokens = list(dict.fromkeys([*tokens, "<|startoftext|>", "<|endoftext|>"]))
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *dict.fromkeys(merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": WORDS, "pad_token": "<|endoftext|>", **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "special_tokens_map.json").write_text(json.dumps({**special, "pad_token": "<|endoftext|>"}, indent=2))
    return CLIPTokenizer.from_pretrained(folder)


def text_encoder(tokens: CLIPTokenizer) -> CLIPTextModel:
    """A CLIP text model of two layers."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=TEXT,
            projection_dim=TEXT,
            intermediate_size=2 * TEXT,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=WORDS,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
        )
    )


class Mapper(nn.Module):
    """phi: a latent (B, 18, 512) to tokens (B, 4, text), with weights that learn; `adapter.Adapter.tokens` is the
    same for weights that are read."""

    def __init__(self) -> None:
        super().__init__()
        for i, (first, end) in enumerate(GROUPS):
            self.add_module(f"proj_{i}", nn.Linear((end - first) * WIDTH, TEXT, bias=False))
        self.norm = nn.LayerNorm(TEXT, eps=EPS)

    def forward(self, w: Tensor) -> Tensor:
        groups = [getattr(self, f"proj_{i}")(w[:, a:b].flatten(1)) for i, (a, b) in enumerate(GROUPS)]
        return self.norm(torch.stack(groups, 1))


class ResidualAttention(nn.Module):
    """``f + Attention(f W_q, tokens W_k, tokens W_v)`` of one cross-attention, with weights that learn."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.heads = site.heads
        self.to_q_wplus = nn.Linear(site.width, site.width, bias=False)
        self.to_k_wplus = nn.Linear(TEXT, site.width, bias=False)
        self.to_v_wplus = nn.Linear(TEXT, site.width, bias=False)
        # Begins as hardly any change, with attention that differs from place to place: a mouth is not one colour.
        nn.init.normal_(self.to_v_wplus.weight, std=0.05)
        with torch.no_grad():
            self.to_q_wplus.weight *= 6
            self.to_k_wplus.weight *= 3

    def forward(self, f: Tensor, tokens: Tensor) -> Tensor:
        def heads(x: Tensor) -> Tensor:
            return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = heads(self.to_q_wplus(f)), heads(self.to_k_wplus(tokens)), heads(self.to_v_wplus(tokens))
        return f + scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class TrainedAdapter(nn.Module):
    """The W+ adapter with weights that learn; its state has the published file's names."""

    def __init__(self, sites: list[Site]) -> None:
        super().__init__()
        self.w_proj = Mapper()
        # The published file counts all attentions of the UNet: the cross-attentions are the odd ones.
        self.wplus_adapter = nn.ModuleDict({str(2 * i + 1): ResidualAttention(site) for i, site in enumerate(sites)})


class Reader(nn.Module):
    """Reads the seven factors and the pose in pictures (B, 3, 64, 64): (B, 11)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 48, 64)
        layers: list[nn.Module] = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(8, b), nn.SiLU()]
            layers += [nn.Conv2d(b, b, 3, stride=2, padding=1), nn.GroupNorm(8, b), nn.SiLU()]
        outputs = len(world.FACTORS) + len(world.POSE)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 96), nn.SiLU(), nn.Linear(96, outputs))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.layers(pictures)


def _byte_letters() -> list[str]:
    """The 256 letters by which CLIP's tokenizer writes bytes."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + i) for i in range(len(hidden))]
