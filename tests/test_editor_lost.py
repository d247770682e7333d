"""The editor where something is lost: the focus, the browser's storage, a field that holds half a word."""

from __future__ import annotations

import editor_page
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")

pytest_plugins = ["editor_fixtures"]

MOVED = "smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)"


@pytest.fixture
def moved(curve):
    """An editor with one step to undo."""
    curve.drag((4, 0.5), (5, 0.5))
    curve.gets(MOVED)
    return curve


def test_redo_by_keyboard_after_a_click_on_undo(editor):
    editor.type("smile = 1")
    editor.button("Undo").click()  # for which there is nothing left: the button is disabled
    editor.gets("")
    editor.keyboard("Control+Shift+z")
    editor.gets("smile = 1")


def test_undo_by_keyboard_after_a_click_on_redo(moved):
    moved.button("Undo").click()
    moved.settle()
    moved.button("Redo").click()
    moved.gets(MOVED)
    moved.keyboard("Control+z")
    moved.gets(editor_page.KEYS)


def test_undo_by_keyboard_after_the_list_is_made_anew(tracks):
    tracks.button("Remove age").click()
    tracks.settle()
    tracks.button("Remove smile").click()
    tracks.settle()
    tracks.button("Remove glasses").click()
    tracks.gets("")
    tracks.keyboard("Control+z")
    tracks.gets("glasses = 0.9")


def test_undo_by_keyboard_after_the_focused_key_is_gone(curve):
    curve.click(15, 0.25)
    curve.keyboard("Delete")
    curve.gets("smile = 0:(0), 4:(0.5), 8:(-0.25)")
    curve.keyboard("Control+z")
    curve.gets(editor_page.KEYS)


def preset(editor):
    menu = editor.field("Preset for the active track")
    menu.focus()
    menu.select_option("0.5")


def region(editor):
    editor.part("regions").locator("textarea").fill("left = (0.3 0.4 0.1 0.2)")
    menu = editor.field("Region of smile")
    menu.focus()
    menu.select_option("left")


def key_field(editor):
    editor.click(4, 0.5)
    editor.enter("Value of the key", "0.3")


def layer_field(editor):
    editor.enter("End of the layers of age", "9")


def click_beside_the_keys(editor):
    editor.drag((4, 0.5), (5, 0.4))
    editor.page.evaluate("document.activeElement.blur()")
    editor.click(12, 0.2)


def marquee(editor):
    editor.drag((4, 0.5), (5, 0.4))
    editor.area.focus()
    editor.drag((3, 0.9), (14, 0.1))


def button_of_a_row(editor):
    editor.button("Move down smile").click()


@pytest.mark.parametrize(
    "act", [preset, region, key_field, layer_field, click_beside_the_keys, marquee, button_of_a_row]
)
def test_undo_by_keyboard_goes_on_to_the_first_text_and_back(tracks, act):
    act(tracks)
    tracks.settle()
    text = tracks.area.input_value()
    assert text != editor_page.TRACKS
    for key, steps in (
        ("Control+z", (editor_page.TRACKS, "", "")),
        ("Control+Shift+z", (editor_page.TRACKS, text, text)),
    ):
        for step in steps:  # the last one finds nothing left, and the browser does not go on in another box
            tracks.keyboard(key)
            tracks.gets(step)


def test_undo_by_keyboard_after_a_draft_is_taken_up(tracks, url):
    editor_page.visit(tracks.page, url)
    tracks.root.get_by_role("button", name="Take it up").click()
    tracks.gets(editor_page.TRACKS)
    tracks.keyboard("Control+z")
    tracks.gets("")


def test_after_the_last_track_is_removed_its_button_is_not_the_strengths(editor):
    editor.type("smile = 1\nage = 1")
    editor.button("Remove age").click()
    editor.settle()
    assert editor.page.evaluate("document.activeElement.className") == "wplus-editor"


def test_the_focus_that_is_elsewhere_stays_there(moved):
    moved.area.focus()
    moved.page.evaluate("update('age = 1')")
    moved.settle()
    assert moved.page.evaluate("document.activeElement.tagName") == "TEXTAREA"


def test_typing_in_the_identity_leaves_the_axis(curve):
    curve.page.evaluate("send('identity', 'anna')")
    sync_api.expect(curve.axis).to_contain_text("alpha of the identity")
    curve.part("identity").locator("input").fill("")
    curve.page.wait_for_timeout(700)  # it is looked at twice
    sync_api.expect(curve.axis).to_contain_text("alpha of the identity")


def test_typing_in_the_identity_first_of_all_leaves_the_axis(curve):
    curve.part("identity").locator("input").fill("ann")
    curve.page.wait_for_timeout(700)
    sync_api.expect(curve.axis).to_contain_text("lambda")


def told(editor, text):
    """A text comes from Python, while the focus stays where it is."""
    editor.page.evaluate(f"update({text!r})")
    editor.gets(text)
    editor.settle()
    assert editor.received[-1] == text


def test_what_is_typed_for_a_tracks_layers_is_not_for_another(tracks):
    tracks.field("End of the layers of age").fill("12")
    told(tracks, "glasses = 1\n" + editor_page.TRACKS)
    with tracks.nothing_sent():
        tracks.area.focus()


def test_what_is_typed_for_a_key_is_not_for_another(curve):
    curve.click(4, 0.5)
    curve.field("Value of the key").fill("0.9")
    told(curve, "age = 0:(0), 4:(0.5)")
    with curve.nothing_sent():
        curve.area.focus()


def test_what_is_typed_for_a_key_stays_while_others_come(curve):
    curve.click(4, 0.5)
    curve.field("Value of the key").fill("0.9")
    told(curve, "smile = 0:(0), 2:(1), 4:(0.5)")
    curve.area.focus()
    curve.gets("smile = 0:(0), 2:(1), 4:(0.9)")


def test_what_is_locked_can_be_neither_removed_nor_limited(tracks):
    tracks.button("Lock age").click()
    tracks.settle()
    buttons = [tracks.button("Remove age"), *map(tracks.field, ("First layer of age", "End of the layers of age"))]
    assert not any(button.is_enabled() for button in buttons)
    assert tracks.button("Use age").is_enabled() and tracks.button("Remove smile").is_enabled()


@pytest.mark.parametrize("refusal", ["get: () => { throw new DOMException('', 'SecurityError') }", "value: undefined"])
def test_without_the_browsers_storage_all_else_works(chromium, url, refusal):
    with editor_page.opened(chromium) as page:
        page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{{refusal}}})")
        editor_page.visit(page, url)
        editor = editor_page.Editor(page)
        editor.svg.wait_for()
        editor.type(editor_page.KEYS)
        editor.drag((4, 0.5), (5, 0.5))
        editor.gets(MOVED)
        editor.number = page.locator("#txt2img-ad-video-length input")
        editor.number.fill("8")
        editor.settle()
        assert editor.dots == 8
