"""The curve editor in Chromium, on a plain page: what is seen of texts, tracks and runs, and the page around it.

What needs no page is tested in editor_state.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import json
import re

import pytest
from editor_page import BOTTOM, CHANGES, HEIGHT, KEYS, LEFT, RIGHT, TOP

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


def middle(key):
    """Where a key is on the page."""
    box = key.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("style", ["zoom: 1.5", "zoom: 0.7", "transform: scale(0.6); transform-origin: 0 0"])
def test_keys_are_where_they_are_seen_on_a_page_of_another_size(curve, style):
    curve.page.evaluate(f"document.body.style = '{style}'")
    curve.settle()
    curve.svg.scroll_into_view_if_needed()
    for number, said in ((1, "frame 4, 0.5, linear"), (3, "frame 15, 0.25, linear")):
        curve.page.mouse.click(*middle(curve.keys.nth(number)))
        assert curve.chosen == [said]


def test_on_a_page_from_right_to_left_frames_go_from_left_to_right(curve):
    curve.page.evaluate("document.documentElement.dir = 'rtl'")
    curve.settle()
    x, _ = middle(curve.keys.nth(2))
    scrub = curve.field("Cursor frame").bounding_box()
    curve.page.mouse.click(x, scrub["y"] + scrub["height"] / 2)
    sync_api.expect(curve.readout).to_contain_text("frame 8 ")
    labels = [label.bounding_box() for label in curve.root.locator(".wplus-value").all()]
    assert all(box["x"] + box["width"] < curve.at(0, 0)[0] for box in labels)


# What is seen


def test_a_dot_at_every_frame(curve):
    assert curve.dots == 16


def test_a_drag_shows_its_values_and_what_was_before(curve):
    curve.press(4, 0.5)
    curve.move(6, 0.1)
    sync_api.expect(curve.readout).to_contain_text("frame 6 · 0.75 s · smile 0.1")
    assert curve.ghosts.count() == 1
    curve.release()
    curve.settle()
    assert curve.ghosts.count() == 0


def test_the_ruler(curve):
    assert all(label in curve.ruler for label in ("15", "1.88 s", "+1", "−1"))
    assert curve.root.locator(".wplus-zero-line").count() == 1


def test_the_frames_are_animatediffs_context_where_it_has_no_number(curve):
    for name, value in (("video-length", "0"), ("batch-size", "24"), ("fps", "12")):
        curve.page.locator(f"#txt2img-ad-{name} input").fill(value)
    assert "1.67 s" in curve.ruler and curve.dots == 24


def test_values_beyond_the_known_range_are_shaded(editor):
    editor.type("smile = 1.8")
    beyond = editor.root.locator(".wplus-beyond")
    assert all(float(rect.get_attribute("height")) > 20 for rect in beyond.all()) and beyond.count() == 2


def test_without_animatediff_one_image_will_be_made(curve):
    assert "AnimateDiff" not in curve.axis.inner_text()
    curve.page.locator("#txt2img-ad-enable input").uncheck()
    sync_api.expect(curve.axis).to_contain_text("AnimateDiff is off: one image")
    assert curve.dots == 16  # one can draw before switching it on


def test_without_animatediff_the_frames_are_the_batch(curve):
    enable = curve.page.locator("#txt2img-ad-enable input")
    enable.uncheck()
    curve.page.locator("#txt2img_batch_size input").fill("3")
    sync_api.expect(curve.axis).to_contain_text("images of the batch")
    assert curve.dots == 3
    enable.check()
    sync_api.expect(curve.axis).not_to_contain_text("batch")
    assert curve.dots == 16


def test_an_identity_makes_the_axis_alpha(curve):
    assert curve.axis.inner_text().startswith("lambda")
    curve.page.evaluate("send('identity', 'anna')")
    sync_api.expect(curve.axis).to_contain_text("alpha of the identity")
    assert "+8" in curve.ruler


def test_an_editor_in_a_closed_accordion_is_painted_when_it_opens(editor):
    summary = editor.page.locator("summary")
    summary.click()
    editor.area.fill(KEYS)
    editor.settle()
    assert editor.keys.count() == 0
    summary.click()
    editor.gets(KEYS)
    assert editor.keys.count() == 4


@pytest.fixture
def run(editor):
    """An editor of three frames after a run, whose frames are red, green and blue; gives the strip of them."""
    editor.page.locator("#txt2img-ad-video-length input").fill("3")
    editor.type("smile = 0 > 1 > 0")
    editor.page.evaluate("""() => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 144, height: 64});
        const context = canvas.getContext("2d");
        ["red", "lime", "blue"].forEach((colour, i) => {
            context.fillStyle = colour;
            context.fillRect(48 * i, 0, 48, 64);
        });
        const run = document.createElement("div");
        const reached = [{track: "smile", attribute: "smile", unit: 1, measured: [0, 0.5, null]}];
        run.dataset.run = JSON.stringify({residual: [0.1, 0.2, 0.1], strip: canvas.toDataURL(), reached});
        document.querySelector("#script_txt2img_wplus_report").replaceChildren(run);
        send("report");
    }""")
    strip = editor.root.locator("canvas.wplus-strip")
    strip.wait_for()
    return strip


def middle_of(strip):
    return LEFT + (strip.bounding_box()["width"] - LEFT - RIGHT - CHANGES) / 2


def test_the_frames_of_a_run_stand_above_their_places(run):
    pixel = "(canvas, x) => [...canvas.getContext('2d').getImageData(x, 20, 1, 1).data]"
    assert run.evaluate(pixel, middle_of(run))[:3] == [0, 255, 0]


def test_what_a_run_changed_is_drawn_with_an_axis_of_its_own(editor, run):
    assert editor.root.locator(".wplus-changed path").get_attribute("d").count("L") == 2
    labels = editor.root.locator(".wplus-change")
    assert labels.all_text_contents() == ["0 %", "10 %", "20 %"]
    box, plot = labels.last.bounding_box(), editor.svg.bounding_box()
    assert box["x"] > editor.at(2, 0)[0] - CHANGES and box["x"] + box["width"] < plot["x"] + plot["width"]


def test_what_a_run_reached_is_drawn_beside_the_curve(editor, run):
    line = editor.root.locator(".wplus-reached path").get_attribute("d")
    assert line.count("M") == 1 and line.count("L") == 1  # the last frame is a gap
    run.click(position={"x": middle_of(run), "y": 20})
    editor.settle()
    assert "smile 0.50 measured" in editor.readout.inner_text()


def test_where_faces_hold_no_longer_is_shaded_and_values_can_be_counted_in_what_they_give(editor):
    found = {"attribute": "smile", "slope": 0.5, "unit": 1, "low": -1, "high": 0.5, "model": "toon"}
    place = editor.part("calibrated")
    element = f"<div data-calibrated='{json.dumps({'smile': {'lambda': found}})}'></div>"
    editor.type("smile = 0:(0), 15:(0.8)")
    place.evaluate("(place, inner) => { place.innerHTML = inner; send('calibrated') }", element)
    editor.settle()
    above = editor.root.locator(".wplus-beyond").first
    assert float(above.get_attribute("height")) == pytest.approx((HEIGHT - TOP - BOTTOM) / 4)
    assert "faces were measured to hold from −1 to 0.5" in editor.root.locator(".wplus-axis").inner_text()
    editor.button("Count in what was measured").click()
    editor.click(15, 0.8)
    editor.settle()
    assert editor.root.locator(".wplus-value").last.text_content() == "+0.4"
    assert editor.field("Value of the key").input_value() == "0.4"
    editor.field("Value of the key").fill("0.25")
    editor.keyboard("Enter")
    editor.gets("smile = 0:(0), 15:(0.5)")


def test_a_click_on_the_strip_moves_the_cursor(editor, run):
    run.click(position={"x": middle_of(run), "y": 20})
    editor.settle()
    assert re.match("frame 1 .* changed 20.00 %$", editor.readout.inner_text())


def test_a_run_of_another_length_is_not_shown(editor, run):
    editor.page.locator("#txt2img-ad-video-length input").fill("4")
    editor.settle()
    assert run.is_hidden()


# Texts


def test_a_text_that_does_not_parse_stays_as_typed(curve):
    curve.type("smile = 0:(0), 4:(")
    assert "expected a number" in curve.root.locator(".wplus-curve-fault").inner_text()


def test_the_last_good_curve_stays_drawn(curve):
    drawn = curve.lines.first.get_attribute("d")
    curve.type("smile = 0:(0), 4:(")
    assert curve.lines.first.get_attribute("d") == drawn


def test_a_curve_of_a_faulty_text_cannot_be_dragged(curve):
    curve.type("smile = 0:(0), 4:(")
    with curve.nothing_sent():
        curve.drag((4, 0.5), (6, 0))


def test_a_fault_goes_away(curve):
    curve.type("smile = 0:(0), 4:(")
    curve.type("smile = 0:(0), 4:(1)")
    assert curve.root.locator(".wplus-curve-fault").is_hidden()


def test_two_keys_on_one_frame_can_be_dragged_apart(editor):
    editor.type("smile = 0:(0), 0%:(1)")  # parses, and has no curve
    assert "two keys on frame 0 of 16" in editor.root.locator(".wplus-curve-fault").inner_text()
    editor.drag((0, 1), (5, 1))
    editor.gets("smile = 0:(0), 5:(1)")


def test_comments_stay(editor):
    editor.type("# a note\n\nsmile = 0:(0), 4:(0.5)\n  # more\nage = 1")
    editor.drag((4, 0.5), (6, 0.5))
    editor.gets("# a note\n\nsmile = 0:(0), 6:(0.5)\n  # more\nage = 1")


def test_a_text_from_python_is_drawn(editor):
    editor.page.evaluate("(text) => update(text)", KEYS)
    editor.gets(KEYS)
    assert editor.keys.count() == 4
