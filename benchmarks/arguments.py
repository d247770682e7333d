"""Random argument lists for all commands: each ends with 0 or 2, in time, and never with a traceback.

``python benchmarks/arguments.py [--lists 1000] [--seed 0]``; exit code 0 where all of them did. They run in this
process, on a library of the miniature's; nothing is sampled, measured, downloaded or trained.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # where this is a script

import numpy as np  # noqa: E402

from wplus_ext.__main__ import _parser, main  # noqa: E402
from wplus_ext.commands import NAMES  # noqa: E402
from wplus_ext.edit.report import Report  # noqa: E402
from wplus_ext.library.resolve import resolve  # noqa: E402
from wplus_ext.studio.models import MINIATURE, Choice  # noqa: E402
from wplus_ext.studio.pipeline import Studio  # noqa: E402

NUMBERS = {int: ("1", "3", "-5", "9" * 400), float: ("0.5", "1", "1e999", "nan")}
LIMIT = 20  # seconds of a list
TEXTS = (
    "", "0", "-1", "1", "2", "0.5", "1e999", "nan", "9" * 400, "9" * 5000, "8x8", "99999x99999", "smile = 1", "smile =",
    "smile = 0 > 1; age = 1", "# a; b", "smile = " + "1 > " * 5000 + "1", "[" * 2000, "ada", "adda", "None", "@ada",
    "../ada",
    "residual", "direct", "cpu", "cuda:99", "float32", "\udcff", "größer…", "a\nb", "\x1b[2J", "adapter",
    "encoder", "a.webp", "a.gif", "a.mp4", "frames", "a.json", "a.safetensors", "a.png", "mine.gif", "photos",
    "nowhere/a.gif", ".", "..", "/",
    "/dev/null", "pipe", "link.gif", "lib", "lib/adapters/wplus_adapter.safetensors", "x" * 300 + ".gif",
    "lib/directions/smile.safetensors", "lib/latents/ada.safetensors",
)  # fmt: skip
ENDED: dict[object, int] = {}  # exit codes, and how often


class Late(BaseException):
    """A list took too long. No Exception, so that nobody takes it for a fault of the arguments."""


def lists(count: int, seed: int) -> Iterator[list[str]]:
    """Random argument lists: a command, and some of its options with all kinds of values."""
    chance = random.Random(seed)
    (commands,) = (action for action in _parser()._actions if action.dest == "command")
    for _ in range(count):
        name = chance.choice(NAMES)
        actions = [action for action in commands.choices[name]._actions if action.dest != "help"]
        made = [name]
        for action in chance.sample(actions, chance.randrange(min(len(actions), 5) + 1)):
            made += [chance.choice(action.option_strings)] if action.option_strings else []
            fitting = list(action.choices or NUMBERS.get(getattr(action.type, "__wrapped__", None), TEXTS))
            if action.nargs != 0 or chance.random() < 0.05:
                made.append(chance.choice(fitting if chance.random() < 0.9 else TEXTS))
        made += [chance.choice(TEXTS)] if chance.random() < 0.1 else []
        if name in ("render", "sweep") and chance.random() < 0.7:
            made += ["--out", chance.choice(("a.webp", "mine.gif", "photos", "frames", "b.gif"))]
        yield made


def run(arguments: Sequence[str]) -> str:
    """What was wrong with how a list ended; empty where nothing was."""

    def late(number: int, frame: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            code = main(arguments)
    except SystemExit as end:
        code = end.code
    except Late:
        return f"not done in {LIMIT} s"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    ENDED[code] = ENDED.get(code, 0) + 1
    return "" if code in (0, 2) and "Traceback" not in said.getvalue() else f"code {code}: {said.getvalue()[:300]}"


@contextlib.contextmanager
def place() -> Iterator[None]:
    """A folder to be in with a library and somebody's files, and nothing that takes time."""

    def render(
        self: Studio, shots: Sequence, tick: object = None, drafts: object = None
    ) -> Iterator[tuple[np.ndarray, Report]]:
        for shot in shots[:20]:
            plan = resolve(shot.edit, self.library).plan(shot.frames)
            yield np.zeros((2, 16, 16, 3), np.uint8), Report(plan.mode, shot.frames, [], plan.scales)
        if len(shots) > 20:
            raise ValueError("more videos than are tried here")

    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        shutil.copytree(MINIATURE / "wplus", Path(folder, "lib"))
        Path(folder, "mine.gif").write_bytes(b"mine")
        Path(folder, "photos").mkdir()
        Path(folder, "photos", "1.png").write_bytes(b"mine")
        os.mkfifo(Path(folder, "pipe"))
        Path(folder, "link.gif").symlink_to("mine.gif")
        models = SimpleNamespace(pipe=None, scheduler=None, controlnet=None, notes=[])
        stack.enter_context(mock.patch("wplus_ext.studio.pipeline.load", lambda *_: models))
        stack.enter_context(mock.patch.object(Choice, "hashes", lambda self: {}))
        for name, stand_in in (("render", render), ("check", lambda self, shots: None), ("multiple", 8)):
            stack.enter_context(mock.patch.object(Studio, name, stand_in))
        stack.enter_context(mock.patch("wplus_ext.studio.workers.cluster.joined", side_effect=ValueError("no Ray")))
        stack.enter_context(mock.patch.object(Studio, "size", lambda self, shot: (shot.width or 64, shot.height or 64)))
        stack.enter_context(mock.patch("wplus_ext.miniature.demo.write", lambda out, force: (0, 0)))
        found = {"seeds": 1, "prompts": 1, "steps": 1, "guidance": 1.0, "table": ["±"], "ranges": {}, "figures": []}
        stack.enter_context(mock.patch("wplus_ext.miniature.evaluate.evaluate", lambda *_: found))
        stack.enter_context(mock.patch("wplus_ext.miniature.aiming.evaluate_aim", lambda *_: []))
        stack.enter_context(mock.patch("wplus_ext.bench.Bench.run", lambda _: {}))
        stack.enter_context(mock.patch("wplus_ext.library.download.download", side_effect=OSError("no connection")))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(home)


def main_here() -> int:
    """Run them, and print those that ended badly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lists", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    options, bad, start = parser.parse_args(), 0, time.monotonic()
    with place():
        for arguments in lists(options.lists, options.seed):
            fault = run(arguments)
            if fault:
                bad += 1
                print(f"{[argument[:60] for argument in arguments]!a}: {fault!a}", flush=True)
    print(f"{options.lists} lists, exit codes {ENDED}, {bad} ended badly, {time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main_here())
