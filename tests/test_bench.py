"""The figures that do not depend on the machine, and that the others are printed and written."""

from __future__ import annotations

import json
import re

import pytest

from wplus_ext.__main__ import main
from wplus_ext.bench import CURVE, HEADS, WIDTHS, lengths


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """What the command prints, and what it writes."""
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    arguments = ["--device", "cpu", "--rows", "2", "--repeats", "1", "--size", "16", "--json", str(file)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = []
        monkeypatch.setattr("builtins.print", lambda *words, **options: lines.append(" ".join(map(str, words))))
        assert main(["bench", *arguments]) == 0
    return "\n".join(lines), json.loads(file.read_text())


@pytest.mark.parametrize(
    ("case", "frames", "memory"), [("one latent", 16, 3.3e6), (CURVE, 300, 8e6), ("a latent a frame", 2, 5e6)]
)
def test_what_is_on_the_device_does_not_grow_with_the_frames(bench, case, frames, memory):
    printed, figures = bench
    assert figures[case]["frames"] == frames and 0 < figures[case]["memory"] <= memory
    assert re.search(rf"{case}, {frames} frames: folded in [\d.]+ s, [\d.]+ MB on the device", printed)


def test_the_edit_is_timed_against_the_plain_form(bench):
    printed, figures = bench
    assert all(figures["one latent"][name] > 0 for name in ("folding", "edit", "plain", "plain/edit", "edit/copy"))
    assert len(re.findall(r"16 layers, 2 rows, float32: [\d.]+ s, plain [\d.]+ s, [\d.]+ times faster", printed)) == 3


def test_a_region_is_timed_against_none(bench):
    assert 0.3 < bench[1]["region/everywhere"] < 5 and "times the same edit everywhere" in bench[0]


def test_a_frame_of_a_long_video_is_timed(bench):
    assert bench[1]["time a frame"]["long/short"] > 0 and "a frame of 300 takes" in bench[0]


def test_a_whole_call_is_counted_and_timed(bench):
    products = 2 * 2 * sum(n * c * 4 * HEADS for n, c in zip(lengths(16), WIDTHS))  # of two rows
    assert products < bench[1]["multiply-adds"] < 2 * products and 1 < bench[1]["counted work"] <= 1.02
    step = bench[1]["whole step"]
    assert 0 < step["lowest"] <= step["ratio"] <= step["highest"] and "by time" in bench[0]


def test_the_figures_are_not_written_over_other_things(tmp_path, capsys):
    (tmp_path / "mine.json").write_text("{}")
    assert main(["bench", "--json", str(tmp_path / "mine.json")]) == 2
    assert "was not made here" in capsys.readouterr().err and (tmp_path / "mine.json").read_text() == "{}"


@pytest.mark.parametrize("size", ["9", "256"])
def test_sizes_that_no_latents_have_are_refused(size, capsys):
    assert main(["bench", "--size", size]) == 2
    assert f"--size is {size}, expected a multiple of 8 from 8 to 128" in capsys.readouterr().err
