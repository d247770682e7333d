"""The command line: ``python -m wplus_ext COMMAND``."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from safetensors import SafetensorError

from .commands import NAMES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 after one line that says what was wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, SafetensorError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.strerror else error
        return _fail(options, str(reason))
    except ImportError as error:
        return _fail(options, f'{error}; this command needs pip install -e ".[diffusers]"')
    except KeyboardInterrupt:
        return _fail(options, "stopped; files that were finished are whole")
    return 0


def _fail(options: argparse.Namespace, reason: str) -> int:
    print(f"wplus_ext {options.command}: {reason}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m wplus_ext", description="Tools of the W+ Adapter for AnimateDiff.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in NAMES:
        module = importlib.import_module(f".commands.{name}", __package__)
        words = module.__doc__.strip().rstrip(".")
        command = commands.add_parser(name, help=words[0].lower() + words[1:])
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
