"""What hostile files cost: ``python -m benchmarks.files [COUNT]``, on Linux.

Each file of `hostile.KINDS`, from several seeds, is read by every loader in a child process of its own. Printed are
the most memory that a child took beyond what it began with, the longest time, and whether anything ran. Exit code 1
where a file takes more than 300 MB or 5 seconds, ends in another error than ValueError or OSError, or runs code.
"""

from __future__ import annotations

import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.hostile import KINDS
from wplus_ext.library.identities import read_person
from wplus_ext.library.index import Library
from wplus_ext.photos.photo import open_photo
from wplus_ext.weights import encoder, kinds, latents
from wplus_ext.weights.adapter import Adapter

MOST, LONGEST = 300 << 20, 5.0  # bytes, seconds
LOADERS: dict[str, Callable[[Path], object]] = {
    "identify": kinds.identify,
    "latent": latents.load_latent,
    "direction": latents.load_direction,
    "adapter": Adapter.load,
    "encoder": encoder.Encoder.load,
    "is_encoder": encoder.is_encoder,
    "photo": open_photo,
    "person": read_person,
    "library": lambda path: Library([path.parent.parent]).entries("directions"),
}


class Cost(NamedTuple):
    """Of reading a file: bytes beyond what the reader began with, seconds, and what went wrong."""

    size: int
    seconds: float
    fault: str


def cost(loader: Callable[[Path], object], path: Path) -> Cost:
    """Read a file in a child process."""
    before = _resident()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        signal.alarm(int(2 * LONGEST))
        os._exit(_read(loader, path))
    _, status, usage = os.wait4(child, 0)
    fault = "" if status == 0 else "signal" if os.WIFSIGNALED(status) else "another error"
    return Cost(max(usage.ru_maxrss * 1024 - before, 0), time.monotonic() - began, fault)


def _read(loader: Callable[[Path], object], path: Path) -> int:
    try:
        loader(path)
    except (ValueError, OSError):
        return 0
    except BaseException as error:
        print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def kept(path: Path) -> int:
    """What a loader may keep of a file: its size, or the pixels of a whole picture."""
    picture = path.suffix in (".png", ".jpg", ".gif", ".tiff")
    return 4 * 64_000_000 if picture else path.stat().st_size if path.is_file() else 0


def measure(names: list[str], seeds: int) -> list[tuple[str, str, Cost]]:
    """The files that cost too much, or go wrong: kind, loader and cost."""
    bad, largest, slowest, count = [], (Cost(0, 0.0, ""), ""), (Cost(0, 0.0, ""), ""), 0
    for name in names:
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder, "directions")
                place.mkdir()
                path = KINDS[name](place, random.Random(seed))
                allowed = MOST + kept(path)
                count += 1
                for called, loader in LOADERS.items():
                    found = cost(loader, path)
                    largest = max(largest, (found, f"{name}, {called}"), key=lambda one: one[0].size)
                    slowest = max(slowest, (found, f"{name}, {called}"), key=lambda one: one[0].seconds)
                    if found.fault or found.size > allowed or found.seconds > LONGEST or (place / "ran").exists():
                        bad.append((name, called, found))
    print(
        f"{count} files, {len(LOADERS)} loaders: at most {largest[0].size / 1e6:.0f} MB ({largest[1]}) and "
        f"{slowest[0].seconds:.2f} s ({slowest[1]}); {len(bad)} too much"
    )
    return bad


if __name__ == "__main__":
    torch.set_num_threads(1)  # a child has none of the parent's threads
    logging.disable()  # what a library leaves out
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    found = measure(list(KINDS), max(wanted // len(KINDS), 1))
    for name, loader, spent in found:
        print(f"{name}, {loader}: {spent.size / 1e6:.0f} MB, {spent.seconds:.2f} s {spent.fault}")
    sys.exit(1 if found else 0)
