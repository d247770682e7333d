"""Regions around faces: the library's function, the command, and the page's button."""

from __future__ import annotations

import numpy as np
import pytest
from test_measure_command import run, seen  # noqa: F401 - a fixture
from test_reached import face

from wplus_ext.measure.around import regions_of
from wplus_ext.measure.follow import Faces
from wplus_ext.measure.points import Box
from wplus_ext.regions import format_regions, parse_regions


def at(x, y, side=40):
    found = face(0.1)
    object.__setattr__(found, "box", Box(x - side / 2, y - side / 2, side, side, 0.9))
    return found


def video(*frames):
    return Faces(tuple(dict(enumerate(frame, 1)) for frame in frames))


def test_a_face_that_stays_has_one_ellipse():
    (region,) = regions_of(video(*[[at(100, 50)]] * 5), (200, 100))
    assert format_regions([region]) == "face1 = (0.5 0.5 0.16 0.32)"


def test_a_face_that_goes_evenly_has_two_keys():
    (region,) = regions_of(video(*[[at(40 + 10 * i, 50)] for i in range(13)]), (200, 100))
    assert format_regions([region]) == "face1 = 0:(0.2 0.5 0.16 0.32), 12:(0.8 0.5 0.16 0.32)"


def test_a_face_that_turns_back_is_followed():
    places = [40 + 10 * min(i, 12 - i) for i in range(13)]
    (region,) = regions_of(video(*[[at(x, 50)] for x in places]), (200, 100))
    assert len(region.parts[0].keys) <= 5  # smoothed, its turn is round
    assert np.abs(np.array(region.ellipses(13))[:, 0] - np.array(places) / 200).max() < 0.04


def test_each_person_has_one():
    regions = regions_of(video(*[[at(40, 50), at(160, 50)]] * 2), (200, 100))
    assert [region.name for region in regions] == ["face1", "face2"]
    assert parse_regions(format_regions(regions)) == regions


def test_a_gap_is_crossed():
    frames = [[at(40, 50)], [], [], [at(160, 50)]]
    (region,) = regions_of(video(*frames), (200, 100), frames=7)
    x = np.array(region.ellipses(7))[:, 0]
    assert len(x) == 7 and (np.diff(x) > 0.05).all()


def test_a_face_at_the_pictures_edge_stays_in_the_language():
    (region,) = regions_of(video([at(-300, 900, 800)]), (200, 100))
    assert region.ellipses(1) == [(-1, 2, 2, 2)]


def test_more_than_a_text_holds_is_refused():
    with pytest.raises(ValueError, match="65 faces, expected at most 64"):
        regions_of(video([at(50, 50)] * 65), (200, 100))
    restless = [[at(20 + 160 * (i % 4 > 1), 50)] for i in range(9000)]
    with pytest.raises(ValueError, match="more than 4096 keys"):
        regions_of(video(*restless), (200, 100))


def test_without_faces_there_are_none():
    assert regions_of(video([], []), (200, 100)) == []


def test_the_command_prints_them(seen, capsys):  # noqa: F811
    assert run("regions", seen, "--frames", 8) == 0
    printed = capsys.readouterr()
    names = [region.name for region in parse_regions(printed.out)]
    assert names == ["face1", "face2"] and "face1: seen in 3 of 4 frames, 1 key" in printed.err


@pytest.mark.parametrize("option, value, words", [("--frames", 0, "--frames is 0"), ("--grown", 9, "--grown is 9")])
def test_options_have_bounds(seen, capsys, option, value, words):  # noqa: F811
    assert run("regions", seen, option, value) == 2 and words in capsys.readouterr().err
