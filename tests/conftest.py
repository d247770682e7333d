from __future__ import annotations

import os
from pathlib import Path

import host
import plain
import pytest
import torch

from wplus_ext import Adapter


@pytest.fixture(scope="session")
def data():
    """Upstream's latents and directions, whose licence keeps them out of this repository."""
    folder = os.environ.get("WPLUS_DATA")
    if not folder:
        pytest.skip("set WPLUS_DATA to a folder with upstream's latents/ and directions/")
    assert Path(folder).is_dir(), f"WPLUS_DATA is {folder}, expected a folder"
    return Path(folder)


@pytest.fixture(scope="session")
def state():
    return plain.checkpoint()


@pytest.fixture(scope="session")
def adapter_file(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("adapter") / "wplus_adapter.bin"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def adapter(adapter_file):
    return Adapter.load(adapter_file)


@pytest.fixture(scope="session", params=["compvis", "diffusers", "motion"])
def unet(request):
    return getattr(plain, f"{request.param}_unet")()


@pytest.fixture(scope="session")
def compvis():
    return plain.compvis_unet()


@pytest.fixture
def models(tmp_path, state):
    """A models folder: one adapter, two latents, some directions."""
    folders = {name: tmp_path / "models" / "wplus" / name for name in ("adapters", "latents", "directions")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    g = torch.Generator().manual_seed(3)
    torch.save(state, folders["adapters"] / "wplus_adapter.bin")
    for name in ("anna", "oliver"):
        torch.save(torch.randn(1, 18, 512, generator=g), folders["latents"] / f"{name}.pth")
    (folders["directions"] / "more").mkdir()
    for name in ("smile", "age", "more/glasses"):
        torch.save(torch.randn(1, 512, generator=g) / 20, folders["directions"] / f"{name}.pt")
    return tmp_path / "models"


@pytest.fixture
def shared(monkeypatch, models, compvis):
    """The WebUI's stand-in, with a CompVis UNet and a models folder."""
    return host.install(monkeypatch, models, compvis)
