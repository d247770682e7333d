"""Shots: what a video is made from, and what cannot be."""

from __future__ import annotations

import pytest

from wplus_ext.settings import Settings
from wplus_ext.studio.shot import Shot


@pytest.mark.parametrize(
    "values, message",
    [
        ({"frames": 0}, "frames is 0, expected 1 to 1024"),
        ({"frames": 10_000}, "frames is 10000, expected 1 to 1024"),
        ({"frames": 2.5}, "frames is 2.5 \\(float\\), expected a whole number"),
        ({"steps": 0}, "steps is 0"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"guidance": "7"}, "guidance is '7' \\(str\\), expected a number"),
        ({"seed": -1}, "seed is -1"),
        ({"prompt": None}, "prompt is None .* expected a text"),
        ({"edit": []}, "expected a dict"),
        ({"edit": {"start": 0.9, "end": 0.95}, "steps": 3}, "none of the 3 steps lies between start 0.9 and end 0.95"),
        ({"colour": 1}, "unknown field 'colour'; expected prompt, "),
    ],
)
def test_shots_that_cannot_be(values, message):
    with pytest.raises(ValueError, match=message):
        Shot.from_dict(values)


def test_an_edit_may_be_a_dict():
    assert Shot.from_dict({"edit": {"tracks": "smile = 1"}}).edit == Settings(enabled=True, tracks="smile = 1")


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (0.2, 5), (0.21, 6)])
def test_the_first_edited_step(start, first):
    assert Shot.from_dict({"steps": 25, "edit": {"start": start}}).first_edited == first


@pytest.mark.parametrize("values", [{"frames": 1}, {"frames": 1024}, {"steps": 500}, {"guidance": 0}, {"fps": 0.1}])
def test_the_ends_of_a_range_are_in_it(values):
    assert Shot.from_dict(values) == Shot(**values)
