"""Aiming at videos that are numbers alone: what is asked is found, in few renders, and what cannot be is said."""

from __future__ import annotations

import numpy as np
import pytest

from wplus_ext.curve import evaluate
from wplus_ext.measure.aim import Aim, Goal, aim
from wplus_ext.measure.points import Box
from wplus_ext.measure.reader import ATTRIBUTES, Face
from wplus_ext.measure.response import Response, Try
from wplus_ext.tracks import parse_schedule

FRAMES = 16
RISE, ARCH = "-0.7 > 0 > 0.7", "0 > 0.7 > 0"


class Video:
    """Attributes that answer to tracks unevenly from frame to frame, less far out, and to their neighbours' too."""

    def __init__(self, seed, goals=1, frames=FRAMES, pull=1.2, leak=0.25):
        random, at = np.random.default_rng(seed), np.arange(frames)

        def smooth(width):
            weights = np.exp(-0.5 * ((at[:, None] - at) / width) ** 2)
            return weights / weights.sum(1, keepdims=True)

        self.pull = smooth(pull)
        self.base = random.normal(size=(goals, frames)) @ smooth(3).T * 0.5
        self.slopes = np.exp(random.normal(size=(goals, frames)) @ smooth(3).T * 0.7) * 1.3
        self.leaks = random.normal(size=(goals, goals)) * leak
        np.fill_diagonal(self.leaks, 1)

    def __call__(self, values):
        return self.base + self.leaks @ (self.slopes * np.tanh(1.3 * values @ self.pull.T))


def search(video, *asked, frames=FRAMES, **options):
    """An aim of the curves, None for one that is held, with its rounds done."""
    curves = [curve if curve is None else np.array(evaluate(curve, frames)) for curve in asked]
    goals = [Goal(name, f"a/{name}", curve) for name, curve in zip(("smile", "age", "brows"), curves)]
    found = Aim(goals, frames, **options)
    for _ in found.rounds_of(lambda tracks: np.array([evaluate(s, frames) for s in tracks.values()]), video):
        pass
    return found


@pytest.mark.parametrize("curve, least", [(RISE, 0.97), (ARCH, 0.93)])
def test_what_is_asked_is_measured(curve, least):
    found = [search(Video(seed), curve) for seed in range(12)]
    follows = [np.corrcoef(each.asked[0], each.best.measured[0])[0, 1] for each in found]
    assert np.mean(follows) > least and np.mean([each.best.error for each in found]) < 0.08
    assert max(len(each.rounds) for each in found) <= 8


def test_what_is_held_stays():
    moved, held = [], []
    for seed in range(8):
        video = Video(seed, goals=2)
        plain = search(lambda values, video=video: video(np.stack([values[0], 0 * values[0]]))[:1], RISE)
        values = np.array([evaluate(plain.best.tracks["a/smile"], FRAMES)])
        moved.append(np.abs(video(np.concatenate([values, 0 * values]))[1] - video.base[1]).mean())
        held.append(np.abs(search(video, RISE, None).best.measured[1] - video.base[1]).mean())
    assert np.mean(held) < np.mean(moved) / 3


def test_the_tracks_alone_make_what_was_found():
    found = search(Video(1), RISE)
    values = np.array([evaluate(schedule, FRAMES) for schedule in found.best.tracks.values()])
    assert np.array_equal(Video(1)(values), found.best.measured)


def test_nothing_worse_than_the_beginning_is_given():
    begin = {"a/smile": parse_schedule("0:(-0.2), 9:(0.4)")}
    random = np.random.default_rng(3)  # whatever is tried makes noise of it
    found = search(lambda values: np.where(values == 0, 0, random.normal(size=values.shape)), RISE, begin=begin)
    assert found.best.error == min(done.error for done in found.rounds) <= found.rounds[0].error
    assert found.rounds[1].tracks == begin


def test_it_stops_when_it_is_good_enough():
    found = search(Video(2), RISE, close=0.2)
    assert found.best.error <= 0.2 and len(found.rounds) < 6 and "good enough" in found.why


def test_it_stops_where_nothing_can_be_gained():
    found = search(lambda values: np.full_like(values, 0.3), RISE)
    assert len(found.rounds) < 8 and "in sight" in found.why


def test_what_is_out_of_reach_is_said():
    found = search(lambda values: 0.3 * values, RISE)
    (sentence,) = found.missed()
    assert "smile is out of reach in" in sentence and "a/smile = -1.00 gives -0.30" in sentence


def test_what_is_within_reach_is_not_said_to_be_out_of_it():
    assert search(Video(4), "0 > 0.3").missed() == []


def test_a_direction_that_goes_the_other_way_is_turned():
    assert search(lambda values: -0.9 * values, RISE).best.error < 0.03


def test_frames_without_a_face_take_after_their_neighbours():
    def seen(values):
        measured = Video(5)(values)
        measured[:, 4:7] = np.nan
        return measured

    found = search(seen, ARCH)
    assert found.best.error < 0.08
    values = np.array(evaluate(found.best.tracks["a/smile"], FRAMES))
    assert min(values[3], values[7]) - 0.15 < values[5] < max(values[3], values[7]) + 0.15


