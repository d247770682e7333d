"""The nodes in a real ComfyUI with AnimateDiff-Evolved, over its API: ``python -m pytest tests/real_comfy``.

Skipped unless the environment says where that ComfyUI is:

    COMFY_DIR     its folder, with AnimateDiff-Evolved in custom_nodes, a checkpoint of SD 1.5, a motion module, and an
                  adapter and directions in models/wplus; what is there of IPAdapter_plus, Advanced-ControlNet, a LoRA,
                  a ControlNet and an IP-Adapter is tried too
    COMFY_PYTHON  the python that runs it, COMFY_DIR/../venv/bin/python if absent
    COMFY_ARGS    arguments of main.py, ``--cpu`` if absent

Any checkpoint will do, one with random weights too: rows are only compared with each other. ComfyUI runs with a folder
of its own for inputs, outputs and custom nodes, links all of them: this repository, those others, and the probe,
through which rows are seen. `touches_exactly` is the check: with a scale that is 1 at some frames and 0 at all others,
exactly these frames' rows differ in the first cross-attention.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
from comfy_api import FOLDER, PATIENCE, PYTHON, Comfy
from programs import stop, wait

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ("*AnimateDiff-Evolved*", "*Advanced-ControlNet*", "*IPAdapter_plus*")

if not os.environ.get("COMFY_DIR"):
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    """A limit of time that a ComfyUI on a CPU can keep."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(3 * PATIENCE))


@pytest.fixture(scope="session")
def comfy(tmp_path_factory):
    """Starts ComfyUI; stops it, whatever happens."""
    tmp = tmp_path_factory.mktemp("comfy")
    nodes = tmp / "custom_nodes"
    nodes.mkdir()
    (tmp / "input").mkdir()
    (tmp / "models").symlink_to(FOLDER / "models")
    (nodes / "wplus").symlink_to(ROOT)
    (nodes / "probe").symlink_to(Path(__file__).parent / "probe")
    for other in (path for pattern in OTHERS for path in (FOLDER / "custom_nodes").glob(pattern)):
        (nodes / other.name).symlink_to(other)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PYTHON, "main.py", *shlex.split(os.environ.get("COMFY_ARGS", "--cpu")), "--port", str(port)]
    command += ["--base-directory", str(tmp), "--disable-auto-launch", "--disable-api-nodes"]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(tmp / "log.txt", "w"))
        server = subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(stop, server)
        url = f"http://127.0.0.1:{port}"
        wait(server, "ComfyUI", url, tmp / "log.txt", PATIENCE)
        made = Comfy(url, tmp)
        if missing := made.missing():
            pytest.skip(f"{FOLDER} has no {missing}: see this file's first lines")
        yield made


@pytest.fixture(scope="session")
def untouched(comfy):
    """Checks that nothing of ours is left, and that plain runs give what they gave at the beginning."""
    before = comfy.plain()

    def check():
        assert comfy.get("/wplus-probe")["left"] == []
        assert comfy.plain() == before

    check()
    return check
