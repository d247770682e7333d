"""People on the page: photos in, faces taken, identities out. The encoder and the detector stand in."""

from __future__ import annotations

import hashlib
import re
import sys

import pytest
from pictures import dropped, dropped_photos, png
from PIL import Image

from wplus_ext.library import identities
from wplus_ext.photos import faces
from wplus_ext.photos.faces import Detector

RED, BLUE = png((255, 0, 0)), png((0, 0, 255))
FAULT = "wplus-fault"


@pytest.fixture
def page(accordion):
    return accordion.people


@pytest.fixture
def photos(tmp_path):
    return lambda *data: dropped_photos(tmp_path, *data)


def looked(page, files, aligned=False):
    """The desk with its faces, the numbers of those that are taken, and what is shown."""
    desk = sys.modules["wplus_ext.hosts.webui.people"].Desk()
    page.drop(desk, files)
    taken, shown = page.find(desk, aligned)
    assert taken["choices"] == [str(i + 1) for i in range(len(desk.found))] == re.findall('number="([0-9]+)"', shown)
    return desk, taken["value"], shown


def corner(page, desk, bare, index=0):
    """What is shown there of a face that is taken."""
    return page.crops(desk, [str(index + 1)], bare)[0][0].getpixel((9, 9))


def latent(page, name):
    """Its first three numbers: what the stand-in makes of red, green and blue."""
    return page.library.latent(name)[0, :3].tolist()


# Photos to faces


def test_faces_that_are_alone_are_taken(page, photos):
    _, taken, shown = looked(page, photos(RED, BLUE, RED))
    assert FAULT not in shown and taken == ["1", "2", "3"]


def test_taken_faces_are_shown(page, photos):
    crops = page.crops(looked(page, photos(RED, BLUE))[0], ["2"], False)
    assert crops[0][0].size == (256, 256) and [text for _, text in crops] == ["1.png"]


def test_of_a_photo_with_several_faces_each_has_its_number(page, photos, detected):
    detected *= 2
    crops = page.crops(looked(page, photos(RED, BLUE))[0], ["1", "4"], False)
    assert [text for _, text in crops] == ["0.png, face 1", "1.png, face 2"]


def test_the_same_is_not_looked_for_twice(page, photos, monkeypatch):
    desk, _, _ = looked(page, photos(RED))
    monkeypatch.setattr(Detector, "find", lambda self, image: pytest.fail("it was looked for"))
    assert [set(update) for update in page.find(desk, False)] == [{"__type__"}] * 2


def test_of_several_faces_none_is_taken(page, photos, detected):
    detected *= 30
    desk, taken, _ = looked(page, photos(RED))
    assert taken == [] and len(desk.found) == 30


def test_a_bad_photo_leaves_the_others(page, photos):
    _, taken, said = looked(page, photos(RED, b"hello", BLUE, b"<svg"))
    assert taken == ["1", "2"] and said.count("<img") == 2
    assert said.count("wplus-fault") == 2 and "1.png: not a picture" in said and "3.png: an SVG" in said


def test_a_photo_without_a_face_is_told(page, photos, detected):
    detected.clear()
    assert "0.png: no face found" in looked(page, photos(RED))[2]


def test_a_photo_that_is_cut_out_needs_no_face(page, photos, detected):
    detected.clear()
    desk, _, shown = looked(page, photos(RED), True)
    assert FAULT not in shown and len(desk.found) == 1


def test_no_photos_are_no_fault(page):
    assert looked(page, None)[1:] == ([], "")


def test_what_is_found_late_is_left_out(page, photos, monkeypatch):
    desk, find = sys.modules["wplus_ext.hosts.webui.people"].Desk(), Detector.find
    red, blue = photos(RED, BLUE)
    page.drop(desk, [red])

    def slow(self, image):
        monkeypatch.setattr(Detector, "find", find)
        page.drop(desk, [blue])  # meanwhile
        assert page.find(desk, False)[0]["value"] == ["1"]
        return find(self, image) * 2

    monkeypatch.setattr(Detector, "find", slow)
    assert not any("value" in update for update in page.find(desk, False))
    assert len(desk.found) == 1 and corner(page, desk, False) == (0, 0, 255)


