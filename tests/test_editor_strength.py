"""The curve editor in Chromium, on a plain page: the strength of all tracks as a curve beside theirs.

What needs no page is tested in strength.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


@pytest.fixture
def field(editor):
    """The strength's field, beside an editor of one track."""
    editor.type("smile = 0:(-0.5), 8:(-0.25)")
    return editor.part("strength").locator("input")


def test_a_strength_that_is_typed_is_drawn(editor, field):
    assert editor.lines.count() == 1
    field.fill("0:(0), 15:(0.5)")
    editor.settle()
    assert editor.lines.count() == 2
    assert editor.root.locator(".wplus-line.wplus-scale-strength").evaluate("e => getComputedStyle(e).strokeDasharray")
    field.fill("0:(0), 15:(")  # which is no strength
    editor.settle()
    assert editor.lines.count() == 1


def test_a_drag_writes_the_strength_and_no_track(editor, field):
    field.fill("0:(0), 15:(0.5)")
    editor.settle()
    with editor.nothing_sent():
        editor.drag((15, 0.5), (15, 0.8))
    assert field.input_value() == "0:(0), 15:(0.8)"
    editor.drag((8, -0.25), (8, 0.2))
    editor.gets("smile = 0:(-0.5), 8:(0.2)")
    assert field.input_value() == "0:(0), 15:(0.8)"


def test_its_row_makes_it_the_active_one(editor, field):
    row = editor.root.locator(".wplus-tracks li").last
    assert [button.get_attribute("aria-label") for button in row.locator("[aria-label]").all()] == [
        "Lock strength", "Strength back to 1",
    ]  # fmt: skip
    editor.root.get_by_role("button", name="strength", exact=True).click()
    editor.settle()
    assert editor.axis.inner_text().startswith("strength")
    editor.double_click(6, 0.5)
    assert field.input_value() == "0:(1), 6:(0.5)"
    editor.button("Strength back to 1").click()
    assert field.input_value() == "1"


def test_with_an_identity_each_fills_its_own_half(editor, field):
    editor.type("smile = 0:(-4), 15:(4)")
    field.fill("0:(0), 15:(0.5)")
    editor.page.evaluate("send('identity', 'anna')")
    editor.settle()
    assert "+8" in editor.ruler
    ends = [key.bounding_box() for key in editor.root.locator(".wplus-key:visible[aria-label*='2 of 2']").all()]
    middles = [box["y"] + box["height"] / 2 for box in ends]
    assert len(middles) == 2 and abs(middles[0] - middles[1]) < 1
    editor.half = 8
    editor.drag((0, 0), (0, 2))
    assert field.input_value() == "0:(0.25), 15:(0.5)"
    assert "+1" in editor.ruler and "+8" not in editor.ruler
