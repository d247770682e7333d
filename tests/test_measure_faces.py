"""What a face's points say, and faces followed through a video."""

from __future__ import annotations

import json
import math

import measured
import numpy as np
import pytest
import torch

from wplus_ext.measure import attributes, eyes, points, reader
from wplus_ext.measure.follow import follow, measure
from wplus_ext.measure.reader import ATTRIBUTES, Face, Reader

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


def test_a_frame_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"frame 0 is \(8, 8, 4\) uint8, expected \(height, width, 3\) uint8"):
        next(Reader(measured.write_all(tmp_path)).read([np.zeros((8, 8, 4), np.uint8)]))


def test_without_the_files_it_is_said_how_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="get the networks with the command: fetch measure"):
        Reader(tmp_path)


# Following

ANNA, OLIVER = np.eye(128)[0] * 0.5, np.eye(128)[1] * 0.5  # 0.71 apart, as people are


def face(x, vector, smile=None, why="", width=50.0):
    found = {} if smile is None else dict.fromkeys(ATTRIBUTES, smile)
    return Face(points.Box(x, 20.0, width, 50.0, 0.9), np.zeros((68, 2)), found, {}, vector, why)


def numbers(video):
    return [{k: round(f.box.x) for k, f in frame.items()} for frame in video.frames]


def test_two_that_cross_keep_their_numbers():
    frames = [[face(10.0 * i, ANNA), face(100.0 - 10 * i, OLIVER)] for i in range(11)]
    assert all(found == {1: 10 * i, 2: 100 - 10 * i} for i, found in enumerate(numbers(follow(frames))))


def test_two_that_cross_while_one_is_hidden_keep_their_numbers():
    frames = [[face(10.0 * i, ANNA)] + ([] if 3 < i < 8 else [face(100.0 - 10 * i, OLIVER)]) for i in range(11)]
    assert numbers(follow(frames))[10] == {1: 100, 2: 0}


def test_who_comes_back_elsewhere_is_known():
    assert numbers(follow([[face(0.0, ANNA)], *[[]] * 40, [face(300.0, ANNA)]]))[-1] == {1: 300}


def test_somebody_else_in_the_same_place_is_somebody_else():
    assert numbers(follow([[face(0.0, ANNA)], [face(0.0, OLIVER)]])) == [{1: 0}, {2: 0}]


def test_who_is_half_hidden_for_a_frame_stays_who_it_is():
    frames = [[face(0.0, ANNA)], [face(5.0, OLIVER)], [face(9.0, ANNA)]]
    assert numbers(follow(frames)) == [{1: 0}, {1: 5}, {1: 9}]


def test_after_one_who_was_half_hidden_the_numbers_close_up():
    frames = [[face(0.0, ANNA)], [face(5.0, OLIVER)], [face(9.0, ANNA), face(300.0, -OLIVER)]]
    assert numbers(follow(frames))[2] == {1: 9, 2: 300}


def test_who_is_seen_for_a_frame_beside_somebody_is_somebody_else():
    frames = [[face(0.0, ANNA)], [face(5.0, OLIVER), face(5.0, ANNA)], [face(9.0, ANNA)]]
    assert follow(frames).people == [1, 2]


def test_a_face_without_a_vector_is_who_was_there():
    assert numbers(follow([[face(0.0, ANNA)], [face(9.0, None)], [face(15.0, ANNA)]])) == [{1: 0}, {1: 9}, {1: 15}]


def test_a_face_without_a_vector_elsewhere_is_somebody_else():
    assert numbers(follow([[face(0.0, ANNA)], [face(300.0, None)]]))[1] == {2: 300}


def test_a_look_that_changes_slowly_stays_who_it_is():
    ages = [ANNA + (OLIVER - ANNA) * i / 100 for i in range(101)]
    assert follow([[face(0.0, vector)] for vector in ages]).people == [1]


def test_a_gap_is_no_number():
    video = follow([[face(0.0, ANNA, smile=0.0)], [], [face(0.0, ANNA, why="too small")]])
    assert np.isnan(video.curve("smile")).tolist() == [False, True, True]


def test_an_attribute_that_there_is_not():
    with pytest.raises(ValueError, match="no attribute 'simle', expected smile, mouth_open"):
        follow([]).curve("simle")


def test_what_is_written_as_json():
    video = follow([[face(0.0, ANNA, smile=0.5), face(100.0, OLIVER, why="too small")], []])
    written = json.loads(json.dumps(video.to_dict(), allow_nan=False))
    first, second = written["frames"][0]["faces"]
    assert first == {"id": 1, "box": [0, 20, 50, 50], **dict.fromkeys(ATTRIBUTES, 0.5)}
    assert second == {"id": 2, "box": [100, 20, 50, 50], **dict.fromkeys(ATTRIBUTES), "why": "too small"}
    assert written["frames"][1] == {"frame": 1, "faces": []}


def test_frames_are_read_one_at_a_time():
    asked = []

    class One:
        def read(self, frames):
            for frame in frames:
                asked.append(frame)
                yield [face(float(frame), ANNA)]

    assert measure(iter([1, 2]), One()).people == [1] and asked == [1, 2]
