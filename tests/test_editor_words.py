"""The curve editor in Chromium, on a page in another language."""

from __future__ import annotations

import json
from pathlib import Path

import editor_page
import pytest
from editor_page import PRESETS, TRACKS, Editor

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]

GERMAN = json.loads((Path(__file__).parents[1] / "localizations" / "de_DE.json").read_text("utf-8"))
MARKED = {text: f"⟦{text}⟧" for text in [*GERMAN, *(title for title, _ in PRESETS)]}
# What is to be read within the editor, or heard, without what is marked.
UNMARKED = """() => {
    const found = new Set(), names = ["title", "aria-label", "aria-valuetext", "placeholder"];
    for (const element of document.querySelectorAll(".wplus-editor, .wplus-editor *, .wplus-draft, .wplus-draft *")) {
        if (element.localName === "code") continue;
        const texts = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data);
        texts.push(...names.map((name) => element.getAttribute(name) ?? ""));
        for (let text of texts) {
            while (/⟦[^⟦⟧]*⟧/.test(text)) text = text.replace(/⟦[^⟦⟧]*⟧/g, "");
            for (const word of text.match(/[A-Za-z]\\w+/g) ?? []) found.add(word);
        }
    }
    return [...found];
}"""


@pytest.fixture
def speaking(chromium, url):
    """Gives an editor on a page with a localization, as the WebUI has one; its text is there as a draft."""
    with editor_page.opened(chromium) as page:

        def act(localization, text=TRACKS):
            page.add_init_script(f"window.localization = {json.dumps(localization)}")
            page.add_init_script(f"localStorage.setItem('wplus-draft-txt2img', {json.dumps(text)})")
            editor_page.visit(page, url)
            editor = Editor(page)
            editor.svg.wait_for()
            editor.settle()
            return editor

        yield act


def test_a_german_page_has_german_tools(speaking):
    editor = speaking(GERMAN)
    editor.button("Rückgängig (Strg+Z)").wait_for()
    sync_api.expect(editor.axis).to_have_text("lambda: üblich −1 bis 1, und 0 ändert nichts")
    editor.root.get_by_role("button", name="Übernehmen").click()
    editor.gets(TRACKS)
    editor.field("Frame des Keyframes").wait_for()
    editor.button("smile sperren").click()
    editor.button("smile entfernen").wait_for()


def test_a_german_page_writes_the_same_text(speaking):
    editor = speaking(GERMAN)
    editor.type("smile = 0:(0), 4:(0.5)")
    editor.click(4, 0.5)
    editor.button("Übergang: weich").click()
    editor.gets("smile = 0:(0), 4:(0.5):smooth")
    editor.settle()
    assert editor.status == "smile: Frame 4, 0.5, weich"


def test_all_words_can_be_in_another_language(speaking):
    editor = speaking(MARKED)
    editor.part("regions").locator("textarea").fill("left = (0.3 0.4 0.15 0.25)")
    editor.type(f"{TRACKS}\n# [off] gone = 1")
    editor.click(4, 0.5)
    editor.settle()
    assert set(editor.page.evaluate(UNMARKED)) == {"smile", "age", "glasses", "gone", "left"}


def test_what_waits_says_so_in_the_language_of_the_page(speaking):
    editor = speaking(GERMAN)
    told = "{detail: {id: 'script_txt2img_wplus_add', says: 'Looking for faces …'}}"
    editor.page.evaluate(f"document.dispatchEvent(new CustomEvent('wplus-wait', {told}))")
    sync_api.expect(editor.part("add")).to_have_attribute("data-says", "Gesichter werden gesucht …")
