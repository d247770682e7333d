"""A file that lies there and is not offered says why where its name is missed."""

from __future__ import annotations

import os

import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.library.index import Library

W = torch.zeros(512)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "directions"
    folder.mkdir()
    torch.save(W, folder / "smile.pt")
    return folder


def missed(folder, name):
    with pytest.raises(ValueError) as error:
        Library([folder.parent]).find("directions", name)
    return str(error.value)


def test_another_ending(folder):
    (folder / "grin.txt").write_text("")
    assert "grin.txt: expected one of .pth .pt .npy .npz .safetensors, not .txt" in missed(folder, "grin")


def test_a_name_that_no_track_can_have(folder):
    torch.save(W, folder / "grin [v2].pt")
    assert "grin [v2].pt: 'grin [v2]' cannot be a name, rename it" in missed(folder, "grin [v2]")


def test_a_link_that_leaves_the_folder(folder, tmp_path):
    torch.save(W, tmp_path / "grin.pt")
    (folder / "grin.pt").symlink_to(tmp_path / "grin.pt")
    assert "a link that leaves the folder is not followed, copy the file instead" in missed(folder, "grin")


def test_a_link_that_leads_nowhere(folder):
    (folder / "grin.pt").symlink_to("nowhere.pt")
    assert "grin.pt: it cannot be read" in missed(folder, "grin")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe(folder):
    os.mkfifo(folder / "grin.pt")
    assert "grin.pt: no regular file" in missed(folder, "grin")


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("Grin.TXT", "grin"),
        ("fro\u0308hlich.txt", "fr\u00f6hlich"),
        ("512x512/wink.pt", "512x512/wink"),
        ("sub/other.txt", "sub/other"),
    ],
)
def test_names_are_compared_as_the_library_does(folder, file, asked):
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("")
    assert "what is there is not offered" in missed(folder, asked)


def test_of_a_folder_that_is_a_link_its_files_are_missed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    assert "linked: a link to a folder is not followed" in missed(folder, "linked/grin")


def test_a_file_of_another_folder_is_not_meant(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "other.txt").write_text("")
    assert "not offered" not in missed(folder, "elsewhere/other")


def test_the_part_that_cannot_be_a_name_is_named(folder):
    (folder / "512x512").mkdir()
    torch.save(W, folder / "512x512" / "wink.pt")
    assert "'512x512' cannot be a name" in missed(folder, "512x512/wink")


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_of_no_letters_is_told_in_letters(folder):
    (folder / os.fsdecode(b"\xff\nx.txt")).write_text("")
    (told,) = map(str, Library([folder.parent]).left_out("directions"))
    assert told.encode() and "\n" not in told


def test_in_an_empty_library_too(tmp_path):
    (tmp_path / "directions").mkdir()
    (tmp_path / "directions" / "grin.txt").write_text("")
    assert "there is no direction in" in missed(tmp_path / "directions", "grin")
    assert "grin.txt: expected one of" in missed(tmp_path / "directions", "grin")


def test_nothing_is_left_out_where_all_is_well(folder):
    assert Library([folder.parent]).left_out("directions") == []


def test_the_command_says_it_too(folder, capsys):
    (folder / "grin.txt").write_text("")
    assert main(["directions", "--wplus", str(folder.parent)]) == 0
    assert "not offered: grin.txt: expected one of" in capsys.readouterr().out
