"""What a file is: the one place that asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from . import encoder, files, ganspace
from .adapter import Adapter, is_adapter
from .encoder import Encoder
from .latents import as_latent
from .regular import check_regular


@dataclass(frozen=True)
class Kind:
    """A kind of file: the ``folders`` of the library where it belongs, what it is, in words, from its content, and
    what `convert` writes of it (None: it stays as it is)."""

    name: str
    folders: tuple[str, ...]
    describe: Callable[[object], list[str]]
    tensors: Callable[[object], dict[str, Tensor]] | None = None


class Found(NamedTuple):
    """What a file is, and what was read of it: an `Adapter`, an `Encoder`, a latent (18, 512), the dict of a GANSpace
    PCA, or the lines of its table."""

    kind: Kind
    content: object


def identify(path: str | Path) -> Found:
    """What a file is, read whole and checked as whoever uses it will.

    Raises:
        ValueError: none of the kinds, or a damaged one; says what it might be.
        OSError: the file cannot be read.
    """
    path = Path(path)
    check_regular(path)
    if path.suffix.lower() == ".csv":
        return Found(TABLE, ganspace.read_table(path))
    if encoder.is_encoder(path):
        return Found(ENCODER, Encoder.load(path))
    content = files.read(path)
    if ganspace.is_pca(content):
        ganspace.check_pca(content, path)
        return Found(PCA, content)
    if is_adapter(content):
        return Found(ADAPTER, Adapter.of(content, path))
    return Found(LATENT, as_latent(content, path))


def _count(tensors: dict[str, Tensor]) -> str:
    return f"{sum(tensor.numel() for tensor in tensors.values()):,} numbers"


def _describe_adapter(adapter: Adapter) -> list[str]:
    size = f"{len(adapter.layers)} cross-attentions, text width {adapter.text}, {_count(adapter.state())}"
    return [f"W+ adapter: {size}", f"widths: {' '.join(map(str, adapter.widths))}"]


def _describe_latent(w: Tensor) -> list[str]:
    same = "the same vector in all 18 layers" if (w == w[0]).all() else "a vector for each of 18 layers"
    norms = w.norm(dim=1)
    return [
        f"W+ latent or direction: {same}",
        f"norm of a layer: {norms.min():.4f} to {norms.max():.4f}; of all: {w.norm():.4f}",
        "an edit direction is short (about 0.3 to 1.2 a layer), a face's latent long (about 10 to 13)",
    ]


ADAPTER = Kind("adapter", ("adapters",), _describe_adapter, Adapter.state)
ENCODER = Kind(
    "encoder", ("encoders",),
    lambda encoder: [f"e4e's encoder: {_count(encoder.tensors())}; `invert` makes latents of photos with it"],
    Encoder.tensors,
)  # fmt: skip
LATENT = Kind("latent", ("latents", "directions"), _describe_latent, lambda w: {"w": w})
PCA = Kind(
    "GANSpace PCA", ("directions",),
    lambda content: [f"GANSpace PCA with {len(content['comp'])} components: use the names of its table"],
    lambda content: {name: content[name].contiguous() for name in ("mean", "comp", "std")},
)  # fmt: skip
TABLE = Kind(
    "GANSpace table", ("directions",),
    lambda lines: [f"GANSpace table of {len(lines)} directions: it wants its PCA file beside it"],
)  # fmt: skip
