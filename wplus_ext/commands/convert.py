"""Write an adapter, encoder, latent or direction as safetensors."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ..weights import files
from ..weights.kinds import identify
from ..weights.swap import check_place, replacing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``convert``."""
    parser.add_argument("input", type=Path, help="a .bin, .pt, .pth, .npy or .safetensors file")
    parser.add_argument("output", type=Path, help="the .safetensors file to write")
    parser.add_argument("--force", action="store_true", help="overwrite the output where it exists")


def run(options: argparse.Namespace) -> None:
    """Read the one, write the other."""
    if options.output.suffix.lower() != ".safetensors":
        raise ValueError(f"{options.output}: expected a name that ends in .safetensors")
    check = partial(check_place, options.output, force=options.force)
    check()
    kind, content = identify(options.input)
    if kind.tensors is None:
        raise ValueError(f"{options.input}: a {kind.name}, expected a file of tensors")
    tensors = kind.tensors(content)
    with replacing(options.output, check) as part:
        files.write(part, tensors)
    print(f"{options.output}: {kind.name}, {len(tensors)} {'tensor' if len(tensors) == 1 else 'tensors'}")
