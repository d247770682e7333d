"""The curve editor in a real Chromium, judged by what Python receives."""

from __future__ import annotations

import json
import re
import sys
import time

import browser
import host
import pytest
import torch
from test_page import finished_run, load_script

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")
if browser.CHROMIUM is None:
    pytest.skip("no Chromium is installed: the editor is not tested", allow_module_level=True)

LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 44, 24, 14, 40, 260  # of the drawing, in pixels
SAD = "smile = -0.7 > 0 > 0.7"
KEYS = "smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.25)"


@pytest.fixture(scope="module")
def site(tmp_path_factory, state):
    """Both tabs, served."""
    folder = tmp_path_factory.mktemp("page") / "wplus"
    for kind in ("adapters", "latents", "directions"):
        (folder / kind).mkdir(parents=True)
    torch.save(state, folder / "adapters" / "wplus_adapter.bin")
    torch.save(torch.zeros(1, 18, 512), folder / "latents" / "anna.pth")
    for name in ("smile", "age", "glasses"):
        torch.save(torch.ones(1, 512), folder / "directions" / f"{name}.pt")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        host.install(monkeypatch, folder.parent)
        made = browser.Site(load_script())
        with made.served() as made.url:
            yield made


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Tab:
    """One tab's accordion: what a person does, and what Python receives."""

    def __init__(self, page, site, name="txt2img"):
        self.page, self.site, self.name = page, site, name
        self.root = page.locator(f".wplus-curve[data-tab={name}]")
        self.svg = self.root.locator("svg.wplus-plot")
        self.area = page.locator(f"#script_{name}_wplus_tracks textarea")
        self.half, self.past, self.last = 1.0, False, 15

    def open(self):
        if self.name == "img2img":
            self.page.locator(".tab-nav button", has_text="img2img").click()
        self.page.locator(f"#script_{self.name}_wplus_wplus > .label-wrap").click()
        self.svg.wait_for()
        self.page.wait_for_timeout(400)  # the accordion's width, and the first look at the fields
        return self

    @property
    def received(self):
        return self.site.received[self.name]

    def type(self, text):
        """Type a text into the box, and wait until Python has it."""
        self.area.fill(text)
        self.gets(text)

    def gets(self, text):
        """Wait until Python has exactly this text."""
        until = time.monotonic() + 5
        while not self.received or self.received[-1] != text:
            assert time.monotonic() < until, f"Python has {self.received[-1:]}, expected {text!r}"
            self.page.wait_for_timeout(20)
        assert self.area.input_value() == text
        self.svg.scroll_into_view_if_needed()

    def gets_nothing(self):
        """Nothing more comes."""
        count = len(self.received)
        self.page.wait_for_timeout(300)
        assert len(self.received) == count, self.received[count:]

    def at(self, frame, value):
        """The place of a frame and a value on the page."""
        box = self.svg.bounding_box()
        inner = box["width"] - LEFT - RIGHT - (22 if self.past else 0)
        y = TOP + (self.half - value) / (2 * self.half) * (HEIGHT - TOP - BOTTOM)
        return box["x"] + LEFT + frame / self.last * inner, box["y"] + y

    def drag(self, start, end, steps=5, up=True, off=(0, 0)):
        mouse = self.page.mouse
        (x, y), (u, v) = self.at(*start), self.at(*end)
        mouse.move(x + off[0], y + off[1])
        mouse.down()
        mouse.move(u + off[0], v + off[1], steps=steps)
        if up:
            mouse.up()

    def click(self, frame, value, **options):
        self.page.mouse.click(*self.at(frame, value), **options)

    def held(self, *keys):
        """A `with` that holds keys of the keyboard."""
        return _Held(self.page.keyboard, keys)

    def button(self, label):
        return self.root.get_by_role("button", name=label, exact=False).first

    @property
    def keys(self):
        return self.root.locator(".wplus-key.wplus-active:visible")

    @property
    def chosen(self):
        self.page.wait_for_timeout(60)  # it is painted before the next frame of the page
        said = "all => all.filter((e) => e.checkVisibility()).map((e) => e.getAttribute('aria-valuetext'))"
        return self.root.locator(".wplus-chosen").evaluate_all(said)


