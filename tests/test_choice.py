"""Which models are chosen, as values."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import diffusers
import pytest
import torch

from wplus_ext.studio import models
from wplus_ext.studio.models import Choice
from wplus_ext.weights import files


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [("a.safetensors", "a.safetensors", 1), ("a.pt:0.8", "a.pt", 0.8), (r"C:\x\y.pt:-.5", r"C:\x\y.pt", -0.5),
     (r"C:\x\y.pt", r"C:\x\y.pt", 1)],
)  # fmt: skip
def test_a_lora_and_its_weight(text, path, weight):
    assert models.weighted(text) == (Path(path), weight)


@pytest.mark.parametrize("text", ["", ":0.8", "a.pt:11"])
def test_a_lora_without_name_or_with_too_much_weight_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        models.weighted(text)


def test_files_of_one_name_have_a_hash_each(tmp_path):
    paths = [tmp_path / name / "style.pt" for name in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    found = Choice(loras=tuple((path, 0.5) for path in paths)).hashes()
    assert list(found) == ["model miniature", "lora 0.5 style.pt", "lora 0.5 style.pt (2)"]
    assert [found[key] for key in list(found)[1:]] == [files.short_hash(path) for path in paths]


@pytest.mark.parametrize("shown", [True, False])
def test_progress_bars_are_as_they_were(shown):
    bars = diffusers.utils.logging
    was = bars.is_progress_bar_enabled()
    try:
        (bars.enable_progress_bar if shown else bars.disable_progress_bar)()
        models.load(Choice(), "cpu", torch.float32)
        assert bars.is_progress_bar_enabled() == shown
    finally:
        (bars.enable_progress_bar if was else bars.disable_progress_bar)()


def test_a_choice_goes_to_another_process():
    choice = Choice(Path("a"), loras=((Path("b"), 0.5),))
    assert pickle.loads(pickle.dumps(choice)) == choice == replace(choice)
