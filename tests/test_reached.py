"""What came out beside what was asked: curves, who it is, and what stayed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from wplus_ext.library.identities import save
from wplus_ext.library.index import Library
from wplus_ext.measure.follow import Faces
from wplus_ext.measure.points import Box
from wplus_ext.measure.reached import Reached, asked_of
from wplus_ext.measure.reached import reached as came_out
from wplus_ext.measure.reader import ATTRIBUTES, Face
from wplus_ext.settings import Settings

ANNA, OLIVER = np.eye(128)[0] * 0.5, np.eye(128)[1] * 0.5
UNITS = {"age": 20.0}


def face(smile, age=40.0, vector=ANNA):
    values = {**dict.fromkeys(ATTRIBUTES, 0.0), "smile": smile, "age": age}
    return Face(Box(0, 0, 50, 50, 0.9), np.zeros((68, 2)), values, {}, vector)


def reached(*frames, **tracks):
    video = Faces(tuple({} if found is None else {1: found} for found in frames))
    return Reached.of(video, {name: np.array(values) for name, values in tracks.items()}, UNITS)


def test_a_track_has_the_curve_of_what_it_moves():
    (curve,) = reached(face(0.1), None, face(0.5), smile=[0.0, 0.3, 0.7]).curves
    assert curve.attribute == "smile" and np.array_equal(curve.measured, [0.1, np.nan, 0.5], equal_nan=True)
    assert curve.correlation == pytest.approx(1)


def test_a_track_that_moves_nobody_knows_what_has_none():
    assert reached(face(0.1), face(0.2), glasses=[0.0, 1.0]).curves == ()


@pytest.mark.parametrize("smiles, asked", [((0.1, 0.5), [0.3, 0.3]), ((0.2, 0.2), [0.0, 1.0]), ((0.2,), [0.5])])
def test_what_does_not_change_follows_nothing(smiles, asked):
    assert reached(*map(face, smiles), smile=asked).curves[0].correlation is None


def test_who_stays_is_the_same_person():
    found = reached(face(0.1), face(0.2), smile=[0.0, 0.1])
    assert found.unlike == 0 and "the same person, 0.00 from the first frame" in found.lines()[-1]


def test_who_becomes_somebody_else_is_not():
    found = reached(face(0.1), face(0.2, vector=OLIVER), smile=[0.0, 0.1])
    assert found.unlike == pytest.approx(0.5**0.5) and "not the same person" in found.lines()[-1]


class Photos:
    """Sees one face, of this vector, in any picture."""

    units = UNITS

    def __init__(self, vector):
        self.vector = vector

    def read(self, frames):
        for _ in frames:
            yield [] if self.vector is None else [face(0.0, vector=self.vector)]


@pytest.mark.parametrize(
    "vector, unlike, words",
    [(ANNA, 0, "; the identity's own person, 0.00 from its photo"),
     (OLIVER, 0.5**0.5, "; not the identity's own person, 0.71 from its photo"), (None, None, "")],
)  # fmt: skip
def test_who_it_is_is_compared_with_the_identitys_photo(tmp_path, vector, unlike, words):
    (tmp_path / "latents").mkdir()
    save(tmp_path / "latents" / "anna.safetensors", torch.zeros(18, 512), Image.new("RGB", (9, 9)), [])
    settings = Settings(enabled=True, identity="anna", tracks="smile = 1")
    video = Faces(({1: face(0.1)}, {1: face(0.2)}))
    found = came_out(video, (99, 99), settings, Library([tmp_path]), Photos(vector))
    assert found.unlike_photo == (None if unlike is None else pytest.approx(unlike))
    assert f"0.00 from the first frame{words}; all else" in found.lines()[-1]
    assert found.to_dict()["unlike_photo"] == (None if unlike is None else round(unlike, 4))


def test_a_latent_without_a_photo_is_compared_with_none(tmp_path):
    (tmp_path / "latents").mkdir()
    torch.save(torch.zeros(18, 512), tmp_path / "latents" / "anna.pt")
    settings = Settings(enabled=True, identity="anna", tracks="smile = 1")
    assert (
        came_out(Faces(({1: face(0.1)},)), (99, 99), settings, Library([tmp_path]), Photos(ANNA)).unlike_photo is None
    )


def two(left, right, at=(10, 200)):
    """A frame of two faces, 50 pixels wide, from the left and from the right."""
    faces = {1: face(right), 2: face(left, vector=OLIVER)}
    for person, x in zip((2, 1), at):
        object.__setattr__(faces[person], "box", Box(x, 20, 50, 50, 0.9))
    return faces


def test_a_track_in_a_region_is_about_the_face_there(tmp_path):
    settings = Settings(
        enabled=True, tracks="smile[left] = 0 > 1\nsmile[right] = 1 > 0\nsmile[up] = 1\nage = 1",
        regions="left = (0.15 0.5 0.1 0.4)\nright = (0.8 0.5 0.2 0.4)\nup = (0.5 0 0.1 0.05)",
    )  # fmt: skip
    video = Faces((two(0.1, 0.9), two(0.2, 0.8)))
    curves = {
        curve.track: curve for curve in came_out(video, (280, 99), settings, Library([tmp_path]), Photos(None)).curves
    }
    assert [*curves] == ["smile[left]", "smile[right]", "age"]  # nobody is up there
    assert curves["smile[left]"].measured.tolist() == [0.1, 0.2]
    assert curves["smile[right]"].measured.tolist() == [0.9, 0.8]
    assert curves["smile[left]"].asked.tolist() == [0, 1]


def test_two_tracks_of_one_name_add_up_and_may_be_about_nobody(tmp_path):
    settings = Settings(
        enabled=True, tracks="smile[0:8, up] = 1\nsmile[8:18, up] = 0.5\nsmile[0:8] = 1\nsmile[8:18] = 0.5",
        regions="up = (0.5 0 0.1 0.05)",
    )  # fmt: skip
    found = came_out(Faces((two(0.1, 0.9),)), (280, 99), settings, Library([tmp_path]), Photos(None))
    assert [(curve.track, curve.asked.tolist()) for curve in found.curves] == [("smile", [1.5])]


def test_what_no_track_moves_is_to_stay():
    assert reached(face(0.1), face(0.9), smile=[0.0, 1.0]).unrest == 0
    assert reached(face(0.1, 40), face(0.9, 54), smile=[0.0, 1.0]).unrest == pytest.approx(0.7 / 7)
    assert reached(face(0.1, 40), face(0.9, 54), smile=[0.0, 1.0], age=[0.0, 1.0]).unrest == 0


def test_lines_say_how_far_it_went():
    lines = reached(face(0.1), None, face(0.5), **{"latent/smile": [0.0, 0.3, 0.7]}).lines()
    assert lines[0] == "latent/smile 0.00 to 0.70: smile measured 0.10 to 0.50, correlation 1.00"
    assert "1 of 3 frames were not measured" in lines[1]


def test_an_attribute_that_a_reader_does_not_measure_has_no_line():
    some = face(0.1)
    del some.values["brows"]
    lines = reached(some, some, smile=[0.0, 0.3], brows=[0.0, 1.0]).lines()
    assert "smile measured" in lines[0] and not any("brows" in line for line in lines)


def test_no_face_is_said():
    found = reached(None, None, smile=[0.0, 1.0])
    assert found.lines() == ["no face was measured in 2 frames"] and found.unlike is None and found.unrest is None


def test_the_dict_is_json_with_gaps_as_null():
    told = json.loads(json.dumps(reached(face(0.1), None, face(0.5), smile=[0.0, 0.3, 0.7]).to_dict(), allow_nan=False))
    assert told["frames"] == 2 and told["curves"][0]["measured"] == [0.1, None, 0.5]
    assert told["curves"][0] | {"measured": 0} == {
        "track": "smile", "attribute": "smile", "unit": 1.0, "asked": [0.0, 0.3, 0.7], "measured": 0, "correlation": 1.0
    }  # fmt: skip


def test_the_strength_scales_lambda_and_not_alpha():
    settings = Settings(enabled=True, tracks="smile = 0 > 1", strength="0.5")
    assert asked_of(settings, 3)["smile"].tolist() == [0, 0.25, 0.5]
    assert asked_of(Settings(enabled=True, identity="ada", tracks="smile = 4", strength="0.5"), 1)["smile"] == 4