class _Held:
    def __init__(self, keyboard, keys):
        self.keyboard, self.keys = keyboard, keys

    def __enter__(self):
        for key in self.keys:
            self.keyboard.down(key)

    def __exit__(self, *_):
        for key in self.keys:
            self.keyboard.up(key)


def new_page(chromium, site, **options):
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    return page


def visit(page, site):
    page.goto(site.url, wait_until="domcontentloaded")
    page.locator("#ready").wait_for(state="attached")


@pytest.fixture
def page(chromium, site):
    page = new_page(chromium, site)
    visit(page, site)
    yield page
    assert page.faults == []
    page.context.close()


@pytest.fixture
def tab(page, site):
    return Tab(page, site).open()


# What a person expects: adding, dragging, snapping, locking, choosing, deleting, fields, keys, easings, handles, undo,
# cancelling, what is seen, faults, several tracks


def test_1_a_double_click_adds_a_key_on_the_curve(tab):
    tab.type("smile = 0:(0), 10:(1)")
    tab.page.mouse.dblclick(*tab.at(5, -0.5))  # on the curve, wherever the pointer is
    tab.gets("smile = 0:(0), 5:(0.5), 10:(1)")
    tab.root.get_by_label("Cursor frame").fill("12")
    tab.button("Add a key").click()
    tab.gets("smile = 0:(0), 5:(0.5), 10:(1), 12:(1)")
    tab.page.mouse.dblclick(*tab.at(5, 0.5))  # there is one
    tab.gets_nothing()


def test_1_a_new_key_keeps_the_form_of_a_bezier(tab):
    tab.type("smile = 0:(0):bez/0.42/0/0.58/1, 10:(1)")
    tab.page.mouse.dblclick(*tab.at(5, -0.5))
    tab.gets("smile = 0:(0):bez/0.42/0/0.71/0.5, 5:(0.5):bez/0.29/0.5/0.58/1, 10:(1)")


def test_2_a_drag_goes_on_outside_and_does_not_jump(tab):
    tab.type(KEYS)
    count = len(tab.received)
    tab.drag((4, 0.5), (4, 0.5), off=(5, -4))
    tab.gets_nothing()  # pressed off its centre: it stays where it is
    tab.drag((4, 0.5), (6, -0.1), off=(5, -4))
    tab.gets("smile = 0:(0), 6:(-0.1), 8:(-0.25), 15:(0.25)")
    assert len(tab.received) == count + 1  # one commit a gesture
    tab.drag((15, 0.25), (15, 3))  # far outside of the drawing
    tab.gets("smile = 0:(0), 6:(-0.1), 8:(-0.25), 15:(3)")
    tab.half = 3.0  # the axis has grown
    tab.drag((15, 3), (40, 0.5))
    tab.gets("smile = 0:(0), 6:(-0.1), 8:(-0.25), 15:(0.5)")


def test_3_snapping(tab):
    tab.type(KEYS)
    tab.drag((4, 0.5), (5.3, 0.384))
    tab.gets("smile = 0:(0), 5:(0.4), 8:(-0.25), 15:(0.25)")
    with tab.held("Alt"):
        tab.drag((5, 0.4), (5, 0.2))
    fine = float(re.search(r"5:\(([-\d.]+)\)", tab.area.input_value())[1])
    assert abs(fine - 0.2) < 0.01
    tab.button("Fine values").click()
    tab.drag((15, 0.25), (15, 0.253 + 0.05))
    value = tab.area.input_value()
    fine = float(re.search(r"15:\(([-\d.]+)\)", value)[1])
    assert 0.25 < fine < 0.32 and round(fine / 0.05, 3) % 1 != 0
    tab.gets(value)


def test_4_shift_locks_an_axis(tab):
    tab.type(KEYS)
    with tab.held("Shift"):
        tab.click(4, 0.5)
        tab.drag((4, 0.5), (6.2, 0.45))
    assert tab.area.input_value() == KEYS  # shift on a chosen key leaves it out: nothing moves
    x, y = tab.at(4, 0.5)
    mouse, keyboard = tab.page.mouse, tab.page.keyboard
    mouse.move(x, y)
    mouse.down()
    keyboard.down("Shift")
    mouse.move(*tab.at(6.2, 0.38), steps=4)
    mouse.up()
    keyboard.up("Shift")
    tab.gets("smile = 0:(0), 6:(0.5), 8:(-0.25), 15:(0.25)")


