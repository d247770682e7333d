"""The miniature's training, and what was shipped of it."""

from __future__ import annotations

import json

import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.miniature import export, train, world
from wplus_ext.studio.pipeline import MINIATURE, Studio


def fit(folder, steps, stop=None):
    torch.manual_seed(1)
    model = torch.nn.Linear(4, 1)
    trainer, calls = train.Trainer(folder, "cpu", 3, 1.0, False), []

    def loss(generator):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        x = torch.randn(8, 4, generator=generator)
        return (model(x) - x.sum(1, keepdim=True)).square().mean()

    trainer.fit("line", model, loss, steps, 0.05)
    return model, len(calls)


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """A training of 45 steps; its folder and its model."""
    monkeypatch.setattr("wplus_ext.miniature.trainer.SAVE_EVERY", 10)
    (tmp_path / "whole").mkdir()
    return tmp_path / "whole", fit(tmp_path / "whole", 45)[0]


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(whole, tmp_path):
    (tmp_path / "parts").mkdir()
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", 45, stop=27)
    model, calls = fit(tmp_path / "parts", 45)
    assert calls == 25  # from step 20 on
    assert torch.equal(whole[1].weight, model.weight) and torch.equal(whole[1].bias, model.bias)


def test_a_training_keeps_its_figures(whole):
    figures = [json.loads(line) for line in (whole[0] / "figures.jsonl").read_text().splitlines()]
    assert [line["step"] for line in figures] == [10, 20, 30, 40, 45]
    assert figures[-1]["loss"] < figures[0]["loss"]


def test_the_training_command_makes_a_model_that_renders(tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["train", "--work", str(tmp_path), "--out", str(out), "--shorten", "0.0005"])
    assert train.main() == 0
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    shipped = {path.relative_to(MINIATURE).as_posix() for path in MINIATURE.rglob("*.*")}
    assert names == shipped - {"README.md"}
    arguments = ["--model", str(out), "--steps", "2", "--frames", "3", "--tracks", "smile = 0.5", "--identity", "ada"]
    assert main(["render", *arguments, "--out", str(tmp_path / "a.gif")]) == 0


def test_what_is_shipped_is_small():
    assert sum(path.stat().st_size for path in MINIATURE.rglob("*") if path.is_file()) <= 12e6


@pytest.fixture(scope="module")
def library():
    return Studio(device="cpu").library


def test_the_shipped_library_has_people_and_directions(library):
    assert library.names("latents") == list(export.PEOPLE)
    assert sorted(library.names("directions")) == sorted(world.FACTORS)


def test_the_named_people_are_who_they_are_said_to_be(library):
    space = world.LatentSpace.make()
    found = torch.cat([space.factors(library.latent(name)[None]) for name in export.PEOPLE])
    assert torch.allclose(found, export.people(), atol=0.01)
