"""Edits faces in AnimateDiff videos: a residual cross-attention from StyleGAN W+ latents and directions."""

from .edit.attach import attach
from .edit.plan import Branch, Plan
from .version import VERSION
from .weights.adapter import Adapter
from .weights.latents import load_direction, load_latent

__all__ = ["Adapter", "Branch", "Plan", "attach", "load_direction", "load_latent"]
__version__ = VERSION