def test_5_several_keys_move_as_one(tab):
    tab.type(KEYS)
    tab.click(4, 0.5)
    assert tab.chosen == ["frame 4, 0.5, linear"]
    with tab.held("Shift"):
        tab.click(8, -0.25)
    assert len(tab.chosen) == 2
    tab.drag((4, 0.5), (6, 0.6))
    tab.gets("smile = 0:(0), 6:(0.6), 10:(-0.15), 15:(0.25)")
    tab.drag((3, 0.9), (16, -0.9))  # a marquee around all but the first
    assert len(tab.chosen) == 3
    tab.drag((6, 0.6), (0, 0.6))  # the group stops at the first key
    tab.gets("smile = 0:(0), 1:(0.6), 5:(-0.15), 10:(0.25)")
    tab.page.mouse.click(*tab.at(13, -0.8))
    assert tab.chosen == []


def test_5_a_click_on_one_of_several_chooses_it(tab):
    tab.type(KEYS)
    tab.page.keyboard.press("Escape")
    tab.drag((-0.4, 0.9), (16, -0.9))
    assert len(tab.chosen) == 4
    tab.click(8, -0.25)
    assert tab.chosen == ["frame 8, -0.25, linear"]
    tab.gets_nothing()


def test_6_delete(tab):
    tab.type(KEYS)
    tab.click(4, 0.5)
    tab.page.keyboard.press("Delete")
    tab.gets("smile = 0:(0), 8:(-0.25), 15:(0.25)")
    tab.click(8, -0.25)
    tab.page.keyboard.press("Control+a")
    tab.button("Remove the chosen keys").click()
    tab.gets("smile = 0")
    assert tab.keys.count() == 1


def test_7_fields(tab):
    tab.type(KEYS)
    tab.click(4, 0.5)
    frame, value = tab.root.get_by_label("Frame of the key"), tab.root.get_by_label("Value of the key")
    assert (frame.input_value(), value.input_value()) == ("4", "0.5")
    value.fill("0,333")
    value.press("Enter")
    tab.gets("smile = 0:(0), 4:(0.333), 8:(-0.25), 15:(0.25)")
    frame.fill("6")
    frame.press("Escape")
    assert frame.input_value() == "4"
    for wrong in ("8", "1.5", "x", "-1", ""):
        frame.fill(wrong)
        frame.press("Enter")
        assert frame.input_value() == "4" and "Not changed" in tab.root.locator(".wplus-status").inner_text()
    tab.gets_nothing()
    frame.fill("20")
    frame.press("Enter")
    tab.gets("smile = 0:(0), 8:(-0.25), 15:(0.25), 20:(0.333)")


def test_8_arrow_keys(tab):
    tab.type(KEYS)
    tab.click(4, 0.5)
    press = tab.page.keyboard.press
    press("ArrowRight")
    tab.gets("smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)")
    press("ArrowUp")
    tab.gets("smile = 0:(0), 5:(0.51), 8:(-0.25), 15:(0.25)")
    press("Shift+ArrowDown")
    tab.gets("smile = 0:(0), 5:(0.41), 8:(-0.25), 15:(0.25)")
    press("Shift+ArrowLeft")  # it goes on to where there is room
    tab.gets("smile = 0:(0), 1:(0.41), 8:(-0.25), 15:(0.25)")
    press("Tab")
    assert tab.chosen == ["frame 8, -0.25, linear"]
    press("End")
    assert tab.chosen == ["frame 15, 0.25, linear"]
    press("Home")
    assert tab.chosen == ["frame 0, 0, linear"]
    count = len(tab.received)
    for _ in range(5):
        tab.page.keyboard.down("ArrowUp")  # held down
    tab.page.keyboard.up("ArrowUp")
    tab.gets("smile = 0:(0.05), 1:(0.41), 8:(-0.25), 15:(0.25)")
    assert len(tab.received) == count + 1


