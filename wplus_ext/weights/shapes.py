"""Shapes in signatures, and the sizes that all of them share.

``Float[Tensor, "B 18 512"]`` is a tensor of floats whose axes have these names and sizes; a name stands for one number
within a signature. With jaxtyping (development and tests, which check every call by it) they are checked; without it,
as for users, they are words for the reader.

The names: ``B`` latents, ``F`` frames, ``rows`` of a UNet call, ``N`` tokens of a row, ``C`` channels, ``H`` heads,
``text`` the text's width, ``K`` terms of a row, ``U`` distinct latents.
"""

from __future__ import annotations

from ..tracks import LAYERS

try:
    from jaxtyping import Float, Int, UInt8
except ImportError:

    class _Unchecked:
        def __class_getitem__(cls, item: tuple) -> object:
            return item[0]

    Float = Int = UInt8 = _Unchecked

WIDTH = 512  # columns of a W+ latent; its rows are LAYERS
TOKENS = 4  # that an adapter makes of a latent

__all__ = ["LAYERS", "TOKENS", "WIDTH", "Float", "Int", "UInt8"]
