"""Sets up and runs all tests: ``python3 tests/run.py``. Needs nothing but Python 3.10 to 3.12.

Two environments are made beside the repository's files, once: ``.venv-library`` with today's torch
and diffusers, and ``.venv-webui`` with the versions that the WebUI pins, on Python 3.10 where there
is one. Further arguments go to pytest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNET = "stable-diffusion-sdkit==2.1.5"  # CompVis' own code; its pins are older than anybody's torch


def main() -> int:
    library = environment("library", Path(sys.executable))
    webui = environment("webui", python310())
    names = ("page", "people_page", "editor")  # gradio is in the WebUI's world alone
    page = [f"--ignore=tests/test_{name}.py" for name in names]
    commands = [
        [library, "-m", "ruff", "check", "."],
        [library, "-m", "ruff", "format", "--check", "."],
        [library, "-m", "pytest", *page, *sys.argv[1:]],
        [webui, "-m", "pytest", *sys.argv[1:]],
    ]
    environ = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}  # torch's idle threads leave the cores to the browser
    failed = 0
    for command in commands:
        print(f"\n$ {' '.join([Path(command[0]).parts[-3], *command[1:]])}", flush=True)
        failed += subprocess.run(list(map(str, command)), cwd=ROOT, env=environ, check=False).returncode != 0
    print(f"\n{len(commands) - failed} of {len(commands)} commands passed")
    return 1 if failed else 0


def python310() -> Path:
    """Python 3.10, the WebUI's own; this Python where there is none."""
    candidates = [shutil.which("python3.10"), *sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10"))]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
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
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [inside, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", requirements], check=True)
        subprocess.run([*pip, "--no-deps", UNET], check=True)
        stamp.write_text(wanted)
    return inside


if __name__ == "__main__":
    sys.exit(main())