def test_a_face_that_an_edit_loses_counts_as_wrong():
    found = search(lambda values: np.where(values > 0.5, np.nan, values), ARCH)
    assert np.isfinite(found.best.measured).all()


def test_a_long_video_is_told_by_few_keys():
    found = search(Video(6, frames=200), RISE, frames=200)
    assert found.best.error < 0.05 and len(found.best.tracks["a/smile"].keys) < 50


def test_one_frame_is_enough():
    assert search(lambda values: 0.8 * values + 0.1, "0.5", frames=1).best.error < 0.03


class Reader:
    """Reads a frame's first number as a smile."""

    units = {}

    def read(self, frames):
        for frame in frames:
            values = {**dict.fromkeys(ATTRIBUTES, 0.0), "smile": float(frame[0, 0, 0]) / 100 - 1}
            yield [Face(Box(0, 0, 9, 9, 1.0), np.zeros((68, 2)), values)]


def test_any_renderer_and_any_reader_will_do():
    def render(tracks):
        smiles = 0.2 + 0.6 * np.array(evaluate(tracks["a/smile"], FRAMES))
        return [np.full((4, 4, 3), round(100 * (smile + 1)), np.uint8) for smile in smiles]

    (track,) = aim(render, Reader(), [Goal("smile", "a/smile", np.array(evaluate("-0.3 > 0.5", FRAMES)))])
    smiles = [face.values["smile"] for (face,) in Reader().read(render({track.name: track.schedule}))]
    assert smiles == pytest.approx(evaluate("-0.3 > 0.5", FRAMES), abs=0.08)


# What cannot be


@pytest.mark.parametrize(
    "goals, match",
    [
        ([], "0 goals"),
        ([Goal("smile", "a")], "1 goals, all to be held"),
        ([Goal("smile", "a", np.zeros(16)), Goal("age", "a")], "have the tracks a, a"),
        ([Goal("smile", "a", np.zeros(16)), Goal("smile", "b")], "have the attributes smile, smile"),
        ([Goal("smile", "a", np.zeros(8))], "asked in 8 frames, expected 16"),
    ],
)
def test_goals_that_cannot_be_are_refused(goals, match):
    with pytest.raises(ValueError, match=match):
        Aim(goals, FRAMES)


@pytest.mark.parametrize(
    "options, match", [({"low": 0.0}, "expected a range around 0"), ({"unit": 0.0}, "expected a number above 0")]
)
def test_a_goal_has_a_range_and_a_unit(options, match):
    with pytest.raises(ValueError, match=match):
        Goal("smile", "a", np.zeros(16), **options)


def test_no_face_at_all_is_said():
    with pytest.raises(ValueError, match="smile cannot be measured in any of 16 frames"):
        search(lambda values: np.full_like(values, np.nan), RISE)


def test_nothing_is_told_when_it_is_over():
    found = search(Video(2), RISE)
    with pytest.raises(ValueError, match="it is over"):
        found.tell(np.zeros((1, FRAMES)))


def test_another_number_of_frames_is_refused():
    with pytest.raises(ValueError, match=r"\(1, 8\), expected \(1, 16\)"):
        Aim([Goal("smile", "a", np.zeros(16))], FRAMES).tell(np.zeros((1, 8)))


# What is learnt


def learnt(video, *tracks, asked=0.0):
    tries = [Try(values, video(values)) for values in (np.zeros((1, 16)), *tracks)]
    return Response.learn(tries, np.full((1, 16), asked))


def test_up_and_down_are_learnt_apart():
    def video(values):
        return 0.2 + 0.5 * np.maximum(values, 0) + 1.5 * np.minimum(values, 0)

    response = learnt(video, np.full((1, 16), 0.4), np.full((1, 16), -0.4))
    assert np.allclose(response.slopes[:, :, 0, 0], [[0.5] * 16, [1.5] * 16], atol=0.1)
    asked = np.linspace(-0.4, 0.5, 16)[None]
    assert np.allclose(video(response.solve(asked, np.array([-1]), np.array([1]), 0.0)), asked, atol=0.1)


def test_what_was_tried_is_expected_again():
    def video(values):
        return np.where(values > 0.3, 0.9, -0.4)  # a step

    tracks = [np.full((1, 16), value) for value in (-0.5, 0.2, 0.45)]
    response = learnt(video, *tracks)
    for values in tracks:
        assert np.allclose(response.expected(values), video(values), atol=0.1)


def test_it_looks_from_where_each_frame_was_nearest():
    first, second = np.linspace(0, 0.8, 16)[None], np.linspace(0.8, 0, 16)[None]
    response = learnt(lambda values: values, first, second, asked=0.8)
    assert np.array_equal(response.near, np.maximum(first, second))


def test_a_frame_that_feels_its_neighbours_is_found_out():
    random, video = np.random.default_rng(0), Video(3, pull=1.5)
    assert learnt(lambda values: video(0.1 * values), *random.normal(size=(5, 1, 16))).pull in (0.75, 1.5, 3.0)