# Faces on their photos


def test_a_face_lies_where_it_was_found(page, photos):
    """Its box of 30 to 90 and 30 to 100 in 120 x 140 pixels, from its middle."""
    _, _, shown = looked(page, photos(RED))
    assert "left: 50.00%; top: 46.43%; width: 50.00%; height: 50.00%" in shown
    assert 'aria-label="face 1 of photo 0.png"' in shown and 'aria-pressed="true"' in shown


def test_of_a_photo_that_is_cut_out_its_square_is_the_face(page, photos):
    shown = looked(page, photos(RED), True)[2]
    assert "left: 50.00%; top: 50.00%; width: 100.00%; height: 85.71%" in shown


def test_several_faces_can_be_told_apart(page, photos, detected):
    detected *= 2
    shown = looked(page, photos(RED))[2]
    assert 'aria-label="face 2 of photo 0.png"' in shown and "0.png: 2 faces" in shown
    assert 'aria-pressed="true"' not in shown


def test_a_photos_name_is_text(page, photos, tmp_path):
    path = tmp_path / "<b>&.png"
    path.write_bytes(RED)
    assert looked(page, dropped(path))[2].count("&lt;b&gt;&amp;.png") == 4


# The detector's weights


@pytest.fixture
def loaded(page, monkeypatch):
    """The folders from which a detector was loaded, which succeeds once."""
    asked = []

    def load(self, device="cpu", folder=None):
        asked.append(folder)
        if len(asked) > 1:
            raise OSError("its weights cannot be had")

    monkeypatch.setattr(Detector, "__init__", load)
    return asked


def test_one_detector_is_for_all_photos(page, photos, loaded, models):
    assert looked(page, photos(RED, BLUE, RED))[1] == ["1", "2", "3"]
    assert loaded == [models / "GFPGAN"]


def test_without_a_detector_one_fault_is_said(page, photos, loaded):
    loaded.append(None)
    desk, taken, said = looked(page, photos(RED, BLUE))
    assert (desk.found, taken) == ([], []) and said.count("cannot be had") == 1 and len(loaded) == 2


def test_photos_that_are_cut_out_need_no_detector(page, photos, loaded):
    assert looked(page, photos(RED, BLUE), True)[1] == ["1", "2"] and loaded == []


# Without background


def test_the_background_becomes_white(page, photos, parsed):
    desk, taken, _ = looked(page, photos(RED))
    assert page.clear_background(desk, taken, True) == "" and corner(page, desk, True) == (255, 255, 255)


def test_the_background_of_a_photo_that_is_cut_out_becomes_white(page, photos, parsed):
    desk, taken, _ = looked(page, photos(RED), True)
    assert page.clear_background(desk, taken, True) == "" and corner(page, desk, True) == (255, 255, 255)


@pytest.fixture
def crowd(page, photos, detected):
    """A desk with twenty faces."""
    detected *= 20
    return looked(page, photos(RED))[0]


def test_only_taken_faces_lose_their_background(page, crowd, parsed):
    page.clear_background(crowd, ["4"], True)
    assert corner(page, crowd, True, 3) == (255,) * 3 and corner(page, crowd, False, 3) == (255, 0, 0)
    assert corner(page, crowd, True, 4) == (255, 0, 0)


def test_each_face_loses_its_background_once(page, crowd, parsed):
    for taken, bare in (([], True), (["4"], False), (["4"], True), (["4", "6"], True), (["4"], True)):
        assert page.clear_background(crowd, taken, bare) == ""
    assert parsed == [1, 1]


