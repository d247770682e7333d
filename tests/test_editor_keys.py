"""The curve editor in Chromium, on a plain page: fields, keyboard, easings and undo.

What needs no page is tested in editor_state.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import pytest
from editor_page import BEZIERS, KEYS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


# Removing


def test_delete_removes_the_chosen_key(curve):
    curve.click(4, 0.5)
    curve.keyboard("Delete")
    curve.gets("smile = 0:(0), 8:(-0.25), 15:(0.25)")


def test_without_any_key_a_track_is_a_constant(curve):
    curve.click(8, -0.25)
    curve.keyboard("Control+a")
    curve.button("Remove the chosen keys").click()
    curve.gets("smile = 0")
    assert curve.keys.count() == 1


# Fields

FRAME, VALUE = "Frame of the key", "Value of the key"


def test_fields_show_the_chosen_key(curve):
    curve.click(4, 0.5)
    curve.settle()
    assert (curve.field(FRAME).input_value(), curve.field(VALUE).input_value()) == ("4", "0.5")


def test_enter_commits(curve):
    curve.click(4, 0.5)
    curve.enter(VALUE, "0,333")
    curve.gets("smile = 0:(0), 4:(0.333), 8:(-0.25), 15:(0.25)")
    assert curve.field(VALUE).input_value() == "0.333"


def test_to_leave_a_field_commits(curve):
    curve.click(4, 0.5)
    curve.field(VALUE).fill("0.2")
    curve.field(FRAME).focus()
    curve.gets("smile = 0:(0), 4:(0.2), 8:(-0.25), 15:(0.25)")


def test_esc_restores_a_field(curve):
    curve.click(4, 0.5)
    with curve.nothing_sent():
        curve.field(FRAME).fill("6")
        curve.field(FRAME).press("Escape")
        assert curve.field(FRAME).input_value() == "4"


@pytest.mark.parametrize("wrong", ["8", "1.5", "x", "-1", ""])
def test_a_field_refuses_what_is_no_frame(curve, wrong):
    curve.click(4, 0.5)
    with curve.nothing_sent():
        curve.enter(FRAME, wrong)
        assert curve.field(FRAME).input_value() == "4"
    assert "Not changed" in curve.status


def test_a_field_takes_a_frame_past_the_end(curve):
    curve.click(4, 0.5)
    curve.enter(FRAME, "20")
    curve.gets("smile = 0:(0), 8:(-0.25), 15:(0.25), 20:(0.5)")


def test_a_field_has_an_undo_of_its_own(curve):
    curve.click(4, 0.5)
    value = curve.field(VALUE)
    value.click()
    curve.keyboard("End")
    curve.page.keyboard.type("7")
    assert value.input_value() == "0.57"
    with curve.nothing_sent():
        curve.keyboard("Control+z")
        assert value.input_value() == "0.5"


# The keyboard


@pytest.mark.parametrize(
    ("key", "moved"),
    [
        ("ArrowRight", "5:(0.5)"),
        ("ArrowUp", "4:(0.51)"),
        ("Shift+ArrowDown", "4:(0.4)"),
        ("Shift+ArrowLeft", "1:(0.5)"),  # as far as there is room
    ],
)
def test_arrow_keys_move_a_key(curve, key, moved):
    curve.click(4, 0.5)
    curve.keyboard(key)
    curve.gets(f"smile = 0:(0), {moved}, 8:(-0.25), 15:(0.25)")


def test_an_arrow_key_that_is_held_down_is_written_once(curve):
    curve.click(4, 0.5)
    with curve.sent_once():
        for _ in range(5):
            curve.page.keyboard.down("ArrowUp")
        curve.page.keyboard.up("ArrowUp")
    curve.gets("smile = 0:(0), 4:(0.55), 8:(-0.25), 15:(0.25)")


def test_the_focus_stays_with_a_key_that_passes_another(curve):
    curve.click(4, 0.5)
    curve.keyboard("Shift+ArrowRight")
    curve.gets("smile = 0:(0), 8:(-0.25), 14:(0.5), 15:(0.25)")
    curve.keyboard("ArrowUp")
    curve.gets("smile = 0:(0), 8:(-0.25), 14:(0.51), 15:(0.25)")
    assert curve.chosen == ["frame 14, 0.51, linear"]
    assert curve.page.evaluate("document.activeElement.getAttribute('aria-valuetext')") == curve.chosen[0]


@pytest.mark.parametrize(
    ("key", "chosen"),
    [
        ("Tab", "frame 8, -0.25, linear"),
        ("End", "frame 15, 0.25, linear"),
        ("Home", "frame 0, 0, linear"),
    ],
)
def test_one_goes_from_key_to_key(curve, key, chosen):
    curve.click(4, 0.5)
    curve.keyboard(key)
    assert curve.chosen == [chosen]


def test_space_chooses_or_not(curve):
    curve.click(4, 0.5)
    curve.keyboard(" ")
    assert curve.chosen == []


def test_the_keyboard_alone(curve):
    curve.area.focus()
    focused = "document.activeElement.classList.contains('wplus-key')"
    for _ in range(60):
        curve.keyboard("Tab")
        if curve.page.evaluate(focused):
            break
    assert curve.chosen == ["frame 0, 0, linear"]
    curve.keyboard("Shift+ArrowUp")
    curve.gets("smile = 0:(0.1), 4:(0.5), 8:(-0.25), 15:(0.25)")
    curve.keyboard("Tab", "Delete")
    curve.gets("smile = 0:(0.1), 8:(-0.25), 15:(0.25)")
    curve.keyboard("Control+z")
    curve.gets("smile = 0:(0.1), 4:(0.5), 8:(-0.25), 15:(0.25)")


# Easings and handles


def test_an_easing_is_seen_before_it_is_chosen(curve):
    assert curve.ghosts.count() == 0
    with curve.nothing_sent():
        curve.button("Hold easing").hover()
        curve.ghosts.wait_for()
        curve.svg.hover(position={"x": 1, "y": 1})
        curve.settle()
        assert curve.ghosts.count() == 0


@pytest.mark.parametrize(
    ("name", "written"),
    [("Smooth", ":smooth"), ("Hold", ":hold"), ("Bezier", ":bez/0.42/0/0.58/1")],
)
def test_an_easing_is_chosen(editor, name, written):
    editor.type("smile = 0:(0), 8:(1)")
    editor.click(0, 0)
    button = editor.button(f"{name} easing")
    button.click()
    editor.gets(f"smile = 0:(0){written}, 8:(1)")
    assert button.get_attribute("aria-pressed") == "true"


@pytest.fixture
def beziers(editor):
    """An editor of two Bezier segments, with the key between them chosen."""
    editor.type(BEZIERS)
    editor.click(6, 0.6)
    editor.settle()
    return editor


def test_a_key_between_two_beziers_has_four_handles(beziers):
    assert beziers.root.locator(".wplus-handle:visible").count() == 4


def test_the_handle_before_a_key_turns_along(beziers):
    beziers.drag((9, 0.6), (9, 0.75))
    beziers.gets("smile = 0:(0):bez/0.5/0/0.5/0.75, 6:(0.6):bez/0.5/0.5/0.5/1, 12:(0.9)")


def test_alt_breaks_the_handles(beziers):
    with beziers.held("Alt"):
        beziers.drag((9, 0.6), (9, 0.75))
    beziers.gets("smile = 0:(0):bez/0.5/0/0.5/1, 6:(0.6):bez/0.5/0.5/0.5/1, 12:(0.9)")


def test_a_handle_stays_in_its_segment(beziers):
    beziers.drag((9, 0.6), (2, 0.6))
    assert "6:(0.6):bez/0/0/" in beziers.area.input_value()


# Undo

MOVED = "smile = 0:(0), 5:(0.1), 8:(-0.25), 15:(0.25)"


@pytest.fixture
def moved(curve):
    """An editor with one drag to take back."""
    curve.drag((4, 0.5), (5, 0.1), steps=20)
    curve.gets(MOVED)
    return curve


def test_one_drag_is_one_step_to_undo(moved):
    moved.keyboard("Control+z")
    moved.gets(KEYS)


@pytest.mark.parametrize("redo", ["Control+Shift+z", "Control+y"])
def test_redo(moved, redo):
    moved.keyboard("Control+z", redo)
    moved.gets(MOVED)


def test_buttons_undo_and_redo(moved):
    moved.button("Undo").click()
    moved.gets(KEYS)
    moved.button("Redo").click()
    moved.gets(MOVED)
