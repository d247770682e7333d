"""The W+ adapter: from a latent to tokens, and from tokens to folded matrices.

Source: Li, Hou, Loy, "When StyleGAN Meets Stable Diffusion: a W+ Adapter for Personalized Image
Generation", CVPR 2024.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from . import files
from .shapes import LAYERS, TOKENS, WIDTH, Float

GROUPS = ((0, 4), (4, 8), (8, 12), (12, 18))  # layers of the latent that one linear layer reads: a token each
EPS = 1e-5
TRAINED = {"w_proj_model.": "w_proj.", "adapter_modules.": "wplus_adapter."}  # in upstream's training checkpoints


@dataclass(frozen=True, eq=False)
class Layer:
    """The weights of one cross-attention, which has no biases."""

    q: Float[Tensor, "C C"]
    k: Float[Tensor, "C text"]
    v: Float[Tensor, "C text"]


@dataclass(frozen=True, eq=False)
class Adapter:
    """A mapper from W+ to tokens, and a residual cross-attention for each layer of a UNet.

    ``layers`` are in the order of the file: down blocks, up blocks, middle block. All weights are
    float32 on the CPU; `fold` makes from them what sampling needs.
    """

    name: str
    projections: tuple[Float[Tensor, "text _"], ...]  # each has its own columns
    norm_weight: Float[Tensor, " text"]
    norm_bias: Float[Tensor, " text"]
    layers: tuple[Layer, ...]

    @classmethod
    def load(cls, path: str | Path) -> Adapter:
        """Read a ``.bin``, ``.pt`` or ``.safetensors`` file in the published layout, or one of upstream's training
        checkpoints.

        Text width, number of layers and their widths are read from the file.

        Raises:
            ValueError: the file is no adapter; names the missing, extra or wrong tensor.
        """
        return cls.of(files.read(path), path)

    @classmethod
    def of(cls, content: object, path: str | Path) -> Adapter:
        """The same from what the file held."""
        return _Layout(_flatten(content, path), path).adapter(Path(path).stem)

    @property
    def text(self) -> int:
        """Width of the tokens; 768 for SD 1.5."""
        return self.norm_bias.numel()

    @property
    def widths(self) -> list[int]:
        """Channels C of each layer, in the order of the file."""
        return [layer.q.shape[0] for layer in self.layers]

    def state(self) -> dict[str, Tensor]:
        """The tensors by their published names, flattened with a dot, as in a safetensors file."""
        state = {f"w_proj.proj_{i}.weight": weight for i, weight in enumerate(self.projections)}
        state |= {"w_proj.norm.weight": self.norm_weight, "w_proj.norm.bias": self.norm_bias}
        for i, layer in enumerate(self.layers):
            for part in "kvq":
                state[f"wplus_adapter.{2 * i + 1}.to_{part}_wplus.weight"] = getattr(layer, part)
        return state

    @torch.autocast("cpu", enabled=False)
    def tokens(self, w: Float[Tensor, "B 18 512"]) -> Float[Tensor, "B 4 text"]:
        """phi(w), float32.

        Raises:
            ValueError: another shape.
        """
        return layer_norm(self._projected(w), (self.text,), self.norm_weight, self.norm_bias, EPS)

    @torch.autocast("cpu", enabled=False)
    def moved(
        self, w: Float[Tensor, "B 18 512"], amounts: Float[Tensor, "F B"]
    ) -> tuple[Float[Tensor, "B 4 text"], Float[Tensor, "F B 4"]]:
        """phi of sums of latents, ``sum_i amounts_i w_i``, whatever their number F.

        The projections are linear, and the LayerNorm divides by one number a token, which follows from the products
        of the projections with each other. So with the ``tokens`` and ``weights`` that this gives, both float32,
        ``phi = sum_i weights_i tokens_i + phi(0)``.

        Raises:
            ValueError: another shape.
        """
        parts = self._projected(w).double()
        parts = parts - parts.mean(2, keepdim=True)
        sizes = parts.square().mean(2).sqrt().clamp_min(1e-12)  # taken out, so that half precision can hold the tokens
        gram = torch.einsum("itc,jtc->tij", parts, parts) / self.text
        amounts = amounts.double()
        variance = torch.einsum("fi,tij,fj->ft", amounts, gram, amounts)
        weights = amounts[:, :, None] * sizes / (variance + EPS).sqrt()[:, None]
        return (parts / sizes[:, :, None]).float() * self.norm_weight, weights.float()

    def _projected(self, w: Float[Tensor, "B 18 512"]) -> Float[Tensor, "B 4 text"]:
        if w.ndim != 3 or tuple(w.shape[1:]) != (LAYERS, WIDTH):
            raise ValueError(f"w has shape {tuple(w.shape)}, expected (B, {LAYERS}, {WIDTH})")
        w = w.to("cpu", torch.float32)
        return torch.stack([w[:, a:b].flatten(1) @ p.T for (a, b), p in zip(GROUPS, self.projections)], 1)

    @torch.autocast("cpu", enabled=False)
    def fold(
        self, layer: int, tokens: Float[Tensor, "B 4 text"], heads: int
    ) -> tuple[Float[Tensor, "B C m"], Float[Tensor, "B m C"]]:
        """The residual attention of one layer to given tokens, as two matrices for each latent.

        With K = tokens W_k^T and V = tokens W_v^T, ``f @ scores`` is Q K^T / sqrt(C / H) of all heads,
        and ``softmax(...) @ values`` the attention's result. Columns of ``scores`` and rows of
        ``values`` run over the tokens first, then over the heads.

        Args:
            layer: number of the layer, from 0.
            tokens: of B latents.
            heads: H of this attention; m is 4H.

        Returns:
            ``scores`` and ``values``, float32 on the CPU.
        """
        weights, count = self.layers[layer], len(tokens)
        width = weights.q.shape[0]
        size = width // heads
        k = (tokens @ weights.k.T).view(count * TOKENS, heads, size)
        v = (tokens @ weights.v.T).view(count, TOKENS, heads, size)
        scores = torch.bmm(k.transpose(0, 1), weights.q.view(heads, size, width)) / math.sqrt(size)
        scores = scores.view(heads, count, TOKENS, width).permute(1, 3, 2, 0)
        values = torch.zeros(count, TOKENS, heads, heads, size)
        head = torch.arange(heads)
        values[:, :, head, head] = v
        return scores.reshape(count, width, -1), values.reshape(count, -1, width)


def is_adapter(content: object) -> bool:
    """Whether a file's content means to be an adapter; `Adapter.of` says whether it is one."""
    names = ("w_proj", "wplus_adapter", *TRAINED)
    return isinstance(content, dict) and any(str(key).removeprefix("module.").startswith(names) for key in content)


