"""The command line under real conditions: one line or silence, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import arguments as random_arguments
from wplus_ext import __main__ as command_line
from wplus_ext.commands import bench, convert

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = str(ROOT / "wplus_ext/miniature/model/wplus")
SMILE = f"{LIBRARY}/directions/smile.safetensors"
LIMIT = 120  # seconds of a child
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


def shell(rest, **environ):
    """What a shell's line with the command says on stderr, and its exit code."""
    line = f'"{sys.executable}" -m wplus_ext {rest}'
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=ROOT, capture_output=True, timeout=LIMIT, check=False,
        env={**os.environ, **environ},
    )  # fmt: skip
    return ended.returncode, ended.stdout.decode("latin-1"), ended.stderr.decode()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "rest, code, told",
    [
        (f"directions --wplus {LIBRARY} | true", 2, ""),
        (f"directions --wplus {LIBRARY} >/dev/full", 2, "cannot be written (No space left on device)\n"),
        (f"directions --wplus {LIBRARY} >/dev/full 2>/dev/full", 2, ""),
        (f"directions --wplus {LIBRARY} >&-", 0, ""),
        ("fetch <&-", 2, "needs --accept-licence\n"),
    ],
)  # fmt: skip
def test_streams_that_are_closed_or_full(rest, code, told, unbuffered):
    ended, _, error = shell(rest, PYTHONUNBUFFERED=unbuffered)
    assert (ended, error.count("\n")) == (code, bool(told))
    assert error.endswith(told)


@pytest.mark.parametrize("encoding, seen", [("ascii", "..."), ("latin-1", "..."), ("utf-8", "â\x80¦")])
def test_terminals_of_few_letters(encoding, seen):
    code, out, error = shell(f"inspect {SMILE}", PYTHONIOENCODING=encoding, LC_ALL="C")
    assert (code, error) == (0, "")
    assert seen in out


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 1.0])
def test_ctrl_c_while_modules_load(tmp_path, after):
    command = [sys.executable, "-X", "importtime", "-m", "wplus_ext", "render", "--out", str(tmp_path / "a.gif")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:  # Python's own start is over, ours begins
            if "wplus_ext.terminal" in line:
                break
        time.sleep(0.05 + after)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 2
    assert [x for x in told.splitlines() if not x.startswith("import time:")][-1].endswith(
        "files that were finished are whole"
    )
    assert "Traceback" not in told


def test_nothing_that_takes_time_is_loaded_before_ctrl_c_is_heard():
    code = (
        "import sys, wplus_ext.__main__\nprint([x for x in ('torch', 'numpy', 'PIL', 'argparse') if x in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=True
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    "fault, told",
    [
        (OverflowError("too large"), "a number is too large"),
        (RecursionError("too deep"), "nested too deeply"),
        (UnicodeEncodeError("ascii", "ö", 0, 1, "no"), "can't encode"),
        (MemoryError(), "the memory does not suffice"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "the memory does not suffice"),
        (OSError(28, "No space left on device"), "convert: No space left on device"),
        (ValueError("two\nlines \x1b[2J"), "two lines \\x1b[2J"),
    ],
)
def test_faults_that_are_one_line(monkeypatch, capsys, fault, told):
    def run(options):
        raise fault

    monkeypatch.setattr(convert, "run", run)
    assert command_line.main(["convert", "a", "b"]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "given, told",
    [
        (["render"], "render: the following arguments are required: --out; --help lists what can be given\n"),
        (["render", "--frames", "x", "--out", "a"], "render: argument --frames: invalid int value: 'x'; --help"),
        (["rendre"], "invalid choice: 'rendre'"),
        (["convert", "a", "b", "--x\n\x1b[2J"], "unrecognized arguments: --x \\x1b[2J"),
        ([], "arguments are required: command"),
    ],
)
def test_arguments_that_cannot_be_are_one_line(capsys, given, told):
    with pytest.raises(SystemExit) as end:
        command_line.main(given)
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.startswith("wplus_ext") and told in error and error.count("\n") == 1


@pytest.mark.parametrize("option, most", [("--rows", "for which there is memory now"), ("--repeats", "at most 1000")])
def test_bench_refuses_what_cannot_end(monkeypatch, capsys, option, most):
    monkeypatch.setattr(bench.bench.Bench, "run", lambda _: pytest.fail("it began"))
    assert command_line.main(["bench", "--device", "cpu", option, "1000000000"]) == 2
    assert most in capsys.readouterr().err


def test_random_arguments():
    with random_arguments.place():
        found = {tuple(given): random_arguments.run(given) for given in random_arguments.lists(60, 11)}
        assert Path("mine.gif").read_bytes() == b"mine" or any("--force" in given for given in found)
    assert not {given: fault for given, fault in found.items() if fault}
