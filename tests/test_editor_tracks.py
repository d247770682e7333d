"""The curve editor in Chromium, on a plain page: several tracks, presets and the clipboard.

What needs no page is tested in editor_state.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import editor_page
import pytest
from editor_page import KEYS, RIGHT, SAD, TRACKS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


# Several tracks


def test_tracks_are_told_apart(tracks):
    keys = tracks.root.locator(".wplus-key:visible")
    styles = keys.evaluate_all("all => all.map((key) => key.getAttribute('class').match(/wplus-scale-\\d/)[0])")
    shapes = keys.locator("path").evaluate_all("all => all.map((path) => path.getAttribute('d'))")
    colours = keys.locator("path").evaluate_all("all => all.map((path) => getComputedStyle(path).fill)")
    assert [len(set(all)) for all in (styles, shapes, colours)] == [3, 3, 3]


def test_a_drag_of_another_tracks_key_makes_that_the_active_one(tracks):
    tracks.drag((9, -0.75), (10, -0.25))
    tracks.gets("smile = 0:(0), 4:(0.5)\nage[0:8] = 0:(-0.5), 10:(-0.25)\nglasses = 0.9")
    assert tracks.root.locator("li.wplus-active .wplus-name").inner_text() == "age"


def test_a_track_is_kept_to_a_region_by_its_row(editor):
    editor.type("smile = 0.5")
    menu = editor.root.get_by_label("Region of smile")
    assert menu.is_hidden()
    editor.part("regions").locator("textarea").fill("left = (0.3 0.4 0.1 0.2)\nright = (0.7 0.4 0.1 0.2)")
    menu.wait_for()
    assert menu.locator("option").all_inner_texts() == ["everywhere", "left", "right"]
    menu.select_option("right")
    editor.gets("smile[right] = 0.5")
    editor.part("regions").locator("textarea").fill("left = (0.3")  # what cannot be read leaves what there was
    menu.select_option("")
    editor.gets("smile = 0.5")


def test_of_two_keys_on_one_spot_the_active_tracks_is_dragged(editor):
    editor.type("smile = 0:(0), 4:(0.5)\nage = 0:(-0.5), 4:(0.5)")
    editor.click(0, -0.5)
    editor.drag((4, 0.5), (5, 0.5))
    editor.gets("smile = 0:(0), 4:(0.5)\nage = 0:(-0.5), 5:(0.5)")


def test_a_click_on_a_line_makes_its_track_the_active_one(tracks):
    tracks.click(8, 0.9)
    tracks.settle()
    assert tracks.root.locator("li.wplus-active .wplus-name").inner_text() == "glasses"


def test_a_locked_track_cannot_be_dragged(tracks):
    tracks.button("Lock age").click()
    with tracks.nothing_sent():
        tracks.drag((9, -0.75), (12, 0))


def test_a_solo_is_alone(tracks):
    tracks.button("Solo age").click()
    tracks.settle()
    assert tracks.lines.count() == 1
    tracks.button("Solo age").click()
    tracks.settle()
    assert tracks.lines.count() == 3


def test_a_track_is_muted(tracks):
    tracks.button("Use glasses").click()
    tracks.gets(TRACKS.replace("glasses", "# [off] glasses"))
    assert tracks.lines.count() == 2
    assert tracks.root.locator("li.wplus-muted").inner_text().split()[:2] == ["glasses", "muted"]


def test_layers_are_set(tracks):
    tracks.enter("End of the layers of age", "12")
    tracks.gets(TRACKS.replace("[0:8]", "[0:12]"))
    focused = "document.activeElement.getAttribute('aria-label')"
    assert tracks.page.evaluate(focused) == "End of the layers of age"  # though the list is made anew


def test_layers_that_there_are_not_are_refused(tracks):
    with tracks.nothing_sent():
        tracks.enter("End of the layers of age", "19")
    assert tracks.field("End of the layers of age").input_value() == "8"


def test_tracks_change_places(tracks):
    tracks.button("Move down smile").click()
    tracks.gets("age[0:8] = 0:(-0.5), 9:(-0.75)\nsmile = 0:(0), 4:(0.5)\nglasses = 0.9")


def test_a_track_is_removed(tracks):
    tracks.button("Remove glasses").click()
    tracks.gets("smile = 0:(0), 4:(0.5)\nage[0:8] = 0:(-0.5), 9:(-0.75)")
    assert tracks.root.locator(".wplus-name").all_inner_texts() == ["smile", "age", "strength"]


# Presets, loops, and keys past the end


def test_a_key_past_the_end_is_brought_inside(editor):
    editor.type("smile = 0:(0), 30:(0.5)")
    assert "past the end" in editor.keys.nth(1).get_attribute("aria-valuetext")
    editor.past = True
    box = editor.svg.bounding_box()
    editor.page.mouse.move(box["x"] + box["width"] - RIGHT, editor.at(0, 0.5)[1])
    editor.page.mouse.down()
    editor.move(10, 0.5)
    editor.release()
    editor.gets("smile = 0:(0), 10:(0.5)")


@pytest.mark.parametrize("preset", [schedule for _, schedule in editor_page.PRESETS])
def test_a_preset_takes_the_place_of_the_schedule(curve, preset):
    menu = curve.field("Preset for the active track")
    menu.select_option(preset)
    curve.gets(f"smile = {preset}")
    assert menu.input_value() == ""  # to be chosen again


def test_evenly_spread_keys_stay_so_while_they_move_up_and_down(editor):
    editor.type(SAD)
    editor.drag((7.5, 0), (7.5, 0.3))
    editor.gets("smile = -0.7 > 0.3 > 0.7")


def test_evenly_spread_keys_become_percentages_where_one_moves_along(editor):
    editor.type("smile = -0.7 > 0.3 > 0.7")
    editor.drag((7.5, 0.3), (9.5, 0.3))
    editor.gets("smile = 0%:(-0.7), 10:(0.3), 100%:(0.7)")


def test_a_button_makes_a_loop(curve):
    curve.button("Loop").click()
    curve.gets(KEYS.replace("=", "= loop"))


# The clipboard

CLIP = "text => navigator.clipboard.writeText(text)"


@pytest.fixture
def clipboard(editor):
    """An editor of two tracks, that may use the clipboard."""
    editor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.type("smile = 0\nage = 1")
    return editor


def test_a_button_pastes_a_schedule(clipboard):
    clipboard.page.evaluate(CLIP, "0:(0.5), 12: (1.2),\n 15:(0)")  # from Deforum
    clipboard.button("Paste").click()
    clipboard.gets("smile = 0:(0.5), 12:(1.2), 15:(0)\nage = 1")


def test_a_button_copies_the_track(clipboard):
    clipboard.button("Copy").click()
    sync_api.expect(clipboard.root.locator(".wplus-status")).to_have_text("Copied")
    assert clipboard.page.evaluate("navigator.clipboard.readText()") == "smile = 0"


def test_the_keyboard_copies_the_track(clipboard):
    clipboard.keys.first.focus()
    clipboard.keyboard("Control+c")
    assert clipboard.page.evaluate("navigator.clipboard.readText()") == "smile = 0"


def test_the_keyboard_pastes_tracks(clipboard):
    clipboard.page.evaluate(CLIP, "glasses = 1\nage = 2")
    clipboard.keys.first.focus()
    clipboard.keyboard("Control+v")
    clipboard.gets("smile = 0\nage = 1\nglasses = 1\nage = 2")


def test_what_is_no_track_is_not_pasted(clipboard):
    clipboard.page.evaluate(CLIP, "0:(sin(t))")
    with clipboard.nothing_sent():
        clipboard.button("Paste").click()
        sync_api.expect(clipboard.root.locator(".wplus-status")).to_contain_text("Not pasted")


def test_without_a_clipboard_it_is_said_what_to_do(curve):
    curve.page.evaluate("""Object.defineProperty(navigator, "clipboard", {value: undefined})""")
    curve.button("Copy").click()
    sync_api.expect(curve.root.locator(".wplus-status")).to_contain_text("press Ctrl+C")
