"""Goals in words, and tracks that were found put into a text."""

from __future__ import annotations

import pytest

from wplus_ext.measure.goals import with_found
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
