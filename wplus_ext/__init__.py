"""Edits faces in AnimateDiff videos: a residual cross-attention from StyleGAN W+ latents and directions."""

from .adapter import Adapter
from .files import load_direction, load_latent
from .hooks import attach
from .plan import Branch, Plan
from .version import VERSION

__all__ = ["Adapter", "Branch", "Plan", "attach", "load_direction", "load_latent"]
__version__ = VERSION
