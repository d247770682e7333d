"""Some tensors of a large torch file: nothing of it is run, and only they are read."""

from __future__ import annotations

import argparse
import os
import pickle

import pytest
import torch

from wplus_ext.weights.pickles import read_tensors

SHARED = torch.arange(12.0).view(3, 4)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.fixture(params=[True, False], ids=["zip", "old"])
def file(request, tmp_path, monkeypatch):
    """A file with foreign classes in it, in each of torch's formats."""
    monkeypatch.chdir(tmp_path)
    content = {"a": {"x": SHARED.T, "y": SHARED[1:], "n": torch.arange(3)}, "half": torch.ones(2).half()}
    content |= {"opts": argparse.Namespace(x=1), "evil": Evil(), "p": torch.nn.Parameter(torch.ones(2)), "big": SHARED}
    torch.save(content, "a.pt", _use_new_zipfile_serialization=request.param)
    return tmp_path / "a.pt"


def test_only_what_is_wanted_is_read(file):
    assert set(read_tensors(file, lambda name: name != "big")) == {"a.x", "a.y", "a.n", "half", "p"}


def test_tensors_are_as_they_were(file):
    read = read_tensors(file, lambda name: True)
    assert torch.equal(read["a.x"], SHARED.T) and torch.equal(read["a.y"], SHARED[1:])
    assert read["half"].dtype == torch.float16 and torch.equal(read["a.n"], torch.arange(3))


def test_nothing_is_run(file):
    read_tensors(file, lambda name: True)
    assert not file.with_name("evil").exists()


@pytest.mark.parametrize("size", [0, 1, 20, 0.5, -30])
def test_a_cut_file_is_told(file, size):
    whole = file.read_bytes()
    file.with_name("cut.pt").write_bytes(whole[: int(len(whole) * size) if size == 0.5 else size])
    with pytest.raises(ValueError, match="cut.pt"):
        read_tensors("cut.pt", lambda name: True)


def test_what_is_no_torch_file_is_told(tmp_path):
    (tmp_path / "a.pt").write_bytes(pickle.dumps({"state_dict": 1}))
    with pytest.raises(ValueError, match="not a file that torch.save wrote"):
        read_tensors(tmp_path / "a.pt", lambda name: True)
