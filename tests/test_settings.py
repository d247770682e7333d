"""Settings: the API's dict, a page's arguments and an infotext say the same, and what cannot be is told."""

from __future__ import annotations

import math
from dataclasses import asdict, fields

import pytest

from wplus_ext.settings import Settings, from_infotext

VALUES = [True, "a", "direct", "anna", "smile = 1", "0.5", 0.1, 0.9, True]


def infotext(entries):
    """What the WebUI reads back: text."""
    return {"Steps": "20", **{key: str(value) for key, value in entries.items()}}


def test_defaults_are_those_of_the_readme():
    assert asdict(Settings()) == {
        "enabled": False, "adapter": "", "mode": "residual", "identity": None, "tracks": "", "strength": "1",
        "start": 0.2, "end": 1.0, "negative": True, "regions": "",
    }  # fmt: skip


def test_positional_arguments_are_the_fields():
    assert Settings.from_args(VALUES) == Settings(*VALUES)


def test_a_dict_in_the_first_place_is_all():
    names = [field.name for field in fields(Settings)]
    assert Settings.from_args([dict(zip(names, VALUES)), "", 3]) == Settings(*VALUES)


def test_missing_arguments_are_defaults():
    assert Settings.from_args(VALUES[:2]) == Settings(enabled=True, adapter="a")


def test_null_is_a_default_too():
    given = {"enabled": True, "adapter": None, "identity": None, "start": 0}
    assert Settings.from_args([given]) == Settings(enabled=True, start=0.0)


@pytest.mark.parametrize("none", ["", "None", None, " ", "None "])
def test_no_identity_is_written_in_several_ways(none):
    assert Settings(identity=none).identity is None


@pytest.mark.parametrize(("number", "text"), [(1, "1"), (0.5, "0.5"), (-2, "-2")])
def test_a_strength_may_be_a_number(number, text):
    assert Settings(strength=number) == Settings(strength=text)


def test_overrides_go_before_the_rest():
    assert Settings.from_args(VALUES, {"tracks": "age = 1"}).tracks == "age = 1"


def test_overrides_switch_a_page_on():
    assert Settings.from_args([False, "a"], {"enabled": True}) == Settings(enabled=True, adapter="a")


@pytest.mark.parametrize(
    "settings",
    [
        Settings(enabled=True, adapter="a", tracks="smile = 0:(0), 8:(1)\nage = 0.3", strength="0 > 1"),
        Settings(enabled=True, adapter="a b", identity="anna, 2: x", mode="direct", start=0.0, end=0.55),
        Settings(enabled=True, adapter="a", negative=False),
        Settings(
            enabled=True, adapter="a", tracks="a[l] = 1", regions="l = (0 0 1 1)\nr = 0:(0 0 1 1), 2:(1 0 1 1):hold"
        ),
        Settings(enabled=True, adapter="a", start=1e-05, end=0.3333333),
        Settings(enabled=True, adapter="a", start=-0.0),
    ],
)
def test_infotext_reads_back(settings):
    assert Settings.from_dict(from_infotext(infotext(settings.to_infotext()))) == settings


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_lines_end_as_text_boxes_have_them(end):
    settings = Settings(tracks=f"{end}smile = 1{end}# x", strength=" 0.5 ")
    assert settings.tracks == "\nsmile = 1\n# x"
    assert settings.to_infotext()["WPlus tracks"] == "smile = 1\n# x"
    assert settings.to_infotext()["WPlus strength"] == "0.5"


def test_only_blanks_of_the_language_go_from_around_the_tracks():
    assert Settings(tracks="\ufeff \u2028smile = 1\n").to_infotext()["WPlus tracks"] == "\u2028smile = 1"


def test_half_a_letter_is_refused():
    with pytest.raises(ValueError, match=r"tracks holds U\+D800, half a letter"):
        Settings(tracks="# \ud800\nsmile = 1")