def test_8_the_keyboard_alone(tab):
    tab.type(KEYS)
    tab.area.focus()
    press = tab.page.keyboard.press
    for _ in range(60):
        press("Tab")
        if tab.page.evaluate("document.activeElement.classList.contains('wplus-key')"):
            break
    assert tab.chosen == ["frame 0, 0, linear"]
    press("Shift+ArrowUp")
    tab.gets("smile = 0:(0.1), 4:(0.5), 8:(-0.25), 15:(0.25)")
    press("Tab")
    press("Delete")
    tab.gets("smile = 0:(0.1), 8:(-0.25), 15:(0.25)")
    press("Control+z")
    tab.gets("smile = 0:(0.1), 4:(0.5), 8:(-0.25), 15:(0.25)")


def test_9_an_easing_is_seen_before_it_is_chosen(tab):
    tab.type("smile = 0:(0), 8:(1)")
    tab.click(0, 0)
    ghost = tab.root.locator(".wplus-ghosts path:visible")
    assert ghost.count() == 0
    tab.button("Hold easing").hover()
    ghost.wait_for()
    tab.gets_nothing()
    tab.button("Smooth easing").click()
    tab.gets("smile = 0:(0):smooth, 8:(1)")
    tab.button("Bezier easing").click()
    tab.gets("smile = 0:(0):bez/0.42/0/0.58/1, 8:(1)")
    assert tab.button("Bezier easing").get_attribute("aria-pressed") == "true"


def test_10_bezier_handles(tab):
    start = "smile = 0:(0):bez/0.5/0/0.5/1, 6:(0.6):bez/0.5/0/0.5/1, 12:(0.9)"
    tab.type(start)
    tab.click(6, 0.6)
    assert tab.root.locator(".wplus-handle:visible").count() == 4
    tab.drag((9, 0.6), (9, 0.75))  # the handle after the key: the one before turns along
    tab.gets("smile = 0:(0):bez/0.5/0/0.5/0.75, 6:(0.6):bez/0.5/0.5/0.5/1, 12:(0.9)")
    with tab.held("Alt"):
        tab.drag((9, 0.75), (9, 0.6))
    tab.gets("smile = 0:(0):bez/0.5/0/0.5/0.75, 6:(0.6):bez/0.5/0/0.5/1, 12:(0.9)")
    tab.drag((9, 0.6), (2, 0.6))  # x stays in [0, 1]
    assert "6:(0.6):bez/0/0/" in tab.area.input_value()


def test_11_undo_and_redo(tab):
    tab.type(KEYS)
    tab.drag((4, 0.5), (5, 0.1), steps=20)
    moved = "smile = 0:(0), 5:(0.1), 8:(-0.25), 15:(0.25)"
    tab.gets(moved)
    press = tab.page.keyboard.press
    press("Control+z")  # one drag is one step
    tab.gets(KEYS)
    press("Control+Shift+z")
    tab.gets(moved)
    tab.button("Undo").click()
    tab.gets(KEYS)
    tab.button("Undo")
    press("Control+y")
    tab.gets(moved)
    tab.click(5, 0.1)
    value = tab.root.get_by_label("Value of the key")
    value.click()
    press("End")
    tab.page.keyboard.type("7")
    press("Control+z")  # a text field has its own
    assert value.input_value() != "0.17"
    assert tab.area.input_value() == moved


def test_12_esc_and_a_cancelled_pointer_restore(tab):
    tab.type(KEYS)
    tab.page.evaluate(
        "window.escapes = 0; document.addEventListener('keydown', (e) => { if (e.key == 'Escape') window.escapes++; })"
    )
    tab.drag((4, 0.5), (6, 0), up=False)
    assert "frame 6" in tab.chosen[0]
    tab.page.keyboard.press("Escape")
    assert tab.chosen == [] and tab.page.evaluate("window.escapes") == 0  # interrupt, to the WebUI
    tab.page.mouse.up()
    tab.gets_nothing()
    assert tab.keys.nth(1).get_attribute("aria-valuetext") == "frame 4, 0.5, linear"
    tab.page.keyboard.press("Escape")
    assert tab.page.evaluate("window.escapes") == 1
    tab.drag((4, 0.5), (6, 0), up=False)
    tab.svg.dispatch_event("pointercancel", {"pointerId": 1})
    tab.page.mouse.up()
    tab.gets_nothing()
    assert tab.area.input_value() == KEYS


