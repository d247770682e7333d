"""Measured curves as schedules."""

from __future__ import annotations

import numpy as np
import pytest

from wplus_ext.curve import evaluate
from wplus_ext.measure import fit
from wplus_ext.tracks import format_schedule, parse_schedule

NAN = np.nan
FRAMES = np.arange(32)
CURVES = {
    "a ramp": np.linspace(-0.7, 0.7, 32),
    "a wave": 0.6 * np.sin(FRAMES / 5),
    "a blink": -np.exp(-(((FRAMES - 12) / 1.5) ** 2)),
    "noise": np.random.default_rng(0).normal(0, 0.5, 32),
    "two frames": np.array([0.0, 1.0]),
}


# Gaps


@pytest.mark.parametrize(
    "values, expected",
    [([NAN, 1, NAN, NAN, 4, NAN], [1, 1, 2, 3, 4, 4]), ([NAN, 2, NAN], [2, 2, 2]), ([0, 1], [0, 1])],
)
def test_gaps_are_filled(values, expected):
    assert fit.filled(np.array(values, float)).tolist() == expected


def test_nothing_but_gaps_is_refused():
    with pytest.raises(ValueError, match="nothing was measured in 3 frames"):
        fit.filled(np.full(3, NAN))


# Calm


@pytest.mark.parametrize("width", [0.5, 1.0, 4.0, 100.0])
def test_a_slope_stays_one(width):
    assert np.allclose(fit.calmed(CURVES["a ramp"], width), CURVES["a ramp"])


def test_what_shakes_is_calmed():
    shaken = CURVES["a wave"] + 0.1 * (-1.0) ** FRAMES
    assert np.abs(fit.calmed(shaken, 1.0) - CURVES["a wave"])[2:-2].max() < 0.03


@pytest.mark.parametrize("values", [[0.3], [0.1, 0.5]])
def test_short_curves_stay(values):
    assert np.allclose(fit.calmed(np.array(values), 2.0), values)


def test_without_a_width_nothing_is_calmed():
    assert fit.calmed(CURVES["noise"], 0) is CURVES["noise"]


# Frames


@pytest.mark.parametrize("frames", [2, 16, 63])
def test_the_ends_stay_where_they_are(frames):
    made = fit.resampled(CURVES["a ramp"], frames)
    assert np.allclose(made, np.linspace(-0.7, 0.7, frames))


def test_one_frame_is_the_first():
    assert fit.resampled(CURVES["a ramp"], 1).tolist() == [-0.7]


# Keys


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("name", CURVES)
def test_a_text_tells_the_curve(name, tolerance):
    values = CURVES[name]
    text = format_schedule(fit.schedule(values, tolerance))
    assert np.abs(np.array(evaluate(parse_schedule(text), len(values))) - values).max() <= tolerance + 0.001


@pytest.mark.parametrize("name, most", [("a ramp", 2), ("a wave", 9), ("a blink", 7)])
def test_few_keys_do(name, most):
    assert len(fit.schedule(CURVES[name], 0.02).keys) <= most


def test_each_key_is_needed():
    made = fit.schedule(CURVES["a wave"], 0.02)
    for key in made.keys[1:-1]:
        fewer = type(made)(tuple(other for other in made.keys if other != key))
        assert np.abs(np.array(evaluate(fewer, 32)) - CURVES["a wave"]).max() > 0.02


def test_what_hardly_moves_is_a_number():
    assert format_schedule(fit.schedule(np.array([0.5, 0.52, 0.51]), 0.05)) == "0.51"


def test_a_curve_beyond_the_language_is_refused():
    with pytest.raises(ValueError, match="the curve goes to 34, expected at most 20; scale it"):
        fit.schedule(np.array([30.0, 34.0]), 0.1)
