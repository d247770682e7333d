"""The docs: tables that follow from the code, one set of fields everywhere, links that lead somewhere."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import asdict, fields

import pytest
import tables
from tables import COMMAND, PAGES, ROOT, TABLES, filled

from wplus_ext.__main__ import _parser
from wplus_ext.commands import common, render
from wplus_ext.settings import FIELDS, Settings, from_infotext
from wplus_ext.studio.models import Choice

LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "wplus_ext" / "miniature" / "model" / "README.md"]
NAMES = {field.name for field in FIELDS}
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

every_page = pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(ROOT).as_posix())


def read(page):
    return page.read_text(encoding="utf-8")


# Tables


@every_page
def test_the_tables_are_those_of_the_code(page):
    assert filled(read(page)) == read(page), f"{page.name} is older than the code; {COMMAND} mends it"


@pytest.mark.parametrize("name", TABLES)
def test_every_table_stands_somewhere(name):
    assert sum(TABLES[name]() in read(page) for page in PAGES) == 1


def test_a_table_is_written_and_all_else_stays():
    text = "before\n<!-- commands -->\nold\n<!-- /commands -->\nafter <!-- a comment -->\n"
    written = filled(text)
    assert "old" not in written and "| `inspect` | say what a file is, and whether it can be used |" in written
    assert written.startswith("before\n<!-- commands -->\n|") and written.endswith("after <!-- a comment -->\n")
    assert filled(written) == written


def test_an_unknown_table_is_refused():
    with pytest.raises(KeyError, match="fealds"):
        filled("<!-- fealds -->\n<!-- /fealds -->\n")


def test_the_script_mends_a_page(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- video -->\n<!-- /video -->\n")
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "PAGES", [page])
    tables.main()
    tables.main()
    assert capsys.readouterr().out == "page.md is written\n"
    assert read(page) == f"<!-- video -->\n{TABLES['video']()}\n<!-- /video -->\n"


# One set of fields


def options_of_render():
    parser = argparse.ArgumentParser()
    render.add_arguments(parser)
    return {action.dest: action for action in parser._actions}


def test_the_infotext_has_every_field():
    settings = Settings(True, "a", "direct", "anna", "smile = 1", "0.5", 0.1, 0.9, True)
    read_back = from_infotext({"Steps": "20", **{key: str(value) for key, value in settings.to_infotext().items()}})
    assert set(read_back) == NAMES
    assert Settings.from_dict(read_back) == settings


def test_the_command_line_has_every_field():
    edit, shot = ({field.name for field in each} for each in (common.EDIT, common.SHOT))
    assert edit == NAMES - {"enabled"}
    assert shot | {"width", "height"} == {field.name for field in tables.fields_of(tables.Shot)}
    models = {field.name for field in fields(Choice)} - {"loras", "library"} | {"lora", "wplus"}
    others = {"help", "size", "like", "out", "force"}
    assert set(options_of_render()) - others == edit | shot | models


@pytest.mark.parametrize("field", [*common.SHOT, *common.EDIT], ids=lambda field: field.name)
def test_every_option_of_a_video_says_what_it_is_and_what_it_may_be(field):
    option = options_of_render()[field.name]
    assert option.help.replace("%%", "%").startswith(field.help)
    assert " to " in option.help.removeprefix(field.help) or field.low is None
    assert tuple(option.choices or ()) == field.choices


def test_the_page_has_every_field(shared):
    gr = pytest.importorskip("gradio", reason="gradio is in the WebUI's environment alone")
    from host import load_script

    script = load_script().WPlusScript()
    script.tabname = "txt2img"
    with gr.Blocks():
        script.ui(False)
    made = script.page.settings
    assert set(made) == set(asdict(Settings())) == NAMES
    for field in FIELDS:
        component = made[field.name]
        assert component.label == field.label
        assert component.info == (None if field.name in ("enabled", "tracks") else field.help)


# Links, examples, paths


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", read(page), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_and_pictures_lead_somewhere(page):
    text = CODE.sub("`code`", read(page))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.is_file(), f"{page.name} links to {target}: no such file"
        assert place.is_relative_to(ROOT), f"{page.name} links to {target}: outside of the repository"
        assert not anchor or anchor in anchors(place), f"{page.name} links to {target}: no such heading"


def test_every_page_and_picture_is_linked():
    linked = " ".join(map(read, PAGES))
    unused = [path.name for path in (ROOT / "docs").iterdir() if path.name not in linked]
    assert unused == []


def examples():
    """The lines of code blocks that call the command line."""
    for page in PAGES:
        text = read(page).replace("\\\n", "")
        for line in re.findall(r"^    .*?python -m wplus_ext (\w.*)$", text, re.MULTILINE):
            yield pytest.param(line, id=" ".join(line.split())[:40])


@pytest.mark.parametrize("line", list(examples()))
def test_the_examples_are_commands(line):
    assert _parser().parse_args(shlex.split(line)).command


def test_the_paths_in_the_text_exist():
    known = r"`((?:wplus_ext|tests|scripts|javascript|docs)/[\w./]*|pyproject\.toml)`"
    named = {path for page in PAGES for path in re.findall(known, read(page))}
    assert len(named) > 30
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