def test_13_what_is_seen(tab):
    tab.type(KEYS)
    dots = tab.root.locator(".wplus-dots.wplus-active")
    assert dots.get_attribute("d").count("M") == 16
    tab.drag((4, 0.5), (6, 0.1), up=False)
    sync_api.expect(tab.root.locator(".wplus-readout")).to_contain_text("frame 6 · 0.75 s · smile 0.1")
    assert tab.root.locator(".wplus-ghosts path:visible").count() == 1
    tab.page.mouse.up()
    ruler = tab.root.locator(".wplus-grid").text_content()
    assert "15" in ruler and "1.88 s" in ruler and "+1" in ruler and "−1" in ruler
    assert tab.root.locator(".wplus-zero-line").count() == 1
    tab.page.locator("#txt2img-ad-video-length input").fill("0")  # AnimateDiff's context
    tab.page.locator("#txt2img-ad-batch-size input").fill("24")
    tab.page.locator("#txt2img-ad-fps input").fill("12")
    sync_api.expect(tab.root.locator(".wplus-grid")).to_contain_text("1.67 s")
    assert dots.get_attribute("d").count("M") == 24
    tab.type("smile = 1.8")
    beyond = [float(rect.get_attribute("height")) for rect in tab.root.locator(".wplus-beyond").all()]
    assert all(height > 20 for height in beyond)  # the axis has grown past what is known to work


def test_without_animatediff_the_frames_are_the_batch(tab):
    tab.type(KEYS)
    said, dots = tab.root.locator(".wplus-axis"), tab.root.locator(".wplus-dots.wplus-active")
    assert "AnimateDiff" not in said.inner_text()
    tab.page.locator("#txt2img-ad-enable input").uncheck()
    sync_api.expect(said).to_contain_text("AnimateDiff is off: one image")
    assert dots.get_attribute("d").count("M") == 16  # one can draw before switching it on
    tab.page.locator("#txt2img_batch_size input").fill("3")
    sync_api.expect(said).to_contain_text("images of the batch")
    assert dots.get_attribute("d").count("M") == 3
    tab.page.locator("#txt2img-ad-enable input").check()
    sync_api.expect(said).not_to_contain_text("batch")
    assert dots.get_attribute("d").count("M") == 16


def test_14_a_text_that_does_not_parse_stays(tab):
    tab.type(KEYS)
    drawn = tab.root.locator(".wplus-line").first.get_attribute("d")
    tab.type("smile = 0:(0), 4:(")
    fault = tab.root.locator(".wplus-curve-fault")
    assert "expected a number" in fault.inner_text() and tab.area.input_value() == "smile = 0:(0), 4:("
    assert tab.root.locator(".wplus-line").first.get_attribute("d") == drawn
    tab.drag((4, 0.5), (6, 0))
    tab.gets_nothing()
    said = tab.page.locator("#script_txt2img_wplus_faults").first
    assert "line 1, column 19" in said.inner_text()
    tab.type("smile = 0:(0), 4:(1)")
    assert fault.is_hidden()
    tab.type("smile = 0:(0), 0%:(1)")  # parses, and has no curve
    assert "two keys on frame 0 of 16" in fault.inner_text()
    tab.drag((0, 1), (5, 1))
    tab.gets("smile = 0:(0), 5:(1)")


def test_14_what_is_typed_during_a_check_is_checked_too(tab, monkeypatch):
    """gradio drops an event whose handler is still at work."""
    ui, said = sys.modules["wplus_ext.hosts.webui.page"], tab.page.locator("#script_txt2img_wplus_faults").last
    find_all = ui._find_all

    def slow(*args):
        time.sleep(0.8)
        find_all(*args)

    monkeypatch.setattr(ui, "_find_all", slow)
    for text, fault in (("smlie = 1", "there is no direction 'smlie'"), ("smile = 1", "")):
        tab.area.fill("age = 0.5" if fault else "agee = 0.5")
        tab.page.wait_for_timeout(300)
        tab.area.fill(text)
        sync_api.expect(said).to_contain_text(fault) if fault else sync_api.expect(said).to_be_empty()


def test_14_comments_stay(tab):
    tab.type("# a note\n\nsmile = 0:(0), 4:(0.5)\n  # more\nage = 1")
    tab.drag((4, 0.5), (6, 0.5))
    tab.gets("# a note\n\nsmile = 0:(0), 6:(0.5)\n  # more\nage = 1")


