"""Faces in photos, and faces on white: facexlib's networks, which stand-ins play."""

from __future__ import annotations

import sys
import urllib.error

import numpy as np
import pytest
import torch
from pictures import facexlib
from PIL import Image
from torch.nn import functional as F

from wplus_ext.photos import faces

ROW = [10.0, 20, 30, 50, 0.9, *range(10)]  # a box, a score, five landmarks
PICTURE = Image.new("RGB", (256, 256), (200, 30, 40))


class Network:
    """A detector that finds what it is told, and keeps what it was shown."""

    def __init__(self, rows):
        self.rows = rows

    def detect_faces(self, pixels, sure):
        self.pixels, self.sure = pixels, sure
        return np.asarray(self.rows)


def detector(monkeypatch, *rows):
    network = Network(rows)
    facexlib(monkeypatch, "detection", lambda name, device, model_rootpath: network)
    return faces.Detector(), network


def test_a_face_is_where_the_network_sees_it(monkeypatch):
    (found,) = detector(monkeypatch, ROW)[0].find(Image.new("RGB", (100, 80)))
    assert (found.box, found.score) == ((10, 20, 30, 50), 0.9)
    assert found.landmarks.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_the_network_sees_blue_first(monkeypatch):
    made, network = detector(monkeypatch)
    made.find(Image.new("RGB", (100, 80), (1, 2, 3)))
    assert network.pixels[0, 0].tolist() == [3, 2, 1]


def test_places_in_a_large_photo_are_those_of_the_photo(monkeypatch):
    made, network = detector(monkeypatch, ROW)
    (found,) = made.find(Image.new("RGB", (4096, 2048)))
    assert network.pixels.shape == (512, 1024, 3)
    assert found.box == (40, 80, 120, 200) and found.landmarks[4].tolist() == [32, 36]


def test_the_largest_face_comes_first(monkeypatch):
    small = [0.0, 0, 5, 5, *ROW[4:]]
    assert [face.box[2] for face in detector(monkeypatch, small, ROW)[0].find(Image.new("RGB", (100, 80)))] == [30, 5]


def test_no_face_is_no_fault(monkeypatch):
    assert detector(monkeypatch)[0].find(Image.new("RGB", (100, 80))) == []


@pytest.fixture
def parser(monkeypatch):
    """Skin in the middle, clothes below, background all around."""

    def parse(pictures):
        assert tuple(pictures.shape) == (1, 3, 512, 512) and pictures.max() <= 1
        classes = torch.zeros(1, 512, 512, dtype=torch.long)  # background
        classes[:, 128:384, 128:384], classes[:, 384:] = 1, 18  # skin, clothes
        return F.one_hot(classes, 19).permute(0, 3, 1, 2).float(), None

    facexlib(monkeypatch, "parsing", lambda name, device, model_rootpath: parse)


def test_a_face_stays_as_it_is(parser):
    bare = np.asarray(faces.without_background([PICTURE])[0])
    assert bare.shape == (256, 256, 3) and (bare[72:184, 72:184] == (200, 30, 40)).all()


def test_background_and_clothes_become_white(parser):
    bare = np.asarray(faces.without_background([PICTURE])[0])
    assert (bare[:56] == 255).all() and (bare[200:] == 255).all() and (bare[:, :56] == 255).all()


def test_between_them_is_a_soft_edge(parser):
    bare = np.asarray(faces.without_background([PICTURE])[0])
    assert 40 < bare[64, 128, 1] < 250


USES = {
    "detection": lambda folder: faces.Detector(folder=folder),
    "parsing": lambda folder: faces.without_background([PICTURE], folder=folder),
}


def fails(monkeypatch, module, folder, error):
    def make(name, device, model_rootpath):
        assert model_rootpath == str(folder)
        raise error

    facexlib(monkeypatch, module, make)


@pytest.mark.parametrize("module", USES)
def test_without_facexlib(monkeypatch, tmp_path, module):
    monkeypatch.setitem(sys.modules, f"facexlib.{module}", None)
    with pytest.raises(ValueError, match="pip install facexlib, or "):
        USES[module](tmp_path)


@pytest.mark.parametrize("module", USES)
def test_without_its_weights(monkeypatch, tmp_path, module):
    fails(monkeypatch, module, tmp_path, urllib.error.URLError("no route"))
    with pytest.raises(OSError, match=r"cannot be had .*no route.*put \w+\.pth into .*, or "):
        USES[module](tmp_path)


@pytest.mark.parametrize("error", [RuntimeError("cut short"), AttributeError("None: cut short")])  # the WebUI's is last
@pytest.mark.parametrize("module", USES)
def test_with_damaged_weights(monkeypatch, tmp_path, module, error):
    fails(monkeypatch, module, tmp_path, error)
    with pytest.raises(ValueError, match=r"damaged .*cut short.*delete \w+\.pth"):
        USES[module](tmp_path)
