"""The cross-attentions of a UNet, in the order in which an adapter file counts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from ..weights.adapter import Adapter


@dataclass(frozen=True)
class Site:
    """One cross-attention.

    ``path`` is its module path in the UNet; ``transformer`` the module around it, which takes pictures; ``width`` the
    channels C of its result f; ``text`` the width of the tokens that it attends to.
    """

    path: str
    attention: nn.Module
    transformer: nn.Module
    heads: int
    width: int
    text: int

    @property
    def output(self) -> nn.Module:
        """The linear layer whose input is f. Every attention implementation of the WebUI and of
        diffusers calls it; some never call ``to_out`` itself."""
        return self.attention.to_out[0]


def find_sites(unet: nn.Module) -> list[Site]:
    """The cross-attentions: down blocks, then up blocks, then the middle block.

    Found by path, since motion modules own an ``attn2`` too, which attends over time.

    Args:
        unet: a CompVis ``UNetModel``, or a diffusers ``UNet2DConditionModel`` or ``UNetMotionModel``.

    Raises:
        ValueError: ``unet`` is none of these.
    """
    if hasattr(unet, "input_blocks") and hasattr(unet, "output_blocks"):
        blocks = _compvis(unet)
    elif hasattr(unet, "down_blocks") and hasattr(unet, "up_blocks"):
        blocks = _diffusers(unet)
    else:
        raise ValueError(
            f"the UNet is a {type(unet).__name__}; expected a CompVis UNetModel or a diffusers "
            "UNet2DConditionModel or UNetMotionModel (a UNet that another program replaced, as TensorRT does, "
            "has no layers to reach: switch that off)"
        )
    return [_site(path, block.attn2, transformer) for path, block, transformer in blocks]


def check_fit(adapter: Adapter, sites: Sequence[Site]) -> None:
    """Raise ValueError unless the adapter's layers are those of the UNet."""
    got = [site.width for site in sites]
    texts = {site.text for site in sites}
    if got == adapter.widths and texts == {adapter.text}:
        return
    widths, text = ", ".join(map(str, got)) or "none", ", ".join(map(str, sorted(texts))) or "none"
    raise ValueError(
        f"adapter {adapter.name!r} does not fit this checkpoint: the UNet has {len(got)} cross-attentions of widths "
        f"{widths} and text width {text}; the adapter has {len(adapter.layers)} of widths "
        f"{', '.join(map(str, adapter.widths))} and text width {adapter.text}. "
        "The published adapter needs a checkpoint of Stable Diffusion 1.5, not 2.x or SDXL"
    )


def _compvis(unet: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    groups = [(f"input_blocks.{i}", block) for i, block in enumerate(unet.input_blocks)]
    groups += [(f"output_blocks.{i}", block) for i, block in enumerate(unet.output_blocks)]
    groups.append(("middle_block", unet.middle_block))
    for path, group in groups:
        # Motion modules come and go in these blocks; a spatial transformer owns its blocks directly.
        for name, child in group.named_children():
            yield from _blocks(f"{path}.{name}", child)


def _diffusers(unet: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    groups = [(f"down_blocks.{i}", block) for i, block in enumerate(unet.down_blocks)]
    groups += [(f"up_blocks.{i}", block) for i, block in enumerate(unet.up_blocks)]
    groups.append(("mid_block", unet.mid_block))
    for path, group in groups:
        for name, child in enumerate(getattr(group, "attentions", None) or ()):
            yield from _blocks(f"{path}.attentions.{name}", child)


def _blocks(path: str, transformer: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    # FreeNoise's split inference calls it, within a wrapper, with some of the rows at a time.
    while not hasattr(transformer, "transformer_blocks") and isinstance(
        inner := getattr(transformer, "module", None), nn.Module
    ):
        path, transformer = f"{path}.module", inner
    for i, block in enumerate(getattr(transformer, "transformer_blocks", ())):
        if getattr(block, "attn2", None) is not None:
            yield f"{path}.transformer_blocks.{i}.attn2", block, transformer


def _site(path: str, attention: nn.Module, transformer: nn.Module) -> Site:
    output = attention.to_out[0]
    return Site(path, attention, transformer, attention.heads, output.in_features, attention.to_k.in_features)
