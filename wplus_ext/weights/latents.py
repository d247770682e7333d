"""W+ latents and edit directions: one tensor a file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from . import files, ganspace
from .shapes import LAYERS, WIDTH, Float

SHAPES = ((1, LAYERS, WIDTH), (LAYERS, WIDTH), (1, WIDTH), (WIDTH,))


def load_latent(path: str | Path) -> Float[Tensor, "18 512"]:
    """A W+ latent, float32 of shape (18, 512).

    Args:
        path: a ``.pth``, ``.pt``, ``.bin``, ``.npy`` or ``.safetensors`` file that holds one tensor of
            shape (1, 18, 512), (18, 512), (1, 512) or (512,), in a float type; the last two mean the
            same vector for all 18 layers.

    Raises:
        ValueError: what the file holds is not such a tensor, or is not finite.
    """
    return as_latent(files.read(path), path)


def load_direction(path: str | Path) -> Float[Tensor, "18 512"]:
    """An edit direction, float32 of shape (18, 512); the same files as for `load_latent`.

    Raises:
        ValueError: as `load_latent`; also for a GANSpace file, which holds many directions.
    """
    content = files.read(path)
    if ganspace.is_pca(content):
        raise ValueError(
            f"{path}: a GANSpace file with {len(content['comp'])} components, expected one direction; put it into "
            "the directions folder with its table (ganspace_configs.csv) beside it, and use the names of the table"
        )
    return as_latent(content, path)


def as_latent(content: object, name: str | Path) -> Float[Tensor, "18 512"]:
    """Check what a file held and give it the shape (18, 512), float32. Raises ValueError."""
    if isinstance(content, dict) and len(content) == 1:
        (content,) = content.values()
    expected = f"expected one tensor of shape {', '.join(map(str, SHAPES[:-1]))} or {SHAPES[-1]}"
    if isinstance(content, dict):
        names = [str(key) for key in content]
        entries = f"{len(names)} entries ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        raise ValueError(f"{name}: holds {entries}; {expected}{files.hint(names)}")
    if not isinstance(content, Tensor):
        raise ValueError(f"{name}: holds a {type(content).__name__}; {expected}")
    if tuple(content.shape) not in SHAPES:
        raise ValueError(f"{name}: holds a tensor of shape {tuple(content.shape)}; {expected}")
    if not content.is_floating_point():
        raise ValueError(f"{name}: holds {content.dtype}; expected float16, bfloat16, float32 or float64")
    latent = content.detach().to(torch.float32).reshape(-1, WIDTH).expand(LAYERS, WIDTH).contiguous()
    if not torch.isfinite(latent).all():
        raise ValueError(f"{name}: holds NaN or infinite numbers; export it again")
    return latent
