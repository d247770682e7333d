"""Calls of the small UNets, and edits to try on them."""

from __future__ import annotations

import inspect
from contextlib import contextmanager

import plain
import torch

from wplus_ext import Branch, Plan, attach

F = 4
FRAMES = [0, 1, 2, 3, 0, 1, 2, 3]
NEGATIVE = [False] * F + [True] * F


def latents(*shape, seed=0):
    return torch.randn(*shape, 18, 512, generator=torch.Generator().manual_seed(seed))


PLANS = {
    "one direction": [Branch(latents(), 0.5)],
    "a scale per frame": [Branch(latents(), [-0.7, 0.0, 0.3, 0.7])],
    "a latent per frame": [Branch(latents(F), 1.0)],
    "both per frame": [Branch(latents(F), [-1.0, 0.5, 0.0, 1.0])],
    "several branches": [Branch(latents(seed=1), [-0.7, 0, 0, 0.7]), Branch(latents(seed=2), 0.3)],
    "a latent that moves": [
        Branch(latents(), [1, 0.5, 0, -1], [(latents(seed=1), [-8, 0, 3, 8]), (latents(seed=2), 2)])
    ],
    "moved and still": [
        Branch(latents(seed=1), 0.5, [(latents(seed=3), [0, 1, 2, 3])]),
        Branch(latents(F, seed=2), 0.2),
        Branch(latents(seed=4), [0, 0, 1, 1]),
    ],
    "latents of its own that move": [Branch(latents(F, seed=2), 0.5, [(latents(seed=3), [0, 1, 2, 3])])],
    "shared and per frame": [Branch(latents(seed=1), [0.5, 0, -0.5, 1]), Branch(latents(F, seed=2), [1, 0, 0.2, -0.3])],
}


def call(unet, rows=2 * F, text=77):
    """A UNet call with ``rows`` rows; a motion UNet gets them as two videos."""
    g = torch.Generator().manual_seed(1)
    context = torch.randn(rows, text, plain.TEXT, generator=g)
    x = torch.randn(rows, 4, 8, 8, generator=g)
    with torch.no_grad():
        if hasattr(unet, "input_blocks"):
            return unet(x, torch.full((rows,), 500), context=context)
        if type(unet).__name__ == "UNetMotionModel":
            video = x.view(2, rows // 2, 4, 8, 8).transpose(1, 2)
            if "encoder_hidden_states.repeat_interleave" in inspect.getsource(type(unet).forward):
                context = context[:: rows // 2]  # older versions want the text of each video, not of each frame
            return unet(video, torch.full((2,), 500), context).sample
        return unet(x, torch.full((rows,), 500), context).sample


@contextmanager
def edited(unet, adapter, branches, frames=FRAMES, negative=NEGATIVE, **values):
    """The UNet with a plan attached and rows announced."""
    with attach(unet, adapter, Plan(branches, **values)) as live:
        live.rows(frames, negative)
        yield live


def expected_rows(branches, frames=FRAMES, negative=NEGATIVE, touch_negative=True):
    """For each row its terms, (scale, latent), by the words of the paper."""
    rows = []
    for frame, is_negative in zip(frames, negative):
        terms = [(branch.scales(max(frames) + 1)[frame], branch.latent(frame)) for branch in branches]
        terms = [(scale, torch.zeros(18, 512) if is_negative else w) for scale, w in terms]
        rows.append([] if is_negative and not touch_negative else terms)
    return rows


def difference(got, wanted):
    """The relative one."""
    return ((got - wanted).norm() / wanted.norm()).item()
