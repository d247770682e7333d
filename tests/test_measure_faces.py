"""What a face's points say, its eyes, and which boxes are faces."""

from __future__ import annotations

import math

import measured
import numpy as np
import pytest
import torch

from wplus_ext.library.index import Missing
from wplus_ext.measure import attributes, eyes, points, reader
from wplus_ext.measure.reader import ATTRIBUTES, Reader

HEAD = np.nan_to_num(attributes.HEAD)


def seen(yaw=0.0, pitch=0.0, roll=0.0, size=80.0, head=HEAD):
    """The mean head's points (68, 2) in pixels, as a camera far away sees it, turned by degrees."""
    a, b, c = (math.radians(x) for x in (yaw, pitch, roll))
    right = math.cos(a) * head[:, 0] + math.sin(a) * head[:, 2]
    depth = math.cos(a) * head[:, 2] - math.sin(a) * head[:, 0]
    down = math.cos(b) * head[:, 1] - math.sin(b) * depth
    turned = [math.cos(c) * right - math.sin(c) * down, math.sin(c) * right + math.cos(c) * down]
    return np.stack(turned, 1) * size + (200, 150)


def values(at, opening=0.4):
    return attributes.values(at, attributes.pose_of(at), opening)


def changed(rows, side, by):
    head = HEAD.copy()
    head[rows, side] += by
    return head


# Poses


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (-30, 10, 20), (10, -20, -40), (0, 15, 90)])
def test_a_pose_is_found(yaw, pitch, roll):
    found = attributes.pose_of(seen(yaw, pitch, roll))
    assert np.allclose(np.degrees(found[:3]), (yaw, pitch, roll), atol=1e-6)
    assert np.allclose(found[3:], (80, 200, 150))


def test_a_nose_to_the_right_is_yaw_above_zero():
    assert values(seen(yaw=30))["yaw"] == pytest.approx(1)
    assert seen(yaw=30)[30, 0] > 200


def test_a_raised_head_is_pitch_above_zero():
    assert values(seen(pitch=15))["pitch"] == pytest.approx(0.5)
    assert seen(pitch=15)[30, 1] < seen()[30, 1]


def test_a_right_eye_below_the_left_one_is_roll_above_zero():
    assert values(seen(roll=15))["roll"] == pytest.approx(0.5)
    assert seen(roll=15)[45, 1] > seen(roll=15)[36, 1]


def test_points_in_one_place_are_no_face():
    with pytest.raises(ValueError, match="expected those of a face"):
        attributes.pose_of(np.ones((68, 2)))


# Attributes

SMILING = changed([48, 54, 60, 64], 1, -0.08)


@pytest.mark.parametrize(
    "turned", [{"yaw": 30}, {"pitch": 20}, {"roll": -40}, {"size": 12.0}, {"yaw": -20, "pitch": 9}]
)
def test_attributes_do_not_follow_the_heads_pose_and_size(turned):
    upright, posed = values(seen(head=SMILING)), values(seen(head=SMILING, **turned))
    for name in ("smile", "mouth_open", "brows"):
        assert posed[name] == pytest.approx(upright[name], abs=0.05), name


LOWER_LIP, BROWS = [57, 65, 66, 67], list(range(17, 27))
MOVED = {
    "smile": ([48, 54, 60, 64], -0.08, 1),
    "mouth_open": (LOWER_LIP, 0.38, 1),
    "brows": (BROWS, -0.08, 1),
}


@pytest.mark.parametrize("name", MOVED)
def test_an_attribute_follows_what_it_is_named_after(name):
    rows, by, wanted = MOVED[name]
    assert values(seen(head=changed(rows, 1, by)))[name] - values(seen())[name] == pytest.approx(wanted, abs=0.05)


def test_a_mouth_that_opens_in_surprise_is_no_smile():
    head = changed(LOWER_LIP, 1, 0.3)
    head[[48, 54, 60, 64], 1] += 0.1  # the corners follow the jaw by a third
    found = values(seen(head=head))
    assert found["mouth_open"] - values(seen())["mouth_open"] == pytest.approx(0.3 / 0.38)
    assert found["smile"] == pytest.approx(values(seen())["smile"])


def test_both_sides_of_a_face_count_alike():
    one = values(seen(10, 5, head=changed([48, 60], 1, -0.08)))
    other = values(seen(-10, 5, head=changed([54, 64], 1, -0.08)))
    assert one["smile"] == pytest.approx(other["smile"])


def test_a_mirrored_point_is_the_other_sides():
    assert np.allclose(seen(20)[list(points.MIRROR)] * (-1, 1) + (400, 0), seen(-20))


# Eyes


def drawn(height, light=1.0, size=40, roll=0.0):
    """A picture (3, 300, 400) of two eyes on skin: lashes, and of iris and pupil so much, by the eyes' width."""
    picture, at = torch.full((3, 300, 400), 190.0), torch.from_numpy(seen(roll=roll, size=size)).float()
    y, x = torch.meshgrid(torch.arange(300.0), torch.arange(400.0), indexing="ij")
    for outer, inner in eyes.CORNERS:
        across, middle = at[inner] - at[outer], (at[inner] + at[outer]) / 2
        width = across.norm()
        along, down = across / width, torch.stack([-across[1], across[0]]) / width
        u = ((x - middle[0]) * along[0] + (y - middle[1]) * along[1]) / width
        v = ((x - middle[0]) * down[0] + (y - middle[1]) * down[1]) / width
        picture[:, (u**2 + v**2 < 0.22**2) & (v.abs() < height / 2)] = 40.0
        picture[:, (u.abs() < 0.5) & (v.abs() < 0.05)] = 60.0
    return picture * light, at


