"""Does the edit edit? The figures of ``evaluate``, over its quick videos, and the command itself on smaller ones."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from wplus_ext.__main__ import main
from wplus_ext.miniature import evaluate
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
    figures, _ = evaluate.lambda_figures(few, request.param, LAMBDAS, 0.95)
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
def dynamic():
    return values(evaluate.dynamic_figures(trial(16), [CURVE]))


@once
def test_the_smile_follows_a_curve_frame_by_frame(dynamic):
    assert dynamic[f"curve {CURVE}: correlation with smile, frame by frame"] > 0.7


@once
def test_a_curve_leaves_the_rest_calm(dynamic):
    assert dynamic[f"curve {CURVE}: unrest of the other factors"] < 1.2


@once
def test_the_residual_does_more_than_the_direct_mode(few):
    found = values(evaluate.mode_figures(few))
    assert (
        found["residual: change of smile in the right direction"]
        > found["direct: change of smile in the right direction"]
    )


def test_figures_see_an_edit_that_does_nothing(monkeypatch):
    monkeypatch.setattr("wplus_ext.edit.residual.Folded.add", lambda *args: None)
    figures, _ = evaluate.lambda_figures(trial(2, videos=1), "age", [-0.5, 0.0, 0.5], 0.98)
    changes = {figure.name: figure.met for figure in figures if "change at" in figure.name}
    assert changes == {"age: change at lambda -0.5": False, "age: change at lambda +0.5": False}


class Small(evaluate.Trial):
    """One video of two frames, roughly."""

    def __init__(self, studio, ruler, videos, frames, bar):
        super().__init__(studio, ruler, videos[:2], 2, bar)
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
        "start 0.2: smile gained by lambda 0.4",
        "direct: change of smile in the right direction",
    ],
)
def test_the_command_measures(report, figure):
    assert figure in [found["figure"] for found in report["figures"]]


def test_the_command_prints_every_figure(report, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "evaluate", lambda studio, quick: report)
    assert main(["evaluate", "--quick"]) == 0
    printed = capsys.readouterr().out
    assert len(report["figures"]) > 20
    assert [found["figure"] for found in report["figures"] if found["figure"] not in printed] == []


def test_the_command_wants_a_folder_to_write_to(tmp_path, capsys):
    assert main(["evaluate", "--json", str(tmp_path / "none" / "a.json")]) == 2
    assert "no such folder, expected one to write a.json into" in capsys.readouterr().err
