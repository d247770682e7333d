"""Who may read what is written: whoever may read any other new file."""

from __future__ import annotations

import os

import pytest
import torch

from wplus_ext.weights import files

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_what_is_written_is_open_to_whom_other_files_are(tmp_path, mask):
    before = os.umask(mask)
    try:
        files.write(tmp_path / "a.safetensors", {"w": torch.zeros(2)})
        (tmp_path / "b").write_text("")
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_folder_that_is_written_is_open_to_whom_others_are(tmp_path):
    with files.replacing(tmp_path / "a") as part:
        part.mkdir()
    (tmp_path / "b").mkdir()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
