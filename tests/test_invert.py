"""Photos to identities: which face is taken, and the command line. A stand-in plays the encoder but for once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import FRONT, SMALL_FRONT, Colours, encoded, face, facexlib, noise, png
from PIL import Image
from torch.nn import functional as F

from wplus_ext.__main__ import main
from wplus_ext.library import identities
from wplus_ext.library.index import Library
from wplus_ext.photos import faces, invert, photo

# Which face


def seen(*faces_of_it, fault=None):
    crops = tuple(invert.Crop(Image.new("RGB", (8, 8)), "", one) for one in faces_of_it)
    return invert.Seen("a.png", crops, fault)


def test_the_only_face_is_taken():
    assert seen(face(1)).choose(None).face.box[0] == 1


def test_a_face_is_taken_by_its_number():
    assert seen(face(1), face(2)).choose(2).face.box[0] == 2


@pytest.mark.parametrize(
    ("count", "number", "words"),
    [
        (2, None, "2 faces, expected one; choose by number: 1 at (0, 50), 2 at (1, 50)"),
        (20, None, "20 faces"),
        (1, 2, "face 2, expected 1 to 1"),
        (1, 0, "face 0, expected 1 to 1"),
    ],
)
def test_a_face_that_is_not_chosen_is_told(count, number, words):
    several = seen(*(face(i) for i in range(count)))
    with pytest.raises(ValueError) as error:
        several.choose(number)
    assert words in str(error.value) and "a.png" in str(error.value)


def test_a_photo_that_cannot_be_used_says_why():
    with pytest.raises(OSError, match="^why$"):
        seen(fault=OSError("why")).choose(None)


# The inverter


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The root of a library with an encoder, whose part a stand-in plays."""
    root = tmp_path / "wplus"
    (root / "encoders").mkdir(parents=True)
    (root / "encoders" / "e.pt").write_bytes(b"")
    monkeypatch.setattr(invert.Encoder, "load", lambda path: Colours())
    return root


