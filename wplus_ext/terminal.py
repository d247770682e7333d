"""The terminal under a command line: streams that are closed, full or of few letters, Ctrl+C, and faults as one line.

Imports nothing that takes time: it is at work before the commands are loaded.
"""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

STOPPED = "stopped; files that were finished are whole"
PLAIN = {"…": "...", "±": "+-", "×": "x", "–": "-", "—": "-", "−": "-", "“": '"', "”": '"', "’": "'", "‘": "'"}
FAILED = 2  # the exit code
_interrupted = False


class Unprinted(OSError):
    """The standard output is full, or nobody reads it any more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"what was printed cannot be written ({error.strerror})")
        self.reason = "" if isinstance(error, BrokenPipeError) else str(self)  # who reads no more is told no more


class _Printed(io.TextIOWrapper):
    """The standard output, whose faults are told from those of other files."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise Unprinted(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise Unprinted(error) from error


def prepare(program: str) -> None:
    """Fill the standard streams that are missing, let all letters be printed, and hear Ctrl+C from now on."""
    for number in range(3):  # a file that is opened later must not become a standard stream
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - as long as the process lasts
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    codecs.register_error("wplus_plain", _in_plain_letters)
    sys.stderr.reconfigure(errors="wplus_plain")
    encoding, by_line = sys.stdout.encoding, sys.stdout.line_buffering
    sys.stdout = sys.__stdout__ = _Printed(sys.stdout.detach(), encoding, "wplus_plain", line_buffering=by_line)

    def stop(number: int, frame: FrameType | None) -> None:
        global _interrupted
        _interrupted = True
        if _is_importing(frame):  # half-loaded modules make other faults of it, or swallow it
            tell(program, STOPPED)
            os._exit(FAILED)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)


def script(program: str, main: Callable[[], int]) -> NoReturn:
    """The whole life of a process that runs ``main``."""
    prepare(program)
    try:
        code = main()
    except SystemExit as end:  # argparse has said it
        code = end.code if isinstance(end.code, int) else FAILED
    except KeyboardInterrupt:  # a second one, while the first was told
        code = FAILED
    finish(program, code)


def reported(who: str, act: Callable[[], object]) -> int:
    """Do something; 0, or 2 after one line that says what was wrong. Raises what is a fault of ours."""
    try:
        act()
    except KeyboardInterrupt:
        reason = STOPPED
    except Exception as error:
        reason = STOPPED if interrupted() else _reason(error)
        if reason is None:
            raise
    else:
        return 0
    tell(who, reason)
    return FAILED


def interrupted() -> bool:
    """Whether somebody has pressed Ctrl+C: whatever fault came then came of it."""
    return _interrupted


def tell(who: str, reason: str) -> None:
    """One line on the standard error; nothing where that is closed, or where there is nothing to say."""
    if not reason:
        return
    line = " ".join(reason.splitlines())
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
    with suppress(OSError, ValueError, AttributeError):
        print(f"{who}: {line}", file=sys.stderr, flush=True)


def is_memory(error: BaseException) -> bool:
    """Whether there was not memory enough: torch has no class for that on the CPU."""
    words = ("out of memory", "can't allocate memory", "not enough memory")
    is_said = isinstance(error, RuntimeError) and any(each in str(error).lower() for each in words)
    return isinstance(error, MemoryError) or is_said


def finish(who: str, code: int) -> NoReturn:
    """Leave with an exit code; with 2 where what was printed cannot be written, which is said where it can be."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left that could be saved
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            if code != FAILED:
                tell(who, getattr(error, "reason", str(error)))
            code = FAILED
            _mute(stream.fileno())
    sys.exit(code)


def _reason(error: Exception) -> str | None:
    """What was wrong, for a person; None for a fault of ours."""
    from safetensors import SafetensorError

    text = str(error) or type(error).__name__
    if isinstance(error, Unprinted):
        return error.reason
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    if is_memory(error):
        return f"the memory does not suffice ({text[:200]}); ask for less at once"
    if isinstance(error, RecursionError):
        return f"something given is nested too deeply ({text})"
    if isinstance(error, OverflowError):
        return f"a number is too large ({text}); give a smaller one"
    if isinstance(error, ImportError):
        return f'{text}; this command needs pip install -e ".[diffusers]"'
    return text if isinstance(error, (ValueError, OSError, SafetensorError)) else None


def _mute(number: int) -> None:
    """Let what a stream still holds go nowhere: Python tries again when it ends, and complains."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _in_plain_letters(error: UnicodeError) -> tuple[str | bytes, int]:
    """What is printed for letters that the terminal does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = "".join(PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return plain, error.end
