"""The arguments of a command line, as argparse reads them, but with faults in a line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import terminal

_OPTION, _VALUE = re.compile(r"--[a-z][\w-]*", re.ASCII), re.compile(r"-[.\d]")


class Parser(argparse.ArgumentParser):
    """A parser that says a fault in one line, and takes a value such as ``-0.7 > 0`` for one, not for an option."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None) -> object:
        """As argparse does."""
        return super().parse_args(_joined(sys.argv[1:] if args is None else args), namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        terminal.tell(self.prog.removeprefix("python -m "), f"{message}; --help lists what can be given")
        raise SystemExit(terminal.FAILED)


def _joined(arguments: Sequence[str]) -> list[str]:
    """An option and a value after it that begins with a minus and a number are one argument: no option does."""
    made: list[str] = []
    for argument in arguments:
        if made and _VALUE.match(argument) and _OPTION.fullmatch(made[-1]) and "--" not in made:
            made[-1] += f"={argument}"
        else:
            made.append(argument)
    return made
