"""What the factors of a picture are, read by a small network, and whether it is a drawn face at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..measure.points import Box
from ..measure.reader import Face
from . import world
from .models import Reader

READS = {"smile": "smile", "age": "age", "eyes_open": "eyes", "yaw": "turn"}  # attributes, and the factors they are
STRANGE = 0.12  # above it a picture is no drawn face: strongly edited ones are below 0.07, those upside down above 0.16


class Ruler:
    """Measures pictures with the trained reader of a folder.

    Args:
        folder: the miniature's, with ``reader.safetensors``.
    """

    units = MappingProxyType({})

    def __init__(self, folder: Path) -> None:
        self.reader = Reader()
        self.reader.load_state_dict(
            {key: value.float() for key, value in load_file(folder / "reader.safetensors").items()}
        )
        self.reader.eval()

    def factors(self, frames: np.ndarray) -> Tensor:
        """The seven factors of pictures (..., 64, 64, 3) uint8, in the order of `world.FACTORS`: (..., 7)."""
        return self._read(frames)[..., : len(world.FACTORS)]

    def read(self, frames: Iterable[np.ndarray]) -> Iterator[list[Face]]:
        """The face of each frame, (64, 64, 3) uint8, as `measure.reader` has faces; none where it is no drawn one.

        Its box is the picture, it has no points, and its numbers are factors: an age is about -1 to 1.
        """
        for frame in frames:
            picture = np.asarray(frame)[None]
            if float(self.strangeness(picture)) > STRANGE:
                yield []
                continue
            factors = dict(zip(world.FACTORS, self.factors(picture)[0].tolist()))
            values = {attribute: factors[name] for attribute, name in READS.items()}
            yield [Face(Box(0, 0, world.SIZE, world.SIZE, 1.0), np.full((68, 2), np.nan), values)]

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
