"""Latents and directions: every stored form of one tensor, and what is none."""

from __future__ import annotations

import plain
import pytest
import torch

from wplus_ext import load_direction, load_latent


@pytest.mark.parametrize("load", [load_latent, load_direction])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".npy", ".safetensors"])
@pytest.mark.parametrize("shape", [(1, 18, 512), (18, 512), (1, 512), (512,)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_every_stored_form(tmp_path, load, suffix, shape, dtype):
    stored = torch.randn(shape).to(dtype)
    w = load(plain.save(stored, tmp_path / f"w{suffix}"))
    assert w.shape == (18, 512) and w.dtype == torch.float32
    assert torch.equal(w, stored.float().reshape(-1, 512).expand(18, 512))


# Upstream's own


def test_upstreams_latents(data):
    norms = [load_latent(path).norm() for path in sorted(data.glob("latents/*.pth"))]
    assert len(norms) > 0 and 45 < min(norms) <= max(norms) < 50  # saved from a GPU


def test_upstreams_steps(data):
    assert load_direction(data / "directions/interfacegan/smile.pt")[7].norm() == pytest.approx(1, abs=1e-4)


def test_upstreams_directions(data):
    norms = [load_direction(path)[0].norm() for path in sorted(data.glob("directions/latent/*.npy"))]
    assert len(norms) > 0 and 0.3 < min(norms) <= max(norms) < 1.3


def test_upstreams_components_are_no_direction(data):
    with pytest.raises(ValueError, match="a GANSpace file with 80 components, expected one direction"):
        load_direction(data / "directions/ganspace/ffhq_pca.pt")


# What is none


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(1, 14, 512), r"shape \(1, 14, 512\); expected one tensor of shape"),
        (torch.zeros(18, 256), r"shape \(18, 256\)"),
        (torch.full((512,), float("nan")), "NaN or infinite"),
        (torch.full((18, 512), float("inf")), "NaN or infinite"),
        (torch.zeros(18, 512, dtype=torch.int64), "torch.int64; expected float16"),
        ([1.0, 2.0], r"holds 2 entries \(list\)"),
        ({"a": torch.zeros(512), "b": torch.zeros(512)}, r"holds 2 entries \(a, b\)"),
    ],
)
def test_what_is_no_latent(tmp_path, content, message):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=message):
        load_latent(tmp_path / "w.pt")


def test_an_adapter_as_latent(tmp_path, adapter_file):
    with pytest.raises(ValueError, match="this is an adapter: it belongs into the adapters folder"):
        load_latent(adapter_file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(18, 512).to_sparse(), "tensors and numbers .torch._utils._rebuild_sparse_tensor.; it was not run"),
        ({"mean": 1, "comp": 1, "std": 1}, r"holds 3 entries \(mean, comp, std\)"),
    ],
)
def test_odd_directions(tmp_path, content, message):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=message):
        load_direction(tmp_path / "w.pt")
