"""The command ``aim``, on the miniature."""

from __future__ import annotations

import contextlib
import io
import json
import shutil

import numpy as np
import pytest

from wplus_ext.__main__ import main
from wplus_ext.library.index import Library
from wplus_ext.measure import moves
from wplus_ext.measure.reader import ATTRIBUTES
from wplus_ext.miniature import aiming
from wplus_ext.miniature.measure import Ruler
from wplus_ext.studio.frames import read_frames
from wplus_ext.studio.pipeline import MINIATURE, Studio

SHORT = ["--steps", "6", "--frames", "4", "--seed", "3"]


def aim(path, *more, target="smile = -0.5 > 0.5", renders="4"):
    return main(["aim", "--target", target, "--renders", renders, *SHORT, *more, "--out", str(path)])


def smiles(path):
    return Ruler(MINIATURE).factors(np.stack([*read_frames(path)]))[:, 0].numpy()


@pytest.fixture(scope="module")
def aimed(tmp_path_factory):
    """A video whose smile was aimed at, beside an age of its own; and what was printed."""
    folder = tmp_path_factory.mktemp("aimed")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert aim(folder / "smile", "--tracks", "age = 0.2") == 0
    return folder / "smile", printed.getvalue()


def test_a_smile_comes_nearer_to_what_is_asked(aimed, tmp_path):
    asked = np.linspace(-0.5, 0.5, 4)
    assert main(["render", *SHORT, "--tracks", "age = 0.2", "--out", str(tmp_path / "plain")]) == 0
    off = [np.abs(smiles(path) - asked).mean() for path in (aimed[0], tmp_path / "plain")]
    assert off[0] < 0.6 * off[1]


def test_what_is_printed_makes_the_video_again(aimed, tmp_path):
    path, tracks = aimed
    assert tracks.splitlines()[0] == "age = 0.2" and tracks.splitlines()[1].startswith("smile = ")
    assert main(["render", *SHORT, "--tracks", tracks, "--out", str(tmp_path / "again")]) == 0
    for before, after in zip(read_frames(path), read_frames(tmp_path / "again"), strict=True):
        assert np.array_equal(before, after)


def test_each_render_is_told(tmp_path, capsys):
    assert aim(tmp_path / "a.webp", "--hold", "age", renders="3") == 0
    told = capsys.readouterr().err
    assert "smile is moved by smile, from -1 to 1" in told and "age is moved by age" in told
    assert [f"render {i}: mean error" in told for i in (1, 2, 3, 4)] == [True, True, True, False]
    assert "3 renders are done" in told


def test_the_json_has_what_was_asked_and_reached(tmp_path):
    assert aim(tmp_path / "a.webp", "--json", str(tmp_path / "a.json"), renders="3") == 0
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["asked"]["smile"] == pytest.approx(np.linspace(-0.5, 0.5, 4), abs=1e-4)
    assert len(told["reached"]["smile"]) == 4 and len(told["rounds"]) == 3
    assert told["rounds"][0]["tracks"] == {"smile": "0"} and told["tracks"].startswith("smile = ")


def test_the_best_is_kept_when_it_is_stopped(tmp_path, monkeypatch, capsys):
    render, calls = Studio.render, []

    def stopped(self, shots, tick):
        calls.append(shots)  # the third is stopped
        if len(calls) == 3:
            raise KeyboardInterrupt
        return render(self, shots, tick)

    monkeypatch.setattr(Studio, "render", stopped)
    assert aim(tmp_path / "a.webp") == 0
    assert (tmp_path / "a.webp").exists() and "stopped; render" in capsys.readouterr().err


@pytest.mark.parametrize(
    "target, more, words",
    [
        ("grin = 1", [], "--target asks for 'grin', expected smile, "),
        ("smile = 1 >", [], "expected a number"),
        ("smile = 0.5", ["--hold", "smile"], "attributes smile, smile"),
        ("mouth_open = 1", [], 'no direction is known to move mouth_open; say --by "mouth_open = DIRECTION"'),
        ("smile = 1", ["--by", "smile"], "--by is 'smile', expected ATTRIBUTE = DIRECTION"),
        ("smile = 1", ["--by", "smile = grin"], "there is no direction 'grin'"),
        ("smile = 1", ["--far", "0"], "--far is 0, expected a number above 0"),
        ("smile = 1", ["--far", "nan"], "--far is nan, expected a number above 0"),
        ("smile = 1", ["--renders", "1"], "--renders is 1, expected 2 to 100"),
        ("smile = 1", ["--face", "2"], "smile cannot be measured in any of 4 frames"),
    ],
)
def test_what_cannot_be_aimed_at_is_said(tmp_path, capsys, target, more, words):
    assert aim(tmp_path / "a.webp", *more, target=target) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "a.webp").exists()


def test_a_model_that_nothing_measures_says_what_to_get(tmp_path, capsys):
    model = shutil.copytree(MINIATURE, tmp_path / "m")
    (model / "reader.safetensors").unlink()
    assert aim(tmp_path / "a.webp", "--model", str(model)) == 2
    assert "get the networks that measure faces" in capsys.readouterr().err


# Which direction moves what


@pytest.mark.parametrize(
    "direction, attribute",
    [("smile", "smile"), ("latent/age", "age"), ("latent/angle_horizontal", "yaw"), ("eyes", "eyes_open"),
     ("ganspace/wrinkles", ""), ("smile/other", "")],
)  # fmt: skip
def test_a_name_says_what_is_moved(direction, attribute):
    assert moves.moved(direction) == attribute


@pytest.mark.parametrize(
    "names, attribute, direction",
    [(["latent/emotion_happy", "latent/smile", "other/smile"], "smile", "latent/smile"),
     (["latent/emotion_happy", "age"], "smile", "latent/emotion_happy"),
     (["latent/smile"], "mouth_open", "")],
)  # fmt: skip
def test_a_direction_of_the_attributes_own_name_goes_before_others(tmp_path, names, attribute, direction):
    for name in names:
        path = tmp_path / "directions" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert moves.mover(attribute, Library([tmp_path])) == direction


def test_all_names_are_of_attributes():
    assert set(moves.CALLED.values()) <= set(ATTRIBUTES)


# Drawn faces


def test_what_is_no_drawn_face_is_a_gap():
    noise = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3)).astype(np.uint8)
    assert list(Ruler(MINIATURE).read(noise)) == [[], []]


# The figures


@pytest.mark.once
def test_the_figures_of_aiming(monkeypatch):
    defaults = Studio.defaults
    monkeypatch.setattr(aiming, "FRAMES", 4)
    monkeypatch.setattr(Studio, "defaults", lambda self: {**defaults(self), "steps": 5})
    figures = {figure.name: figure.value for figure in aiming.evaluate_aim(Studio(device="cpu"), quick=True)}
    assert figures["aim -0.7 > 0 > 0.7: renders, the most"] <= 8
    assert figures["aim -0.7 > 0 > 0.7: mean error"] < 0.3
    assert figures["aim -0.7 > 0 > 0.7: correlation with smile, frame by frame"] > 0.9
    assert 0 <= figures["aim, age held: change of age, without = 1"] < 1.5
    assert len(figures) == 11
