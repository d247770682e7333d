"""Goals in words, and tracks that were found put into a text."""

from __future__ import annotations

import pytest

from wplus_ext.measure.goals import moved_by, with_found
from wplus_ext.tracks import parse_schedule

FOUND = {"smile": parse_schedule("0 > 0.4")}


@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("", "smile = 0 > 0.4"),
        ("age = 0.2", "age = 0.2\nsmile = 0 > 0.4"),
        ("# mine\nsmile = 1\n# [off] age = 0.5\nyaw = 0.2", "# mine\nsmile = 0 > 0.4\n# [off] age = 0.5\nyaw = 0.2"),
        ("smile[left] = 1", "smile[left] = 1\nsmile = 0 > 0.4"),
    ],
)
def test_what_else_a_person_wrote_stays(text, together):
    assert with_found(text, FOUND) == together


def test_what_moves_in_a_region_becomes_a_track_of_it():
    found = {"latent/smile[left]": parse_schedule("0.4")}
    assert with_found("latent/smile = 1", found) == "latent/smile = 1\nlatent/smile[left] = 0.4"


def test_what_moves_may_have_a_region():
    assert moved_by(["smile = latent/smile [left]"]) == {"smile": "latent/smile[left]"}


def test_a_region_that_is_none_is_told():
    with pytest.raises(ValueError, match=r"--by is 'smile = x\[\]', expected .* DIRECTION\[REGION\]"):
        moved_by(["smile = x[]"], "--")
