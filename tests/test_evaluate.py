"""Does the edit edit? The figures of ``evaluate``, over its quick videos, and the command itself on smaller ones."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.curve import evaluate as curve
from wplus_ext.miniature import evaluate, figure, world
from wplus_ext.miniature.measure import Ruler
from wplus_ext.studio.pipeline import Studio

LAMBDAS = [-0.5, -0.25, 0.0, 0.25, 0.5]
CURVE = "-0.7 > 0 > 0.7"
OTHERS = "others' change per unit of it, each video by itself"


def once(test):
    """Long, and longer where the cores are busy."""
    return pytest.mark.once(pytest.mark.timeout(1200)(test))


def trial(frames, videos=3):
    studio = Studio(device="cpu")
    seeds = range(100, 100 + videos)
    shown = list(itertools.product(evaluate.PROMPTS[:1], seeds))
    return evaluate.Trial(studio, Ruler(studio.folder), shown, frames, evaluate.tqdm(disable=True))


def values(figures):
    return {figure.name: figure.value for figure in figures}


@pytest.fixture(scope="module")
def few():
    return trial(4)


@pytest.fixture(scope="module", params=["smile", "age"])
def factor(request, few):
    """A factor, and what an edit of it does."""
    figures, _ = evaluate.lambda_figures(few, request.param, LAMBDAS)
    return request.param, values(figures)


@once
def test_a_factor_follows_lambda(factor):
    name, found = factor
    assert found[f"{name}: rank correlation with lambda"] > 0.95


@once
def test_more_of_a_factor(factor):
    name, found = factor
    assert found[f"{name}: change at lambda +0.5"] > 0.3


@once
def test_less_of_a_factor(factor):
    name, found = factor
    assert found[f"{name}: change at lambda -0.5"] < {"age": -0.3, "smile": -0.15}[name]


@once
def test_other_factors_stay(factor):
    name, found = factor
    assert found[f"{name}: {OTHERS}"] < 0.2


@pytest.fixture(scope="module")
def identity(few):
    figures, _ = evaluate.identity_figures(few, 3)
    return values(figures)


@once
def test_with_an_identity_the_smile_follows_alpha(identity):
    assert identity["identity: smile's rank correlation with alpha"] > 0.95


@once
def test_with_an_identity_the_smile_is_as_wide_as_it_should_be(identity):
    assert identity["identity: slope of smile, as part of the true one"] > 0.4


@pytest.fixture(scope="module")
def many():
    return trial(16)


@pytest.fixture(scope="module")
def dynamic(many):
    figures, _ = evaluate.dynamic_figures(many, [CURVE])
    return values(figures)


@once
def test_the_smile_follows_a_curve_frame_by_frame(dynamic):
    assert dynamic[f"curve {CURVE}: correlation with smile, frame by frame"] > 0.7


@once
def test_a_curve_leaves_the_rest_calm(dynamic):
    assert dynamic[f"curve {CURVE}: unrest of the other factors"] < 1.2


@once
def test_how_much_the_smile_shakes(many):
    found = values(evaluate.jitter_figures(many, [CURVE], 32))
    assert found[f"curve {CURVE}: jitter of smile, drawn clips = 1"] < 14


@once
def test_strong_edits_are_drawn_faces_still(few):
    assert max(values(evaluate.strangeness_figures(few)).values()) < 1.7


@once
def test_the_residual_does_more_than_the_direct_mode(few):
    found = values(evaluate.mode_figures(few))
    assert (
        found["residual: change of smile in the right direction"]
        > found["direct: change of smile in the right direction"]
    )


def test_figures_see_an_edit_that_does_nothing(monkeypatch):
    monkeypatch.setattr("wplus_ext.edit.residual.Folded.add", lambda *args: None)
    figures, _ = evaluate.lambda_figures(trial(2, videos=1), "age", [-0.5, 0.0, 0.5])
    changes = {figure.name: figure.met for figure in figures if "change at" in figure.name}
    assert changes == {"age: change at lambda -0.5": False, "age: change at lambda +0.5": False}


ASKED = torch.tensor(curve(CURVE, 16))
SHAKE = 0.1 * (-1.0) ** torch.arange(16)


def measured(smiles, prompts=()):
    """A trial in which these smiles (V, F) were measured, whatever the edit."""
    factors = torch.rand(*smiles.shape, len(world.FACTORS), generator=torch.Generator().manual_seed(0))
    factors[..., evaluate.SMILE] = smiles
    ruler, shot = SimpleNamespace(factors=lambda shown: shown), SimpleNamespace(frames=smiles.shape[1])
    found = {"factors": lambda **edit: factors, "smile": lambda **edit: smiles}
    return SimpleNamespace(**found, prompts=prompts, shot=shot, ruler=ruler, studio=None)


@pytest.mark.parametrize(
    "series, expected",
    [([-1.0, 0.0, 1.0, 2.0], 0.0), ([0.1, -0.1, 0.1, -0.1], 0.4), ([0.0, 0.3, 0.0], 0.6)],
    ids=["steep", "shaky", "a jump"],
)
def test_jitter_is_the_second_difference(series, expected):
    assert figure.jitter(torch.tensor([series])).tolist() == pytest.approx([expected], abs=1e-6)


def test_jitter_wants_three_frames():
    with pytest.raises(ValueError, match="series of 2 frames, expected at least 3"):
        figure.jitter(torch.zeros(1, 2))


@pytest.mark.parametrize("smile, met", [(ASKED, True), (ASKED + SHAKE, False)], ids=["smooth", "shaky"])
def test_jitter_is_held_against_drawn_clips(smile, met, monkeypatch):
    monkeypatch.setattr(evaluate, "_shown", lambda studio, factors, pose: factors)
    figures = evaluate.jitter_figures(measured(smile[None]), [CURVE], 256)
    assert {found.name: found.met for found in figures}[f"curve {CURVE}: jitter of smile, drawn clips = 1"] is met


def test_the_worst_prompt_is_shown():
    trial = measured(torch.stack([ASKED, ASKED, ASKED, -ASKED]), prompts=("first", "second", "first", "second"))
    figures, curves = evaluate.dynamic_figures(trial, [CURVE])
    assert values(figures)[f"curve {CURVE}: correlation with smile, frame by frame"] == pytest.approx(0.5)
    assert values(figures)[f"curve {CURVE}: correlation with smile, worst prompt"] == pytest.approx(0, abs=1e-6)
    assert curves[CURVE]["prompts"] == pytest.approx({"first": 1, "second": 0}, abs=1e-6)


class Small(evaluate.Trial):
    """Two videos of three frames, roughly: jitter wants three."""

    def __init__(self, studio, ruler, videos, frames, bar, workers):
        super().__init__(studio, ruler, videos[:2], 3, bar, workers)
        self.shot = replace(self.shot, steps=5)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The command's exit code and its JSON, of videos that are small."""
    path = tmp_path_factory.mktemp("figures") / "figures.json"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(evaluate, "Trial", Small)
        assert main(["evaluate", "--quick", "--json", str(path)]) == 0
    return json.loads(path.read_text())


@pytest.mark.parametrize(
    "figure",
    [
        "smile: rank correlation with lambda",
        "age: change at lambda +0.5",
        "identity: slope of smile, as part of the true one",
        f"curve {CURVE}: unrest of the other factors",
        f"curve {CURVE}: correlation with smile, worst prompt",
        f"curve {CURVE}: jitter of smile, drawn clips = 1",
        "smile: strangeness of the pictures at lambda -0.7, unedited = 1",
        "start 0.2: smile gained by lambda 0.4",
        "direct: change of smile in the right direction",
    ],
)
def test_the_command_measures(report, figure):
    assert figure in [found["figure"] for found in report["figures"]]


def test_the_command_prints_every_figure(report, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "evaluate", lambda studio, quick, workers: report)
    assert main(["evaluate", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert len(report["figures"]) > 20
    assert [found["figure"] for found in report["figures"] if found["figure"] not in printed] == []


def test_the_command_wants_a_folder_to_write_to(tmp_path, capsys):
    assert main(["evaluate", "--json", str(tmp_path / "none" / "a.json")]) == 2
    assert "no such folder, expected one to write a.json into" in capsys.readouterr().err
