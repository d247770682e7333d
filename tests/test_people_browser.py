"""People on a real page in a real Chromium: what a person clicks, and what comes of it."""

from __future__ import annotations

import threading
import time

import browser
import host
import pictures
import pytest
import torch
from host import load_script

from wplus_ext.photos import faces

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
if browser.CHROMIUM is None:
    pytest.skip("no Chromium is installed: people are not tested on a page", allow_module_level=True)

START = "#script_txt2img_wplus_"
WHITE = """selector => {
    const image = document.querySelector(selector), canvas = document.createElement('canvas');
    if (!image?.complete || !image.naturalWidth) return false;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.getContext('2d').getImageData(9, 9, 1, 1).data.every(x => x > 250);
}"""


expect = sync_api.expect
expect.set_options(timeout=30_000)  # where the cores are busy


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def latents(tmp_path):
    """The folder of identities, with anna in it, in a library with an encoder."""
    folder = tmp_path / "models" / "wplus"
    for kind in ("adapters", "latents", "directions", "encoders"):
        (folder / kind).mkdir(parents=True)
    (folder / "encoders" / "e.pt").write_bytes(b"")
    torch.save(torch.zeros(1, 18, 512), folder / "latents" / "anna.pth")
    return folder / "latents"


@pytest.fixture
def site(latents, monkeypatch, detected, parsed):
    """A page where two faces are found in every photo, and the parser is slow."""
    detected.append(faces.Face(pictures.SMALL_FRONT, (0, 0, 28, 28), 0.9))
    quick = faces.without_background
    monkeypatch.setattr(faces, "without_background", lambda *args, **named: time.sleep(1) or quick(*args, **named))
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    host.install(monkeypatch, latents.parents[1])
    with browser.Site(load_script()).served() as url:
        yield url


class People:
    """What a person sees of the people's part of the page, and does there."""

    def __init__(self, page, url, photo):
        self.page, self.photo = page, photo
        page.route("**/*", lambda route: route.continue_() if url in route.request.url else route.abort())
        page.goto(url)
        self.open("wplus", "advanced", "people")
        self.found = self.part("seen .wplus-face")
        self.used = self.part("faces button.thumbnail-item")
        self.taken = self.part("taken input")
        self.identity = self.part("identity input")
        self.shown = self.part("identities button.thumbnail-item")

    def part(self, name):
        return self.page.locator(START + name)

    def open(self, *names):
        for name in names:
            self.part(f"{name} > .label-wrap").click()

    def drop(self):
        """Drop a photo, and wait for its faces."""
        self.part("photos input[type=file]").set_input_files(self.photo)
        expect(self.found).to_have_count(2)


@pytest.fixture
def page(chromium):
    page = chromium.new_page()
    page.set_default_timeout(30_000)
    yield page
    page.close()


@pytest.fixture
def people(page, site, tmp_path):
    (tmp_path / "red.png").write_bytes(pictures.png("red"))
    return People(page, site, str(tmp_path / "red.png"))


@pytest.fixture
def german(page):
    """The page has a localization, as the WebUI has one."""
    words = (browser.ROOT / "localizations" / "de_DE.json").read_text("utf-8")
    page.add_init_script(f"window.localization = {words}")


