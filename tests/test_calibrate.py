"""Calibration: what directions give, from where faces break, and the file beside them."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from test_reached import ANNA, OLIVER, UNITS, face

from wplus_ext.__main__ import main
from wplus_ext.library import calibration
from wplus_ext.library.calibration import Calibration
from wplus_ext.library.directions import describe
from wplus_ext.library.index import Library
from wplus_ext.measure.calibrate import calibrate
from wplus_ext.measure.follow import Faces
from wplus_ext.measure.moves import moved, mover
from wplus_ext.studio.pipeline import MINIATURE

NUMBERS = (-1.0, -0.5, 0.5, 1.0)
RENDERED = ["--steps", "4", "--frames", "2", "--seed", "1", "--seed", "2"]


def video(*faces):
    return Faces(tuple({} if found is None else {1: found} for found in faces))


def smiling(slope, start=0.1, age=0.0):
    """The smile of two frames by number, as `calibrate` takes videos."""
    return {number: [video(*[face(start + slope * number, 40 + age * number)] * 2)] for number in NUMBERS}


# What a direction gives


def test_the_slope_is_what_one_gives():
    found = calibrate([video(face(0.1), face(0.1))], smiling(0.4), UNITS)
    assert (found.attribute, found.slope, found.low, found.high) == ("smile", pytest.approx(0.4), -1, 1)
    assert [step.change for step in found.steps] == pytest.approx([-0.4, -0.2, 0.2, 0.4])
    assert {step.seen for step in found.steps} == {1.0} and {step.unlike for step in found.steps} == {0.0}


def test_the_attribute_that_moves_the_most_for_its_unit_is_it():
    edited = smiling(0.3, age=10)  # half of an age's unit
    found = calibrate([video(face(0.1), face(0.1))], edited, UNITS)
    assert (found.attribute, found.slope, found.unit) == ("age", pytest.approx(10), 20)
    assert found.gives["smile"] == pytest.approx(0.3)


def test_an_attribute_that_was_named_is_it():
    found = calibrate([video(face(0.1), face(0.1))], smiling(0.3, age=10), UNITS, "smile")
    assert (found.attribute, found.slope) == ("smile", pytest.approx(0.3))


def test_an_attribute_that_was_named_and_does_not_move_is_none():
    edited = smiling(0.02, age=10)
    assert calibrate([video(face(0.1), face(0.1))], edited, UNITS, "smile").attribute == ""


def test_what_moves_nothing_has_no_attribute():
    found = calibrate([video(face(0.1), face(0.1))], smiling(0.02), UNITS)
    assert (found.attribute, found.slope) == ("", 0) and found.steps[0].change is None


def test_videos_that_do_not_agree_are_no_slope():
    both = {number: smiling(0.5)[number] + smiling(-0.45)[number] for number in NUMBERS}
    assert calibrate([video(face(0.1), face(0.1))] * 2, both, UNITS).attribute == ""


def test_the_spread_is_that_of_the_videos():
    both = {number: smiling(0.5)[number] + smiling(0.3)[number] for number in NUMBERS}
    found = calibrate([video(face(0.1), face(0.1))] * 2, both, UNITS)
    assert (found.slope, found.spread, found.videos) == (pytest.approx(0.4), pytest.approx(0.1), 2)


def test_faces_hold_up_to_where_they_are_lost():
    edited = smiling(0.4)
    edited[1.0] = [video(face(5.0), None)]
    found = calibrate([video(face(0.1), face(0.1))], edited, UNITS)
    assert (found.low, found.high, found.steps[-1].seen) == (-1, 0.5, 0.5)
    assert found.slope == pytest.approx(0.4)  # what a broken face reads counts for nothing


def test_what_holds_beyond_a_break_holds_not():
    edited = smiling(0.4)
    edited[0.5] = [video(None, None)]
    assert calibrate([video(face(0.1), face(0.1))], edited, UNITS).high == 0


def test_a_frame_without_a_face_unedited_is_no_loss():
    edited = {number: [video(face(0.1 + 0.4 * number), None)] for number in NUMBERS}
    found = calibrate([video(face(0.1), None)], edited, UNITS)
    assert (found.low, found.high, found.slope) == (-1, 1, pytest.approx(0.4))


def test_who_becomes_somebody_else_is_told():
    edited = smiling(0.4)
    edited[1.0] = [video(face(0.5, vector=OLIVER), face(0.5, vector=ANNA))]
    found = calibrate([video(face(0.1), face(0.1))], edited, UNITS)
    assert found.steps[-1].unlike == pytest.approx(0.5**0.5 / 2, abs=1e-4)


@pytest.mark.parametrize(
    "unedited, edited, words",
    [([video(None, None)], smiling(1), "no face was measured in 2 frames as they are"),
     ([video(face(0.1), face(0.1))], {0.5: smiling(1)[0.5]}, "1 numbers of the direction, expected two or more")],
)  # fmt: skip
def test_what_cannot_be_calibrated_says_so(unedited, edited, words):
    with pytest.raises(ValueError, match=words):
        calibrate(unedited, edited, {})


# The file beside a direction


@pytest.fixture
def library(tmp_path):
    """A library with the directions ``broad`` and ``sub/wide``."""
    for name in ("broad", "sub/wide"):
        path = tmp_path / "directions" / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"w": torch.ones(18, 512)}, path)
    return Library([tmp_path])


def kept(library, name="broad", number="lambda", **other):
    entry = library.find("directions", name)
    found = Calibration(**{**dict(attribute="smile", slope=0.5, spread=0.1, unit=1.0, low=-1.0, high=0.75), **other})
    return calibration.write(library, entry, number, found)


def back(library, name="broad"):
    return calibration.read(library, library.find("directions", name))


def test_what_is_kept_comes_back(library):
    path = kept(library, steps=[calibration.Step(-1.0, -0.5, 1.0, None)], gives={"age": 2.0}, model="m", videos=4)
    found = back(library)["lambda"]
    assert path.name == "broad.safetensors.calibration.json"
    assert (found.slope, found.high, found.gives, found.videos) == (0.5, 0.75, {"age": 2.0}, 4)
    assert found.steps[0].change == -0.5 and back(library, "sub/wide") == {}


def test_lambda_and_alpha_are_kept_side_by_side(library):
    kept(library)
    kept(library, number="alpha", slope=0.07)
    kept(library, slope=0.6)
    assert {number: found.slope for number, found in back(library).items()} == {"lambda": 0.6, "alpha": 0.07}


def test_another_file_of_that_name_has_none(library, tmp_path):
    kept(library)
    kept(library, number="alpha")
    save_file({"w": torch.zeros(18, 512)}, tmp_path / "directions" / "broad.safetensors")
    library = Library([tmp_path])
    assert back(library) == {}
    kept(library)
    assert [*back(library)] == ["lambda"]  # that of the file before is gone


def test_it_is_no_direction_and_nothing_that_is_not_offered(library, tmp_path):
    kept(library)
    library.refresh()
    assert library.names("directions") == ["broad", "sub/wide"] and library.left_out("directions") == []


def test_the_list_of_directions_has_it(library):
    kept(library, model="toon")
    gives = "1 of lambda gives +0.50 smile (± 0.10), faces hold from -1 to 0.75, on toon"
    assert describe(library, "broad").gives == gives


def test_what_a_direction_was_seen_to_move_is_what_it_moves(library):
    kept(library)
    assert (moved("broad", library), moved("sub/wide", library), moved("broad")) == ("smile", "", "")
    assert mover("smile", library) == "broad" and mover("age", library) == ""


def damaged(change):
    def spoil(path):
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return spoil


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda path: path.write_text("{"), "no calibration"),
        (lambda path: path.write_text("[]"), "expected what calibrate wrote"),
        (lambda path: path.write_text("[" * 100_000), "no calibration"),
        (damaged(lambda all: all.update({"lambda": 3})), "expected a calibration"),
        (damaged(lambda all: all["lambda"].pop("slope")), "with slope"),
        (damaged(lambda all: all["lambda"].update(slope="1")), "expected finite numbers"),
        (damaged(lambda all: all["lambda"].update(slope=float("nan"))), "expected finite numbers"),
        (damaged(lambda all: all["lambda"].update(slope=10**400)), "expected a calibration"),
        (damaged(lambda all: all["lambda"].update(low=1.0)), "expected a range around 0"),
        (damaged(lambda all: all["lambda"].update(model=3)), "expected the names"),
        (damaged(lambda all: all["lambda"].update(steps=[{"x": 1}])), "expected a calibration"),
        (damaged(lambda all: all["lambda"].update(more=1)), "expected a calibration"),
    ],
)
def test_a_damaged_one_says_so_and_changes_nothing_else(library, spoil, words):
    spoil(kept(library))
    with pytest.raises(ValueError, match=words):
        back(library)
    assert words in describe(library, "broad").gives and moved("broad", library) == ""


def test_somebodys_file_is_not_overwritten(library, tmp_path):
    place = tmp_path / "directions" / "broad.safetensors.calibration.json"
    place.write_text("mine")
    with pytest.raises(ValueError, match="was not made here"):
        kept(library)
    assert place.read_text() == "mine"


# The command


@pytest.fixture
def wplus(tmp_path):
    return shutil.copytree(MINIATURE / "wplus", tmp_path / "wplus")


def command(wplus, *more):
    return main(["calibrate", *more, "--wplus", str(wplus), *RENDERED])


def test_the_command_measures_directions_of_a_library(wplus, capsys):
    assert command(wplus, "smile", "age", "--values", "-0.5 > 0.5") == 0
    told = capsys.readouterr().out
    assert "age: 1 of lambda gives +" in told and "-0.50: -" in told and "2 videos each" in told
    found = back(Library([wplus]), "smile")["lambda"]
    assert found.attribute == "smile" and found.slope > 0.1 and found.model == "miniature"
    assert not (wplus / "directions" / "turn.safetensors.calibration.json").exists()


def test_with_an_identity_it_is_of_alpha(wplus):
    assert command(wplus, "smile", "--identity", "ada", "--values", "-2 > 2") == 0
    assert [*back(Library([wplus]), "smile")] == ["alpha"]


def test_faces_that_break_are_out_of_the_range(wplus):
    assert command(wplus, "smile", "--values", "-20 > -0.5 > 0.5 > 20") == 0
    found = back(Library([wplus]), "smile")["lambda"]
    assert (found.low, found.high) == (-0.5, 0.5) and found.steps[-1].seen < 0.9


def test_a_person_can_say_what_it_moves(wplus):
    assert command(wplus, "age", "--values", "-0.5 > 0.5", "--by", "smile = age") == 0
    assert back(Library([wplus]), "age")["lambda"].attribute in ("", "smile")


@pytest.mark.parametrize(
    "more, words",
    [
        (["grin"], "there is no direction 'grin'"),
        (["smile", "--values", "1"], "expected two or more numbers but 0"),
        (["smile", "--values", "0 > 1"], "expected two or more numbers but 0"),
        (["smile", "--values", "0:(1), 3:(2)"], "expected two or more numbers but 0"),
        (["smile", "--values", "x"], "expected a number"),
        (["smile", "--by", "smile"], "--by is 'smile'"),
        (["smile", "--by", "smile = grin"], "there is no direction 'grin'"),
        (["smile", "--tracks", "smile = 1"], "--tracks"),
    ],
)
def test_what_cannot_be_calibrated_is_said(wplus, capsys, more, words):
    try:
        assert command(wplus, *more) == 2
    except SystemExit as error:  # argparse's own
        assert error.code == 2
    assert words in capsys.readouterr().err


def test_a_direction_is_known_without_its_folder(library):
    kept(library, "sub/wide")
    assert calibration.of(library, "wide", "lambda", "smile").slope == 0.5
    assert (
        calibration.of(library, "wide", "alpha", "smile") is calibration.of(library, "none", "lambda", "smile") is None
    )


def test_an_aim_keeps_to_the_range_in_which_faces_hold(wplus, tmp_path, capsys):
    library = Library([wplus])
    kept(library, "smile", low=-0.3, high=0.4)
    arguments = ["aim", "--target", "smile = 0.5", "--wplus", str(wplus), "--steps", "4", "--frames", "2"]
    assert main([*arguments, "--renders", "2", "--out", str(tmp_path / "a.webp")]) == 0
    assert "smile is moved by smile, from -0.3 to 0.4" in capsys.readouterr().err
