"""From a photo to a W+ latent: e4e's encoder.

Source: Tov et al., "Designing an Encoder for StyleGAN Image Manipulation", SIGGRAPH 2021. The body
is ArcFace's IR-SE-50 (Deng et al., CVPR 2019, with Hu et al.'s squeeze and excitation); eighteen
heads read three of its levels. The names of the modules are those of the published file.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from . import files
from .latents import as_latent
from .pickles import read_tensors
from .regular import check_regular
from .shapes import LAYERS, WIDTH, Float

SIDE = 256  # pixels of the aligned picture
STAGES = ((64, 64, 3), (64, 128, 4), (128, 256, 14), (256, 512, 3))  # channels in and out, blocks
FINE, MIDDLE, COARSE = 6, 20, 23  # the blocks after which the heads read
COARSE_HEADS, MIDDLE_HEADS = 3, 7  # the first layers are coarse, then middle, then fine
PUBLISHED = "e4e_ffhq_encode.pt"
COUNTER = ".num_batches_tracked"  # of a batch norm: no use here


class Encoder(nn.Module):
    """Aligned faces, 256 x 256 pixels in -1 to 1, to W+ latents."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        blocks = [
            _Block(source if i == 0 else width, width, 2 if i == 0 else 1)
            for source, width, count in STAGES
            for i in range(count)
        ]
        self.body = nn.Sequential(*blocks)
        levels = [4 if i < COARSE_HEADS else 5 if i < MIDDLE_HEADS else 6 for i in range(LAYERS)]
        self.styles = nn.ModuleList(_Head(halvings) for halvings in levels)
        self.latlayer1, self.latlayer2 = nn.Conv2d(256, WIDTH, 1), nn.Conv2d(128, WIDTH, 1)
        self.register_buffer("latent_avg", torch.zeros(LAYERS, WIDTH))

    def forward(self, pictures: Float[Tensor, "B 3 256 256"]) -> Float[Tensor, "B 18 512"]:
        x, levels = self.input_layer(pictures), {}
        for i, block in enumerate(self.body):
            x = levels[i] = block(x)
            if i not in (FINE, MIDDLE, COARSE):
                del levels[i]
        coarse = levels[COARSE]
        middle = _add_larger(coarse, self.latlayer1(levels[MIDDLE]))
        fine = _add_larger(middle, self.latlayer2(levels[FINE]))
        seen = [coarse if i < COARSE_HEADS else middle if i < MIDDLE_HEADS else fine for i in range(LAYERS)]
        heads = torch.stack([head(features) for head, features in zip(self.styles, seen)], 1)
        first = torch.zeros_like(heads)
        first[:, 1:] = heads[:, :1]  # the first head gives w, all others their layer's difference from it
        return heads + first + self.latent_avg

    @classmethod
    def load(cls, path: str | Path) -> Encoder:
        """Read the published ``e4e_ffhq_encode.pt``, or what `convert` made of it.

        Raises:
            ValueError: another file, a tensor that is missing, of another shape or not finite.
            OSError: the file cannot be read.
        """
        state = _read(Path(path))
        with torch.device("meta"):
            encoder = cls()
        encoder.load_state_dict(state, strict=False, assign=True)  # all but batch norm's counters: `_read` checks
        for module in encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.num_batches_tracked = torch.zeros((), dtype=torch.long)
        return encoder.eval().requires_grad_(False)

    def tensors(self) -> dict[str, Tensor]:
        """Its numbers by name, without batch norm's counters."""
        return {name: tensor for name, tensor in self.state_dict().items() if not name.endswith(COUNTER)}


def convert(source: str | Path, target: str | Path) -> None:
    """Write only the encoder of the published file, as safetensors. Raises as `Encoder.load`."""
    files.write(target, _read(Path(source)))


def is_encoder(path: str | Path) -> bool:
    """Whether a file has the mean latent that an encoder's has; False for one that cannot be read."""
    path = Path(path)
    try:
        if path.suffix.lower() in files.PICKLES:
            return bool(read_tensors(path, lambda name: name == "latent_avg"))
        check_regular(path)
        with safe_open(path, "pt") as file:
            return "latent_avg" in file.keys()  # noqa: SIM118 - no mapping
    except (ValueError, OSError, SafetensorError, MemoryError):
        return False


def shapes() -> dict[str, tuple[int, ...]]:
    """The tensors of the encoder by name, with their shapes."""
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in Encoder().tensors().items()}


class _Block(nn.Module):
    def __init__(self, source: int, width: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if source == width
            else nn.Sequential(nn.Conv2d(source, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(source),
            nn.Conv2d(source, width, 3, padding=1, bias=False),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            _Excitation(width),
        )

    def forward(self, x: Float[Tensor, "B source h w"]) -> Float[Tensor, "B C h2 w2"]:
        return self.res_layer(x) + self.shortcut_layer(x)


class _Excitation(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, width // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(width // 16, width, 1, bias=False)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class _Head(nn.Module):
    """Features of 2^n x 2^n places to a vector."""

    def __init__(self, halvings: int) -> None:
        super().__init__()
        layers = [layer for _ in range(halvings) for layer in (nn.Conv2d(WIDTH, WIDTH, 3, 2, 1), nn.LeakyReLU())]
        self.convs, self.linear = nn.Sequential(*layers), _EqualLinear()

    def forward(self, features: Float[Tensor, "B 512 side side"]) -> Float[Tensor, "B 512"]:
        return self.linear(self.convs(features).flatten(1))


class _EqualLinear(nn.Module):
    """StyleGAN's linear layer, whose weights are scaled where they are used."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(WIDTH, WIDTH)), nn.Parameter(torch.empty(WIDTH))

    def forward(self, x: Float[Tensor, "B 512"]) -> Float[Tensor, "B 512"]:
        return F.linear(x, self.weight / math.sqrt(WIDTH), self.bias)


def _add_larger(small: Float[Tensor, "B C h w"], large: Float[Tensor, "B C h2 w2"]) -> Float[Tensor, "B C h2 w2"]:
    return F.interpolate(small, size=large.shape[2:], mode="bilinear", align_corners=True) + large


def _read(path: Path) -> dict[str, Tensor]:
    """The encoder's tensors, float32, checked."""
    if path.suffix.lower() in files.PICKLES:
        read = read_tensors(path, lambda name: name == "latent_avg" or name.startswith("state_dict.encoder."))
        state = {name.removeprefix("state_dict.encoder."): tensor for name, tensor in read.items()}
    else:
        state = files.read(path)
    if not isinstance(state, dict):
        raise ValueError(f"{path}: holds one array, expected the encoder of {PUBLISHED}")
    if "latent_avg" in state:
        state["latent_avg"] = as_latent(state["latent_avg"], f"{path}: latent_avg")
    expected = shapes()
    state = {name: tensor for name, tensor in state.items() if not name.endswith(COUNTER)}
    strange = sorted(state.keys() - expected.keys()) or sorted(expected.keys() - state.keys())
    if strange:
        raise ValueError(
            f"{path}: {len(strange)} tensors {'too many' if strange[0] in state else 'missing'} ({strange[0]}, …); "
            f"expected the encoder of {PUBLISHED}, with {len(expected)}"
        )
    for name, shape in expected.items():
        if tuple(state[name].shape) != shape or not state[name].is_floating_point():
            raise ValueError(
                f"{path}: {name} is {tuple(state[name].shape)} {state[name].dtype}, expected {shape} floats"
            )
        if not torch.isfinite(state[name]).all():
            raise ValueError(f"{path}: {name} holds NaN or infinite numbers; download it again")
    return {name: state[name].float().contiguous() for name in expected}