@pytest.fixture
def detector(monkeypatch):
    """Finds what it is told in every photo: first one face, then another."""
    found = [face(1), face(2)]
    monkeypatch.setattr(faces.Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(faces.Detector, "find", lambda self, image: found)
    return found


def test_each_photo_is_looked_at_by_itself(library, detector):
    photos = [("a", png("red")), ("b", b"hello"), ("c", png("blue"))]
    first, bad, last = invert.Inverter(Library([library])).look(photos)
    assert len(first.crops) == len(last.crops) == 2
    assert "b: not a picture" in str(bad.fault) and bad.crops == ()


def test_a_photo_without_a_face_says_so(library, detector):
    detector.clear()
    (alone,) = invert.Inverter(Library([library])).look([("a", png("red"))])
    assert "a: no face found" in str(alone.fault)


def test_a_photo_that_is_cut_out_needs_no_detector(library):
    (alone,) = invert.Inverter(Library([library])).look([("a", png("red"))], aligned=True)
    assert alone.fault is None and alone.choose(None).picture.size == (256, 256)


def test_a_face_says_where_it_is_in_the_upright_photo(library, detector):
    """Beyond its edge there is no more of it."""
    detector[:] = [faces.Face(SMALL_FRONT, (-30.0, 30.0, 60.0, 90.0), 0.9)]
    lying = Image.new("RGB", (1500, 1200))
    exif = lying.getexif()
    exif[photo.ORIENTATION] = 6  # it stands
    (seen,) = invert.Inverter(Library([library])).look([("a", encoded(lying, "JPEG", exif=exif))])
    assert seen.crops[0].area == pytest.approx((0, 0.02, 0.05, 0.04)) and seen.view.size == (512, 640)


@pytest.mark.parametrize("size, area", [((200, 100), (0.25, 0, 0.5, 1)), ((100, 200), (0, 0.25, 1, 0.5))])
def test_of_a_photo_that_is_cut_out_the_middle_is_the_face(library, size, area):
    (seen,) = invert.Inverter(Library([library])).look([("a", png("red", size))], aligned=True)
    assert seen.crops[0].area == pytest.approx(area) and seen.view.size == size


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are files on POSIX alone")
def test_a_photo_that_is_a_pipe_is_told(library, tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    (seen,) = invert.Inverter(library).look([("a.jpg", tmp_path / "a.jpg")], aligned=True)
    with pytest.raises(ValueError, match="no regular file .a pipe or a device., expected a file"):
        seen.choose(None)


def test_a_photo_that_is_a_folder_is_told(library, tmp_path):
    (seen,) = invert.Inverter(library).look([("a", tmp_path)], aligned=True)
    with pytest.raises(ValueError, match="a folder, expected a file"):
        seen.choose(None)


def test_a_file_far_too_large_for_a_photo_is_not_read(library, tmp_path, monkeypatch):
    monkeypatch.setattr(photo, "LARGEST", 1 << 20)
    with open(tmp_path / "a.jpg", "wb") as file:
        file.truncate(1 << 40)
    (seen,) = invert.Inverter(library).look([("a.jpg", tmp_path / "a.jpg")], aligned=True)
    with pytest.raises(ValueError, match="more than 1 MB"):
        seen.choose(None)


def test_no_faces_make_no_identity(library):
    inverter = invert.Inverter(Library([library]))
    place = inverter.place("anna")
    with pytest.raises(ValueError, match="no face is taken"):
        inverter.save(place, [])
    assert not place.exists()


def test_without_an_encoder_there_is_no_place(library):
    (library / "encoders" / "e.pt").unlink()
    inverter = invert.Inverter(Library([library]))
    with pytest.raises(ValueError, match="there is no encoder"):
        inverter.place("anna")


# The command


@pytest.fixture
def photos(tmp_path):
    """Two photos as files, one red, one blue."""
    for name, colour in (("a", "red"), ("b", "blue")):
        (tmp_path / f"{name}.png").write_bytes(png(colour, (300, 300)))
    return [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def command(library, *arguments):
    return main(["invert", "--wplus", str(library), "-o", *arguments])


def latent(library, name):
    return Library([library]).latent(name)


def test_a_photo_becomes_an_identity(library, photos):
    assert command(library, "anna", "--aligned", photos[0]) == 0
    assert latent(library, "anna")[0, :3].tolist() == [1, -1, -1]


def test_several_photos_become_their_mean(library, photos):
    assert command(library, "both", "--aligned", *photos) == 0
    assert latent(library, "both")[0, :3].tolist() == [0, -1, 0]


def test_photos_are_kept_as_their_hashes(library, photos):
    assert command(library, "both", "--aligned", *photos) == 0
    kept = identities.read_person(library / "latents" / "both.safetensors").sources
    assert kept == tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in photos)


@pytest.mark.once
def test_the_encoder_itself(library, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(invert.Encoder, "load", lambda path: encoder)
    pictures = [noise(300, 300, seed=seed) for seed in (0, 1)]
    for i, picture in enumerate(pictures):
        picture.save(tmp_path / f"{i}.png")
    assert command(library, "both", "--aligned", str(tmp_path / "0.png"), str(tmp_path / "1.png")) == 0
    with torch.no_grad():
        one, two = (encoder(photo.as_input(photo.as_aligned(picture)))[0] for picture in pictures)
    assert torch.allclose(latent(library, "both"), (one + two) / 2, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["anna", "--aligned", "a.png"], "exists"),
        (["a/b", "--aligned", "a.png"], "'/'"),
        (["new", "--aligned", "none.png"], "none.png: No such file"),
        (["new", "--encoder", "other", "--aligned", "a.png"], "no encoder 'other'"),
        (["new", "--device", "cuda:9", "--aligned", "a.png"], "the device 'cuda:9' cannot be used"),
        (["new", "--device", "gpu", "--aligned", "a.png"], "the device 'gpu' cannot be used"),
    ],
)
def test_what_is_wrong_is_one_line(library, photos, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (library / "latents").mkdir()
    (library / "latents" / "anna.safetensors").write_bytes(b"")
    assert command(library, *arguments) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_one_of_several_faces_must_be_chosen(library, detector, photos, capsys):
    assert command(library, "anna", photos[0]) == 2
    assert "a.png: 2 faces, expected one" in capsys.readouterr().err
    assert not (library / "latents").exists()


def test_a_face_is_found_and_cut_out(library, detector, tmp_path):
    image = Image.effect_noise((500, 500), 80).convert("RGB")
    image.save(tmp_path / "a.png")
    assert command(library, "anna", str(tmp_path / "a.png"), "--encoder", "e", "--face", "2") == 0
    thumbnail = identities.read_person(library / "latents" / "anna.safetensors").thumbnail
    expected = photo.align(image, FRONT).resize((128, 128), Image.LANCZOS)
    assert np.abs(np.asarray(thumbnail, int) - np.asarray(expected, int)).mean() < 12


def test_a_face_without_its_background(library, tmp_path, monkeypatch):
    def parse(pictures):
        classes = torch.zeros(1, 512, 512, dtype=torch.long)
        classes[:, 128:384, 128:384] = 1
        return F.one_hot(classes, 19).permute(0, 3, 1, 2).float(), None

    facexlib(monkeypatch, "parsing", lambda name, device, model_rootpath: parse)
    Image.new("RGB", (256, 256), (200, 30, 40)).save(tmp_path / "a.png")
    assert command(library, "anna", str(tmp_path / "a.png"), "--aligned", "--bare") == 0
    thumbnail = identities.read_person(library / "latents" / "anna.safetensors").thumbnail
    assert min(thumbnail.getpixel((5, 5))) > 245 and thumbnail.getpixel((64, 64))[1] < 60
