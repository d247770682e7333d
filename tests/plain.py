"""The plain formulas, written down a second time, and small models to try them on.

Nothing here uses the library: what agrees with this file agrees with the paper.
"""

from __future__ import annotations

import math
from contextlib import contextmanager

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

TEXT = 48
CHANNELS = 32
WIDTHS = [c * CHANNELS for c in (1, 1, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 1, 1, 1, 4)]
SD15_WIDTHS = [320, 320, 640, 640, 1280, 1280, 1280, 1280, 1280, 640, 640, 640, 320, 320, 320, 1280]


def checkpoint(widths=WIDTHS, text=TEXT, seed=0):
    """A shape-true random adapter in the published layout."""
    g = torch.Generator().manual_seed(seed)

    def weight(rows, columns, gain=1.0):
        return torch.randn(rows, columns, generator=g) * gain / math.sqrt(columns)

    projection = {f"proj_{i}.weight": weight(text, size) for i, size in enumerate((2048, 2048, 2048, 3072))}
    projection["norm.weight"] = 1 + 0.1 * torch.randn(text, generator=g)
    projection["norm.bias"] = 0.1 * torch.randn(text, generator=g)
    attention = {}
    for i, width in enumerate(widths):
        attention[f"{2 * i + 1}.to_k_wplus.weight"] = weight(width, text, 2.0)
        attention[f"{2 * i + 1}.to_v_wplus.weight"] = weight(width, text)
        attention[f"{2 * i + 1}.to_q_wplus.weight"] = weight(width, width, 2.0)
    return {"w_proj": projection, "wplus_adapter": attention}


def flat(state):
    """A checkpoint in the flat form, as `convert` writes it."""
    return {f"{part}.{name}": tensor for part, tensors in state.items() for name, tensor in tensors.items()}


def save(tensor, path):
    """A tensor in a file, as its ending says."""
    if path.suffix == ".npy":
        np.save(path, tensor.numpy())
    elif path.suffix == ".safetensors":
        save_file({"w": tensor.contiguous()}, path)
    else:
        torch.save(tensor, path)
    return path


def phi(state, w):
    """(18, 512) to (4, text), by the words of the paper's mapper."""
    p = state["w_proj"]
    rows = [p["proj_0.weight"] @ w[0:4].reshape(-1), p["proj_1.weight"] @ w[4:8].reshape(-1)]
    rows += [p["proj_2.weight"] @ w[8:12].reshape(-1), p["proj_3.weight"] @ w[12:18].reshape(-1)]
    out = []
    for row in rows:
        normal = (row - row.mean()) / (row.var(unbiased=False) + 1e-5).sqrt()
        out.append(normal * p["norm.weight"] + p["norm.bias"])
    return torch.stack(out)


def residual(state, number, heads, f, tokens):
    """Attention(Q, K, V) of one row f (N, C), head by head."""
    weights = state["wplus_adapter"]
    q = f @ weights[f"{number}.to_q_wplus.weight"].T
    k = tokens @ weights[f"{number}.to_k_wplus.weight"].T
    v = tokens @ weights[f"{number}.to_v_wplus.weight"].T
    size, parts = f.shape[1] // heads, []
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        parts.append(torch.softmax(q[:, part] @ k[:, part].T / math.sqrt(size), -1) @ v[:, part])
    return torch.cat(parts, 1)


class PlainOut(nn.Module):
    """Stands in for ``to_out[0]``: the plain formula, then the layer itself."""

    def __init__(self, inner, state, number, heads, rows):
        super().__init__()
        self.inner, self.state, self.number, self.heads, self.rows = inner, state, number, heads, rows

    def forward(self, f):
        out = []
        for row, terms in zip(f, self.rows):
            for scale, w in terms:
                out_row = scale * residual(self.state, self.number, self.heads, f[len(out)], phi(self.state, w))
                row = row + out_row
            out.append(row)
        return self.inner(torch.stack(out))


def compvis_paths():
    down = [f"input_blocks.{i}.1" for i in (1, 2, 4, 5, 7, 8)]
    up = [f"output_blocks.{i}.1" for i in range(3, 12)]
    return [f"{path}.transformer_blocks.0.attn2" for path in [*down, *up, "middle_block.1"]]


def diffusers_paths():
    down = [f"down_blocks.{i}.attentions.{j}" for i in range(3) for j in range(2)]
    up = [f"up_blocks.{i}.attentions.{j}" for i in range(1, 4) for j in range(3)]
    return [f"{path}.transformer_blocks.0.attn2" for path in [*down, *up, "mid_block.attentions.0"]]


