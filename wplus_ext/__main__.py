"""The command line: ``python -m wplus_ext COMMAND``.

What takes time is imported when it is wanted, torch above all: Ctrl+C is heard before.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from .commands import NAMES, terminal

if TYPE_CHECKING:
    import argparse

PROGRAM = "wplus_ext"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 after one line that says what was wrong. Raises SystemExit where it is the arguments, or
    after ``--help``."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    who = " ".join([PROGRAM, *[name for name in arguments[:1] if name in NAMES]])
    try:
        options = _parser(_needed(arguments)).parse_args(arguments)
        options.run(options)
    except KeyboardInterrupt:
        reason = terminal.STOPPED
    except Exception as error:
        reason = terminal.STOPPED if terminal.interrupted() else _reason(error)
        if reason is None:
            raise
    else:
        return 0
    terminal.tell(who, reason)
    return terminal.FAILED


def _reason(error: Exception) -> str | None:
    """What was wrong, for a person; None for a fault of ours."""
    from safetensors import SafetensorError

    text = str(error) or type(error).__name__
    if isinstance(error, terminal.Unprinted):
        return error.reason
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _is_memory(text)):
        return f"the memory does not suffice ({text[:200]}); ask for less at once"
    if isinstance(error, RecursionError):
        return f"something given is nested too deeply ({text})"
    if isinstance(error, OverflowError):
        return f"a number is too large ({text}); give a smaller one"
    if isinstance(error, ImportError):
        return f'{text}; this command needs pip install -e ".[diffusers]"'
    return text if isinstance(error, (ValueError, OSError, SafetensorError)) else None


def _is_memory(text: str) -> bool:
    """Whether torch says so: it has no class for it on the CPU."""
    return any(words in text.lower() for words in ("out of memory", "can't allocate memory", "not enough memory"))


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """The commands whose modules are wanted: the one that is given, or all for the help."""
    first = arguments[0] if arguments else ""
    return [first] if first in NAMES else NAMES if first.startswith("-") else []


def _parser(needed: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    import argparse
    import importlib

    parser = argparse.ArgumentParser(prog="python -m wplus_ext", description="Tools of the W+ Adapter for AnimateDiff.")
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


def _script() -> NoReturn:
    """The whole life of the process."""
    terminal.prepare(PROGRAM)
    try:
        code = main()
    except SystemExit as end:  # argparse has said it
        code = end.code if isinstance(end.code, int) else terminal.FAILED
    except KeyboardInterrupt:  # a second one, while the first was told
        code = terminal.FAILED
    terminal.finish(PROGRAM, code)


if __name__ == "__main__":
    _script()
