"""Say what a file is, and whether it can be used."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..weights.files import short_hash
from ..weights.kinds import identify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect``."""
    parser.add_argument("file", type=Path, help="an adapter, encoder, latent, direction or GANSpace file")


def run(options: argparse.Namespace) -> None:
    """Describe the file."""
    found = identify(options.file)
    print(f"{options.file}: {options.file.stat().st_size:,} bytes, sha256 {short_hash(options.file)}…")
    print("\n".join(found.kind.describe(found.content)))