def test_faces_that_have_gone_meanwhile_are_no_fault(page, parsed):
    assert page.clear_background(looked(page, None)[0], ["4"], True) == "" and parsed == []


def test_a_saved_identity_is_without_background_too(page, crowd, parsed):
    page.clear_background(crowd, ["4"], True)
    page.save(crowd, ["4", "9"], True, "white")
    assert latent(page, "white") == pytest.approx([1.0, 1.0, 1.0]) and parsed == [1, 1]


@pytest.fixture
def broken_parser(monkeypatch):
    def fails(pictures, *where):
        raise OSError("its weights cannot be had")

    monkeypatch.setattr(faces, "without_background", fails)


def test_without_a_parser_the_faces_stay(page, crowd, broken_parser):
    assert "cannot be had" in page.clear_background(crowd, ["8"], True)
    assert corner(page, crowd, True, 7) == (255, 0, 0)


def test_without_a_parser_nothing_bare_is_saved(page, crowd, broken_parser):
    assert "cannot be had" in page.save(crowd, ["8"], True, "x")[2]
    assert "1 face" in page.save(crowd, ["8"], False, "x")[2]


# Faces to identities


def test_a_saved_identity_is_chosen(page, photos):
    desk, _, _ = looked(page, photos(RED, BLUE))
    identity, gallery, said = page.save(desk, ["1", "2"], False, "anna2")
    assert identity["value"] == "anna2" and "anna2" in identity["choices"] and "2 faces" in said
    assert [caption for _, caption in gallery] == ["anna", "anna2", "oliver"]


@pytest.mark.parametrize(("taken", "mean"), [(["1", "2"], [0.0, -1.0, 0.0]), (["1"], [1.0, -1.0, -1.0])])
def test_an_identity_is_the_mean_of_its_faces(page, photos, taken, mean):
    page.save(looked(page, photos(RED, BLUE))[0], taken, False, "x")
    assert latent(page, "x") == pytest.approx(mean, abs=0.01)


def test_each_photo_is_kept_once_as_its_hash(page, photos):
    desk, taken, _ = looked(page, photos(RED, BLUE, RED))
    page.save(desk, taken, False, "all")
    person = identities.read_person(page.library.find("latents", "all").path)
    assert person.sources == tuple(hashlib.sha256(data).hexdigest() for data in (RED, BLUE))


def test_no_face_is_no_identity(page, photos):
    assert "no face is taken" in page.save(looked(page, photos(RED))[0], [], False, "x")[2]


@pytest.mark.parametrize(
    ("name", "words"),
    [("a/b", "&#x27;/&#x27;"), ("x" * 300, "at most"), ("anna", "exists"), ("", "expected a name")],
)
def test_names_that_cannot_be_are_told(page, photos, name, words):
    desk, taken, _ = looked(page, photos(RED))
    assert words in page.save(desk, taken, False, name)[2]


def test_without_an_encoder_nothing_is_saved(page, photos, models):
    desk, taken, _ = looked(page, photos(RED))
    (models / "wplus" / "encoders" / "e.pt").unlink()
    page.library.refresh()
    assert "there is no encoder" in page.save(desk, taken, False, "new")[2]


def test_of_two_folders_the_new_one_is_chosen(page, photos, models):
    latents = models / "wplus" / "latents"
    (latents / "actors").mkdir()
    (latents / "actors" / "chris.pth").write_bytes((latents / "oliver.pth").read_bytes())
    desk, taken, _ = looked(page, photos(RED))
    identity, gallery, _ = page.save(desk, taken, False, "chris")
    assert identity["value"] == "chris" and "actors/chris" in identity["choices"] and len(gallery) == 4


def test_a_thumbnail_is_kept(page, photos):
    page.save(looked(page, photos(RED))[0], ["1"], False, "red")
    shown = {name: picture for picture, name in page.thumbnails()}["red"]
    assert isinstance(shown, Image.Image) and shown.getpixel((64, 64))[0] > 245
