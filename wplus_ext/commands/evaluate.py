"""Measure on the miniature whether the edit edits."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from ..version import VERSION
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing
from .common import add_force

MARK = "wplus_ext evaluate"  # in the JSON, by which its files are known
LARGEST = 1 << 24  # bytes of such a file, which has some thousand


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    parser.add_argument("--quick", action="store_true", help="fewer videos, rougher figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    add_force(parser)
    parser.add_argument("--device", default="", help="default: the GPU where there is one")


def run(options: argparse.Namespace) -> None:
    """Write the JSON; print the table."""
    from ..miniature.evaluate import evaluate  # needs diffusers
    from ..studio.pipeline import Studio

    check = partial(check_place, options.json, _is_ours, options.force)
    if options.json:
        check()
    found = evaluate(Studio(device=options.device), options.quick)
    if options.json:  # before anything is printed, which may fail
        with replacing(options.json, check) as part:
            part.write_text(json.dumps({MARK: VERSION, **found}, indent=2) + "\n", encoding="utf-8")
    shape = (
        f"{found['seeds']} seeds x {found['prompts']} prompts, {found['steps']} steps, guidance {found['guidance']:g}"
    )
    print(f"the miniature, {shape}; value ± standard deviation over videos")
    print("\n".join(found["table"]))
    for name, (low, high) in found["ranges"].items():
        print(f"{name}: pictures hold from lambda {low:g} to {high:g}")


def _is_ours(path: Path) -> bool:
    """Whether this command wrote a file."""
    try:
        content = json.loads(read_regular(path, LARGEST))
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and MARK in content
