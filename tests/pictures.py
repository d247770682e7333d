"""Photos and faces to try things on."""

from __future__ import annotations

import io
import math
import sys
import types
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from wplus_ext.photos import faces

FRONT = np.array([[200.0, 220], [290, 225], [247, 280], [205, 330], [280, 335]])  # a face of about 400 pixels
SMALL_FRONT = np.array([[50.0, 55], [75, 55], [62, 70], [52, 85], [73, 85]])


class Colours(torch.nn.Module):
    """Stands for the encoder: the mean of red, green and blue as a latent."""

    latent_avg = torch.zeros(18, 512)

    def forward(self, x):
        return x.mean((2, 3)).repeat(1, 171)[:, None, :512].repeat(1, 18, 1)


def turned(landmarks, degrees, centre=(247.0, 280.0), scale=1.0, shift=(0.0, 0.0)):
    a = math.radians(degrees)
    matrix = scale * np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    return (landmarks - centre) @ matrix.T + centre + shift


def encoded(image, kind="PNG", **options):
    """What a file of the image holds."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(colour, size=(120, 140)):
    return encoded(Image.new("RGB", size, colour))


def noise(*size, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8))


def face(x, width=100.0):
    return faces.Face(FRONT, (x, 50.0, x + width, 150.0), 0.9)


def facexlib(monkeypatch, module, make):
    """Put a stand-in for one of facexlib's modules in place; ``make`` gives its network."""
    name = {"detection": "init_detection_model", "parsing": "init_parsing_model"}[module]
    monkeypatch.setitem(sys.modules, "facexlib", types.ModuleType("facexlib"))
    monkeypatch.setitem(sys.modules, f"facexlib.{module}", SimpleNamespace(**{name: make}))


def dropped(*paths):
    """Files as gradio gives them."""
    return [SimpleNamespace(name=str(path)) for path in paths]


def dropped_photos(folder, *photos):
    """Photos' bytes, as files."""
    paths = [folder / f"{i}.png" for i in range(len(photos))]
    for path, data in zip(paths, photos):
        path.write_bytes(data)
    return dropped(*paths)
