"""The command line: ``python -m wplus_ext COMMAND``.

What takes time is imported when it is wanted, torch above all: Ctrl+C is heard before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import terminal
from .commands import NAMES

if TYPE_CHECKING:
    import argparse

PROGRAM = "wplus_ext"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 after one line that says what was wrong. Raises SystemExit where it is the arguments, or
    after ``--help``."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    who = " ".join([PROGRAM, *[name for name in arguments[:1] if name in NAMES]])

    def act() -> None:
        options = _parser(_needed(arguments)).parse_args(arguments)
        options.run(options)

    return terminal.reported(who, act)


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """The commands whose modules are wanted: the one that is given, or all for the help."""
    first = arguments[0] if arguments else ""
    return [first] if first in NAMES else NAMES if first.startswith("-") else []


def _parser(needed: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    import importlib

    from .arguments import Parser

    parser = Parser(prog="python -m wplus_ext", description="Tools of the W+ Adapter for AnimateDiff.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in NAMES:
        if name not in needed:
            commands.add_parser(name)
            continue
        module = importlib.import_module(f".commands.{name}", __package__)
        words = module.__doc__.strip().rstrip(".")
        command = commands.add_parser(name, help=words[0].lower() + words[1:])
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    terminal.script(PROGRAM, main)
