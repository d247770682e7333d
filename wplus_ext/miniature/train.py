"""Trains the miniature from nothing: ``python -m wplus_ext.miniature.train --work DIR --out DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .. import terminal
from ..arguments import Parser

PROGRAM = "wplus_ext.miniature.train"
MARK = "training.json"  # in the work folder, by which it is known, with what rules its numbers
OURS = "reader.safetensors"  # in the folder of trained models, which no other pipeline has
MOST_SEED = 2**32 - 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Train everything, and write the folder that the command line reads; 0, or 2 after one line."""
    parser = Parser(prog=f"python -m {PROGRAM}", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints; a second run goes on there")
    parser.add_argument("--out", type=Path, required=True, help="folder for the trained models")
    parser.add_argument("--device", default="", help="default: the GPU where there is one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shorten", type=float, default=1.0, help="train so much of all steps, to try the code")
    parser.add_argument("--bfloat16", action="store_true", help="for the autoencoder: faster on a GPU, or AMX")
    parser.add_argument("--force", action="store_true", help="write into a folder that holds other models, over them")
    options = parser.parse_args(arguments)
    return terminal.reported(PROGRAM, lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Ask whether that can be, and train. Raises ValueError where not, OSError where the disk does not let us write."""
    if not 0 <= options.seed <= MOST_SEED:
        raise ValueError(f"--seed is {options.seed}, expected 0 to {MOST_SEED}")
    if not 0 < options.shorten <= 1:
        raise ValueError(f"--shorten is {options.shorten:g}, expected more than 0 and at most 1")
    check_out(options.out, options.force)
    import torch  # takes seconds

    from ..weights.devices import check_device

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_device(device)
    from . import export, stages  # need diffusers

    claim(options.work, {name: getattr(options, name) for name in ("seed", "shorten", "bfloat16")})
    trainer = stages.Trainer(options.work, device, options.seed, options.shorten, options.bfloat16)
    made = stages.train(trainer)
    check_out(options.out, options.force)  # again: hours have passed
    export.export(options.out, *made)


def check_out(out: Path, force: bool = False) -> None:
    """Raise ValueError for a place of the trained models where something else is; with ``force`` only for a file."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"{out} is a file, expected a folder for the trained models; choose another name")
    if any(out.iterdir()) and not (out / OURS).is_file() and not force:
        raise ValueError(
            f"{out} holds something else than models that were trained here; choose another folder, or add --force to "
            "write over what has their names"
        )


def claim(work: Path, rules: dict[str, object]) -> None:
    """Make a folder for checkpoints, or go on in it. Raises ValueError where it holds anything else, or the checkpoints
    of other ``rules``, which would be mixed."""
    from ..library.ledger import read_json, write_json
    from ..weights.swap import clear_dead

    if work.exists() and not work.is_dir():
        raise ValueError(f"{work} is a file, expected a folder for checkpoints; choose another name")
    work.mkdir(parents=True, exist_ok=True)
    clear_dead(work)
    held = sorted(path.name for path in work.iterdir())
    if MARK in held:
        before = read_json(work / MARK) or {}
        if before != rules:
            said = ", ".join(f"{name} {value}" for name, value in before.items()) or "settings that cannot be read"
            raise ValueError(f"{work} holds a training with {said}; go on with these, or choose another folder")
    elif held:
        raise ValueError(f"{work} holds {held[0]}, so it is no folder of checkpoints; choose an empty one")
    else:
        write_json(work / MARK, rules)


if __name__ == "__main__":
    terminal.script(PROGRAM, main)
