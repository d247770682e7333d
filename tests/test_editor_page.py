"""The curve editor on a real gradio page: its connection with Python, and how it looks there."""

from __future__ import annotations

import json
import sys
import time

import pytest

pytest.importorskip("gradio", reason="gradio is not installed: the page is not tested")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the editor is not tested")

import browser  # noqa: E402
import editor_page  # noqa: E402
import host  # noqa: E402
import torch  # noqa: E402
from editor_page import KEYS, SAD  # noqa: E402
from host import load_script  # noqa: E402
from test_page import finished_run, result  # noqa: E402

from wplus_ext.tracks import Track, parse_schedule  # noqa: E402

pytest_plugins = ["editor_fixtures"]

MOVED = "smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)"


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


class Editor(editor_page.Editor):
    """One tab's editor."""

    def __init__(self, page, site, tab="txt2img"):
        super().__init__(page, tab)
        self.site = site

    @property
    def received(self):
        return self.site.received[self.tab]

    def open(self):
        """Open its accordion, and wait until it has its width."""
        self.part("wplus").locator("> .label-wrap").click()
        self.svg.wait_for()
        self.page.wait_for_timeout(400)
        return self

    def unfold(self, *names):
        """Open accordions within it, the outer ones first."""
        for name in names:
            self.part(name).locator("> .label-wrap").click()

    def settle(self):
        """Wait until what was changed has been to Python and is painted."""
        self.page.wait_for_timeout(300)
        super().settle()

    def number(self, name):
        return self.page.locator(f"#{self.tab}-ad-{name} input")


@pytest.fixture
def page(chromium, site):
    with editor_page.opened(chromium) as page:
        page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
        editor_page.visit(page, site.url)
        yield page


@pytest.fixture
def editor(page, site):
    return Editor(page, site).open()


def test_what_is_typed_reaches_python(editor):
    editor.type("smlie = 1")
    sync_api.expect(editor.part("faults").first).to_contain_text("there is no direction 'smlie'")


def test_what_cannot_be_read_is_said_once(editor):
    editor.type("smile = 0:(0), 4:(")
    sync_api.expect(editor.root.locator(".wplus-curve-fault")).to_contain_text("line 1, column 19")
    assert editor.part("faults").first.inner_text().strip() == ""


def test_what_is_typed_during_a_check_is_checked_too(editor, monkeypatch):
    """gradio drops an event whose handler is still at work."""
    ui, said = sys.modules["wplus_ext.hosts.webui.page"], editor.part("faults").last
    resolve = ui.resolve

    def slow(*args):
        time.sleep(0.8)
        return resolve(*args)

    monkeypatch.setattr(ui, "resolve", slow)
    editor.area.fill("age = 0.5")
    editor.page.wait_for_timeout(300)
    editor.area.fill("smlie = 1")
    sync_api.expect(said).to_contain_text("there is no direction 'smlie'")
    editor.area.fill("agee = 0.5")
    editor.page.wait_for_timeout(300)
    editor.area.fill("smile = 1")
    sync_api.expect(said.locator(".wplus-fault")).to_have_count(0)


def test_an_update_from_python_reaches_the_drawing(editor):
    editor.page.locator("#txt2img-given textarea").fill(KEYS)
    editor.page.locator("#txt2img-give").click()
    editor.gets(KEYS)
    assert editor.keys.count() == 4
    editor.drag((4, 0.5), (5, 0.5))
    editor.gets(MOVED)


def test_a_track_that_python_adds_reaches_the_drawing(editor):
    editor.type("age = 1")
    editor.part("add").click()
    editor.gets(f"age = 1\n{SAD}")
    assert editor.root.locator(".wplus-name").all_inner_texts() == ["age", "smile", "strength"]


def test_a_double_click_without_a_track_adds_the_chosen_direction(editor):
    editor.double_click(5, 0.5)
    editor.gets(SAD)


def test_a_track_of_a_video_comes_after_what_was_typed_meanwhile(editor, monkeypatch, tmp_path):
    curves = sys.modules["wplus_ext.hosts.webui.curves"]

    def slow(self, *asked):
        time.sleep(1.5)
        return Track("age", parse_schedule(f"0 > {asked[-2]:g}")), "measured"

    monkeypatch.setattr(curves.Curves, "_followed", slow)
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    editor.number("video-length").fill("12")
    editor.type("smile = 1")
    editor.unfold("advanced", "curves")
    editor.part("followed").locator("input[type=file]").set_input_files(str(tmp_path / "a.gif"))
    sync_api.expect(editor.part("followed")).to_contain_text("a.gif")
    editor.part("take").click()
    editor.page.wait_for_timeout(500)
    editor.area.fill("smile = 0.5\nglasses = 1")
    editor.gets("smile = 0.5\nglasses = 1\nage = 0 > 12")
    sync_api.expect(editor.part("curves_said").first).to_contain_text("measured")


def test_a_drag_is_written_once(editor):
    editor.type(KEYS)
    with editor.sent_once():
        editor.drag((4, 0.5), (5, 0.5), steps=20)
    editor.gets(MOVED)


def test_every_preset_is_one_for_the_editor_too(editor):
    presets = sys.modules["wplus_ext.hosts.webui.page"].PRESETS
    menu = editor.field("Preset for the active track")
    assert menu.locator("option").all_inner_texts()[1:] == list(presets)
    for schedule in presets.values():
        editor.type("smile = 0.1")
        menu.select_option(schedule)
        editor.gets(f"smile = {schedule}")