def test_a_click_on_a_face_takes_it(people):
    people.drop()
    people.found.nth(1).click()
    expect(people.taken.nth(1)).to_be_checked()
    expect(people.found.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(people.taken.nth(0)).not_to_be_checked()
    expect(people.found.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(people.used).to_have_count(1)


def test_another_click_leaves_it(people):
    people.drop()
    people.found.nth(1).click()
    people.found.nth(0).click()
    expect(people.used).to_have_count(2)
    people.found.nth(1).click()
    expect(people.used).to_have_count(1)
    expect(people.found.nth(1)).to_have_attribute("aria-pressed", "false")


def test_the_keyboard_takes_a_face(people):
    people.drop()
    people.page.get_by_label("face 1 of photo red.png").press("Space")
    expect(people.taken.nth(0)).to_be_checked()
    expect(people.used).to_have_count(1)


def test_a_german_page_calls_faces_in_german(german, people):
    people.drop()
    people.page.get_by_label("Gesicht 2 auf dem Foto red.png").click()
    expect(people.part("seen figcaption")).to_have_text("red.png: 2 Gesichter, das der Person anklicken")
    expect(people.taken.nth(1)).to_be_checked()


def test_a_german_page_helps_in_german(german, people):
    people.part("start").first.hover()
    expect(people.part("start[title$='wenn `start * n <= i < end * n`']").first).to_be_visible()


def test_what_is_empty_is_not_there(people):
    for name in ("faces", "seen", "people_said", "faces_said"):
        expect(people.part(name).first).to_be_hidden()


def test_only_the_taken_face_becomes_bare(people):
    people.drop()
    people.found.nth(1).click()
    expect(people.used).to_have_count(1)
    assert not people.page.evaluate(WHITE, f"{START}faces button.thumbnail-item img")
    people.part("bare input").check()
    people.page.wait_for_function(WHITE, arg=f"{START}faces button.thumbnail-item img")


def test_what_comes_late_does_not_bring_old_faces_back(people):
    people.drop()
    people.part("bare input").check()
    people.found.nth(0).click()  # the parser is at work for a second
    people.part("photos button[aria-label=Clear]").click()
    expect(people.found).to_have_count(0)
    people.page.wait_for_timeout(4000)  # until the parser's answer is there; gradio forgets a file sent meanwhile
    expect(people.found).to_have_count(0)
    people.drop()
    expect(people.found.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(people.taken.nth(0)).not_to_be_checked()


@pytest.fixture
def saved(people):
    """Cleo is made of a face without its background."""
    people.drop()
    people.part("bare input").check()
    people.found.nth(1).click()
    people.part("name textarea, #script_txt2img_wplus_name input").first.fill("cleo")
    people.part("save").click()
    expect(people.part("people_said").last).to_contain_text("cleo is saved, from 1 face")
    return people


def test_a_saved_identity_is_chosen_and_shown(saved, latents):
    expect(saved.identity).to_have_value("cleo")
    expect(saved.shown).to_have_count(2)
    assert (latents / "cleo.safetensors").exists()


def test_a_press_waits_at_its_button(people):
    """What is asked of Python is held up, and then fails."""
    save, held = people.part("save"), []
    people.page.route("**/run/predict*", lambda route: held.append(route))
    save.press("Enter")
    expect(save).to_be_disabled()
    expect(save).to_have_attribute("aria-busy", "true")
    expect(people.part("remove")).to_be_enabled()
    people.page.unroute("**/run/predict*")
    held[0].abort()
    expect(save).to_be_enabled()
    expect(save).to_be_focused()
    expect(save).not_to_have_attribute("aria-busy", "true")


def test_it_waits_no_longer_where_there_is_a_fault(people):
    people.part("remove").click()
    expect(people.part("people_said").last).to_contain_text("no identity is chosen")
    expect(people.part("remove")).to_be_enabled()


def test_looking_for_faces_is_shown_at_the_photos(people, monkeypatch):
    find, found = faces.Detector.find, threading.Event()
    monkeypatch.setattr(faces.Detector, "find", lambda self, image: found.wait(20) and find(self, image))
    people.part("photos input[type=file]").set_input_files(people.photo)
    expect(people.part("photos")).to_have_attribute("data-says", "Looking for faces …")
    found.set()
    expect(people.found).to_have_count(2)
    expect(people.part("photos")).not_to_have_attribute("aria-busy", "true")


def test_other_choices_follow_what_was_saved(saved):
    saved.open("files")
    saved.part("with input").click()
    expect(saved.part("with ul li")).to_have_count(2)


def test_a_removed_identity_comes_back_on_another_visit(saved, latents):
    saved.shown.nth(0).click()
    expect(saved.identity).to_have_value("anna")
    saved.part("remove").click()
    expect(saved.shown).to_have_count(1)
    saved.page.reload()
    saved.open("wplus", "advanced", "people")
    saved.part("undo").click()
    expect(saved.shown).to_have_count(2)
    expect(saved.identity).to_have_value("anna")
    assert (latents / "cleo.safetensors").exists() and (latents / "anna.pth").exists()
