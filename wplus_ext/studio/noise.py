"""What is drawn at random for a video, from its first noise to its last step: all of it follows from the seed."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Noise:
    """The generators of some videos, each where it stands. They draw on the CPU, so that all devices see the same."""

    generators: tuple[torch.Generator, ...]

    @classmethod
    def of(cls, seeds: Sequence[int]) -> Noise:
        """Generators at their beginning."""
        return cls(tuple(torch.Generator().manual_seed(seed) for seed in seeds))

    def times(self, count: int = 1) -> Noise:
        """So many times the same, which draw what these will, and leave these where they stand."""
        return Noise(tuple(map(_copied, self.generators * count)))

    def options(self, scheduler: object, latents: Tensor) -> dict[str, object]:
        """What ``scheduler.step`` is to be given beside its own, for latents (V, C, F, h, w): nothing where it draws
        nothing.

        DPM++ SDE takes no generator: it asks a noise sampler, which gets one Brownian path a video here. A path is the
        same wherever one begins to follow it, so it need not be kept between two runs of steps.
        """
        if hasattr(scheduler, "noise_sampler"):
            scheduler.noise_sampler = _paths(scheduler, latents, [each.initial_seed() for each in self.generators])
        takes = "generator" in inspect.signature(scheduler.step).parameters
        return {"generator": [*self.generators]} if takes else {}


def _copied(generator: torch.Generator) -> torch.Generator:
    """One that draws what this one will; torch's own can be copied by no other way in all its versions."""
    return torch.Generator().set_state(generator.get_state())


def _paths(scheduler: object, latents: Tensor, seeds: list[int]):  # noqa: ANN202 - what diffusers calls a noise sampler
    """What gives a scheduler its noise between two of its sigmas."""
    from diffusers.schedulers.scheduling_dpmsolver_sde import BrownianTreeNoiseSampler

    sigmas = scheduler.sigmas.float().cpu()
    like = torch.zeros(latents.shape)
    sampler = BrownianTreeNoiseSampler(like, sigmas[sigmas > 0].min().item(), sigmas.max().item(), seeds)

    def between(sigma: Tensor, following: Tensor) -> Tensor:
        return sampler(sigma.cpu(), following.cpu()).to(latents)

    return between