class _Layout:
    """Takes an adapter's tensors out of a flat state, and misses none of them."""

    def __init__(self, state: dict[str, Tensor], path: str | Path) -> None:
        self.state, self.path = dict(state), path

    def adapter(self, name: str) -> Adapter:
        if not any(key.startswith(("w_proj.", "wplus_adapter.")) for key in self.state):
            raise ValueError(
                f"{self.path}: not a W+ adapter; expected w_proj and wplus_adapter{files.hint(self.state)}"
            )
        norm_bias = self.take("w_proj.norm.bias", (None,))
        text = norm_bias.numel()
        norm_weight = self.take("w_proj.norm.weight", (text,))
        projections = tuple(
            self.take(f"w_proj.proj_{i}.weight", (text, (b - a) * WIDTH)) for i, (a, b) in enumerate(GROUPS)
        )
        # The published file counts all attentions of the UNet: the cross-attentions are the odd ones.
        matches = [re.fullmatch(r"wplus_adapter\.(\d*[13579])\.to_[kvq]_wplus\.weight", key) for key in self.state]
        numbers = {match[1] for match in matches if match}
        layers = tuple(self.layer(2 * i + 1, text) for i in range(max(len(numbers), 1)))
        if self.state:
            raise ValueError(
                f"{self.path}: unexpected tensor {sorted(self.state)[0]!r}; this is not the adapter's layout"
            )
        return Adapter(name, projections, norm_weight, norm_bias, layers)

    def layer(self, number: int, text: int) -> Layer:
        prefix = f"wplus_adapter.{number}.to_"
        k = self.take(f"{prefix}k_wplus.weight", (None, text))
        width = k.shape[0]
        v = self.take(f"{prefix}v_wplus.weight", (width, text))
        return Layer(self.take(f"{prefix}q_wplus.weight", (width, width)), k, v)

    def take(self, key: str, shape: tuple[int | None, ...]) -> Tensor:
        tensor = self.state.pop(key, None)
        if tensor is None:
            raise ValueError(f"{self.path}: tensor {key!r} is missing")
        fits = tensor.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, tensor.shape))
        if not fits or not tensor.is_floating_point():
            got, want = tuple(tensor.shape), tuple("any" if size is None else size for size in shape)
            raise ValueError(f"{self.path}: tensor {key!r} is {tensor.dtype} of shape {got}, expected floats of {want}")
        tensor = tensor.detach().to(torch.float32).contiguous()
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{self.path}: tensor {key!r} holds NaN or infinite numbers; download it again")
        return tensor


def _flatten(content: object, path: str | Path) -> dict[str, Tensor]:
    if not isinstance(content, dict):
        raise ValueError(f"{path}: holds a {type(content).__name__}, expected the dict of a W+ adapter")
    flat: dict[str, object] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": part for name, part in value.items()}
        else:
            flat[str(key)] = value
    state = {}
    for key, value in flat.items():
        key = key.removeprefix("module.")
        for trained, published in TRAINED.items():
            key = key.replace(trained, published, 1) if key.startswith(trained) else key
        if not key.startswith("unet."):  # which a training checkpoint holds too
            state[key] = value
    for key, value in state.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{path}: {key!r} is a {type(value).__name__}, expected a tensor{files.hint(state)}")
    return state
