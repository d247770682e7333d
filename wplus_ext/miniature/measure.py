"""What the factors of a picture are, read by a small network, and whether it is a drawn face at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import avg_pool2d

from . import world
from .models import Reader


class Ruler:
    """Measures pictures with the trained reader of a folder.

    Args:
        folder: the miniature's, with ``reader.safetensors``.
    """

    def __init__(self, folder: Path) -> None:
        self.reader = Reader()
        self.reader.load_state_dict(
            {key: value.float() for key, value in load_file(folder / "reader.safetensors").items()}
        )
        self.reader.eval()

    def factors(self, frames: np.ndarray) -> Tensor:
        """The seven factors of pictures (..., 64, 64, 3) uint8, in the order of `world.FACTORS`: (..., 7)."""
        return self._read(frames)[..., : len(world.FACTORS)]

    def strangeness(self, frames: np.ndarray) -> Tensor:
        """How much pictures (..., 64, 64, 3) uint8 differ from the drawing of what is read in them: (...,).

        The mean absolute difference, on a scale of 0 to 2, of pictures blurred by 4x4 pixels, so that a
        mouth half a pixel off says nothing. A picture that is no drawn face cannot be drawn again.
        """
        read, pictures = self._read(frames).flatten(0, -2), _pictures(frames)
        count = len(world.FACTORS)
        again = world.draw(read[:, :count], read[:, count:])
        return (avg_pool2d(again, 4) - avg_pool2d(pictures, 4)).abs().mean((1, 2, 3)).reshape(frames.shape[:-3])

    @torch.no_grad()
    def _read(self, frames: np.ndarray) -> Tensor:
        parts = [self.reader(part) for part in _pictures(frames).split(256)]
        return torch.cat(parts).reshape(*frames.shape[:-3], -1)


def _pictures(frames: np.ndarray) -> Tensor:
    expected = (world.SIZE, world.SIZE, 3)
    if frames.shape[-3:] != expected:
        raise ValueError(f"pictures have the shape {frames.shape[-3:]}, expected {expected}")
    return torch.from_numpy(frames.reshape(-1, *expected)).permute(0, 3, 1, 2).float() / 127.5 - 1
