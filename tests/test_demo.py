"""The demo: tables of videos on a page."""

from __future__ import annotations

import re

import pytest

from wplus_ext.__main__ import main
from wplus_ext.curve import evaluate as curve
from wplus_ext.miniature import demo


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The demo with two of its tables, of videos of few steps, written twice."""
    folder, defaults = tmp_path_factory.mktemp("demo"), demo.Studio.defaults
    shown = [table for table in demo.tables() if table.name in ("modes", "dynamic")]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(demo, "tables", lambda: shown)
        monkeypatch.setattr(demo.Studio, "defaults", lambda self: {**defaults(self), "steps": 8})
        for name in ("one", "two"):
            assert main(["demo", "--out", str(folder / name)]) == 0
    return folder


@pytest.mark.once
def test_a_demo_is_videos_and_a_page(written):
    assert sorted(path.name for path in (written / "one").iterdir()) == ["dynamic.webp", "index.html", "modes.webp"]


@pytest.mark.once
@pytest.mark.parametrize("name", ["dynamic.webp", "index.html", "modes.webp"])
def test_a_second_demo_is_the_same(written, name):
    assert (written / "one" / name).read_bytes() == (written / "two" / name).read_bytes()


@pytest.mark.once
def test_the_page_shows_videos_and_curves(written):
    page = (written / "one" / "index.html").read_text()
    assert page.count("<svg viewBox") == 12 and 'src="dynamic.webp"' in page
    asked = demo._chart(curve("-0.7 > 0 > 0.7", 8), [0.0] * 8, "smile")
    assert re.search(r'class="asked" points="([^"]+)"', asked)[0] in page


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
