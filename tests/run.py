"""Sets up and runs all tests: ``python3 tests/run.py``. Needs nothing but Python 3.10 to 3.12.

Two environments are made beside the repository's files, once: ``.venv-library`` with today's torch
and diffusers, and ``.venv-webui`` with the versions that the WebUI pins, on Python 3.10 where there
is one. First come the lints, those of the page's JavaScript where there is node; then the tests of
both environments, side by side. Each prints what it says when it ends. Tests marked ``once`` are
long, and run with the library alone. Further arguments go to pytest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
UNET = "stable-diffusion-sdkit==2.1.5"  # CompVis' own code; its pins are older than anybody's torch
MINUTE = 60.0  # in seconds
PATIENCE = {"install": 60 * MINUTE, "lint": 10 * MINUTE, "tests": 45 * MINUTE}
POSIX = os.name == "posix"


class Running(NamedTuple):
    """The tests of an environment, at work; what they say goes into a file."""

    name: str
    process: subprocess.Popen
    said: IO[bytes]
    began: float

    def stop(self) -> None:
        """End it and all that it started."""
        for signum in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            if self.process.poll() is None:
                (os.killpg if POSIX else os.kill)(self.process.pid, signum)
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    continue

    def show(self, code: object) -> None:
        """Print what it said, whole, and how it ended."""
        self.said.seek(0)
        print(f"\n$ {self.name}: pytest", flush=True)
        sys.stdout.buffer.write(self.said.read())
        print(f"{self.name}: {code} after {time.monotonic() - self.began:.0f} s", flush=True)


def main(arguments: list[str]) -> int:
    library = environment("library", Path(sys.executable))
    webui = environment("webui", python310())
    checks = [
        [library, "-m", "ruff", "check", "."],
        [library, "-m", "ruff", "format", "--check", "."],
        [library.with_name(f"lint-imports{library.suffix}")],
        *javascript(),
    ]
    passed = [run(check) for check in checks]
    started = [
        start("library", library, arguments),
        start("webui", webui, ["-m", "not once", *arguments]),
    ]
    passed += watch(started)
    print(f"\n{sum(passed)} of {len(passed)} commands passed", flush=True)
    return 0 if all(passed) else 1


def javascript() -> list[list[object]]:
    """The commands that lint and test the page's modules."""
    npm = shutil.which("npm")
    if npm is None or not (ROOT / "package.json").exists():
        print(f"{'package.json' if npm else 'node'} is missing: the page's JavaScript is skipped")
        return []
    return [[npm, "ci", "--no-audit", "--no-fund"], [npm, "run", "lint"], [npm, "test"]]


def run(command: list[object]) -> bool:
    """Run a command that is soon done; whether it passed."""
    print(f"\n$ {' '.join([Path(command[0]).name, *map(str, command[1:])])}", flush=True)
    try:
        return subprocess.run(list(map(str, command)), cwd=ROOT, check=False, timeout=PATIENCE["lint"]).returncode == 0
    except subprocess.TimeoutExpired as error:
        print(error)
        return False


def start(name: str, python: Path, arguments: list[str]) -> Running:
    """Begin the tests of an environment."""
    threads = max((os.cpu_count() or 2) // 2, 1)  # of torch's; idle ones leave the cores to the browser
    environ = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads), **os.environ}
    options = ["--durations=10", "-o", f"cache_dir=.pytest_cache/{name}"]
    command = [str(python), "-m", "pytest", *options, *arguments]
    said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the tests run
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=POSIX
    )
    return Running(name, process, said, time.monotonic())


def watch(started: list[Running]) -> list[bool]:
    """Show each one's words when it ends; whether each passed. Nothing is left running, whatever happens."""
    passed, waiting = [], list(started)
    print(f"\n{' and '.join(one.name for one in started)}: the tests run, which takes some minutes", flush=True)
    try:
        while waiting:
            for one in list(waiting):
                code = one.process.poll()
                if code is None and time.monotonic() - one.began > PATIENCE["tests"]:
                    code = "stopped, it took too long"
                    one.stop()
                if code is not None:
                    waiting.remove(one)
                    one.show({0: "passed"}.get(code, f"failed ({code})"))
                    passed.append(code == 0)
            time.sleep(0.2)
    finally:
        for one in waiting:
            one.stop()
            one.show("stopped")
    return passed


def python310() -> Path:
    """Python 3.10, the WebUI's own; this Python where there is none."""
    candidates = [shutil.which("python3.10"), *sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10"))]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False, timeout=MINUTE).returncode == 0:
            return Path(candidate)
    print(f"no Python 3.10 found: the WebUI's world is tested on {sys.version.split()[0]}")
    return Path(sys.executable)


def environment(name: str, python: Path) -> Path:
    """The Python of an environment; made anew when its requirements change."""
    folder, requirements = ROOT / f".venv-{name}", ROOT / "tests" / f"requirements-{name}.txt"
    inside = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp, wanted = folder / "made-for", hashlib.sha256(requirements.read_bytes() + bytes(python)).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"making {folder.name}, which takes some minutes", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True, timeout=PATIENCE["install"])
        pip = [inside, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", requirements], check=True, timeout=PATIENCE["install"])
        subprocess.run([*pip, "--no-deps", UNET], check=True, timeout=PATIENCE["install"])
        stamp.write_text(wanted)
    return inside


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
