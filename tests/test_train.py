"""The miniature's training, and what was shipped of it."""

from __future__ import annotations

import json

import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.miniature import export, train, trainer, world
from wplus_ext.studio.pipeline import MINIATURE, Studio


def fit(folder, steps, stop=None):
    torch.manual_seed(1)
    model = torch.nn.Linear(4, 1)
    stage, calls = trainer.Trainer(folder, "cpu", 3, 1.0, False), []

    def loss(generator):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        x = torch.randn(8, 4, generator=generator)
        return (model(x) - x.sum(1, keepdim=True)).square().mean()

    stage.fit("line", model, loss, steps, 0.05)
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


def test_the_training_command_makes_a_model_that_renders(tmp_path):
    out = tmp_path / "out"
    assert train.main(["--work", str(tmp_path / "work"), "--out", str(out), "--shorten", "0.0005"]) == 0
    assert {path.stat().st_mode for path in out.rglob("*.*")} == {(out / "model_index.json").stat().st_mode}
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    shipped = {path.relative_to(MINIATURE).as_posix() for path in MINIATURE.rglob("*.*")}
    assert names == shipped - {"README.md"}
    arguments = ["--model", str(out), "--steps", "2", "--frames", "3", "--tracks", "smile = 0.5", "--identity", "ada"]
    assert main(["render", *arguments, "--out", str(tmp_path / "a.gif")]) == 0


# What is refused, before anything is trained


@pytest.fixture
def stages(monkeypatch):
    """Nothing is trained; the folders in which it would have been."""
    began = []
    monkeypatch.setattr("wplus_ext.miniature.stages.train", lambda trainer: began.append(trainer.folder) or ())
    monkeypatch.setattr("wplus_ext.miniature.export.export", lambda out: None)
    return began


def command(folder, *options):
    return train.main(["--work", str(folder / "work"), "--out", str(folder / "out"), *options])


@pytest.mark.parametrize(
    "options, words",
    [
        (["--device", "meta"], "the device 'meta' cannot be used"),
        (["--device", "cuda:99"], "the device 'cuda:99' cannot be used"),
        (["--seed", "-1"], "--seed is -1, expected 0 to"),
        (["--seed", "9" * 30], "expected 0 to"),
        (["--shorten", "0"], "--shorten is 0, expected more than 0"),
        (["--shorten", "nan"], "--shorten is nan"),
    ],
)
def test_a_training_that_cannot_be_is_one_line(tmp_path, stages, capsys, options, words):
    assert command(tmp_path, *options) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1 and not stages and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["figures.jsonl", "tokenizer", "a.pt"])
def test_a_folder_of_other_things_is_no_work_folder(tmp_path, stages, capsys, name):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).write_text("mine")
    assert command(tmp_path) == 2 and not stages
    assert f"work holds {name}, so it is no folder of checkpoints; choose an empty one" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "work").iterdir()] == ["mine"]


def test_a_training_goes_on_in_its_folder(tmp_path, stages):
    assert [command(tmp_path, "--seed", "3"), command(tmp_path, "--seed", "3")] == [0, 0] and len(stages) == 2


@pytest.mark.parametrize("options", [["--seed", "4"], ["--seed", "3", "--shorten", "0.5"]])
def test_trainings_are_not_mixed(tmp_path, stages, capsys, options):
    command(tmp_path, "--seed", "3")
    assert command(tmp_path, *options) == 2 and len(stages) == 1
    assert "holds a training with seed 3, shorten 1.0, bfloat16 False; go on with these" in capsys.readouterr().err


def test_a_damaged_mark_is_told(tmp_path, stages, capsys):
    command(tmp_path)
    (tmp_path / "work" / train.MARK).write_text("{")
    assert command(tmp_path) == 2 and "settings that cannot be read" in capsys.readouterr().err


def test_somebodys_models_are_not_written_over(tmp_path, stages, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model_index.json").write_text("mine")
    assert command(tmp_path) == 2 and not stages
    assert "out holds something else than models that were trained here" in capsys.readouterr().err
    assert command(tmp_path, "--force") == 0


def test_models_that_came_while_it_trained_are_kept(tmp_path, stages, capsys, monkeypatch):
    def late(trainer):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "model_index.json").write_text("mine")
        return ()

    monkeypatch.setattr("wplus_ext.miniature.stages.train", late)
    assert command(tmp_path) == 2 and "holds something else than models" in capsys.readouterr().err


def test_our_models_may_be_written_again(tmp_path, stages):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / train.OURS).touch()
    assert command(tmp_path) == 0


@pytest.mark.parametrize("name", ["work", "out"])
def test_a_file_is_no_folder(tmp_path, stages, capsys, name):
    (tmp_path / name).touch()
    assert command(tmp_path) == 2 and f"{name} is a file, expected a folder" in capsys.readouterr().err


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
