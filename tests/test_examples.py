"""The documents' examples of pipelines, run as they stand there, on the miniature."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AnimateDiffPipeline

from wplus_ext import Adapter, load_direction
from wplus_ext.studio.pipeline import MINIATURE, Studio

ROOT = Path(__file__).parents[1]
EXAMPLES = [
    pytest.param(text, id=f"{page}-{i}")
    for page in ("README.md", "docs/scripting.md")
    for i, text in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL))
    if "pipe(" in text
]


class Quick(AnimateDiffPipeline):
    """One that takes few steps."""

    def __call__(self, *args, **options):
        options = {"num_inference_steps": 5, "generator": torch.manual_seed(0), "output_type": "np"} | options
        return super().__call__(*args, **options)


@pytest.fixture(scope="module")
def pipe():
    made = Quick(**Studio(device="cpu").pipe.components)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def unedited(pipe):
    return pipe("close-up of a woman", num_frames=16).frames


@pytest.fixture
def files(tmp_path, monkeypatch):
    """What the examples name, in the folder where they are run."""
    wplus = tmp_path / "models" / "wplus"
    shutil.copytree(MINIATURE / "wplus", wplus)
    adapter = Adapter.load(wplus / "adapters" / "wplus_adapter.safetensors")
    (wplus / "adapters" / "wplus_adapter.safetensors").unlink()
    for folder in (tmp_path, wplus / "adapters"):
        torch.save(adapter.state(), folder / "wplus_adapter.bin")
    torch.save(load_direction(wplus / "directions" / "smile.safetensors"), tmp_path / "smile.pt")
    monkeypatch.chdir(tmp_path)


def test_there_are_examples():
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_edits(pipe, unedited, files, text):
    names = {"pipe": pipe}
    exec(compile(text, "example", "exec"), names)
    assert names["live"].report.summary().startswith("edited in 4 of 5 steps, strongest at frame ")
    changed = np.abs(names["video"] - unedited).mean((0, 2, 3, 4))
    assert changed.min() > 1e-4 and changed[0] > 1e-3
    assert np.array_equal(pipe("close-up of a woman", num_frames=16).frames, unedited)


def test_the_first_example_is_of_five_lines():
    (text,), _ = EXAMPLES[0].values, None
    assert len([line for line in text.splitlines() if line.strip()]) == 5