def test_15_several_tracks(tab):
    text = "smile = 0:(0), 4:(0.5)\nage[0:8] = 0:(-0.5), 9:(-0.75)\nglasses = 0.9"
    tab.type(text)
    styles = {
        re.search(r"wplus-scale-\d", key.get_attribute("class"))[0]
        for key in tab.root.locator(".wplus-key:visible").all()
    }
    assert len(styles) == 3
    tab.drag((9, -0.75), (10, -0.25))  # a key of another track: it becomes the active one
    tab.gets("smile = 0:(0), 4:(0.5)\nage[0:8] = 0:(-0.5), 10:(-0.25)\nglasses = 0.9")
    tab.button("Lock age").click()
    tab.drag((10, -0.25), (12, 0))
    tab.gets_nothing()
    tab.button("Lock age").click()
    lines = tab.root.locator(".wplus-line:visible")
    tab.button("Solo age").click()
    tab.page.wait_for_timeout(60)
    assert lines.count() == 1
    tab.button("Solo age").click()
    tab.button("Show glasses").click()
    tab.page.wait_for_timeout(60)
    assert lines.count() == 2
    layer = tab.root.get_by_label("End of the layers of age")
    layer.fill("12")
    layer.press("Enter")
    tab.gets("smile = 0:(0), 4:(0.5)\nage[0:12] = 0:(-0.5), 10:(-0.25)\nglasses = 0.9")
    layer = tab.root.get_by_label("End of the layers of age")
    layer.fill("19")
    layer.press("Enter")
    assert layer.input_value() == "12"
    tab.button("Move down smile").click()
    tab.gets("age[0:12] = 0:(-0.5), 10:(-0.25)\nsmile = 0:(0), 4:(0.5)\nglasses = 0.9")
    tab.button("Remove glasses").click()
    tab.gets("age[0:12] = 0:(-0.5), 10:(-0.25)\nsmile = 0:(0), 4:(0.5)")
    tab.page.locator("#script_txt2img_wplus_add").click()
    tab.gets("age[0:12] = 0:(-0.5), 10:(-0.25)\nsmile = 0:(0), 4:(0.5)\nsmile = -0.7 > 0 > 0.7")
    tab.page.wait_for_timeout(60)
    assert tab.root.locator(".wplus-tracks li").count() == 3


def test_15_presets_loop_and_keys_past_the_end(tab):
    tab.type("smile = 0:(0), 30:(0.5)")
    assert "past the end" in tab.keys.nth(1).get_attribute("aria-valuetext")
    tab.past = True
    box = tab.svg.bounding_box()
    x, y = box["x"] + box["width"] - RIGHT, tab.at(0, 0.5)[1]
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(*tab.at(10, 0.5), steps=5)
    tab.page.mouse.up()
    tab.gets("smile = 0:(0), 10:(0.5)")
    tab.past = False
    preset = tab.root.get_by_label("Preset for the active track")
    preset.select_option("-0.7 > 0 > 0.7")
    tab.gets(SAD)
    tab.drag((7.5, 0), (7.5, 0.3))  # evenly spread keys stay so while they move up and down
    tab.gets("smile = -0.7 > 0.3 > 0.7")
    tab.drag((7.5, 0.3), (9.5, 0.3))
    tab.gets("smile = 0%:(-0.7), 10:(0.3), 100%:(0.7)")
    tab.button("Loop").click()
    tab.gets("smile = loop 0%:(-0.7), 10:(0.3), 100%:(0.7)")
    for value, title in preset.locator("option").evaluate_all("all => all.map((o) => [o.value, o.textContent])")[1:]:
        preset.select_option(value)
        assert tab.area.input_value().startswith("smile = "), title


# The page around it


def test_python_and_pasted_texts_arrive(tab):
    tab.page.locator("#txt2img-given textarea").fill(KEYS)
    tab.page.locator("#txt2img-give").click()
    tab.gets(KEYS)
    tab.page.wait_for_timeout(100)
    assert tab.keys.count() == 4
    tab.drag((4, 0.5), (5, 0.5))
    tab.gets("smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)")


