"""Folders of pipelines that are not whole: one line, which names what is broken and says what to do."""

from __future__ import annotations

import json
import shutil

import pytest

from wplus_ext.__main__ import main
from wplus_ext.studio.pipeline import MINIATURE

INDEX, VAE, DEFAULTS = "model_index.json", "vae/config.json", "wplus/defaults.json"
WHOLE = "expected a whole pipeline; download or export it again"


@pytest.fixture
def model(tmp_path):
    return shutil.copytree(MINIATURE, tmp_path / "m")


def said(model, capsys):
    """What the command says of a model."""
    given = ["--frames", "1", "--steps", "2", "--start", "0", "--identity", "ada", "--model", str(model)]
    assert main(["render", *given, "--out", str(model.parent / "x.webp")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


@pytest.mark.parametrize("part", ["tokenizer", "unet", "vae", "motion_adapter"])
def test_a_part_that_is_missing_is_named(model, capsys, part):
    shutil.rmtree(model / part)
    assert f"{model / part}: no such folder; {WHOLE}" in said(model, capsys)


@pytest.mark.parametrize(
    "name",
    [
        "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "tokenizer/vocab.json",
        "motion_adapter/config.json",
    ],
)  # fmt: skip
def test_a_file_that_is_cut_off_is_named(model, capsys, name):
    (model / name).write_bytes((model / name).read_bytes()[:100])
    told = said(model, capsys)
    assert f"{model / name}: cannot be loaded (" in told and WHOLE in told


def changed(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("part", ["vae", "unet", "motion_adapter", "tokenizer"])
@pytest.mark.parametrize("value", [[None, None], [], "abc", None])
def test_an_index_that_names_no_part_is_told(model, capsys, part, value):
    changed(model / INDEX, **{part: value})
    assert f"{model / INDEX}: names no {part} with its library and class" in said(model, capsys)


@pytest.mark.parametrize("value", [0, -1, None, "x", float("nan"), float("inf")])
def test_a_scaling_factor_that_is_none_is_told(model, capsys, value):
    changed(model / VAE, scaling_factor=value)
    assert f"{model / VAE}: scaling_factor is {value!r}, expected a number above 0" in said(model, capsys)


@pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"foo": 1}', '{"steps": -1}', '{"edit": 3}', "[" * 100_000])
def test_defaults_that_are_none_are_told(model, capsys, text):
    (model / DEFAULTS).write_text(text, encoding="latin-1")
    told = said(model, capsys)
    assert f"{model / DEFAULTS}: no values of a video (" in told and "mend it, or delete it" in told


@pytest.mark.parametrize("command", [["render", "--out", "a.gif"], ["evaluate"]])
@pytest.mark.parametrize("device", ["meta", "hpu", "cuda:99", "nonsense"])
def test_a_device_that_cannot_be_used_is_told(tmp_path, monkeypatch, capsys, command, device):
    monkeypatch.chdir(tmp_path)
    assert main([*command, "--device", device]) == 2
    told = capsys.readouterr().err
    assert f"the device {device!r} cannot be used (" in told and told.count("\n") == 1 and "try cpu" in told
