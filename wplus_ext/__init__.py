"""Edits faces in AnimateDiff videos: a residual cross-attention from StyleGAN W+ latents and directions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .version import VERSION

if TYPE_CHECKING:
    from .edit.attach import attach
    from .edit.plan import Branch, Plan
    from .hosts.diffusers import load_wplus, set_wplus, unload_wplus, wplus
    from .weights.adapter import Adapter
    from .weights.latents import load_direction, load_latent

__all__ = [
    "Adapter", "Branch", "Plan", "attach", "load_direction", "load_latent", "load_wplus", "set_wplus", "unload_wplus",
    "wplus",
]  # fmt: skip
__version__ = VERSION

# Loaded when they are asked for: torch takes seconds, in which the command line must hear Ctrl+C already.
_PLACES = {
    "Adapter": ".weights.adapter", "Branch": ".edit.plan", "Plan": ".edit.plan", "attach": ".edit.attach",
    "load_direction": ".weights.latents", "load_latent": ".weights.latents",
    **dict.fromkeys(("load_wplus", "set_wplus", "unload_wplus", "wplus"), ".hosts.diffusers"),
}  # fmt: skip


def __getattr__(name: str) -> object:
    """One of the library's names."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_PLACES[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
