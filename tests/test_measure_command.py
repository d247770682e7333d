"""The commands ``measure`` and ``follow``, with faces that are made up."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from measured import write_all
from PIL import Image
from safetensors.torch import save_file

from wplus_ext.__main__ import main
from wplus_ext.commands import faces
from wplus_ext.library import calibration
from wplus_ext.library.calibration import Calibration
from wplus_ext.library.index import Library
from wplus_ext.measure import plot
from wplus_ext.measure.follow import Faces
from wplus_ext.measure.points import Box
from wplus_ext.measure.reader import ATTRIBUTES, Face

BOX, POINTS = Box(10, 20, 30, 40, 0.9), np.zeros((68, 2))


def face(smile=None, why=""):
    values = {} if smile is None else {**dict.fromkeys(ATTRIBUTES, 0.25), "smile": smile}
    return Face(BOX, POINTS, values, {}, np.zeros(128), why)


FRAMES = ({1: face(0.5)}, {}, {1: face(0.7), 2: face(why="too small: 9 pixels")}, {1: face(0.9)})


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """A video and a library, in which these faces are seen."""
    write = [Image.new("RGB", (16, 16), (60 * i, 0, 0)) for i in range(len(FRAMES))]
    write[0].save(tmp_path / "a.webp", save_all=True, append_images=write[1:])
    for folder in ("measure", "directions"):
        (tmp_path / "wplus" / folder).mkdir(parents=True)
    monkeypatch.setattr(faces, "Reader", lambda folder, device: folder)
    monkeypatch.setattr(faces, "measure", lambda frames, reader: Faces(FRAMES[: len(list(frames))]))
    return tmp_path


def run(name, folder, *more):
    return main([name, str(folder / "a.webp"), "--wplus", str(folder / "wplus"), *map(str, more)])


measure = partial(run, "measure")


def test_a_line_is_a_face_of_a_frame(seen, capsys):
    assert measure(seen) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["frame", "face", *ATTRIBUTES]
    assert lines[1].split() == ["0", "1", "0.50", *["0.25"] * 7]
    assert lines[2].split() == ["1", "-", "no", "face"]
    assert lines[4].split(maxsplit=2) == ["2", "2", "too small: 9 pixels"]
    assert lines[-2:] == ["face 1: seen in 3 of 4 frames", "face 2: seen in 1 of 4 frames, measured in 0"]


def test_the_json_has_gaps_as_gaps(seen):
    assert measure(seen, "--json", seen / "a.json") == 0
    content = json.loads((seen / "a.json").read_text())
    assert content["video"] == "a.webp" and content["frames"][1] == {"frame": 1, "faces": []}
    small = content["frames"][2]["faces"][1]
    assert (small["id"], small["smile"], small["why"]) == (2, None, "too small: 9 pixels")


def test_the_plot_has_gaps_as_gaps(seen):
    assert measure(seen, "--plot", seen / "a.svg") == 0
    text = (seen / "a.svg").read_text()
    smile = re.search(r">smile</text>.*?</g>", text, re.DOTALL)[0]
    line, dots, *_ = re.findall(r' d="([^"]*)"', smile)
    assert [letter for letter in line if letter in "ML"] == ["M", "M", "L"] and dots.count("M") == 1
    assert len(re.findall("<rect", text)) == len(ATTRIBUTES) and "face 2" in text


def test_a_curve_is_as_high_as_it_is():
    faces = Faces(tuple({1: face(value)} for value in (-1.0, 0.0, 1.0)))
    smile = re.search(r">smile</text>.*?</g>", plot.svg(faces, "a & b"), re.DOTALL)[0]
    heights = [float(point.split()[1]) for point in re.search(r' d="M([^"]*)"', smile)[1].split("L")]
    assert heights == [plot.TOP + plot.HEIGHT, plot.TOP + plot.HEIGHT / 2, plot.TOP]


@pytest.mark.parametrize("name, content", [("a.json", "{}"), ("a.svg", "<svg/>")])
def test_what_is_not_ours_stays(seen, capsys, name, content):
    (seen / name).write_text(content)
    option = {"a.json": "--json", "a.svg": "--plot"}[name]
    assert measure(seen, option, seen / name) == 2 and (seen / name).read_text() == content
    assert "was not made here" in capsys.readouterr().err
    assert measure(seen, option, seen / name, "--force") == 0
    assert measure(seen, option, seen / name) == 0  # it is ours now


def test_a_plot_is_an_svg(seen, capsys):
    assert measure(seen, "--plot", seen / "a.png") == 2
    assert "a.png: expected a name that ends in .svg" in capsys.readouterr().err


def test_a_video_without_a_face_is_said_in_a_line(tmp_path, capsys):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.webp")
    (tmp_path / "wplus" / "measure").mkdir(parents=True)
    write_all(tmp_path / "wplus" / "measure")
    assert measure(tmp_path) == 2
    assert re.search(r"a.webp: no face in 1 frame; ", capsys.readouterr().err)


def test_networks_that_are_not_there_are_said_in_a_line(tmp_path, capsys):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.webp")
    (tmp_path / "wplus").mkdir()
    assert measure(tmp_path) == 2
    assert "with the command fetch measure" in capsys.readouterr().err


# follow


@pytest.mark.parametrize(
    "options, expected",
    [
        ([], "smile = 0:(0.5), 2:(0.7), 3:(0.9)"),
        (["--track", "latent/smile", "--frames", 16], "latent/smile = 0:(0.5), 10:(0.7), 15:(0.9)"),
        (["--scale", 2, "--relative"], "smile = 0:(-0.35), 2:(0.05), 3:(0.45)"),
        (["--attribute", "brows"], "brows = 0.25"),
    ],
    ids=["as it is", "for another video", "relative", "still"],
)
def test_a_track_follows_a_face(seen, capsys, options, expected):
    assert run("follow", seen, "--calm", 0, *options) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{expected}\n" and "measured in 3 of 4 frames" in printed.err


def test_a_calibrated_direction_scales_it(seen, capsys):
    save_file({"w": torch.ones(18, 512)}, Path(seen, "wplus", "directions", "broad.safetensors"))
    library = Library([seen / "wplus"])
    found = Calibration("smile", slope=0.5, spread=0.1, unit=1.0, low=-1.0, high=1.0, model="toon")
    calibration.write(library, library.find("directions", "broad"), "lambda", found)
    assert run("follow", seen, "--calm", 0, "--track", "broad") == 0
    printed = capsys.readouterr()
    assert printed.out == "broad = 0:(1), 2:(1.4), 3:(1.8)\n"
    assert "broad gives 0.5 smile for 1 of lambda, on toon" in printed.err
    assert run("follow", seen, "--calm", 0, "--track", "broad", "--scale", 1) == 0
    assert run("follow", seen, "--calm", 0, "--track", "broad", "--attribute", "brows") == 0
    assert capsys.readouterr().out == "broad = 0:(0.5), 2:(0.7), 3:(0.9)\nbroad = 0.25\n"


@pytest.mark.parametrize(
    "options, message",
    [
        (["--face", 3], "there is no face 3 in 4 frames, but faces 1 to 2"),
        (["--face", 2], "face 2 is not measured in any of 4 frames: too small: 9 pixels"),
        (["--frames", 0], "--frames is 0, expected 1 to 10000"),
        (["--calm", -1], "--calm is -1, expected 0 to 10000"),
        (["--tolerance", "nan"], "--tolerance is nan, expected 0 to 20"),
        (["--scale", 100], "the curve goes to 90, expected at most 20; scale it"),
        (["--track", "a=b"], "--track is 'a=b', expected the name of a direction"),
    ],
)
def test_what_cannot_be_followed_is_said_in_a_line(seen, capsys, options, message):
    assert run("follow", seen, "--calm", 0, *options) == 2
    assert message in capsys.readouterr().err
