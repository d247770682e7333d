"""The words of the page in other languages: each file has all that is to be seen, and nothing else."""

from __future__ import annotations

import html
import importlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from host import load_script

from wplus_ext.settings import Settings

ROOT = Path(__file__).parents[1]
FILES = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "localizations").glob("*.json")}
MODULES = [path.read_text("utf-8") for path in (ROOT / "javascript").rglob("*.*js")]
CALL = re.compile(r'(?<![\w#])words\(\s*(?:("(?:[^"\\]|\\.)*")|([^),]*))')  # with a literal, or something else
GIVEN = {"title", "text", "says"}  # what Python wrote, or another call
WAITING = re.compile(r'"says": ("[^"]+")')  # see wplus_ext/hosts/webui/parts.py
HELP = re.compile(r'data-help="(.*?)"')
NAMES = {"W+ Adapter", "webp", "gif", "mp4"}  # the same in every language

languages = pytest.mark.parametrize("language", sorted(FILES))


class Texts(HTMLParser):
    """The text nodes of HTML, which the WebUI looks at one by one. A licence stays in the words that are accepted."""

    def __init__(self, text):
        super().__init__()
        self.found, self.licence = set(), False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.licence |= ("class", "wplus-licence") in attributes

    def handle_endtag(self, tag):
        self.licence &= tag != "p"

    def handle_data(self, text):
        if text.strip() and not self.licence:
            self.found.add(text.strip())


def seen(block):
    """What is to be read of a part of the page, as it is built. Placeholders are of the track language."""
    if isinstance(block, gr.HTML):
        told = [json.loads(html.unescape(found)) for found in HELP.findall(block.value or "")]
        return Texts(block.value or "").found.union(*(texts for each in told for texts in each.values()))
    if "wplus-data" in (getattr(block, "elem_classes", None) or []) or not block.visible:
        return set()
    found = {getattr(block, "label", None), getattr(block, "info", None)} - {None}
    if isinstance(block, gr.Button):
        found.add(block.value)
    if isinstance(block, (gr.Radio, gr.CheckboxGroup)) or str(block.elem_id).endswith("_preset"):
        found |= {choice if isinstance(choice, str) else choice[0] for choice in block.choices}
    return found


@pytest.fixture
def page(shared):
    """The accordion and the script for several videos, in ``blocks``."""
    module = load_script()
    made = SimpleNamespace(folders=module.folders, script=module.WPlusScript())
    with gr.Blocks() as made.blocks:
        made.script.ui(False)
        module.SeveralScript().ui(False)
    return made


@pytest.fixture
def banners(shared):
    """What can be missing, with what gets it."""
    said = importlib.import_module("wplus_ext.hosts.webui.words")
    lacks = [set(folders) for count in (1, 2) for folders in itertools.combinations(said.NEEDED.values(), count)]
    libraries = [SimpleNamespace(names=lambda folder, lack=lack: () if folder in lack else ("one",)) for lack in lacks]
    return set().union(*(Texts(said.banner(library)).found for library in libraries), Texts(said.lead_to([])).found)


@pytest.fixture
def notes(shared):
    """What can be said of settings that change nothing."""
    note = importlib.import_module("wplus_ext.hosts.webui.notes").note
    idle = [{}, {"tracks": "# smile = 1"}, {"tracks": "smile = 1", "strength": "0"}, {"tracks": "smile = 0"}]
    return {note(Settings(tracks="smile = 1")), *(note(Settings(enabled=True, **values)) for values in idle)}


@pytest.fixture
def option(page, shared, monkeypatch):
    """What stands in the settings."""
    found = []
    monkeypatch.setattr(shared.opts, "add_option", lambda name, info: found.append(info.label))
    page.folders.add_options()
    return set(found)


@pytest.fixture
def by_python(page, banners, notes, option, models):
    """All that Python shows, but what it says of names and numbers."""
    waits = {json.loads(says) for each in page.blocks.dependencies for says in WAITING.findall(each["js"] or "")}
    (models / "wplus/directions/grin.txt").write_text("which is not offered")
    heads = re.findall(r"<th>(.*?)</th>|<p>(.*?)</p>", page.script.page.files.table())
    found = set().union(*map(seen, page.blocks.blocks.values()), *heads, waits, banners, notes, option)
    return found - NAMES - {""}


@pytest.fixture
def by_javascript():
    return {json.loads(literal) for module in MODULES for literal, _ in CALL.findall(module) if literal}


def test_the_words_are_found(by_python, by_javascript):
    some = {"Strength", "Refresh files", "Advanced", "Aim", "Fade in", "Looking for faces …", "kind", "Get it here"}
    assert some <= by_python
    assert {"Copied", "{0} easing", "Double-click here, or press Add track"} <= by_javascript


def test_the_modules_say_literals():
    """So that their words can be found: none is made up where it is said."""
    assert {other for module in MODULES for _, other in CALL.findall(module) if other} == GIVEN


def test_the_languages_are_there():
    assert sorted(FILES) == ["de_DE", "ja_JP", "zh_CN"]


@languages
def test_a_file_has_what_is_to_be_seen(language, by_python, by_javascript):
    shown, known = by_python | by_javascript, set(FILES[language])
    assert {"missing": shown - known, "too much": known - shown} == {"missing": set(), "too much": set()}


@languages
def test_values_have_their_places(language):
    def places(text):
        return sorted(re.findall(r"\{.*?\}", text))

    assert [text for text, other in FILES[language].items() if places(text) != places(other)] == []


@languages
def test_no_translation_is_blank(language):
    assert [text for text, other in FILES[language].items() if not other or other != other.strip()] == []
