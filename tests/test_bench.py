"""The figures that do not depend on the machine, and that the others are printed."""

from __future__ import annotations

import re

import pytest

from wplus_ext.__main__ import main


@pytest.fixture(scope="module")
def printed():
    """What the command prints."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = []
        monkeypatch.setattr("builtins.print", lambda *words, **options: lines.append(" ".join(map(str, words))))
        assert main(["bench", "--device", "cpu", "--rows", "2", "--repeats", "1"]) == 0
    return "\n".join(lines)


def test_folded_and_plain_are_timed(printed):
    words = r"16 layers, 2 rows, 64x64 latents, float32: folded [\d.]+ s, plain [\d.]+ s: [\d.]+ times"
    assert re.search(words, printed)


def test_folding_is_timed(printed):
    assert re.search(r"folding 16 distinct latents: [\d.]+ s", printed)


def test_the_memory_is_counted(printed):
    assert 0 < float(re.search(r"float16: ([\d.]+) MB", printed)[1]) <= 8


def test_the_work_is_counted(printed):
    assert 0 < float(re.search(r"by counted work: ([\d.]+)% more", printed)[1]) <= 2
