"""The extension in a real WebUI v1.10.1 with sd-webui-animatediff, over its API: ``python -m pytest tests/real``.

Skipped unless the environment says where that WebUI is; this extension must be in its extensions folder:

    WEBUI_DIR            the WebUI's folder, with an adapter and directions in models/wplus
    WEBUI_PYTHON         the python that runs it, WEBUI_DIR/venv/bin/python if absent
    WEBUI_ARGS           arguments of launch.py, those for a CPU if absent
    WEBUI_MOTION_MODULE  the first one in AnimateDiff's model folder if absent

Any checkpoint of SD 1.5 will do, one with random weights too: pictures are only compared with each other.
The WebUI runs with copies of its settings files. The central check is `touches_exactly`: with a scale
that is 1 at some frames and 0 at all others, exactly these frames' rows differ in the first cross-attention.
It sees rows through the extension in the folder probe, linked into the WebUI while this runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
from programs import stop, wait
from webui_api import FOLDER, PATIENCE, PICTURE, VIDEO, WebUI

ARGS = "--skip-prepare-environment --skip-torch-cuda-test --use-cpu all --no-half --precision full"
ENDINGS = (".pt", ".pth", ".npy", ".safetensors")
SETTINGS = {  # over those of the WebUI's own settings file
    "samples_format": "png",
    "enable_pnginfo": False,  # equal pictures are equal files
    "animatediff_save_to_custom": False,
    "live_previews_enable": False,
    "grid_save": False,
    # What requests override: the WebUI puts back only what its settings file names.
    "batch_cond_uncond": True,
    "pad_cond_uncond": False,
    "pad_cond_uncond_v0": False,
    "s_min_uncond": 0.0,
    "s_min_uncond_all": False,
    "skip_early_cond": 0.0,
    "sd_vae_decode_method": "Full",
    "cross_attention_optimization": "Automatic",
}

if not os.environ.get("WEBUI_DIR"):
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    """A limit of time that a WebUI on a CPU can keep."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(3 * PATIENCE))


@pytest.fixture(scope="session")
def webui(tmp_path_factory):
    """Starts the WebUI with the probe; stops it and takes the probe out again, whatever happens."""
    tmp = tmp_path_factory.mktemp("webui")
    adapters = [*FOLDER.glob("models/wplus/adapters/**/*.*")]
    directions = names(FOLDER / "models/wplus/directions")
    motion = [
        file.name
        for file in FOLDER.glob("extensions/*animatediff*/model/*")
        if file.suffix in (".safetensors", ".ckpt")
    ]
    motion = os.environ.get("WEBUI_MOTION_MODULE") or next(iter(sorted(motion)), None)
    for what, found in (("adapter", adapters), ("direction", directions), ("motion module", motion)):
        if not found:
            pytest.skip(f"{FOLDER} has no {what}: see this file's first lines")
    latents = names(FOLDER / "models/wplus/latents")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [os.environ.get("WEBUI_PYTHON") or str(FOLDER / "venv/bin/python"), "launch.py"]
    command += [*shlex.split(os.environ.get("WEBUI_ARGS", ARGS)), "--api", "--port", str(port), "--no-prompt-history"]
    command += ["--ui-settings-file", str(copy_settings(command, tmp)), "--ui-config-file", str(tmp / "ui-config.json")]
    link = FOLDER / "extensions" / "wplus-probe"
    with contextlib.ExitStack() as stack:
        if link.is_symlink():  # left by a run that was killed
            link.unlink()
        link.symlink_to(Path(__file__).resolve().parent / "probe", target_is_directory=True)
        stack.callback(link.unlink)
        log = stack.enter_context(open(tmp / "log.txt", "w"))
        server = subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(stop, server)
        url = f"http://127.0.0.1:{port}"
        wait(server, "the WebUI", url, tmp / "log.txt", PATIENCE)
        yield WebUI(url, tmp, motion, directions[0], next(iter(latents), None))


def names(folder):
    """The files of a library folder as names; a smile first, no tables of components."""
    files = [file for file in folder.glob("**/*") if file.suffix in ENDINGS and not [*file.parent.glob("*.csv")]]
    found = sorted(file.relative_to(folder).as_posix() for file in files)
    return sorted(found, key=lambda name: "smile" not in name)


def copy_settings(command, tmp):
    """The WebUI's settings file, changed; the copy's path."""
    given = command.index("--ui-settings-file") + 1 if "--ui-settings-file" in command else None
    own = FOLDER / (command[given] if given else "config.json")
    settings = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
    copy = tmp / "config.json"
    copy.write_text(
        json.dumps({**settings, **SETTINGS, "outdir_txt2img_samples": str(tmp), "outdir_img2img_samples": str(tmp)})
    )
    return copy


@pytest.fixture(scope="session")
def untouched(webui):
    """Checks that plain jobs give what they gave at the beginning; `untouched(video=False)` does so quickly."""
    webui.make(VIDEO)
    before = {True: webui.make(VIDEO).images, False: webui.make(PICTURE).images}

    def check(video=True):
        assert webui.left_over() == []
        assert webui.make(VIDEO if video else PICTURE).images == before[video]

    check()
    check(video=False)
    return check