def test_an_identity_makes_the_axis_alpha(editor):
    editor.type(SAD)
    editor.unfold("advanced")
    editor.part("identity").locator("input").click()
    editor.page.locator("ul.options li", has_text="anna").click()
    sync_api.expect(editor.axis).to_contain_text("alpha of the identity")
    assert "+8" in editor.ruler


def test_the_strength_is_a_curve_in_the_same_drawing(editor, site):
    site.pasted = ("smile = -0.7", "0 > 1")
    editor.page.locator("#txt2img-paste").click()
    editor.gets("smile = -0.7")
    assert editor.lines.count() == 2
    with editor.nothing_sent():
        editor.drag((15, 1), (15, 0.5))
    for keys, text, strength in (
        ("Control+z", "smile = -0.7", "0 > 1"),
        ("Control+z", "", "1"),  # both came at once
        ("Control+Shift+z", "smile = -0.7", "0 > 1"),
        ("Control+Shift+z", "smile = -0.7", "0 > 0.5"),
    ):
        editor.keyboard(keys)
        sync_api.expect(editor.area).to_have_value(text)
        sync_api.expect(editor.part("strength").locator("textarea")).to_have_value(strength)
        editor.settle()
    assert (site.received["txt2img"][-1], site.strengths["txt2img"][-1]) == (text, strength)


def test_the_report_of_a_run_reaches_the_strip(editor):
    editor.number("video-length").fill("3")
    editor.type("smile = 0 > 1 > 0")
    run = finished_run()
    editor.site.result = result(editor.site.scripts["txt2img"], run)
    run.report._squares = torch.tensor([[1.0, 100.0], [4.0, 100.0], [1.0, 100.0]])
    editor.page.locator("#txt2img-done").click()
    strip = editor.root.locator("canvas.wplus-strip")
    strip.wait_for()
    inner = strip.bounding_box()["width"] - editor_page.LEFT - editor_page.RIGHT - editor_page.CHANGES
    pixel = "(canvas, x) => [...canvas.getContext('2d').getImageData(x, 20, 1, 1).data]"
    assert strip.evaluate(pixel, editor_page.LEFT + inner / 2)[1] > 200  # the second frame, green
    assert editor.root.locator(".wplus-changed path").get_attribute("d").count("L") == 2
    editor.field("Cursor frame").fill("1")
    sync_api.expect(editor.readout).to_contain_text("changed 20.00 %")


def test_two_pages_have_their_own_reports(editor, page, chromium, site):
    scripts = site.scripts["txt2img"]
    own, others = finished_run(), finished_run()
    others.report.edited = 3
    own, others = result(scripts, own), result(scripts, others)
    with editor_page.opened(chromium, site.url) as second:
        other = Editor(second, site).open()
        for one, told in ((editor, own), (other, others)):
            site.result = told
            one.page.locator("#txt2img-done").click()
            one.part("report").locator(".wplus-report").wait_for()
        sync_api.expect(editor.part("report").first).to_contain_text("edited in 2 of 4")
        sync_api.expect(other.part("report").first).to_contain_text("edited in 3 of 4")
    site.result = ""  # a job that failed
    page.locator("#txt2img-done").click()
    sync_api.expect(editor.part("report").locator(".wplus-report")).to_have_count(0)


def test_both_tabs_are_apart(editor, page, site):
    page.locator(".tab-nav button", has_text="img2img").click()
    other = Editor(page, site, "img2img").open()
    other.type("age = 0:(0), 8:(0.5)")
    other.drag((8, 0.5), (9, 0.5))
    other.gets("age = 0:(0), 9:(0.5)")
    page.locator(".tab-nav button", has_text="txt2img").click()
    with other.nothing_sent():
        editor.type(KEYS)
        editor.drag((4, 0.5), (5, 0.5))
        editor.gets(MOVED)


def test_a_draft_is_offered_after_a_reload(editor, page, site):
    editor.type(KEYS)
    editor_page.visit(page, site.url)
    editor.open()
    assert editor.area.input_value() == "" and editor.keys.count() == 0  # never forced
    editor.root.get_by_role("button", name="Take it up").click()
    editor.gets(KEYS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility(editor, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    editor.type("smile = 0:(0):bez/0.4/0/0.6/1, 8:(1.5)\nage = 1")
    editor.click(0, 0)
    if theme == "dark":
        editor.page.evaluate("document.body.classList.add('dark')")
    editor.settle()
    found = axe.Axe().run(editor.page, context=".wplus-curve[data-tab=txt2img]").response["violations"]
    faults = [(rule["id"], node["html"][:200], node["failureSummary"]) for rule in found for node in rule["nodes"]]
    assert not faults, json.dumps(faults, indent=1)


def test_the_batch_tab_says_what_its_files_get(page, site):
    page.locator(".tab-nav button", has_text="img2img").click()
    batch = Editor(page, site, "img2img").open()
    add = "document.body.insertAdjacentHTML('afterbegin', '<div id={}>.</div>')"
    batch.type("age = 0 > 1")
    page.evaluate(add.format("img2img_batch_tab"))
    sync_api.expect(batch.axis).to_contain_text("every file is a job of its own and gets the whole curve over its own")
    page.evaluate(add.format("img2img_controlnet"))
    page.locator("#img2img-ad-video-length input").fill("10")
    sync_api.expect(batch.axis).to_contain_text("one video's frames; give AnimateDiff their number: it takes 10")
    assert batch.dots == 10
    page.locator("#img2img-ad-enable input").uncheck()
    sync_api.expect(batch.axis).to_contain_text("every file is a job of its own and gets the value at frame 0")
    assert batch.dots == 1
    page.evaluate("document.querySelector('#img2img_batch_tab').style.display = 'none'")
    sync_api.expect(batch.axis).not_to_contain_text("every file")
