"""Measure on the miniature whether the edit edits."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    parser.add_argument("--quick", action="store_true", help="fewer videos, rougher figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--device", default="", help="default: the GPU where there is one")


def run(options: argparse.Namespace) -> None:
    """Print the table; write the JSON."""
    from ..miniature.evaluate import evaluate  # needs diffusers
    from ..studio.pipeline import Studio

    if options.json and not options.json.parent.is_dir():
        raise ValueError(f"{options.json.parent}: no such folder, expected one to write {options.json.name} into")
    found = evaluate(Studio(device=options.device), options.quick)
    shape = (
        f"{found['seeds']} seeds x {found['prompts']} prompts, {found['steps']} steps, guidance {found['guidance']:g}"
    )
    print(f"the miniature, {shape}; value ± standard deviation over videos")
    print("\n".join(found["table"]))
    for name, (low, high) in found["ranges"].items():
        print(f"{name}: pictures hold from lambda {low:g} to {high:g}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
