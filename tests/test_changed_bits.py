"""A changed bit is noticed where the format can tell."""

from __future__ import annotations

import random

import pytest
import torch
from safetensors.torch import save_file

from wplus_ext.weights import files

W = torch.randn(18, 512, generator=torch.Generator().manual_seed(1))


def flipped(path, place, bit=0):
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(bytes(data))
    return path


def test_what_we_write_is_read(tmp_path):
    files.write(tmp_path / "w.safetensors", {"w": W, "half": W.half(), "brain": W.bfloat16(), "empty": torch.empty(0)})
    assert torch.equal(files.read(tmp_path / "w.safetensors")["brain"], W.bfloat16())


@pytest.mark.parametrize("seed", range(5))
def test_a_bit_of_our_tensors_is_noticed(tmp_path, seed):
    path, chance = tmp_path / "w.safetensors", random.Random(seed)
    files.write(path, {"w": W})
    size = path.stat().st_size
    flipped(path, chance.randrange(size - W.numel() * 4, size), chance.randrange(8))
    with pytest.raises(ValueError, match="a bit has changed"):
        files.read(path)


def test_files_from_elsewhere_have_no_hash_and_are_read(tmp_path):
    save_file({"w": W}, tmp_path / "w.safetensors")
    assert torch.equal(files.read(tmp_path / "w.safetensors")["w"], W)


@pytest.mark.parametrize("seed", range(5))
def test_a_bit_of_torchs_zips_is_noticed(tmp_path, seed):
    path, chance = tmp_path / "w.pt", random.Random(seed)
    torch.save(W, path)
    place = path.read_bytes().index(W[0, :8].numpy().tobytes())
    flipped(path, place + chance.randrange(W.numel() * 4), chance.randrange(8))
    with pytest.raises(ValueError, match="damaged"):
        files.read(path)