def test_an_empty_text_says_what_to_do(tab):
    tab.page.mouse.dblclick(*tab.at(5, 0.5))
    assert "press Add track" in tab.root.locator(".wplus-status").inner_text()
    tab.page.locator("#script_txt2img_wplus_add").click()
    tab.gets("smile = -0.7 > 0 > 0.7")


def test_both_tabs_are_apart(page, site):
    first, second = Tab(page, site).open(), Tab(page, site, "img2img").open()
    second.type("age = 0:(0), 8:(0.5)")
    second.drag((8, 0.5), (9, 0.5))
    second.gets("age = 0:(0), 9:(0.5)")
    page.locator(".tab-nav button", has_text="txt2img").click()
    first.type(KEYS)
    first.drag((4, 0.5), (5, 0.5))
    first.gets("smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)")
    assert second.received[-1] == "age = 0:(0), 9:(0.5)"


def test_an_identity_makes_the_axis_alpha(tab):
    tab.type(SAD)
    axis = tab.root.locator(".wplus-axis")
    assert axis.inner_text().startswith("lambda")
    tab.page.locator("#script_txt2img_wplus_identity input").click()
    tab.page.locator("ul.options li", has_text="anna").click()
    tab.page.wait_for_timeout(500)
    assert axis.inner_text().startswith("alpha") and "+8" in tab.root.locator(".wplus-grid").text_content()


def test_pasting_and_copying(tab):
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.type("smile = 0\nage = 1")
    clip = "text => navigator.clipboard.writeText(text)"
    tab.page.evaluate(clip, "0:(0.5), 12: (1.2),\n 15:(0)")  # from Deforum
    tab.button("Paste").click()
    tab.gets("smile = 0:(0.5), 12:(1.2), 15:(0)\nage = 1")
    tab.button("Copy").click()
    tab.page.wait_for_timeout(100)
    assert tab.page.evaluate("navigator.clipboard.readText()") == "smile = 0:(0.5), 12:(1.2), 15:(0)"
    tab.page.evaluate(clip, "glasses = 1\nage = 2")
    tab.keys.first.focus()
    tab.page.keyboard.press("Control+v")
    tab.gets("smile = 0:(0.5), 12:(1.2), 15:(0)\nage = 1\nglasses = 1\nage = 2")
    tab.page.evaluate(clip, "0:(sin(t))")
    tab.button("Paste").click()
    tab.gets_nothing()
    assert "Not pasted" in tab.root.locator(".wplus-status").inner_text()


def test_a_draft_is_offered_after_a_reload(page, site):
    tab = Tab(page, site).open()
    tab.type(KEYS)
    tab.drag((4, 0.5), (5, 0.5))
    moved = "smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)"
    tab.gets(moved)
    visit(page, site)
    tab = Tab(page, site).open()
    assert tab.area.input_value() == "" and tab.keys.count() == 0  # never forced
    tab.root.get_by_role("button", name="Take it up").click()
    tab.gets(moved)
    visit(page, site)
    tab = Tab(page, site).open()
    tab.root.get_by_role("button", name="No", exact=True).click()
    assert tab.root.locator(".wplus-draft").is_hidden()


def test_the_rendered_frames_and_the_residual(tab):
    tab.page.locator("#txt2img-ad-video-length input").fill("3")
    tab.last = 2
    tab.type("smile = 0 > 1 > 0")
    run = tab.site.scripts["txt2img"].last = finished_run()
    run.report._squares = torch.tensor([[1.0, 100.0], [4.0, 100.0], [1.0, 100.0]])
    tab.page.locator("#txt2img-done").click()
    strip = tab.root.locator("canvas.wplus-strip")
    strip.wait_for()
    assert tab.root.locator(".wplus-measured path").get_attribute("d").count("L") == 2
    middle = LEFT + (strip.bounding_box()["width"] - LEFT - RIGHT) / 2
    pixel = "(c, x) => [...c.getContext('2d').getImageData(x, 20, 1, 1).data]"
    assert strip.evaluate(pixel, middle)[1] > 200  # the second frame, green, above its place on the ruler
    strip.click(position={"x": middle, "y": 20})
    tab.page.wait_for_timeout(60)
    assert "frame 1" in tab.root.locator(".wplus-readout").inner_text()
    assert "residual 20.00 %" in tab.root.locator(".wplus-readout").inner_text()


