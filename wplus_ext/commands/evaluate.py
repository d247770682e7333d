"""Measure on the miniature whether the edit edits."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import figures
from .common import add_force, add_workers, workers

MARK = "wplus_ext evaluate"  # in the JSON, by which its files are known


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``."""
    parser.add_argument("--quick", action="store_true", help="fewer videos, rougher figures")
    parser.add_argument("--aim", action="store_true", help="also whether aiming reaches what is asked")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    add_force(parser)
    parser.add_argument("--device", default="", help="default: the GPU where there is one")
    add_workers(parser)


def run(options: argparse.Namespace) -> None:
    """Write the JSON; print the table."""
    from ..miniature.aiming import evaluate_aim  # needs diffusers
    from ..miniature.evaluate import evaluate
    from ..studio.pipeline import Studio

    if options.json:
        figures.check(options.json, MARK, options.force)
    studio = Studio(device=options.device)
    with workers(options, studio, studio.choice) as who:
        found = evaluate(studio, options.quick, who)
        if options.aim:
            aimed = evaluate_aim(studio, options.quick, who)
            found["figures"] += [figure.to_dict() for figure in aimed]
            found["table"] += [figure.line() for figure in aimed]
    if options.json:  # before anything is printed, which may fail
        figures.write(options.json, MARK, found, options.force)
    shape = (
        f"{found['seeds']} seeds x {found['prompts']} prompts, {found['steps']} steps, guidance {found['guidance']:g}"
    )
    print(f"the miniature, {shape}; value ± standard deviation over videos")
    print("\n".join(found["table"]))
    for name, (low, high) in found["ranges"].items():
        print(f"{name}: pictures hold from lambda {low:g} to {high:g}")
