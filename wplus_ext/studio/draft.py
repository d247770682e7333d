"""Videos in the making."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..window import step_of
from .control import Control
from .noise import Noise


@dataclass(frozen=True, eq=False)
class Draft:
    """Videos between two UNet calls: latents (V, C, F, h, w), the text of all rows, where scheduler and noise stand.

    ``taken`` are the steps in all, as a person counts them, of which each may have several UNet calls.
    """

    latents: Tensor
    text: Tensor
    scheduler: object
    noise: Noise
    call: int  # the next one
    taken: int
    guidance: float
    skipped: int = 0  # of the scheduler's timesteps, the first ones, where a video of one's own is begun with
    control: Control | None = None

    @property
    def calls(self) -> int:
        """How many there are in all."""
        return len(self.scheduler.timesteps) - self.skipped

    def step_of(self, call: int) -> int:
        """The step that a UNet call belongs to."""
        return step_of(call, self.calls, self.taken)

    def call_of(self, step: int) -> int:
        """The first UNet call of a step."""
        return -(-step * self.calls // self.taken)

    @property
    def is_guided(self) -> bool:
        """Whether there are negative rows."""
        return self.guidance > 1

    def times(self, count: int) -> Draft:
        """The same videos so often, one after the other."""
        text = [part.repeat(count, 1, 1) for part in self.text.chunk(2 if self.is_guided else 1)]

        def repeated(value: object) -> object:
            """What a scheduler remembers: of latents for so many."""
            if isinstance(value, (list, tuple)):
                return type(value)(map(repeated, value))
            is_latents = isinstance(value, Tensor) and value.shape == self.latents.shape
            return value.repeat(count, 1, 1, 1, 1) if is_latents else value

        scheduler = copy.copy(self.scheduler)
        vars(scheduler).update({name: repeated(value) for name, value in vars(scheduler).items()})
        noise = self.noise.times(count)
        return replace(self, latents=repeated(self.latents), text=torch.cat(text), scheduler=scheduler, noise=noise)
