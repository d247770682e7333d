"""Names as people type them: one spelling, no blanks around, and what cannot be seen is named."""

from __future__ import annotations

import unicodedata

import pytest
import torch

from wplus_ext.library.index import Library
from wplus_ext.library.names import all_taken, can_be_named, check_name, free_place

COMPOSED, APART = "Zo\u00e9", "Zoe\u0301"
PERSIAN, FAMILY = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize("blank", [*"\u00a0\u3000\ufeff\u200b\u2060\u200f\u202a\u3164", "\t\n"])
def test_blanks_around_go(blank):
    assert check_name(f"{blank}anna b{blank} ") == "anna b"


@pytest.mark.parametrize("blank", ["\u3000", "\u200b", "\ufeff\u200d"])
def test_blanks_alone_are_no_name(blank):
    with pytest.raises(ValueError, match="expected a name"):
        check_name(blank)


def test_two_spellings_are_one_name():
    assert check_name(APART) == check_name(COMPOSED) == COMPOSED


@pytest.mark.parametrize(
    ("name", "culprit"),
    [
        (PERSIAN, "U+200C (ZERO WIDTH NON-JOINER)"),
        (FAMILY, "U+200D (ZERO WIDTH JOINER)"),
        ("a\u00a0b", "U+00A0 (NO-BREAK SPACE)"),
        ("a\u3000b", "U+3000 (IDEOGRAPHIC SPACE)"),
        ("a\0b", "U+0000 (a control character)"),
        ("a\ud800", "U+D800"),
        ("a/b", "'/'"),
    ],
)
def test_what_is_wrong_is_named(name, culprit):
    with pytest.raises(ValueError) as error:
        check_name(name)
    assert culprit in str(error.value) and str(error.value).encode()


@pytest.mark.parametrize("name", ["con", "COM\u00b9", "Lpt9.x", "con .x", "None", "3x3", "@a"])
def test_names_that_mean_something_else(name):
    with pytest.raises(ValueError, match="means something else"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "words"), [("a" * 81, "81 letters"), ("\U0001f600" * 60, "240 bytes"), ("a" * 10**6, "at most 80")]
)
def test_long_names(name, words):
    with pytest.raises(ValueError, match=words):
        check_name(name)


@pytest.mark.parametrize("name", ["a" * 80, "\u540d" * 66, " Anna-Lena O'Neil (2) ", "\u2764\ufe0f", APART, "3.14"])
def test_a_checked_name_can_be_a_tracks(name):
    checked = check_name(name)
    assert can_be_named(checked) and check_name(checked) == checked


@pytest.mark.parametrize("name", [COMPOSED, APART, COMPOSED.upper(), APART.lower(), f"\u00a0{APART}"])
@pytest.mark.parametrize("there", [COMPOSED, APART])
def test_a_name_is_taken_in_every_spelling(tmp_path, there, name):
    (tmp_path / f"{there}.pth").write_bytes(b"x")
    with pytest.raises(ValueError, match="exists"):
        free_place(tmp_path, name)


def test_capitals_that_grow_are_one_name(tmp_path):
    (tmp_path / "STRASSE.pt").write_bytes(b"x")
    assert [path.name for path in all_taken(tmp_path, "stra\u00dfe")] == ["STRASSE.pt"]


def test_a_file_is_replaced_in_its_own_spelling(tmp_path):
    (tmp_path / f"{APART}.safetensors").write_bytes(b"x")
    place = free_place(tmp_path, COMPOSED, replace=True)
    assert [place.name] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", [COMPOSED, APART, f"{COMPOSED}.pth", f"more/{APART}"])
@pytest.mark.parametrize("there", [COMPOSED, APART])
def test_a_file_is_found_by_every_spelling(tmp_path, there, name):
    (tmp_path / "latents" / "more").mkdir(parents=True)
    torch.save(torch.zeros(18, 512), tmp_path / "latents" / "more" / f"{there}.pth")
    assert Library([tmp_path]).find("latents", name).path.stem == there


def test_of_two_spellings_each_is_found_by_its_own(tmp_path):
    (tmp_path / "latents").mkdir()
    for name in (COMPOSED, APART):
        (tmp_path / "latents" / f"{name}.pth").write_bytes(b"x")
    if len(list((tmp_path / "latents").iterdir())) == 1:
        pytest.skip("this disk has one spelling only")
    library = Library([tmp_path])
    assert [library.find("latents", name).path.stem for name in (COMPOSED, APART)] == [COMPOSED, APART]
    assert unicodedata.is_normalized("NFC", COMPOSED)
