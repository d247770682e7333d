"""W+ latents and edit directions: one tensor a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from . import files, ganspace
from .shapes import LAYERS, WIDTH, Float

SHAPES = ((1, LAYERS, WIDTH), (LAYERS, WIDTH), (1, WIDTH), (WIDTH,))
MOST_THINGS = 10_000  # in which a latent is looked for


def load_latent(path: str | Path, number: int | None = None) -> Float[Tensor, "18 512"]:
    """A W+ latent, float32 of shape (18, 512).

    Args:
        path: a ``.pth``, ``.pt``, ``.bin``, ``.npy``, ``.npz`` or ``.safetensors`` file that holds one tensor of
            shape (1, 18, 512), (18, 512), (1, 512) or (512,), in a float type; the last two mean the
            same vector for all 18 layers. Of several latents, (N, 18, 512), it is the mean. The tensor may lie
            in dicts and lists, as projectors write it, if it is the only one of such a shape.
        number: which of several, from 0, instead of their mean.

    Raises:
        ValueError: what the file holds is not such a tensor, or is not finite.
    """
    return as_latent(files.read(path), path, number)


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


def as_latent(content: object, name: str | Path, number: int | None = None) -> Float[Tensor, "18 512"]:
    """Check what a file held and give it the shape (18, 512), float32. Raises ValueError."""
    expected = f"expected one tensor of shape {', '.join(map(str, SHAPES[:-1]))} or {SHAPES[-1]}"
    content = _only(content, name, expected)
    shape = tuple(content.shape)
    if shape not in SHAPES and not _is_batch(content):
        raise ValueError(f"{name}: holds a tensor of shape {shape}; {expected}")
    if not content.is_floating_point():
        raise ValueError(f"{name}: holds {content.dtype}; expected float16, bfloat16, float32 or float64")
    latents = content.detach().to(torch.float32)
    if _is_batch(content):
        if number is not None and not 0 <= number < len(latents):
            raise ValueError(f"{name}: latent {number} of {len(latents)}, expected 0 to {len(latents) - 1}")
        latents = latents.mean(0) if number is None else latents[number]
    latent = latents.reshape(-1, WIDTH).expand(LAYERS, WIDTH).contiguous()
    if not torch.isfinite(latent).all():
        raise ValueError(f"{name}: holds NaN or infinite numbers; export it again")
    return latent


def _only(content: object, name: str | Path, expected: str) -> Tensor:
    """The only tensor, or the only one that has a latent's shape."""
    if isinstance(content, Tensor):
        return content
    if not isinstance(content, (dict, list, tuple)):
        raise ValueError(f"{name}: holds a {type(content).__name__}; {expected}")
    hint = files.hint(map(str, content)) if isinstance(content, dict) else ""
    tensors = [] if hint else [thing for thing in _inside(content) if isinstance(thing, Tensor)]
    fitting = [tensor for tensor in tensors if tuple(tensor.shape) in SHAPES or _is_batch(tensor)]
    for found in (fitting, tensors):
        if len(found) == 1:
            return found[0]
    names = [str(key) for key in content] if isinstance(content, dict) else [type(content).__name__]
    entries = f"{len(content)} entries ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
    several = f", {len(fitting)} of them latents" if len(fitting) > 1 else ""
    raise ValueError(f"{name}: holds {entries}{several}; {expected}{hint}")


def _is_batch(tensor: Tensor) -> bool:
    return tensor.ndim == 3 and tuple(tensor.shape[1:]) == (LAYERS, WIDTH) and len(tensor) > 1


def _inside(content: object) -> Iterator[object]:
    """What is in containers, as far as one looks."""
    waiting = [content]
    for _ in range(MOST_THINGS):
        if not waiting:
            return
        thing = waiting.pop(0)
        if isinstance(thing, dict):
            waiting += thing.values()
        elif isinstance(thing, (list, tuple)):
            waiting += thing
        else:
            yield thing
