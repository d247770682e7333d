"""ComfyUI's UNet and CompVis', which the WebUI has, give the same."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from comfy_api import FOLDER, PYTHON

HERE = Path(__file__).parent
BOTH = "import comfy.options; comfy.options.enable_args_parsing(); import both_unets"


def test_the_same_noise_prompts_and_levels_give_the_same_latents():
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (FOLDER, HERE, *HERE.parents[:2])))}
    command = [PYTHON, "-c", BOTH, "--cpu"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    apart, edited = map(float, done.stdout.split()[-2:])
    assert apart < 1e-4 < edited / 100
