"""The same UNet as CompVis and as ComfyUI have it, sampled with the same edit: prints by how much the latents differ,
and by how much the edit changes them.

Run by `test_comfy_unets.py` with ComfyUI's python.
"""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import comfy.ops
import plain
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy_host import options

from wplus_ext import Adapter, Branch, Plan, attach
from wplus_ext.edit.following import following
from wplus_ext.hosts.comfy.calls import Reader

FRAMES, WINDOWS, LEVELS = 6, ([0, 1, 2, 3], [2, 3, 4, 5]), (10.0, 6.0, 3.0, 0.0)


def sample(predict):
    """The latents after all steps, each of which has a call for each window, negative rows first."""
    g = torch.Generator().manual_seed(0)
    x, text = torch.randn(FRAMES, 4, 8, 8, generator=g), torch.randn(2, 7, plain.TEXT, generator=g)
    for step, (level, after) in enumerate(zip(LEVELS, LEVELS[1:])):
        total, count = torch.zeros_like(x), torch.zeros(FRAMES, 1, 1, 1)
        for window in WINDOWS:
            rows, words = torch.cat([x[window]] * 2), text.repeat_interleave(len(window), 0)
            negative, positive = predict(rows, torch.full((len(rows),), level * 60), words, step, window).chunk(2)
            total[window] += negative + 7 * (positive - negative)
            count[window] += 1
        x = x + total / count * (after - level) / 10
    return x


def comfys(like):
    unet = UNetModel(
        image_size=32, in_channels=4, out_channels=4, model_channels=plain.CHANNELS, num_res_blocks=[2, 2, 2, 2],
        channel_mult=(1, 2, 4, 4), num_heads=8, use_spatial_transformer=True, context_dim=plain.TEXT, legacy=False,
        transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0], transformer_depth_middle=1, dtype=torch.float32,
        transformer_depth_output=[1] * 9 + [0] * 3, operations=comfy.ops.disable_weight_init,
    )  # fmt: skip
    unet.load_state_dict(like.state_dict())
    return unet.eval()


def latents(unet, adapter, plan):
    with attach(unet, adapter, plan) as live:

        def predict(rows, times, words, step, window):
            live.step(step, len(LEVELS) - 1)
            live.rows(window * 2, [True] * len(window) + [False] * len(window))
            return unet(rows, times, context=words)

        return sample(predict)


def comfys_latents(unet, adapter, plan):
    with following(unet, adapter, plan, Reader(SimpleNamespace(conds={}), FRAMES)):

        def predict(rows, times, words, step, window):
            given = options(sigma=LEVELS[step], levels=LEVELS, ad_params={"sub_idxs": window})
            return unet(rows, times, context=words, transformer_options=given)

        return sample(predict)


with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "wplus_adapter.bin")
    torch.save(plain.checkpoint(), file)
    adapter, unet = Adapter.load(file), plain.compvis_unet()
    w = torch.randn(18, 512, generator=torch.Generator().manual_seed(1))
    plan = Plan([Branch(w, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])], start=0.2)
    one, other = latents(unet, adapter, plan), comfys_latents(comfys(unet), adapter, plan)
    print(float((one - other).abs().max()), float((one - latents(unet, adapter, Plan([]))).abs().max()))
