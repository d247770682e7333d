"""The first minute on a real gradio page: from empty folders to a first track, by mouse and by keyboard; what one tab
gets, the other has."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="gradio is not installed: the page is not tested")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the page is not tested")

import browser  # noqa: E402
import editor_page  # noqa: E402
import host  # noqa: E402
import servers  # noqa: E402
import torch  # noqa: E402
from host import load_script  # noqa: E402

from wplus_ext.library import published  # noqa: E402

pytest_plugins = ["editor_fixtures"]

PLACES = {"adapter": "adapters/wplus_adapter.bin", "directions": "directions/smile.pt"}
expect = sync_api.expect


class Publisher(servers.Obedient):
    """Has the files of its server's folder."""

    def do_GET(self):
        content = (self.server.folder / self.path[1:]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def publisher(tmp_path, state, monkeypatch):
    """A server in the publisher's place."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    torch.save(state, tmp_path / "adapter.bin")
    torch.save(torch.ones(1, 512), tmp_path / "directions.pt")
    with servers.serving(Publisher) as made:
        made.folder = tmp_path
        for name, place in PLACES.items():
            item = dataclasses.replace(published.ITEMS[name], files=((made.url(name + Path(place).suffix), place),))
            monkeypatch.setitem(published.ITEMS, name, item)
        yield made


@pytest.fixture
def page(publisher, chromium, tmp_path, monkeypatch):
    """Both tabs, of empty folders."""
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    host.install(monkeypatch, tmp_path / "models")
    with browser.Site(load_script()).served() as url, editor_page.opened(chromium) as page:
        page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
        editor_page.visit(page, url)
        yield page


@pytest.fixture
def tab(page):
    """The first tab's accordion, open."""
    editor = editor_page.Editor(page)
    editor.part("wplus").locator("> .label-wrap").click()
    editor.svg.wait_for()
    return editor


def get_what_is_missing(tab):
    tab.part("banner").locator(".wplus-lead").click()
    tab.part("accepted").locator("input").click()
    tab.part("get").click()
    expect(tab.part("banner")).to_contain_text("directions: 1 file is there")
    expect(tab.part("download")).to_be_hidden()


def test_the_banner_says_what_is_missing(tab):
    expect(tab.part("banner")).to_contain_text("Missing: the W+ adapter, 155 MB and edit directions, 2 MB")


def test_without_a_direction_adding_a_track_leads_to_the_download(tab):
    tab.part("add").click()
    expect(tab.part("faults")).to_contain_text("there is no direction in wplus")
    tab.part("faults").locator(".wplus-lead").click()
    expect(tab.part("items").get_by_label("directions")).to_be_checked()
    expect(tab.part("items").get_by_label("encoder")).not_to_be_checked()


def test_a_fault_that_ended_a_job_leads_to_the_download(tab):
    told = "RuntimeError: W+ Adapter: there is no encoder (Download: encoder)"
    tab.part("wplus").locator("> .label-wrap").click()
    tab.part("wplus").evaluate(
        """(wplus, told) => wplus.closest(".tabitem").insertAdjacentHTML(
            "beforeend", `<div id="html_log_txt2img"><div class="error">${told}</div></div>`)""",
        told,
    )
    fault = tab.page.locator("#html_log_txt2img .error")
    expect(fault).to_have_text("RuntimeError: W+ Adapter: there is no encoder Download…")
    fault.locator(".wplus-lead").click()
    expect(tab.part("items").get_by_label("encoder")).to_be_checked()


def test_four_clicks_get_the_files_and_a_fifth_the_first_track(tab):
    get_what_is_missing(tab)
    tab.part("add").click()
    expect(tab.area).to_have_value("smile = -0.7 > 0 > 0.7")
    expect(tab.part("enabled").locator("input")).to_be_checked()


def test_a_double_click_in_the_empty_drawing_adds_the_track_too(tab):
    get_what_is_missing(tab)
    tab.double_click(8, 0.5)
    expect(tab.area).to_have_value("smile = -0.7 > 0 > 0.7")


def test_what_one_tab_gets_the_other_has(tab):
    get_what_is_missing(tab)
    tab.page.get_by_role("button", name="img2img").click()
    other = editor_page.Editor(tab.page, "img2img")
    other.part("wplus").locator("> .label-wrap").click()
    expect(other.part("direction").locator("input")).to_have_value("Smile: a broader smile · smile")


def test_an_empty_list_is_filled_when_the_page_is_opened_again(tab):
    get_what_is_missing(tab)
    tab.page.reload(wait_until="domcontentloaded")
    expect(tab.part("direction").locator("input")).to_have_value("Smile: a broader smile · smile")
    expect(tab.part("banner").locator(".wplus-note")).to_have_count(0)


def test_all_of_it_goes_by_keyboard(page):
    tab = editor_page.Editor(page)

    def press(element, key="Enter"):
        element.focus()
        page.keyboard.press(key)

    press(tab.part("wplus").locator("> .label-wrap"))
    press(tab.part("banner").locator(".wplus-lead"))
    page.wait_for_timeout(1000)  # nobody is quicker than the part is shown
    press(tab.part("accepted").locator("input"), "Space")
    press(tab.part("get"))
    expect(tab.part("download")).to_be_hidden()
    press(tab.part("add"))
    expect(tab.area).to_have_value("smile = -0.7 > 0 > 0.7")
    press(tab.part("advanced").locator("> .label-wrap"), "Space")
    expect(tab.part("advanced").locator("> .label-wrap")).to_have_attribute("aria-expanded", "true")


def test_what_is_shown_first_is_not_high(tab):
    assert tab.part("wplus").bounding_box()["height"] <= 760  # gradio's own style is wider than the WebUI's


def test_axe_finds_nothing_in_the_accordion(tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    tab.part("banner").locator(".wplus-lead").click()
    for name in ("advanced", "people", "places", "curves", "files"):
        tab.part(name).locator("> .label-wrap").click()
    tab.page.wait_for_timeout(500)
    found = axe.Axe().run(tab.page, context="#script_txt2img_wplus_wplus").response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_a_slider_says_its_help_where_the_pointer_rests(tab):
    tab.part("advanced").locator("> .label-wrap").click()
    tab.part("start").hover()
    assert "start * n" in tab.part("start").get_attribute("title")
