"""The encoder, against a plain form of it and the names that its makers gave it."""

from __future__ import annotations

import math
from pathlib import Path

import plain
import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.weights import encoder as e4e

once = pytest.mark.once  # a gigabyte of weights


def test_published_tensors():
    """Against a list of the names and shapes that omertov/encoder4editing's own encoder has."""
    lines = Path(__file__).with_name("e4e_encoder.txt").read_text().splitlines()
    expected = {name: tuple(map(int, shape.split("x"))) for name, shape in (line.split() for line in lines)}
    assert len(expected) == 569 and e4e.shapes() == expected | {"latent_avg": (18, 512)}


@once
def test_it_is_the_plain_form(encoder, encoder_weights):
    x = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        got, expected = encoder(x), plain.e4e(encoder_weights, x)
    assert got.shape == (2, 18, 512) and expected.std() > 0.3
    assert (got - expected).abs().max() < 1e-4 * expected.abs().max()
    assert (got[0] - got[1]).abs().max() > 1e-3  # it looks at the picture


@pytest.fixture(scope="module")
def converted(encoder_file, tmp_path_factory):
    path = tmp_path_factory.mktemp("converted") / "e.safetensors"
    assert main(["convert", str(encoder_file), str(path)]) == 0
    return path


@once
def test_a_converted_file_is_the_same(encoder, converted):
    again = e4e.Encoder.load(converted).state_dict()
    assert encoder.state_dict().keys() == again.keys()
    assert all(torch.equal(tensor, again[name]) for name, tensor in encoder.state_dict().items())


@once
def test_a_converted_file_is_known(converted, capsys):
    assert main(["inspect", str(converted)]) == 0
    assert "e4e's encoder: 267," in capsys.readouterr().out


@once
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("body.5.res_layer.1.weight"), "missing (body.5.res_layer.1.weight"),
        (lambda s: s.update(extra=torch.zeros(2)), "too many (extra"),
        (lambda s: s.update({"latlayer2.bias": torch.zeros(3)}), "latlayer2.bias is (3,)"),
        (lambda s: s["latlayer2.bias"].fill_(math.inf), "latlayer2.bias holds NaN"),
        (lambda s: s.pop("latent_avg"), "missing (latent_avg"),
    ],
)
def test_other_files_are_refused(monkeypatch, encoder_weights, change, words):
    state = {name: tensor.clone() if name == "latlayer2.bias" else tensor for name, tensor in encoder_weights.items()}
    change(state)
    monkeypatch.setattr(e4e.files, "read", lambda path: state)
    with pytest.raises(ValueError) as error:
        e4e.Encoder.load("e.safetensors")
    assert words in str(error.value) and "e.safetensors" in str(error.value)


def test_a_file_that_is_not_there_is_no_encoder(tmp_path):
    assert not e4e.is_encoder(tmp_path / "none.safetensors")