def test_eyes_that_close_are_less_open():
    openings = [eyes.opening(*drawn(height, size=120)) for height in (0.4, 0.3, 0.2, 0.1)]
    assert openings == sorted(openings, reverse=True) and openings[0] - openings[-1] > 0.2


@pytest.mark.parametrize("other", [{"light": 0.4}, {"light": 1.3}, {"size": 60}, {"roll": 30.0}])
def test_an_eye_is_as_open_in_another_light_size_and_roll(other):
    assert eyes.opening(*drawn(0.3, **{"size": 120} | other)) == pytest.approx(
        eyes.opening(*drawn(0.3, size=120)), abs=0.03
    )


def test_eyes_of_no_contrast_are_no_number_that_is_not_finite():
    assert eyes.opening(torch.zeros(3, 300, 400), torch.from_numpy(seen()).float()) == 0


def test_eyes_that_shut_are_below_zero():
    assert values(seen(), 0.24)["eyes_open"] == pytest.approx(-1)


# Reading


class Looks:
    """Stands in for the networks: a box with its score, its points, and how far the looks differ."""

    def __init__(self, monkeypatch, tmp_path, *faces):
        self.faces = [(points.Box(*box, score), at, differ) for box, score, at, differ in faces]
        monkeypatch.setattr(reader, "find", lambda detector, frames, sure: [[face[0] for face in self.faces]])
        monkeypatch.setattr(reader, "look", self.look)
        self.reader = Reader(measured.write_all(tmp_path))

    def look(self, landmarks, frame, box):
        at, differ = next((at, differ) for known, at, differ in self.faces if known == box)
        return torch.from_numpy(at).float(), differ

    def read(self):
        (found,) = self.reader.read([np.zeros((300, 400, 3), np.uint8)])
        return found


BOX = (136.0, 118.0, 128.0, 112.0)  # around the points of `seen()`
PLAIN = seen()
PLAIN[:17] = PLAIN[30]  # the jaw, of which the mean head says nothing


def test_a_face_has_all_attributes(monkeypatch, tmp_path):
    (face,) = Looks(monkeypatch, tmp_path, (BOX, 0.9, PLAIN, 0.02)).read()
    assert face.values.keys() == set(ATTRIBUTES) and face.why == ""
    assert face.vector.shape == (128,) and sum(face.expressions.values()) == pytest.approx(1, abs=1e-5)


def small(at, by=0.1):
    return (at - (200, 150)) * by + (200, 150)


TURNED = seen(yaw=60)
TURNED[:17] = TURNED[30]
DOUBTFUL = {
    "too small: 8 pixels between the eyes": ((193, 146, 13, 12), 0.9, small(PLAIN), 0.02),
    "too far turned sideways: 60 degrees": (
        tuple(points.around(torch.from_numpy(TURNED), 1)[:4]),
        0.9,
        TURNED,
        0.02,
    ),
    "not seen clearly: looks at it differ by 0.08": (BOX, 0.9, PLAIN, 0.08),
}


@pytest.mark.parametrize("why", DOUBTFUL)
def test_a_face_that_cannot_be_measured_says_why(monkeypatch, tmp_path, why):
    (face,) = Looks(monkeypatch, tmp_path, DOUBTFUL[why]).read()
    assert face.why.startswith(why) and face.values == {} and face.expressions == {}


NO_FACES = {
    "points elsewhere": (BOX, 0.9, PLAIN + 500, 0.02),
    "an unsure box, and looks that differ": (BOX, 0.3, PLAIN, 0.08),
}


@pytest.mark.parametrize("what", NO_FACES)
def test_what_the_points_do_not_bear_out_is_no_face(monkeypatch, tmp_path, what):
    assert Looks(monkeypatch, tmp_path, NO_FACES[what]).read() == []


def test_an_unsure_box_is_a_face_where_its_points_agree(monkeypatch, tmp_path):
    assert len(Looks(monkeypatch, tmp_path, (BOX, 0.3, PLAIN, 0.02)).read()) == 1


def test_two_boxes_of_one_face_are_one(monkeypatch, tmp_path):
    other = tuple(x + 9 for x in BOX)
    assert len(Looks(monkeypatch, tmp_path, (BOX, 0.9, PLAIN, 0.02), (other, 0.8, PLAIN, 0.02)).read()) == 1


def test_the_largest_face_comes_first(monkeypatch, tmp_path):
    far = ((13.0, 21.8, 25.6, 22.4), 0.95, small(PLAIN, 0.2) - (174, 122), 0.02)
    found = Looks(monkeypatch, tmp_path, far, (BOX, 0.9, PLAIN, 0.02)).read()
    assert [round(face.box.width) for face in found] == [128, 26]


def test_a_mirrored_face_is_as_old(monkeypatch, tmp_path):
    frame = measured.picture(400, 300)
    mirrored = PLAIN[list(points.MIRROR)] * (-1, 1) + (400, 0)
    box = (400 - BOX[0] - BOX[2], *BOX[1:])
    ages = [
        next(Looks(monkeypatch, tmp_path, one).reader.read([picture]))[0].values["age"]
        for one, picture in (((BOX, 0.9, PLAIN, 0.02), frame), ((box, 0.9, mirrored, 0.02), frame[:, ::-1]))
    ]
    assert ages[0] == pytest.approx(ages[1], rel=1e-3)


def test_a_frame_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"frame 0 is \(8, 8, 4\) uint8, expected \(height, width, 3\) uint8"):
        next(Reader(measured.write_all(tmp_path)).read([np.zeros((8, 8, 4), np.uint8)]))


def test_without_the_files_it_is_said_how_to_get_them(tmp_path):
    with pytest.raises(Missing, match="with the command fetch measure"):
        Reader(tmp_path)