@contextmanager
def plainly(unet, state, rows):
    """The UNet with the plain formula; rows is for each row a list of (scale, w)."""
    paths = compvis_paths() if hasattr(unet, "input_blocks") else diffusers_paths()
    attentions = [unet.get_submodule(path) for path in paths]
    inner = [attention.to_out[0] for attention in attentions]
    try:
        for i, attention in enumerate(attentions):
            attention.to_out[0] = PlainOut(inner[i], state, 2 * i + 1, attention.heads, rows)
        yield
    finally:
        for attention, module in zip(attentions, inner):
            attention.to_out[0] = module


def fill(model, seed=0, gain=1.0):
    """Random weights everywhere, the zero-initialised layers too."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=g) * gain / math.sqrt(parameter[0].numel()))
            else:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=g))
    return model.eval()


def compvis_unet():
    from ldm.modules.diffusionmodules.openaimodel import UNetModel

    return fill(
        UNetModel(
            image_size=32, in_channels=4, out_channels=4, model_channels=CHANNELS, attention_resolutions=[4, 2, 1],
            num_res_blocks=2, channel_mult=[1, 2, 4, 4], num_heads=8, use_spatial_transformer=True,
            transformer_depth=1, context_dim=TEXT, use_checkpoint=False, legacy=False,
        )
    )  # fmt: skip


def diffusers_unet(**changes):
    from diffusers import UNet2DConditionModel

    settings = {
        "sample_size": 8, "layers_per_block": 2, "cross_attention_dim": TEXT, "attention_head_dim": 8,
        "block_out_channels": tuple(c * CHANNELS for c in (1, 2, 4, 4)), "norm_num_groups": 32,
    }  # fmt: skip
    return fill(UNet2DConditionModel(**{**settings, **changes}))


def motion_unet():
    from diffusers import MotionAdapter, UNetMotionModel

    motion = MotionAdapter(
        block_out_channels=tuple(c * CHANNELS for c in (1, 2, 4, 4)), motion_layers_per_block=2,
        motion_mid_block_layers_per_block=1, motion_num_attention_heads=8, motion_norm_num_groups=32,
        motion_max_seq_length=32, use_motion_mid_block=True,
    )  # fmt: skip
    return fill(UNetMotionModel.from_unet2d(diffusers_unet(), motion), seed=1)


def hooks(module):
    """Number of forward pre-hooks anywhere in a module."""
    return sum(len(part._forward_pre_hooks) for part in module.modules())


def e4e(state, x):
    """e4e's encoder, written down layer by layer with functions only; ``state`` has its tensors by their names."""
    state = {name: tensor.float() for name, tensor in state.items()}

    def conv(x, name, stride=1, pad=0):
        return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), stride, pad)

    def norm(x, name):
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts, eps=1e-5)

    def prelu(x, name):
        return F.prelu(x, state[f"{name}.weight"])

    x = prelu(norm(conv(x, "input_layer.0", pad=1), "input_layer.1"), "input_layer.2")
    widths = [64] * 3 + [128] * 4 + [256] * 14 + [512] * 3
    kept = {}
    for i, width in enumerate(widths):
        name, stride = f"body.{i}", 2 if i in (0, 3, 7, 21) else 1
        shortcut = x[:, :, ::stride, ::stride]
        if x.shape[1] != width:
            shortcut = norm(conv(shortcut, f"{name}.shortcut_layer.0"), f"{name}.shortcut_layer.1")
        r = prelu(conv(norm(x, f"{name}.res_layer.0"), f"{name}.res_layer.1", pad=1), f"{name}.res_layer.2")
        r = norm(conv(r, f"{name}.res_layer.3", stride, 1), f"{name}.res_layer.4")
        gate = conv(F.relu(conv(r.mean((2, 3), keepdim=True), f"{name}.res_layer.5.fc1")), f"{name}.res_layer.5.fc2")
        x = kept[i] = r * torch.sigmoid(gate) + shortcut

    def larger(x, y):
        return F.interpolate(x, y.shape[2:], mode="bilinear", align_corners=True) + y

    p2 = larger(kept[23], conv(kept[20], "latlayer1"))
    p1 = larger(p2, conv(kept[6], "latlayer2"))
    rows = []
    for i in range(18):
        y = kept[23] if i < 3 else p2 if i < 7 else p1
        j = 0
        while y.shape[-1] > 1:
            y = F.leaky_relu(conv(y, f"styles.{i}.convs.{j}", 2, 1), 0.01)
            j += 2
        linear = f"styles.{i}.linear"
        rows.append(y.flatten(1) @ state[f"{linear}.weight"].T / math.sqrt(512) + state[f"{linear}.bias"])
    return torch.stack([rows[0]] + [rows[0] + row for row in rows[1:]], 1) + state["latent_avg"]
