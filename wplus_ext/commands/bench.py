"""Measure the cost of the edit on this machine."""

from __future__ import annotations

import argparse

import torch

from .. import bench


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``bench``."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    parser.add_argument("--device", choices=devices, default=devices[-1], help="default: %(default)s")
    parser.add_argument("--rows", type=_count, default=32, help="rows of a UNet call (default: %(default)s)")
    parser.add_argument("--repeats", type=_count, default=5, help="the median of so many (default: %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Print the figures."""
    bench.run(options.device, options.rows, options.repeats)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)