def test_touch(chromium, site):
    page = new_page(chromium, site, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    visit(page, site)
    tab = Tab(page, site)
    page.locator("#script_txt2img_wplus_wplus > .label-wrap").tap()
    tab.svg.wait_for()
    page.wait_for_timeout(400)
    tab.type("smile = 0:(0), 8:(0.5)")
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    x, y = tab.at(8, 0.5)
    send("touchStart", (x + 14, y + 9))  # a finger is not a pointer: within 22 pixels
    for i in range(1, 6):
        u, v = tab.at(8 + 0.4 * i, 0.5 - 0.1 * i)
        send("touchMove", (u + 14, v + 9))
    send("touchEnd")
    tab.gets("smile = 0:(0), 10:(0)")
    page.touchscreen.tap(*tab.at(5, -0.8))  # the cursor
    tab.button("Add a key").tap()
    tab.gets("smile = 0:(0), 5:(0), 10:(0)")
    small = [
        (box["width"], box["height"])
        for element in tab.root.locator("button:visible, select:visible, input[type=text]:visible").all()
        if (box := element.bounding_box()) and (box["width"] < 44 or box["height"] < 44)
    ]
    assert not small
    actions = "all => all.map((e) => getComputedStyle(e).touchAction)"
    assert set(tab.root.locator(".wplus-touch").evaluate_all(actions)) == {"none"}
    assert tab.svg.evaluate("e => getComputedStyle(e).touchAction") == "auto"  # the page still scrolls
    assert tab.root.evaluate("e => e.scrollWidth <= e.clientWidth") and page.faults == []
    page.context.close()


LONG = "\n".join(
    f"{name} = " + ", ".join(f"{5 * i}:({(i % 7 - 3) / 4:g}){easing}" for i in range(60))
    for name, easing in (("smile", ":smooth"), ("age", ""), ("glasses", ":bez/0.3/0/0.6/1"))
)


def test_dragging_is_cheap(tab):
    tab.page.locator("#txt2img-ad-video-length input").fill("300")
    tab.last = 299
    tab.type(LONG)
    tab.page.wait_for_timeout(400)
    count = len(tab.received)
    tab.page.evaluate("""() => {
        window.nodes = 0;
        const count = (all) => (window.nodes += all.length);
        new MutationObserver(count).observe(document.body, {childList: true, subtree: true});
    }""")
    x, y = tab.at(150, (30 % 7 - 3) / 4)
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 5, y + 5)
    tab.page.wait_for_timeout(50)
    cost = tab.page.evaluate(
        """async ([x, y]) => {
            const plot = document.querySelector(".wplus-plot"), costs = [], own = window.requestAnimationFrame;
            window.requestAnimationFrame = (act) => own((now) => {
                const began = performance.now();
                act(now);
                costs.push(performance.now() - began);
            });
            for (let i = 0; i < 60; i++) {
                const at = {clientX: x + (i % 20), clientY: y + i, pointerId: 1, pointerType: "mouse", bubbles: true};
                plot.dispatchEvent(new PointerEvent("pointermove", at));
                await new Promise((done) => own(() => setTimeout(done)));
            }
            window.requestAnimationFrame = own;
            return costs.sort((a, b) => a - b);
        }""",
        [x, y],
    )
    assert tab.page.evaluate("window.nodes") == 0
    tab.page.mouse.up()
    tab.page.wait_for_timeout(300)
    assert len(tab.received) == count + 1
    print(f"a frame of work while dragging: median {cost[len(cost) // 2]:.2f} ms, {len(cost)} frames")
    assert len(cost) >= 50 and cost[len(cost) // 2] < 4


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility(tab, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    tab.type("smile = 0:(0):bez/0.4/0/0.6/1, 8:(1.5)\nage = 1")
    tab.click(0, 0)
    if theme == "dark":
        tab.page.evaluate("document.body.classList.add('dark')")
    tab.page.wait_for_timeout(300)
    found = axe.Axe().run(tab.page, context=".wplus-curve[data-tab=txt2img]").response["violations"]
    faults = [(rule["id"], node["html"][:200], node["failureSummary"]) for rule in found for node in rule["nodes"]]
    assert not faults, json.dumps(faults, indent=1)
