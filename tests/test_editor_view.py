"""The curve editor in Chromium, on a plain page: what is seen of texts, tracks and runs, and the page around it.

What needs no page is tested in editor_state.test.mjs, and the connection with Python in test_editor_page.py.
"""

from __future__ import annotations

import re

import editor_page
import pytest
from editor_page import KEYS, LEFT, RIGHT, SAD, TRACKS, Editor

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
pytest_plugins = ["editor_fixtures"]


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
        run.dataset.run = JSON.stringify({residual: [0.1, 0.2, 0.1], strip: canvas.toDataURL()});
        document.querySelector("#script_txt2img_wplus_report").replaceChildren(run);
        send("report");
    }""")
    strip = editor.root.locator("canvas.wplus-strip")
    strip.wait_for()
    return strip


def middle_of(strip):
    return LEFT + (strip.bounding_box()["width"] - LEFT - RIGHT) / 2


def test_the_frames_of_a_run_stand_above_their_places(run):
    pixel = "(canvas, x) => [...canvas.getContext('2d').getImageData(x, 20, 1, 1).data]"
    assert run.evaluate(pixel, middle_of(run))[:3] == [0, 255, 0]


def test_the_residual_of_a_run_is_drawn(editor, run):
    assert editor.root.locator(".wplus-measured path").get_attribute("d").count("L") == 2


def test_a_click_on_the_strip_moves_the_cursor(editor, run):
    run.click(position={"x": middle_of(run), "y": 20})
    editor.settle()
    assert re.match("frame 1 .* residual 20.00 %$", editor.readout.inner_text())


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
    assert tracks.root.locator(".wplus-tracks li").count() == 2


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


# The draft


@pytest.fixture
def draft(curve, url):
    """An editor after a reload, which has the draft of an earlier visit."""
    editor_page.visit(curve.page, url)
    draft = curve.root.locator(".wplus-draft")
    draft.wait_for()
    return draft


def test_a_draft_is_never_forced(curve, draft):
    assert curve.area.input_value() == "" and curve.keys.count() == 0


def test_a_draft_is_taken_up(curve, draft):
    draft.get_by_role("button", name="Take it up").click()
    curve.gets(KEYS)
    assert draft.is_hidden()


def test_a_draft_is_declined(curve, draft):
    with curve.nothing_sent():
        draft.get_by_role("button", name="No", exact=True).click()
    assert draft.is_hidden()


def test_of_a_text_that_was_cleared_there_is_no_draft(curve, url):
    curve.type("")
    editor_page.visit(curve.page, url)
    curve.svg.wait_for()
    assert curve.root.locator(".wplus-draft").is_hidden()


# Fingers


@pytest.fixture
def finger(chromium, url):
    """An editor on a telephone."""
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    with editor_page.opened(chromium, url, **options) as page:
        editor = Editor(page)
        editor.svg.wait_for()
        editor.type("smile = 0:(0), 8:(0.5)")
        yield editor


def test_a_finger_drags_a_key(finger):
    touch = finger.page.context.new_cdp_session(finger.page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    x, y = finger.at(8, 0.5)
    send("touchStart", (x + 14, y + 9))  # a finger is not a pointer: within 22 pixels
    for i in range(1, 6):
        x, y = finger.at(8 + 0.4 * i, 0.5 - 0.1 * i)
        send("touchMove", (x + 14, y + 9))
    send("touchEnd")
    finger.gets("smile = 0:(0), 10:(0)")


def test_a_finger_adds_a_key(finger):
    finger.page.touchscreen.tap(*finger.at(4, -0.8))  # the cursor
    finger.button("Add a key").tap()
    finger.gets("smile = 0:(0), 4:(0.25), 8:(0.5)")


def test_what_a_finger_aims_at_is_large(finger):
    aims = finger.root.locator("button:visible, select:visible, input[type=text]:visible")
    boxes = [element.bounding_box() for element in aims.all()]
    assert len(boxes) > 20 and [box for box in boxes if box["width"] < 44 or box["height"] < 44] == []


def test_a_finger_scrolls_the_page_beside_the_keys(finger):
    actions = "all => all.map((e) => getComputedStyle(e).touchAction)"
    assert set(finger.root.locator(".wplus-touch").evaluate_all(actions)) == {"none"}
    assert finger.svg.evaluate("e => getComputedStyle(e).touchAction") == "auto"


def test_a_narrow_page_is_enough(finger):
    assert finger.root.evaluate("e => e.scrollWidth <= e.clientWidth")


# What it costs

LONG = "\n".join(
    f"{name} = " + ", ".join(f"{5 * i}:({(i % 7 - 3) / 4:g}){easing}" for i in range(60))
    for name, easing in (("smile", ":smooth"), ("age", ""), ("glasses", ":bez/0.3/0/0.6/1"))
)


def test_dragging_is_cheap(editor):
    editor.page.locator("#txt2img-ad-video-length input").fill("300")
    editor.last = 299
    editor.type(LONG)
    editor.page.evaluate("""() => {
        window.nodes = 0;
        const count = (all) => (window.nodes += all.length);
        new MutationObserver(count).observe(document.body, {childList: true, subtree: true});
    }""")
    x, y = editor.at(150, (30 % 7 - 3) / 4)
    with editor.sent_once():
        editor.press(150, (30 % 7 - 3) / 4)
        editor.page.mouse.move(x + 5, y + 5)
        editor.settle()
        cost = editor.page.evaluate(
            """async ([x, y]) => {
                const plot = document.querySelector(".wplus-plot"), costs = [], own = window.requestAnimationFrame;
                window.requestAnimationFrame = (act) => own((now) => {
                    const began = performance.now();
                    act(now);
                    costs.push(performance.now() - began);
                });
                const until = performance.now() + 10_000;
                for (let i = 0; i < 60 && performance.now() < until; i++) {
                    const at = {clientX: x + (i % 20), clientY: y + i, pointerId: 1, pointerType: "mouse"};
                    plot.dispatchEvent(new PointerEvent("pointermove", {...at, bubbles: true}));
                    await new Promise((done) => own(() => setTimeout(done)));
                }
                window.requestAnimationFrame = own;
                return costs.sort((a, b) => a - b);
            }""",
            [x, y],
        )
        assert editor.page.evaluate("nodes") == 0
        editor.release()
    print(f"a frame of work while dragging: median {cost[len(cost) // 2]:.2f} ms, {len(cost)} frames")
    assert len(cost) >= 50 and cost[len(cost) // 2] < 4
