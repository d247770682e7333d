"""The miniature: its world, its training, and what it has learnt."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.curve import evaluate as curve
from wplus_ext.miniature import demo, evaluate, export, train, world
from wplus_ext.miniature.measure import Ruler
from wplus_ext.studio.pipeline import MINIATURE, Studio


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


def pictures(tensor):
    return ((tensor + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def test_each_factor_is_drawn_and_can_be_read(generator):
    ruler = Ruler(MINIATURE)
    for i, name in enumerate(world.FACTORS):
        factors = torch.zeros(9, len(world.FACTORS))
        factors[:, i] = torch.linspace(-1, 1, 9)
        read = ruler.factors(pictures(world.draw(factors, torch.zeros(9, 4))))
        assert np.corrcoef(read[:, i], factors[:, i])[0, 1] > 0.97, name
        others = [k for k in range(len(world.FACTORS)) if k != i]
        assert read[:, others].abs().mean() < 0.12, name


def test_what_is_no_drawn_face_is_strange(generator):
    ruler = Ruler(MINIATURE)
    faces = world.draw(*world.faces(32, generator))
    noise = torch.rand(32, 3, 64, 64, generator=generator) * 2 - 1
    strange = [ruler.strangeness(pictures(x)) for x in (faces, faces.flip(2), noise)]
    assert strange[0].max() < strange[1].min() and strange[0].max() < strange[2].min()


def test_latents_hold_the_factors(generator):
    space = world.LatentSpace.make()
    flat = space.directions.flatten(1)
    gram = flat @ flat.T
    assert torch.allclose(gram, torch.diag(gram.diag()), atol=1e-4)  # orthogonal
    assert torch.allclose(flat @ space.mean.flatten(), torch.zeros(7), atol=1e-3)
    for name, n in zip(world.FACTORS, space.directions):
        first, end = world.FACTOR_LAYERS[name]
        layers = n.norm(dim=1) > 0
        assert layers.nonzero().flatten().tolist() == list(range(first, end))
    factors, _ = world.faces(16, generator)
    w = space.latents(factors, generator)
    assert w.shape == (16, 18, 512)
    assert (space.factors(w) - factors).abs().max() < 0.1  # the nuisance
    assert torch.allclose(space.factors(space.latents(factors)), factors, atol=1e-4)
    assert 8 < w.norm(dim=2).mean() < 13  # as real ones


def test_captions_leave_smile_and_age_to_chance(generator):
    factors, _ = world.faces(64, generator)
    state = generator.get_state()
    before = world.captions(factors, generator)
    factors[:, :4] = -factors[:, :4]
    generator.set_state(state)
    assert world.captions(factors, generator) == before
    assert set(re.findall(r"\w+", " ".join(before))) == set(world.vocabulary())


def test_clips_move_and_blink(generator):
    factors, pose = world.clips(64, 16, generator)
    assert factors.shape == (64, 16, 7) and pose.shape == (64, 16, 4)
    assert torch.equal(factors[:, :1, 4:].expand(-1, 16, -1), factors[:, :, 4:])  # hair, skin, background stay
    assert (factors[..., 2].min(1).values < -0.8).float().mean() > 0.3
    assert factors.diff(dim=1).abs().amax(1)[:, 0].max() > 0.05 and pose.diff(dim=1).abs().max() < 0.6


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


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    monkeypatch.setattr("wplus_ext.miniature.trainer.SAVE_EVERY", 10)
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole, _ = fit(tmp_path / "whole", 45)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "parts", 45, stop=27)
    parts, calls = fit(tmp_path / "parts", 45)
    assert calls == 25  # from step 20 on
    assert torch.equal(whole.weight, parts.weight) and torch.equal(whole.bias, parts.bias)
    figures = [json.loads(line) for line in (tmp_path / "whole" / "figures.jsonl").read_text().splitlines()]
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


def test_the_named_people_are_who_they_are_said_to_be():
    space, library = world.LatentSpace.make(), Studio(device="cpu").library
    assert library.names("latents") == list(export.PEOPLE)
    assert sorted(library.names("directions")) == sorted(world.FACTORS)
    found = torch.cat([space.factors(library.latent(name)[None]) for name in export.PEOPLE])
    assert torch.allclose(found, export.people(), atol=0.01)


def test_the_edit_edits(tmp_path, capsys):
    path = tmp_path / "figures.json"
    assert main(["evaluate", "--quick", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    found = json.loads(path.read_text())
    values = {figure["figure"]: figure["value"] for figure in found["figures"]}
    assert all(name in printed for name in values)
    assert values["age: rank correlation with lambda"] > 0.95
    assert values["age: change at lambda +0.5"] > 0.3
    assert values["age: change at lambda -0.5"] < -0.3
    assert values["age: others' change per unit of it, each video by itself"] < 0.2
    assert values["smile: rank correlation with lambda"] > 0.95
    assert values["smile: change at lambda +0.5"] > 0.3
    assert values["smile: change at lambda -0.5"] < -0.15
    assert values["smile: others' change per unit of it, each video by itself"] < 0.2
    assert values["identity: smile's rank correlation with alpha"] > 0.95
    assert values["identity: slope of smile, as part of the true one"] > 0.4
    assert values["curve -0.7 > 0 > 0.7: correlation with smile, frame by frame"] > 0.7
    assert values["curve -0.7 > 0 > 0.7: unrest of the other factors"] < 1.2
    assert (
        values["residual: change of smile in the right direction"]
        > values["direct: change of smile in the right direction"]
    )


def test_evaluate_fails_where_the_edit_is_gone(monkeypatch):
    """The figures see an edit that does nothing."""
    monkeypatch.setattr("wplus_ext.edit.residual.Folded.add", lambda *args: None)
    studio = Studio(device="cpu")
    trial = evaluate.Trial(studio, Ruler(studio.folder), [(evaluate.PROMPTS[0], 1)], 2, evaluate.tqdm(disable=True))
    figures, _ = evaluate.lambda_figures(trial, "age", [-0.5, 0.0, 0.5], 0.98)
    assert not any(figure.met for figure in figures if "change at" in figure.name)


def test_the_demo(tmp_path, monkeypatch, capsys):
    shown = [table for table in demo.tables() if table.name in ("modes", "dynamic")]
    monkeypatch.setattr(demo, "tables", lambda: shown)
    for name in ("one", "two"):
        assert main(["demo", "--out", str(tmp_path / name)]) == 0
    assert f"open {tmp_path / 'two' / 'index.html'}" in capsys.readouterr().out
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["dynamic.webp", "index.html", "modes.webp"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    page = (tmp_path / "one" / "index.html").read_text()
    assert page.count("<svg viewBox") == 12 and 'src="dynamic.webp"' in page
    asked = demo._chart(curve("-0.7 > 0 > 0.7", 8), [0.0] * 8, "smile")
    assert re.search(r'class="asked" points="([^"]+)"', asked)[0] in page


def test_all_tables_of_the_research_are_there():
    tables = {table.name: table for table in demo.tables()}
    assert list(tables) == ["modes", "identity", "lambda", "dynamic"]
    for table in tables.values():
        assert all(len(row) == len(table.columns) for row in table.edits)
        assert len(table.rows) == len(table.edits)
    alphas = [edit["tracks"] for edit in tables["identity"].edits[0]]
    assert alphas == ["smile = -2", "smile = 0", "smile = 2", "smile = 4"]
