"""Render the tables of the research in small, with the miniature."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import add_force


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``demo``."""
    parser.add_argument(
        "--out", type=Path, default=Path("wplus-demo"), help="folder to write to (default: %(default)s)"
    )
    add_force(parser)


def run(options: argparse.Namespace) -> None:
    """Write the tables and their page, and say where."""
    from ..miniature import demo  # needs diffusers

    videos, tables = demo.write(options.out, options.force)
    print(f"{videos} videos in {tables} tables: open {(options.out / demo.PAGE).resolve()}")
