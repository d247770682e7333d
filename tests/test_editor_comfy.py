"""The curve editor in a node of ComfyUI, in Chromium: what becomes of the node's own fields, and of the page's keys."""

from __future__ import annotations

import comfy_page
import editor_page
import pytest
from comfy_page import NodeEditor

pytest_plugins = ["editor_fixtures"]

KEYS = "smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.25)"


@pytest.fixture(scope="module")
def url():
    with editor_page.served(comfy_page.Handler) as url:
        yield url


@pytest.fixture
def editor(page):
    editor = NodeEditor(page)
    editor.area.fill(KEYS)
    editor.svg.scroll_into_view_if_needed()
    editor.settle()
    return editor


@pytest.mark.parametrize("zoom", [0.5, 1, 2])
def test_a_drag_writes_the_text_at_any_zoom(editor, zoom):
    editor.magnify(zoom)
    editor.drag((4, 0.5), (6, -0.3))
    assert editor.text == "smile = 0:(0), 6:(-0.3), 8:(-0.25), 15:(0.25)"


def test_an_edit_is_one_step_of_the_graphs_undo(editor):
    before = editor.page.evaluate("app.canvas.steps")
    editor.drag((4, 0.5), (6, -0.3))
    assert editor.page.evaluate("app.canvas.steps") == before + 1


def test_the_editor_undoes_its_own_edits_and_the_page_hears_of_none(editor):
    editor.drag((4, 0.5), (6, -0.3))
    editor.keyboard("Control+z")
    assert editor.text == KEYS
    editor.keyboard("Control+Shift+Z")
    assert editor.text != KEYS
    editor.keyboard("Control+z", "Control+z", "Control+z")
    editor.settle()
    assert set(editor.page.evaluate("heard")) == {""}


def test_shortcuts_of_the_page_are_none_in_the_editor(editor):
    editor.click(4, 0.5)
    editor.keyboard("r", ".", "Delete", "Delete", "Control+b")
    assert editor.text == "smile = 0:(0), 8:(-0.25), 15:(0.25)"
    editor.keyboard("Control+Enter")
    editor.settle()
    bubbled = [key for key in editor.page.evaluate("heard") if key.startswith("bubbled")]
    assert bubbled == ["bubbled Enter"]


def test_tracks_and_strength_are_written_together(editor):
    editor.root.locator(".wplus-tracks").get_by_role("button", name="strength", exact=True).click()
    editor.double_click(12, 0.6)
    editor.settle()
    assert (editor.text, editor.value_of("strength")) == (KEYS, "0:(1), 12:(0.6)")
    editor.keyboard("Control+z")
    assert (editor.text, editor.value_of("strength")) == (KEYS, "1")


def test_a_text_from_elsewhere_is_drawn(editor):
    editor.page.evaluate("first.widgets[0].value = 'smile = 0.5\\nage = 0 > 0.5'")
    editor.settle()
    assert editor.root.locator(".wplus-tracks li").count() == 3  # the strength has one too


def test_a_direction_is_added_as_a_track(editor):
    editor.field("Direction").fill("styles/red_hair")
    editor.button("Add track").click()
    assert editor.text == f"{KEYS}\nstyles/red_hair = 0.5"
    editor.field("Direction").fill("age")
    editor.button("Add track").click()
    editor.button("Undo").click()
    assert editor.text == f"{KEYS}\nstyles/red_hair = 0.5"


def test_a_workflow_is_no_step_of_the_editor(editor):
    editor.page.evaluate("first.widgets[0].value = 'age = 0.2'; first.onConfigure()")
    editor.settle()
    assert editor.button("Undo").is_disabled()


def test_two_nodes_have_two_texts(editor):
    editor.page.evaluate("make().widgets[0].value = 'age = 0:(0), 15:(1)'")
    other = NodeEditor(editor.page, 1)
    other.svg.scroll_into_view_if_needed()
    other.settle()
    other.drag((15, 1), (15, 0.5))
    assert (editor.text, other.text) == (KEYS, "age = 0:(0), 15:(0.5)")


def test_the_frames_are_looked_at(editor):
    editor.page.evaluate("first.widgets.find(({ name }) => name === 'frames').value = 9")
    editor.page.wait_for_function("document.querySelector('.wplus-scrub').max === '8'")


def test_a_connected_text_is_edited_where_it_is(editor):
    editor.page.evaluate("first.givers.tracks = { widgets: [{ name: 'value', value: 'age = 0:(0), 15:(1)' }] }")
    editor.root.locator(".wplus-name", has_text="age").wait_for()
    editor.drag((15, 1), (15, 0.5))
    assert editor.page.evaluate("first.givers.tracks.widgets[0].value") == "age = 0:(0), 15:(0.5)"
    assert editor.text == KEYS


def test_a_text_that_is_made_elsewhere_cannot_be_edited(editor):
    editor.page.evaluate("first.givers.tracks = { widgets: [] }")
    editor.page.get_by_text("the text comes from another node").wait_for()
    editor.drag((4, 0.5), (6, -0.3))
    assert editor.text == KEYS


def test_a_removed_node_is_looked_at_no_more(editor):
    line = editor.root.locator(".wplus-line.wplus-scale-strength[display=inline]")
    editor.page.evaluate("first.widgets[1].value = '0 > 1'")
    line.wait_for(state="attached")
    editor.page.evaluate("first.onRemoved(); first.widgets[1].value = '1'")
    editor.page.wait_for_timeout(400)
    assert line.count() == 1


def test_the_palette_is_the_pages(editor):
    look = "() => getComputedStyle(document.querySelector('.wplus-line')).stroke"
    editor.page.locator(".wplus-node.dark").wait_for()  # without any palette, as ComfyUI's first
    dark = editor.page.evaluate(look)
    editor.page.evaluate("document.documentElement.style.setProperty('--input-text', '#222')")
    editor.page.locator(".wplus-node:not(.dark)").wait_for()
    assert editor.page.evaluate(look) != dark


def test_the_editor_is_not_in_the_workflow(editor):
    widget = "first.widgets.find(({ name }) => name === 'curve')"
    assert editor.page.evaluate(f"[{widget}.serialize, {widget}.options.serialize]") == [False, False]
    assert editor.page.evaluate("first.widgets.at(-1).name") == "curve"  # so others keep their places there


def test_the_editor_speaks_the_pages_language(editor, url):
    editor.page.evaluate("localStorage.setItem('language', 'de')")
    editor_page.visit(editor.page, url)
    assert editor.page.get_by_role("button", name="Spur hinzufügen").is_visible()
