"""Faces followed through a video: who is who, gaps, and what is written of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wplus_ext.measure import points
from wplus_ext.measure.follow import follow, measure
from wplus_ext.measure.reader import ATTRIBUTES, Face

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


@pytest.mark.parametrize(("gone", "who"), [(24, 1), (25, 2)])
def test_a_face_without_a_vector_is_who_was_there_not_long_ago(gone, who):
    frames = [[face(0.0, ANNA)], *[[]] * (gone - 1), [face(9.0, None)]]
    assert numbers(follow(frames))[-1] == {who: 9}


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
