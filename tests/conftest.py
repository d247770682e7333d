from __future__ import annotations

import argparse
import importlib.util
import math
import os
import re
from pathlib import Path

import host
import pictures
import plain
import pytest
import servers
import torch
from PIL import Image

from wplus_ext import Adapter
from wplus_ext.photos import faces
from wplus_ext.weights import encoder as e4e

# The page's tests need gradio, which is in the WebUI's world alone.
NEEDS_GRADIO = re.compile(
    r"^(import|from) (gradio|browser|fastapi|asked|webui_several)\b|load_script|\([\w, ]*\baccordion\b", re.MULTILINE
)
HERE = Path(__file__).parent
LEFT_OUT = [path.name for path in sorted(HERE.glob("test_*.py")) if NEEDS_GRADIO.search(path.read_text("utf-8"))]
collect_ignore = [] if importlib.util.find_spec("gradio") else LEFT_OUT


class AsFolder:
    """For pytest the repository is a folder: the __init__.py in it, which ComfyUI reads, makes it no package."""

    @staticmethod
    def pytest_collect_directory(path, parent):
        return pytest.Dir.from_parent(parent, path=path) if path == HERE.parent else None


def pytest_configure(config):
    config.pluginmanager.register(AsFolder())


def pytest_terminal_summary(terminalreporter):
    """Say what was left out, as pytest says what was skipped."""
    if collect_ignore:
        terminalreporter.write_line(f"LEFT OUT without gradio: {', '.join(collect_ignore)}")
    for name, folder in (("WEBUI_DIR", "real"), ("COMFY_DIR", "real_comfy")):
        if not os.environ.get(name):
            terminalreporter.write_line(f"LEFT OUT without {name}: tests/{folder}")


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
def ganspace(models):
    """A small PCA in the published form, with its table."""
    g = torch.Generator().manual_seed(5)
    axes = torch.linalg.qr(torch.randn(512, 3, generator=g)).Q.T
    pca = {"mean": torch.randn(1, 512, generator=g), "comp": axes[:, None], "std": torch.tensor([4.0, 2.0, 1.0])}
    folder = models / "wplus/directions/ganspace"
    folder.mkdir()
    torch.save(pca, folder / "ffhq_pca.pt")
    (folder / "ganspace_configs.csv").write_text("grin\t1\t4\t6\t20\nfrown\t2\t0\t18\t-15\nbroken\t9\t0\t18\t20\n")
    return pca


@pytest.fixture
def shared(monkeypatch, models, compvis):
    """The WebUI's stand-in, with a CompVis UNet and a models folder."""
    return host.install(monkeypatch, models, compvis)


@pytest.fixture(scope="session")
def encoder_weights():
    """Random weights of e4e's encoder that keep the numbers in range, in half precision as far as the file goes."""
    g, state = torch.Generator().manual_seed(0), {}
    for name, shape in e4e.shapes().items():
        tensor = torch.randn(shape, generator=g)
        if name.endswith("running_var"):
            tensor = 0.5 + torch.rand(shape, generator=g)
        elif len(shape) == 4:
            tensor *= math.sqrt(2 / (shape[1] * shape[2] * shape[3]))
        elif name.endswith(("running_mean", "bias")) or len(shape) == 1:
            tensor = tensor * 0.1 + (0.0 if name.endswith(("running_mean", "bias")) else 1.0)
        state[name] = tensor.half()
    return state


@pytest.fixture(scope="session")
def encoder_file(encoder_weights, tmp_path_factory):
    """A file in the published layout, with foreign classes in it and a decoder that nobody wants."""
    path = tmp_path_factory.mktemp("encoder") / "e4e_ffhq_encode.pt"
    state = {f"encoder.{name}": tensor for name, tensor in encoder_weights.items() if name != "latent_avg"}
    state["encoder.input_layer.1.num_batches_tracked"] = torch.tensor(7)
    state["decoder.style.weight"] = torch.full((3, 3), torch.nan)
    options = argparse.Namespace(device="cuda", stylegan_size=1024, nested=argparse.Namespace(a=[1]))
    torch.save({"state_dict": state, "latent_avg": encoder_weights["latent_avg"], "opts": options}, path)
    return path


@pytest.fixture(scope="session")
def encoder(encoder_file):
    return e4e.Encoder.load(encoder_file)


@pytest.fixture
def server(tmp_path):
    """A server that does everything wrong; what it has is a latent."""
    torch.save(torch.randn(18, 512, generator=torch.Generator().manual_seed(0)), tmp_path / "made.pt")
    with servers.serving(servers.Wayward) as made:
        made.content = (tmp_path / "made.pt").read_bytes()
        yield made


@pytest.fixture
def obedient(monkeypatch):
    """A server that answers as it is told."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with servers.serving(servers.Obedient) as made:
        yield made


@pytest.fixture
def root(tmp_path):
    """Where a library is to be."""
    return tmp_path / "wplus"


@pytest.fixture
def detected(monkeypatch):
    """The encoder and the detector stand in; gives what the latter finds in every photo."""
    found = [faces.Face(pictures.SMALL_FRONT, (30, 30, 90, 100), 0.9)]
    monkeypatch.setattr(faces.Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(faces.Detector, "find", lambda self, image: list(found))
    monkeypatch.setattr(e4e.Encoder, "load", lambda path: pictures.Colours())
    return found


@pytest.fixture
def parsed(monkeypatch):
    """How many pictures the parser saw, each time; it makes all white."""
    seen = []

    def parse(images, device="cpu", folder=None):
        seen.append(len(images))
        return [Image.new("RGB", image.size, "white") for image in images]

    monkeypatch.setattr(faces, "without_background", parse)
    return seen


@pytest.fixture
def accordion(shared, models, detected):
    """The page of the txt2img tab, with an encoder in its library."""
    import gradio as gr

    (models / "wplus" / "encoders").mkdir()
    (models / "wplus" / "encoders" / "e.pt").write_bytes(b"")
    with gr.Blocks():
        script = host.load_script().WPlusScript()
        script.ui(False)
    return script.page
