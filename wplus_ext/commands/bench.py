"""Measure the cost of the edit on this machine."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

import torch

from .. import bench
from . import figures
from .common import add_force

MARK = "wplus_ext bench"  # in the JSON, by which its files are known
MOST_REPEATS = 1000  # a median of more says nothing more
COPIES = 6  # of a layer's rows, that the plain formula holds at once: f, q, what is attended, and so on
UNKNOWN = 8 << 30  # bytes, where the system does not say how many are free


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``bench``."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    parser.add_argument("--device", choices=devices, default=devices[-1], help="default: %(default)s")
    parser.add_argument("--rows", type=_count, default=32, help="rows of a UNet call (default: %(default)s)")
    parser.add_argument("--size", type=_count, default=64, help="side of the latents, 8 to 128 (default: %(default)s)")
    parser.add_argument("--repeats", type=_count, default=5, help="the median of so many (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, for programs")
    add_force(parser)


def run(options: argparse.Namespace) -> None:
    """Print the figures."""
    if options.size % 8 or not 8 <= options.size <= 128:
        raise ValueError(f"--size is {options.size}, expected a multiple of 8 from 8 to 128")
    most = most_rows(options.device, options.size)
    if options.rows > most:
        raise ValueError(f"--rows is {options.rows}, expected at most {most}, for which there is memory now")
    if options.repeats > MOST_REPEATS:
        raise ValueError(f"--repeats is {options.repeats}, expected at most {MOST_REPEATS}")
    if options.json:
        figures.check(options.json, MARK, options.force)
    found = bench.Bench(options.device, options.rows, options.repeats, options.size).run()
    if options.json:
        figures.write(options.json, MARK, found, options.force)


def most_rows(device: str, size: int) -> int:
    """For how many rows of the largest layer a device has memory free."""
    row = max(map(math.prod, zip(bench.lengths(size), bench.WIDTHS))) * (4 if device == "cpu" else 2)
    return max(_free(device) // (COPIES * row), 1)


def _free(device: str) -> int:
    """Bytes of memory."""
    if device != "cpu":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, ValueError, LookupError):  # no Linux
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):  # Windows
        return UNKNOWN


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 1, of at most 18 digits")
    return int(text)
