"""Videos longer than what motion modules see at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .shot import Shot


@contextmanager
def windows(pipe: object, shot: Shot) -> Iterator[None]:
    """FreeNoise's sliding windows in a pipeline, where the shot is longer than its context.

    Raises ValueError for a diffusers that does not know them.
    """
    if shot.frames <= shot.context:
        yield
        return
    if not hasattr(pipe, "enable_free_noise"):
        raise ValueError(f"{shot.frames} frames with a context of {shot.context} need diffusers 0.31 or newer")
    pipe.enable_free_noise(context_length=shot.context, context_stride=max(shot.context // 4, 1))
    try:
        yield
    finally:
        middle = pipe.unet.mid_block
        bare = not hasattr(middle, "motion_modules")
        if bare:  # disable_free_noise asks for them whether there are any or not
            middle.motion_modules = torch.nn.ModuleList()
        pipe.disable_free_noise()
        if bare:
            del middle.motion_modules