def test_two_objects_are_refused():
    with pytest.raises(ValueError, match="2 arguments, expected one object"):
        Settings.from_args([{"enabled": True}, {"tracks": "smile = 1"}])


def test_a_picture_made_without_us_switches_off():
    assert from_infotext({"Steps": "20"}) == {"enabled": False}


def test_what_is_no_infotext_says_nothing():
    assert from_infotext({"Prompt": "only words"}) == {}


def test_a_strangers_infotext_is_not_trusted():
    params = {"Steps": "20", "WPlus mode": "residual", "WPlus steps": "evil"}
    assert (from_infotext(params)["start"], from_infotext(params)["end"]) == (0.2, 1.0)


def test_infotext_has_no_empty_values():
    values = Settings(enabled=True, adapter="a").to_infotext().values()
    assert "" not in map(str, values) and len(values) == 5  # adapter, mode, strength, negative, steps


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trcks": "smile = 1"}, r"unknown field 'trcks' \(did you mean tracks\?\); expected enabled, adapter"),
        ({"mode": "both"}, "mode is 'both', expected one of residual, direct"),
        ({"start": 0.8, "end": 0.3}, "start is 0.8 and end 0.3, expected 0 <= start < end <= 1"),
        ({"start": -0.1}, "start is -0.1"),
        ({"end": 1.5}, "end is 1.5, expected 0 to 1"),
        ({"start": math.nan}, "start is nan"),
        ({"start": "0.2"}, r"start is '0.2' \(str\), expected a number"),
        ({"enabled": "yes"}, "enabled is 'yes'"),
        ({"enabled": 1}, r"enabled is 1 \(int\), expected true or false"),
        ({"negative": None}, "negative is None"),
        ({"tracks": ["smile = 1"]}, "tracks is .* expected a text"),
        ({"tracks": "smile = 99"}, "line 1, column 9: expected a number from -20 to 20"),
        ({"strength": "much"}, "strength 'much': line 1, column 1: expected a number or a key"),
        ({"strength": 1e6}, "strength '1000000'.*from -20 to 20"),
        ({"identity": 7}, "identity is 7"),
        ({"mode": "direct", "negative": False}, "negative is off in the direct mode"),
    ],
)
def test_wrong_settings(values, message):
    with pytest.raises(ValueError, match=message):
        Settings.from_dict(values)


def test_a_page_that_is_switched_off_is_not_looked_at():
    assert Settings.from_args([False, "", "residual", "None", "half a trac"]) == Settings()


def test_a_page_that_is_switched_on_is_looked_at():
    with pytest.raises(ValueError, match="expected '='"):
        Settings.from_args([True, "", "residual", "None", "half a trac"])


REGIONS = "left = (0.3 0.4 0.1 0.2)"


@pytest.mark.parametrize(
    "values, message",
    [
        ({"tracks": "a[lft] = 1"}, "tracks, line 1: there is no region 'lft' .did you mean left.*; expected a line of"),
        ({"tracks": "\na[left] = 1", "mode": "direct"}, "tracks, line 2: the region 'left' in the direct mode"),
        ({"regions": "left = 1"}, "regions, line 1, column 8: expected four numbers in parentheses"),
        ({"regions": 3}, "regions is 3 .int., expected a text"),
    ],
)
def test_regions_that_cannot_be(values, message):
    with pytest.raises(ValueError, match=message):
        Settings(**{"regions": REGIONS, **values})


def test_regions_are_kept_in_the_infotext():
    settings = Settings(enabled=True, tracks="a[left] = 1", regions=f" {REGIONS}\r\n")
    told = settings.to_infotext()
    assert told["WPlus regions"] == REGIONS and settings.regions == f" {REGIONS}\n"
    assert Settings(**from_infotext({"Steps": 3, **told})).places == settings.places
    assert "WPlus regions" not in Settings(enabled=True, tracks="a = 1").to_infotext()


def test_too_many_arguments():
    with pytest.raises(ValueError, match="11 arguments, expected at most 10"):
        Settings.from_args([True] * 11)
