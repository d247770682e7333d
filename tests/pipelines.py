"""Small random pipelines of diffusers, and what they make by the plain formula."""

from __future__ import annotations

import inspect
from contextlib import contextmanager

import diffusers
import plain
import torch
from PIL import Image
from unets import latents

from wplus_ext import Branch

F, STEPS = 3, 4
SCALES = [-0.7, 0.4, 0.9]
BRANCHES = [Branch(latents(seed=1), SCALES), Branch(latents(seed=2), 0.3)]
PICTURES = [Image.new("RGB", (8, 8), (60 * i, 90, 30)) for i in range(F)]


def text(count, seed=0):
    """Texts, (count, 77, width)."""
    return torch.randn(count, 77, plain.TEXT, generator=torch.Generator().manual_seed(seed))


def vae():
    return diffusers.AutoencoderKL(
        block_out_channels=(32,), down_block_types=("DownEncoderBlock2D",), up_block_types=("UpDecoderBlock2D",),
        norm_num_groups=8,
    ).eval()  # fmt: skip


def controlnet():
    return plain.fill(
        diffusers.ControlNetModel(
            block_out_channels=tuple(c * plain.CHANNELS for c in (1, 2, 4, 4)), cross_attention_dim=plain.TEXT,
            conditioning_embedding_out_channels=(16,), layers_per_block=2,
        ),
        gain=0.3,
    )  # fmt: skip


def sparse_controlnet():
    return plain.fill(
        diffusers.SparseControlNetModel(
            block_out_channels=tuple(c * plain.CHANNELS for c in (1, 2, 4, 4)), cross_attention_dim=plain.TEXT,
            down_block_types=("CrossAttnDownBlockMotion",) * 3 + ("DownBlockMotion",), motion_max_seq_length=32,
            motion_num_attention_heads=8, attention_head_dim=8, use_simplified_condition_embedding=True,
        ),
        gain=0.3,
    )  # fmt: skip


def scheduler(name="DDIM", **values):
    """A scheduler of that name, as diffusers' class has it without its last word."""
    kind = getattr(diffusers, f"{name}Scheduler")
    known = inspect.signature(kind).parameters
    given = {"beta_schedule": "linear", "clip_sample": False, "skip_prk_steps": True, "steps_offset": 1, **values}
    return kind(**{key: value for key, value in given.items() if key in known})


def make(kind, unet, name="DDIM", **values):
    """A pipeline of that kind, as diffusers' class has it without its last word."""
    made = getattr(diffusers, f"{kind}Pipeline")
    parts = {
        "vae": vae(), "text_encoder": None, "tokenizer": None, "unet": unet, "scheduler": scheduler(name, **values),
    }  # fmt: skip
    if "Diff" in kind and kind.startswith("Animate"):
        parts["motion_adapter"] = None  # it is in the UNet already
    else:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    if "ControlNet" in kind:
        parts["controlnet"] = sparse_controlnet() if "Sparse" in kind else controlnet()
    if "PAG" in kind:
        parts["pag_applied_layers"] = ["mid_block.*attn1"]
    pipe = made(**parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def is_video(pipe):
    return type(pipe).__name__.startswith("Animate")


def run(pipe, guidance=3.0, steps=STEPS, videos=1, **options):
    """What a pipeline makes, as latents: (videos, 4, F, h, w), or (F, 4, h, w) of images."""
    name, g = type(pipe).__name__, torch.manual_seed(0)  # SparseCtrl draws from the global one whatever it is given
    given = {
        "prompt_embeds": text(videos), "negative_prompt_embeds": text(videos, 1), "num_inference_steps": steps,
        "guidance_scale": guidance, "generator": g, "output_type": "latent",
    }  # fmt: skip
    if "VideoToVideo" in name:
        given |= {"video": PICTURES, "strength": 0.5}
    elif is_video(pipe):
        given |= {"num_frames": F, "width": 8, "height": 8}
    elif "Img2Img" in name:
        given |= {"image": PICTURES[1], "strength": 0.5, "num_images_per_prompt": F}
    else:
        given |= {"num_images_per_prompt": F, "width": 8, "height": 8}
    if "ControlNet" in name:
        given["conditioning_frames"] = PICTURES
    made = pipe(**{**given, **options})
    return made.frames if is_video(pipe) else made.images


def rows(branches, parts, frames, videos=1):
    """For each row of a call its terms, by the words of the paper: ``parts`` is "np" with guidance, "p" without."""
    found = []
    for sign in parts:
        for frame in [*range(frames)] * videos:
            w = [torch.zeros(18, 512) if sign == "n" else branch.latent(frame) for branch in branches]
            found.append([(branch.scales(frames)[frame], each) for branch, each in zip(branches, w)])
    return found


@contextmanager
def by_formula(unet, state, calls):
    """The UNet with the plain formula, its rows those of one call after the other; gives the calls' batches."""
    mine, waiting, seen = [], list(calls), []

    def announce(module, args, kwargs):
        seen.append(len(args[0]))
        mine[:] = waiting.pop(0)

    handle = unet.register_forward_pre_hook(announce, with_kwargs=True)
    try:
        with plain.plainly(unet, state, mine):
            yield seen
        assert not waiting, f"{len(waiting)} calls more were expected"
    finally:
        handle.remove()
