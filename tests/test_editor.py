"""The curve editor in Chromium, on a plain page: what a person does, and what Python would receive.

What needs no page is tested in editor_state.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import re

import pytest
from editor_page import KEYS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


# Adding keys


def test_a_double_click_adds_a_key_where_the_pointer_is(editor):
    editor.type("smile = 0:(0), 10:(1)")
    with editor.sent_once():
        editor.double_click(5.2, -0.49)
    editor.gets("smile = 0:(0), 5:(-0.5), 10:(1)")
    with editor.held("Alt"):
        editor.double_click(7, 0.237)
    fine = value_of(editor, 7)
    assert abs(fine - 0.237) < 0.011 and not on_a_step(fine)


@pytest.mark.parametrize("frame", [5, 5.4])  # between two frames a steep curve passes far from either's value
def test_a_double_click_on_the_curve_leaves_it_as_it_is(editor, frame):
    editor.type("smile = 0:(0), 10:(1)")
    editor.double_click(frame, frame / 10 + 0.02)
    editor.gets("smile = 0:(0), 5:(0.5), 10:(1)")


def test_a_double_click_below_the_drawing_stays_on_the_axis(curve):
    curve.double_click(6, -1.15)
    curve.gets("smile = 0:(0), 4:(0.5), 6:(-1), 8:(-0.25), 15:(0.25)")


def test_a_double_click_on_a_key_adds_none(curve):
    with curve.nothing_sent():
        curve.double_click(4, 0.5)


def test_a_button_adds_a_key_at_the_cursor(curve):
    curve.field("Cursor frame").fill("12")
    curve.button("Add a key").click()
    curve.gets("smile = 0:(0), 4:(0.5), 8:(-0.25), 12:(0.0357), 15:(0.25)")


@pytest.mark.parametrize("frame", [6, 15])
def test_a_new_key_is_focused(editor, frame):
    editor.type("smile = 0:(0), 12:(1)")
    editor.double_click(frame, -0.9)
    editor.keyboard("Delete")
    editor.gets("smile = 0:(0), 12:(1)")


def test_without_a_track_a_double_click_asks_the_page_for_one(editor):
    hint = editor.root.locator(".wplus-empty")
    assert hint.text_content() == "Double-click here, or press Add track" and hint.is_visible()
    editor.double_click(5, 0.5)
    editor.gets("smile = 0.5")
    assert hint.is_hidden()


# Dragging


def test_a_press_off_the_centre_moves_nothing(curve):
    with curve.nothing_sent():
        curve.drag((4, 0.5), (4, 0.5), off=(5, -4))


def test_a_drag_keeps_its_distance_and_is_written_once(curve):
    with curve.sent_once():
        curve.drag((4, 0.5), (6, -0.1), off=(5, -4))
    curve.gets("smile = 0:(0), 6:(-0.1), 8:(-0.25), 15:(0.25)")


def test_a_drag_goes_on_above_the_drawing(curve):
    curve.drag((15, 0.25), (15, 3))
    curve.gets("smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(3)")
    curve.half = 3.0  # the axis has grown
    curve.drag((15, 3), (15, 0.5))
    curve.gets("smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.5)")


def test_a_drag_goes_on_beside_the_drawing(curve):
    curve.drag((15, 0.25), (40, 0.5))
    curve.gets("smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.5)")


def test_frames_and_values_snap(curve):
    curve.drag((4, 0.5), (5.3, 0.384))
    curve.gets("smile = 0:(0), 5:(0.4), 8:(-0.25), 15:(0.25)")


def test_alt_makes_the_steps_fine(curve):
    with curve.held("Alt"):
        curve.drag((4, 0.5), (4, 0.237))
    fine = value_of(curve, 4)
    assert abs(fine - 0.237) < 0.01 and not on_a_step(fine)


def test_a_button_makes_the_steps_fine(curve):
    curve.button("Fine values").click()
    curve.drag((15, 0.25), (15, 0.327))
    fine = value_of(curve, 15)
    assert abs(fine - 0.327) < 0.01 and not on_a_step(fine)


def value_of(editor, frame):
    text = editor.area.input_value()
    editor.gets(text)
    return float(re.search(rf" {frame}:\(([-\d.]+)\)", text)[1])


def on_a_step(value):
    return abs(value / 0.05 - round(value / 0.05)) < 1e-6


def test_shift_locks_an_axis(curve):
    curve.press(4, 0.5)
    with curve.held("Shift"):
        curve.move(6.2, 0.38)
        curve.release()
    curve.gets("smile = 0:(0), 6:(0.5), 8:(-0.25), 15:(0.25)")


def test_esc_restores_what_was_before_the_drag(curve):
    with curve.nothing_sent():
        curve.press(4, 0.5)
        curve.move(6, 0)
        assert "frame 6" in curve.chosen[0]
        curve.keyboard("Escape")
        assert curve.chosen == []
        curve.release()
    assert curve.keys.nth(1).get_attribute("aria-valuetext") == "frame 4, 0.5, linear"


def test_esc_is_the_pages_where_no_drag_goes_on(curve):
    curve.page.evaluate("""() => {
        window.escapes = 0;
        document.addEventListener("keydown", (event) => (window.escapes += event.key === "Escape"));
    }""")
    curve.press(4, 0.5)
    curve.move(6, 0)
    curve.keyboard("Escape")
    assert curve.page.evaluate("escapes") == 0  # to the WebUI it means to interrupt
    curve.release()
    curve.keyboard("Escape")
    assert curve.page.evaluate("escapes") == 1


def test_a_cancelled_pointer_restores_what_was_before(curve):
    with curve.nothing_sent():
        curve.press(4, 0.5)
        curve.move(6, 0)
        curve.svg.dispatch_event("pointercancel", {"pointerId": 1})
        curve.release()
    assert curve.area.input_value() == KEYS


def test_after_a_cancelled_drag_there_is_another(curve):
    curve.press(4, 0.5)
    curve.move(6, 0)
    curve.keyboard("Escape")
    curve.release()
    curve.drag((4, 0.5), (5, 0.5))
    curve.gets("smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)")


def test_a_text_from_python_ends_a_drag(curve):
    curve.press(4, 0.5)
    curve.move(6, 0)
    curve.page.evaluate("update('smile = 0.5')")
    curve.move(7, 0)
    curve.release()
    curve.gets("smile = 0.5")


# Choosing


def test_a_click_chooses(curve):
    curve.click(4, 0.5)
    assert curve.chosen == ["frame 4, 0.5, linear"]


def test_a_click_with_shift_chooses_one_more(curve):
    curve.click(4, 0.5)
    with curve.held("Shift"):
        curve.click(8, -0.25)
    assert curve.chosen == ["frame 4, 0.5, linear", "frame 8, -0.25, linear"]


def test_a_key_that_shift_leaves_out_is_not_dragged(curve):
    curve.click(4, 0.5)
    with curve.held("Shift"), curve.nothing_sent():
        curve.drag((4, 0.5), (6.2, 0.45))
    assert curve.chosen == []


def test_several_keys_move_as_one(curve):
    curve.click(4, 0.5)
    with curve.held("Shift"):
        curve.click(8, -0.25)
    curve.drag((4, 0.5), (6, 0.6))
    curve.gets("smile = 0:(0), 6:(0.6), 10:(-0.15), 15:(0.25)")


def test_a_marquee_chooses(curve):
    curve.press(3, 0.9)
    curve.move(16, -0.9)
    assert float(curve.root.locator(".wplus-marquee rect").get_attribute("width")) > 100
    curve.release()
    assert len(curve.chosen) == 3


def test_a_marquee_with_shift_chooses_more(curve):
    curve.click(0, 0)
    with curve.held("Shift"):
        curve.drag((3, 0.9), (5, 0.1))
    assert curve.chosen == ["frame 0, 0, linear", "frame 4, 0.5, linear"]


def test_a_group_stops_at_the_next_key(curve):
    curve.drag((3, 0.9), (16, -0.9))
    curve.drag((4, 0.5), (0, 0.5))
    curve.gets("smile = 0:(0), 1:(0.5), 5:(-0.25), 12:(0.25)")


def test_a_click_beside_the_keys_chooses_none_and_moves_the_cursor(curve):
    curve.drag((3, 0.9), (16, -0.9))
    curve.click(13, -0.8)
    assert curve.chosen == []
    assert "frame 13" in curve.readout.inner_text()


def test_a_click_on_one_of_several_chooses_it(curve):
    curve.drag((-0.4, 0.9), (16, -0.9))
    assert len(curve.chosen) == 4
    with curve.nothing_sent():
        curve.click(8, -0.25)
    assert curve.chosen == ["frame 8, -0.25, linear"]
