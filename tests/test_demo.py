"""The demo: tables of videos on a page."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from functools import partial

import pytest
from tqdm import tqdm

from wplus_ext.__main__ import main
from wplus_ext.commands import common
from wplus_ext.curve import evaluate as curve
from wplus_ext.miniature import demo, page
from wplus_ext.studio.sheet import Sheet
from wplus_ext.studio.shot import Shot

FILES = ["dynamic.webp", "index.html", "modes.webp", "story.webp"]
CURVE = "-0.7 > 0 > 0.7"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The demo with two of its tables, of short videos of few steps, written twice; what a terminal shows of the first,
    and what a file for errors holds of the second."""
    folder, screen, plain = tmp_path_factory.mktemp("demo"), Screen(), io.StringIO()
    shown = [table for table in demo.tables() if table.name in ("modes", "dynamic")]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(demo, "tables", lambda: shown)
        monkeypatch.setattr(demo, "BASE", {"frames": 4, "seed": 3, "steps": 5})
        monkeypatch.setattr(demo, "tqdm", partial(tqdm, file=screen))
        assert main(["demo", "--out", str(folder / "one")]) == 0
        monkeypatch.setattr(demo, "tqdm", tqdm)
        with contextlib.redirect_stderr(plain):
            assert main(["demo", "--out", str(folder / "two")]) == 0
    return folder, screen.getvalue(), plain.getvalue()


@pytest.mark.once
def test_a_demo_is_videos_and_a_page(written):
    assert sorted(path.name for path in (written[0] / "one").iterdir()) == FILES


@pytest.mark.once
@pytest.mark.parametrize("name", FILES)
def test_a_second_demo_is_the_same(written, name):
    assert (written[0] / "one" / name).read_bytes() == (written[0] / "two" / name).read_bytes()


@pytest.mark.once
def test_the_bar_is_full_when_the_page_is_there(written):
    done, total = re.findall(r"(\d+)/(\d+) \[", written[1])[-1]
    # Of modes, and what dynamic adds to them with one seed and the other; the story's are among them.
    videos = 5 + 2 + 3
    assert (done, total) == (total, str(2 + videos * 4 + videos + 3))  # their starts, steps, decoding, three files


@pytest.mark.once
def test_the_bar_is_for_terminals_alone(written):
    assert "demo:" in written[1] and written[2] == ""


@pytest.fixture(scope="module")
def text(written):
    return (written[0] / "one" / "index.html").read_text(encoding="utf-8")


@pytest.mark.once
def test_a_chart_stands_under_each_picture(text):
    assert len(re.findall(r'<td><div class="face" [^>]*></div><svg ', text)) == text.count("<td><div") == 12


@pytest.mark.once
def test_the_story_is_frames_over_a_chart_of_both(text):
    story = re.search(r'<section id="story".*?</section>', text, re.DOTALL)[0]
    edited = f"smile = {CURVE}".replace(">", "&gt;")
    assert [story.count(f'aria-label="{label}, frame') for label in ("unedited", edited)] == [4, 4]
    asked = page.Curve("smile", curve(CURVE, 4), [0.0] * 4)
    assert re.search(r'class="asked" points="([^"]+)"', page.chart(asked))[0] in story
    assert story.count('class="before"') == 2  # the key's and the line
    assert text.index(story) < text.index("<table>")


@pytest.mark.once
def test_the_page_needs_nothing_from_afar(text):
    assert "http" not in text and "<script" not in text
    assert set(re.findall(r"url\(([^)]+)\)", text)) == set(FILES) - {"index.html"}


def test_a_cell_is_cut_out_of_its_table():
    sheet = Sheet.of(["a", "b"], ["one", "another"], 64, 64)
    grid = page.Grid("t.webp", sheet)
    box = sheet.width - 2 * page.EDGE  # what is seen, in pixels of the table
    size = [float(x) / 100 * box for x in re.findall(r"([\d.]+)%", grid.style)]
    assert size == pytest.approx(sheet.size, abs=0.01)
    place = [float(x.rstrip("%")) / 100 * (whole - box) for x, whole in zip(grid.at(1, 1), size)]
    assert place == pytest.approx([start + page.EDGE for start in sheet.place(1, 1)], abs=0.01)


def test_the_command_makes_the_last_video():
    edit = {"identity": "a b", "tracks": f"smile = {CURVE}", "start": 0.0}
    default = Shot.from_dict({"prompt": "a face", "steps": 15})
    shot = common.changed(default, {"seed": 4, "frames": 8, "steps": 12, **edit})
    parser = argparse.ArgumentParser()
    common.add_video(parser)
    words = shlex.split(demo._command(shot, default))
    assert words[:4] == ["python", "-m", "wplus_ext", "render"]
    assert common.changed(default, common.given(parser.parse_args(words[4:]))) == shot


@pytest.mark.parametrize(
    "asked, words", [([0.5, 0.5], "smile +0.10"), ([0.0, 0.5], "smile -0.20 to +0.40")], ids=["steady", "moving"]
)
def test_what_is_measured_is_said(asked, words):
    assert page.Curve("smile", asked, [-0.2, 0.4]).words == words


def test_where_to_look_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("wplus_ext.miniature.demo.write", lambda out, force: (12, 2))
    assert main(["demo", "--out", str(tmp_path)]) == 0
    assert f"open {tmp_path / 'index.html'}" in capsys.readouterr().out


@pytest.fixture(scope="module")
def tables():
    return {table.name: table for table in demo.tables()}


def test_all_tables_of_the_research_are_there(tables):
    assert list(tables) == ["modes", "identity", "lambda", "dynamic"]


@pytest.mark.parametrize("name", ["modes", "identity", "lambda", "dynamic"])
def test_a_table_is_full(tables, name):
    table = tables[name]
    assert [len(row) for row in table.edits] == [len(table.columns)] * len(table.rows)


def test_the_alphas_are_those_of_the_research(tables):
    alphas = [edit["tracks"] for edit in tables["identity"].edits[0]]
    assert alphas == ["smile = -2", "smile = 0", "smile = 2", "smile = 4"]
