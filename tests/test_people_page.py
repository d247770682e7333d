"""People on the page and over the API: photos in, identities out. The encoder and the detector stand in."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import time
from types import SimpleNamespace

import browser
import host
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from host import load_script
from PIL import Image

from wplus_ext.library import identities as people
from wplus_ext.library.directions import load
from wplus_ext.photos import faces
from wplus_ext.photos.faces import Detector, Face
from wplus_ext.weights.encoder import Encoder

LANDMARKS = np.array([[50.0, 55], [75, 55], [62, 70], [52, 85], [73, 85]])


class Colours(torch.nn.Module):
    """Stands for the encoder: the mean of red, green and blue as a latent."""

    latent_avg = torch.zeros(18, 512)

    def forward(self, x):
        return x.mean((2, 3)).repeat(1, 171)[:, None, :512].repeat(1, 18, 1)


def png(colour, size=(120, 140)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def page(shared, models, monkeypatch):
    """The people's part of the txt2img page; ``page.faces`` is what the detector finds."""
    (models / "wplus" / "encoders").mkdir()
    (models / "wplus" / "encoders" / "e.pt").write_bytes(b"")
    module = load_script()
    import gradio as gr

    with gr.Blocks():
        script = module.WPlusScript()
        script.ui(False)
    made = script.page.people
    made.files = script.page.files
    made.faces, made.models = [Face(LANDMARKS, (30, 30, 90, 100), 0.9)], models
    monkeypatch.setattr(Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(Detector, "find", lambda self, image: made.faces)
    monkeypatch.setattr(Encoder, "load", lambda path: Colours())
    return made


def dropped(tmp_path, *photos):
    files = []
    for i, data in enumerate(photos):
        (tmp_path / f"{i}.png").write_bytes(data)
        files.append(SimpleNamespace(name=str(tmp_path / f"{i}.png")))
    return files


def dropped_files(*paths):
    return [SimpleNamespace(name=str(path)) for path in paths]


def looked(page, files, aligned=False):
    """The desk with its faces, the numbers of those that are taken, and what is said."""
    desk = sys.modules["wplus_ext.hosts.webui.people"].Desk()
    page.drop(desk, files)
    taken, said = page.find(desk, aligned)
    assert not any("value" in update for update in page.find(desk, aligned))  # the same is not looked for twice
    assert taken["choices"] == [str(i + 1) for i in range(len(desk.found))]
    return desk, taken["value"], said


def corner(page, desk, bare, index=0):
    """What the gallery shows of a face there."""
    return page.crops(desk, bare)[index][0].getpixel((9, 9))


def click(page, taken, index):
    return page.take(taken, SimpleNamespace(index=index))


def test_photos_to_an_identity(page, tmp_path):
    red, blue = png((255, 0, 0)), png((0, 0, 255))
    desk, taken, said = looked(page, dropped(tmp_path, red, blue, red))
    assert said == "" and taken == ["1", "2", "3"]
    crops = page.crops(desk, False)
    assert crops[0][0].size == (256, 256) and [text for _, text in crops] == ["face 1", "face 2", "face 3"]
    identity, gallery, said = page.save(desk, ["1", "2"], False, "anna2")
    assert identity["value"] == "anna2" and "anna2" in identity["choices"] and "2 faces" in said
    assert [caption for _, caption in gallery] == ["anna", "anna2", "oliver"]
    w = page.library.latent("anna2")
    assert w[0, :3].tolist() == pytest.approx([0.0, -1.0, 0.0], abs=0.01)  # the mean of red and blue
    page.save(desk, taken, False, "all")
    person = people.read_person(page.library.find("latents", "all").path)
    assert person.sources == tuple(hashlib.sha256(data).hexdigest() for data in (red, blue))
    page.save(desk, ["1"], False, "red")
    assert page.library.latent("red")[0, :3].tolist() == pytest.approx([1.0, -1.0, -1.0], abs=0.01)


def test_of_several_faces_a_person_takes_one(page, tmp_path):
    page.faces = page.faces * 30
    desk, taken, _ = looked(page, dropped(tmp_path, png("red")))
    assert taken == [] and len(desk.found) == 30 and "no face is taken" in page.save(desk, taken, False, "x")[2]
    assert click(page, ["10"], 2) == ["3", "10"] and click(page, ["3"], 2) == ["3"]
    assert "1 face" in page.save(desk, ["3"], False, "x")[2]


def test_a_bad_photo_leaves_the_others(page, tmp_path):
    desk, taken, said = looked(page, dropped(tmp_path, png("red"), b"hello", png("blue"), b"<svg"))
    assert taken == ["1", "2"] and "2 faces" in page.save(desk, taken, False, "two")[2]
    assert said.count("wplus-fault") == 2 and "1.png: not a picture" in said and "3.png: an SVG" in said


def test_what_is_found_late_is_left_out(page, tmp_path, monkeypatch):
    desk, find = sys.modules["wplus_ext.hosts.webui.people"].Desk(), Detector.find
    red, blue = dropped(tmp_path, png("red"), png("blue"))
    page.drop(desk, [red])

    def slow(self, image):
        monkeypatch.setattr(Detector, "find", find)
        page.drop(desk, [blue])  # meanwhile
        assert page.find(desk, False)[0]["value"] == ["1"]
        return find(self, image) * 2

    monkeypatch.setattr(Detector, "find", slow)
    assert not any("value" in update for update in page.find(desk, False))
    assert len(desk.found) == 1 and corner(page, desk, False) == (0, 0, 255)


def test_the_detector_is_loaded_once(page, tmp_path, monkeypatch):
    asked = []

    def load(self, device="cpu", folder=None):
        asked.append(folder)
        if len(asked) > 1:
            raise OSError("its weights cannot be had")

    monkeypatch.setattr(Detector, "__init__", load)
    photos = dropped(tmp_path, png("red"), png("blue"), png("lime"))
    assert looked(page, photos)[1] == ["1", "2", "3"] and asked == [page.models / "GFPGAN"]
    desk, taken, said = looked(page, photos)
    assert (desk.found, taken) == ([], []) and said.count("cannot be had") == 1 and len(asked) == 2
    assert looked(page, photos, True)[1] == ["1", "2", "3"] and len(asked) == 2


@pytest.fixture
def parsed(monkeypatch):
    """How many pictures the parser saw, each time; it makes all white."""
    seen = []

    def parse(pictures, device="cpu", folder=None):
        seen.append(len(pictures))
        return [Image.new("RGB", picture.size, "white") for picture in pictures]

    monkeypatch.setattr(faces, "without_background", parse)
    return seen


def test_without_background(page, shared, tmp_path, parsed):
    """On the page and over the API, whether the photo is cut out or not."""
    for aligned in (False, True):
        desk, taken, _ = looked(page, dropped(tmp_path, png("red")), aligned)
        assert page.clear_background(desk, taken, True) == "" and corner(page, desk, True) == (255, 255, 255)
    app = FastAPI()
    shared.started[0](None, app)
    photos = {"name": "bare", "photos": [base64.b64encode(png("red")).decode()], "bare": True}
    assert TestClient(app).post("/wplus/v1/identities", json=photos).status_code == 200
    page.library.refresh()
    assert page.library.latent("bare")[0, :3].tolist() == pytest.approx([1.0, 1.0, 1.0])


def test_only_taken_faces_lose_their_background(page, tmp_path, parsed, monkeypatch):
    page.faces = page.faces * 20
    desk, _, _ = looked(page, dropped(tmp_path, png("red")))
    for taken, bare in (([], True), (["4"], False), (["4"], True), (["4", "6"], True), (["4"], True)):
        assert page.clear_background(desk, taken, bare) == ""
    assert (
        parsed == [1, 1] and page.clear_background(looked(page, None)[0], ["4"], True) == ""
    )  # photos that have gone meanwhile
    assert corner(page, desk, True, 3) == (255,) * 3 and corner(page, desk, False, 3) == (255, 0, 0)
    assert corner(page, desk, True, 4) == (255, 0, 0)
    page.save(desk, ["4", "9"], True, "white")
    assert page.library.latent("white")[0, :3].tolist() == pytest.approx([1.0, 1.0, 1.0]) and parsed == [1, 1, 1]

    def fails(pictures, *where):
        raise OSError("its weights cannot be had")

    monkeypatch.setattr(faces, "without_background", fails)
    assert "cannot be had" in page.clear_background(desk, ["8"], True) and corner(page, desk, True, 7) == (255, 0, 0)
    assert "cannot be had" in page.save(desk, ["8"], True, "x")[2] and "1 face" in page.save(desk, ["8"], False, "x")[2]


def test_faults_are_told(page, tmp_path):
    assert "not a picture" in looked(page, dropped(tmp_path, b"hello"))[2]
    page.faces = []
    assert "0.png: no face found" in looked(page, dropped(tmp_path, png("red")))[2]
    desk, taken, said = looked(page, dropped(tmp_path, png("red")), True)  # needs no detector
    assert said == "" and len(desk.found) == 1
    for name, words in (("a/b", "&#x27;/&#x27;"), ("x" * 300, "at most"), ("anna", "exists"), ("", "expected a name")):
        assert words in page.save(desk, taken, False, name)[2]
    assert looked(page, None)[1:] == ([], "")
    (page.models / "wplus" / "encoders" / "e.pt").unlink()
    page.library.refresh()
    assert "there is no encoder" in page.save(desk, taken, False, "new")[2]


def test_of_two_folders_the_new_one_is_chosen(page, tmp_path):
    latents = page.models / "wplus" / "latents"
    (latents / "actors").mkdir()
    (latents / "actors" / "chris.pth").write_bytes((latents / "oliver.pth").read_bytes())
    desk, taken, _ = looked(page, dropped(tmp_path, png("red")))
    identity, gallery, _ = page.save(desk, taken, False, "chris")
    assert identity["value"] == "chris" and "actors/chris" in identity["choices"] and len(gallery) == 4


def test_a_name_that_the_font_does_not_know(page):
    latents = page.models / "wplus" / "latents"
    (latents / "oliver.pth").rename(latents / "Ана.pth")
    page.library.refresh()
    assert [name for _, name in page.thumbnails()] == ["anna", "Ана"]


def test_rename_remove_undo(page):
    assert "nothing is put away" in page.undo()[2]
    latents = page.models / "wplus" / "latents"
    (latents / "actors").mkdir()
    (latents / "oliver.pth").rename(latents / "actors" / "oliver.pth")
    page.library.refresh()
    for name in ("actors/oliver", "anna"):
        identity, gallery, said = page.remove(name)
        assert identity["value"] == "None" and "Undo" in said
    assert gallery == []
    (latents / ".removed" / "read-me.txt").write_text("a file from elsewhere")
    (latents / ".removed" / "._99999999999999999999-anna.pth").write_bytes(b"anna")  # macOS puts such beside each
    (latents / "anna.safetensors").write_bytes(b"")  # another one by now: the one before it comes back
    assert page.undo()[0]["value"] == "actors/oliver"
    assert "its name is taken" in page.undo()[2]
    (latents / "anna.safetensors").unlink()
    identity, gallery, _ = page.undo()
    assert identity["value"] == "anna" and len(gallery) == 2
    assert "nothing is put away" in page.undo()[2]
    (latents / "actors" / "oliver.pth").rename(latents / "oliver.pth")
    page.library.refresh()
    identity, gallery, _ = page.rename("anna", "chris")
    assert identity["value"] == "chris" and page.library.names("latents") == ["chris", "oliver"]
    assert "exists" in page.rename("chris", "oliver")[2]
    assert "no identity is chosen" in page.rename("None", "x")[2]
    assert page.use(SimpleNamespace(index=1, value="old/oliver")) == ["old/oliver", "oliver"]


def test_directions(page, tmp_path):
    files = page.files
    assert "<td>smile</td><td>a broader smile</td><td>step</td><td>0 to 17</td>" in files.table()
    torch.save(torch.ones(512), tmp_path / "new.pt")
    direction, said = files.add(dropped_files(tmp_path / "new.pt"))
    assert direction["value"] == "new" and "new" in direction["choices"] and said == "new.pt added"
    assert "exists" in files.add(dropped_files(tmp_path / "new.pt"))[1]
    torch.save(torch.ones(512), tmp_path / "good.pt")
    (tmp_path / "bad.pt").write_bytes(b"<html>")
    assert "damaged" in files.add(dropped_files(tmp_path / "good.pt", tmp_path / "bad.pt"))[1]  # all or none
    (tmp_path / "other").mkdir()
    torch.save(torch.ones(512), tmp_path / "other" / "GOOD.pth")
    assert "two files" in files.add(dropped_files(tmp_path / "good.pt", tmp_path / "other" / "GOOD.pth"))[1]
    direction, said = files.make(["anna"], ["oliver"], "joy")
    assert direction["value"] == "joy" and "from 1 and 1 faces" in said
    n = load(page.library.find("directions", "joy")).vector
    step = page.library.latent("oliver") - page.library.latent("anna")
    assert torch.cosine_similarity(n.flatten(), step.flatten(), dim=0) > 0.9999
    assert (
        "needs latents" in files.make([], ["oliver"], "x")[1]
        and "expected a name" in files.make(["anna"], ["oliver"], "")[1]
    )
    assert sorted(path.name for path in (page.models / "wplus" / "directions").iterdir()) == [
        "age.pt", "joy.safetensors", "more", "new.pt", "smile.pt",
    ]  # fmt: skip


def test_ganspace_is_dropped_in_as_a_pair(page, tmp_path):
    components, table, folder = tmp_path / "pca.pt", tmp_path / "names.csv", page.models / "wplus" / "directions"
    content = {"mean": torch.zeros(1, 512), "comp": torch.eye(3, 512)[:, None], "std": torch.ones(3)}
    torch.save(content, components)
    table.write_text("grin\t1\t4\t5\t-20\nbeard\t2\t4\t5\t20\n")
    for alone in (components, table):
        assert "at once" in page.files.add(dropped_files(alone))[1]
    torch.save(torch.ones(512), tmp_path / "joy.pt")
    for drop in ((tmp_path / "joy.pt", table), (components, table, components)):
        assert "at once" in page.files.add(dropped_files(*drop))[1]
    assert "no file" in page.files.add(None)[1] and not (folder / "joy.pt").exists()
    assert not (folder / "ganspace").exists()
    direction, said = page.files.add(dropped_files(components, table))
    assert direction["value"] == "ganspace/beard" and said == "pca.pt, names.csv added"
    assert load(page.library.find("directions", "grin")).target is not None
    assert "<td>component 1, used up to 20</td><td>target</td><td>4</td>" in page.files.table()
    assert "holds files already" in page.files.add(dropped_files(components, table))[1]
    table.write_text("grin, 1\n")
    assert "no GANSpace table" in page.files.add(dropped_files(table, components))[1]
    assert sorted(path.name for path in (folder / "ganspace").iterdir()) == ["names.csv", "pca.pt"]


def test_downloads(page, monkeypatch):
    ui_files, asked = sys.modules["wplus_ext.hosts.webui.files"], []

    def fetch(item, root, accepted, progress):
        asked.append((item.what, accepted))
        progress("a.bin", 3 << 20, 6 << 20)
        if "encoder" in item.what:
            raise OSError("broken off")
        torch.save(torch.ones(512), root / "directions" / "fetched.pt")
        return [root / "directions" / "fetched.pt"]

    monkeypatch.setattr(ui_files, "fetch", fetch)
    shown = []
    said = page.files.download(["directions", "encoder"], True, lambda done, desc, unit: shown.append((done, desc)))
    adapter, direction = page.files._choose("", None)
    assert "fetched" in direction["choices"] and direction["value"] == "smile"
    assert adapter["choices"] == [adapter["value"]] == ["wplus_adapter"]
    assert "directions: 1 file is there" in said and "broken off" in said and [x for _, x in asked] == [True, True]
    assert shown[0] == ((3 << 20, 6 << 20), "a.bin, 3 MB")
    monkeypatch.undo()
    assert "the licence is not accepted" in page.files.download(["adapter"], False)
    assert page.files.download([], True) == "nothing is chosen"


def test_api(page, shared):
    app = FastAPI()
    (add,) = shared.started
    add(None, app)
    client = TestClient(app)
    photo = base64.b64encode(png("red")).decode()
    answer = client.post("/wplus/v1/identities", json={"name": "cleo", "photos": [photo], "aligned": True})
    assert answer.status_code == 200 and answer.json()["name"] == "cleo"
    listed = {person["name"]: person for person in client.get("/wplus/v1/identities").json()}
    assert listed["cleo"]["sources"] == answer.json()["sources"] and listed["anna"]["date"] == ""
    page.faces = page.faces * 2
    for body, words in (
        ({"name": "cleo", "photos": [photo], "aligned": True}, "exists"),
        ({"name": "a/b", "photos": [photo], "aligned": True}, "'/'"),
        ({"name": "x", "photos": []}, "at least one photo"),
        ({"name": "x", "photos": [photo, "%%"], "face": 1}, "photo 2 is no base64"),
        ({"name": "x", "photos": ["é"]}, "photo 1 is no base64"),
        ({"name": "x", "photos": [photo]}, "2 faces"),
        ({"name": "x", "photos": [photo], "face": 3}, "expected 1 to 2"),
    ):
        answer = client.post("/wplus/v1/identities", json=body)
        assert answer.status_code == 422 and words in answer.json()["detail"], body
    assert client.post("/wplus/v1/identities", json={"name": "x", "photos": [photo], "face": 2}).status_code == 200
    replaced = {"name": "x", "photos": [photo], "aligned": True, "replace": True}
    assert client.post("/wplus/v1/identities", json=replaced).status_code == 200


def test_api_asks_for_the_password(shared):
    load_script()
    shared.cmd_opts.api_auth = "ann:secret,bob:other"
    app = FastAPI()
    shared.started[0](None, app)
    client = TestClient(app)
    assert client.get("/wplus/v1/identities").status_code == 401
    assert client.get("/wplus/v1/identities", auth=("ann", "other")).status_code == 401
    assert client.get("/wplus/v1/identities", auth=("bob", "other")).status_code == 200
    shared.cmd_opts.api = False
    app = FastAPI()
    shared.started[0](None, app)
    assert TestClient(app).get("/wplus/v1/identities").status_code == 404


WHITE = """selector => {
    const image = document.querySelector(selector), canvas = document.createElement('canvas');
    if (!image?.complete || !image.naturalWidth) return false;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.getContext('2d').getImageData(9, 9, 1, 1).data.every(x => x > 250);
}"""


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium is installed: people are not tested on a page")
def test_in_a_browser(tmp_path, monkeypatch, state, parsed):
    quick = faces.without_background
    monkeypatch.setattr(faces, "without_background", lambda *args, **named: time.sleep(1) or quick(*args, **named))
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    folder = tmp_path / "models" / "wplus"
    for kind in ("adapters", "latents", "directions", "encoders"):
        (folder / kind).mkdir(parents=True)
    (folder / "encoders" / "e.pt").write_bytes(b"")
    torch.save(torch.zeros(1, 18, 512), folder / "latents" / "anna.pth")
    (tmp_path / "red.png").write_bytes(png("red"))
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    host.install(monkeypatch, folder.parent)
    site = browser.Site(load_script())
    monkeypatch.setattr(Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(Detector, "find", lambda self, image: [Face(LANDMARKS, (1, 1, 9, 9), 0.9)] * 2)
    monkeypatch.setattr(Encoder, "load", lambda path: Colours())
    with site.served() as url, sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        page.route("**/*", lambda route: route.continue_() if url in route.request.url else route.abort())
        page.goto(url)
        start = "#script_txt2img_wplus_"
        page.locator(f"{start}wplus > .label-wrap").click()
        page.locator(f"{start}people > .label-wrap").click()
        page.locator(f"{start}photos input[type=file]").set_input_files(str(tmp_path / "red.png"))
        found = page.locator(f"{start}faces button.thumbnail-item")
        sync_api.expect(found).to_have_count(2)
        taken = page.locator(f"{start}taken input")
        found.nth(1).click()
        sync_api.expect(taken.nth(1)).to_be_checked()
        found.nth(0).click()
        sync_api.expect(taken.nth(0)).to_be_checked()
        taken.nth(0).uncheck()
        page.locator(f"{start}bare input").check()
        page.wait_for_function(WHITE, arg=f"{start}faces button.thumbnail-item:nth-of-type(2) img")
        assert not page.evaluate(WHITE, f"{start}faces button.thumbnail-item:nth-of-type(1) img")
        # Clear the photos while the parser is slow: what comes late must not bring the old faces back.
        taken.nth(0).check()
        page.locator(f"{start}photos button[aria-label=Clear]").click()
        sync_api.expect(found).to_have_count(0)
        page.locator(f"{start}photos input[type=file]").set_input_files(str(tmp_path / "red.png"))
        sync_api.expect(found).to_have_count(2)
        sync_api.expect(taken.nth(0)).not_to_be_checked()
        taken.nth(1).check()
        page.locator(f"{start}name textarea, {start}name input").first.fill("cleo")
        page.locator(f"{start}save").click()
        sync_api.expect(page.locator(f"{start}people_said").last).to_contain_text("cleo is saved, from 1 face")
        identity = page.locator(f"{start}identity input")
        sync_api.expect(identity).to_have_value("cleo")
        people_shown = page.locator(f"{start}identities button.thumbnail-item")
        sync_api.expect(people_shown).to_have_count(2)
        page.locator(f"{start}files > .label-wrap").click()
        page.locator(f"{start}with input").click()
        sync_api.expect(page.locator(f"{start}with ul li")).to_have_count(2)  # follows what was saved
        page.keyboard.press("Escape")
        people_shown.nth(0).click()
        sync_api.expect(identity).to_have_value("anna")
        page.locator(f"{start}remove").click()
        sync_api.expect(people_shown).to_have_count(1)
        page.reload()
        page.locator(f"{start}wplus > .label-wrap").click()
        page.locator(f"{start}people > .label-wrap").click()
        page.locator(f"{start}undo").click()
        sync_api.expect(people_shown).to_have_count(2)
        sync_api.expect(identity).to_have_value("anna")
        chromium.close()
    assert (folder / "latents" / "cleo.safetensors").exists() and (folder / "latents" / "anna.pth").exists()
