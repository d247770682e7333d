"""Programs that ask the API for people. The encoder and the detector stand in."""

from __future__ import annotations

import base64
import io

import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from host import load_script
from PIL import Image

from benchmarks.api import LANDMARKS
from wplus_ext.photos.faces import Detector, Face
from wplus_ext.weights.encoder import Encoder

ROUTE = "/wplus/v1/identities"
JSON = {"content-type": "application/json"}


def photo(colour="red"):
    file = io.BytesIO()
    Image.new("RGB", (120, 140), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


class Colours(torch.nn.Module):
    """Stands for the encoder."""

    latent_avg = torch.zeros(18, 512)

    def forward(self, x):
        return torch.zeros(1, 18, 512)


def connected(shared, models, monkeypatch):
    """A program that asks the API; its ``models`` is the WebUI's folder."""
    (models / "wplus" / "encoders").mkdir()
    (models / "wplus" / "encoders" / "e.pt").write_bytes(b"")
    load_script()
    monkeypatch.setattr(Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(Detector, "find", lambda self, image: [Face(LANDMARKS, (30, 30, 90, 100), 0.9)])
    monkeypatch.setattr(Encoder, "load", lambda path: Colours())
    app = FastAPI()
    shared.started[0](None, app)
    made = TestClient(app, raise_server_exceptions=False)
    made.models = models
    return made


def post(client, headers=None, **body):
    return client.post(ROUTE, json={"name": "cleo", "photos": [photo()], **body}, headers=headers)


def told(answer, status, words):
    """Whether a fault has its status and is one line with these words."""
    detail = answer.json()["detail"]
    assert answer.status_code == status, answer.text
    assert isinstance(detail, str) and words in detail and "\n" not in detail
    return True
