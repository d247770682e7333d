"""Nodes of ComfyUI for images, with a stand-in for it and for the networks."""

from __future__ import annotations

import comfy_host
import numpy as np
import pytest
import torch

from wplus_ext.measure.reader import ATTRIBUTES, Face
from wplus_ext.weights.latents import load_latent


@pytest.fixture
def nodes(monkeypatch, models, detected):
    (models / "wplus" / "encoders").mkdir()
    (models / "wplus" / "encoders" / "e.pt").write_bytes(b"")
    (models / "wplus" / "measure").mkdir()
    return comfy_host.install(monkeypatch, models)


class Brightness:
    """A reader of faces whose every attribute is how bright the frame is."""

    def __init__(self, folder, device):
        pass

    def read(self, frames):
        for frame in frames:
            values = dict.fromkeys(ATTRIBUTES, float(frame.mean() / 255))
            yield [Face((0, 0, 50, 50), np.zeros((68, 2)), values, vector=np.ones(128))]


@pytest.fixture
def reader(nodes, monkeypatch):
    monkeypatch.setattr("wplus_ext.hosts.comfy.images.Reader", Brightness)


def photos(*colours):
    return torch.stack([torch.tensor(colour).expand(128, 128, 3) for colour in colours])


def identity(nodes, image, aligned=True):
    return nodes.IdentityFromImage().make(image, "e", aligned)[0]


def test_photos_become_an_identity(nodes):
    made = identity(nodes, photos([1.0, 0.0, 0.0], [0.0, 0.0, 0.0]))
    assert load_latent(made.path)[0, :3].tolist() == pytest.approx([0.0, -1.0, -1.0])  # their mean, from -1 to 1


def test_faces_are_found_where_they_are_not_cut_out_yet(nodes):
    assert load_latent(identity(nodes, photos([1.0, 1.0, 1.0]), aligned=False).path).shape == (18, 512)


def test_a_photo_without_a_face_is_told(nodes, detected):
    detected.clear()
    with pytest.raises(ValueError, match="image 1: no face found"):
        identity(nodes, photos([1.0, 1.0, 1.0]), aligned=False)


def test_the_same_photo_is_the_same_file(nodes):
    one, other, third = (identity(nodes, photos([x, 0.0, 0.0])) for x in (1.0, 1.0, 0.0))
    assert one == other != third


def test_what_is_measured_is_a_number_a_frame(nodes, reader):
    frames = photos(*([x] * 3 for x in (0.0, 0.2, 0.4, 0.6)))
    floats, told = nodes.Measure().measure(frames, "smile", 1, 0.0)
    assert floats == pytest.approx([0, 0.2, 0.4, 0.6]) and told.startswith("smile of face 1, measured in 4 of 4 frames")


def test_a_face_that_is_not_there_is_told(nodes, reader):
    with pytest.raises(ValueError, match="there is no face 2 in 1 frames"):
        nodes.Measure().measure(photos([0.5] * 3), "smile", 2, 0.0)


def test_networks_that_are_not_there_are_told(nodes):
    with pytest.raises(ValueError, match="is not there; get the networks"):
        nodes.Measure().measure(photos([0.5] * 3), "smile", 1, 0.0)
