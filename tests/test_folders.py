"""Where the WebUI keeps our files."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture
def folders(shared):
    return importlib.import_module("wplus_ext.hosts.webui.folders")


def test_the_models_folder_is_the_root(folders, models):
    assert folders.model_roots() == [models / "wplus"]


def test_another_root_on_the_command_line(folders, shared, tmp_path):
    shared.cmd_opts.wplus_dir = str(tmp_path / "mine")
    assert folders.model_roots() == [tmp_path / "mine"]


def test_another_folder_in_the_settings(folders, shared, models, tmp_path):
    shared.opts.data["wplus_extra_folder"] = f" {tmp_path} "
    assert folders.model_roots() == [models / "wplus", tmp_path]


@pytest.mark.parametrize("extra", [None, 5, [], "a\0b"])
def test_another_folder_that_is_none(folders, shared, models, extra):
    shared.opts.data["wplus_extra_folder"] = extra
    assert folders.model_roots()[0] == models / "wplus"


def test_another_folder_of_links_in_a_circle(folders, shared, models, tmp_path, caplog):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    shared.opts.data["wplus_extra_folder"] = str(tmp_path / "a")
    roots = folders.model_roots()
    assert roots == [models / "wplus"] and "cannot be used" in caplog.text or roots[1] == tmp_path / "a"


def test_the_settings_have_a_place_for_it(folders, shared):
    folders.add_options()
    assert shared.opts.data["wplus_extra_folder"] == ""


def test_folders_are_made(folders, shared, tmp_path):
    shared.cmd_opts.wplus_dir = str(tmp_path / "new")
    folders.library()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "adapters", "directions", "encoders", "latents",
    ]  # fmt: skip


def test_folders_that_cannot_be_made_are_said(folders, shared, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    shared.cmd_opts.wplus_dir = str(tmp_path / "file" / "sub")
    assert folders.library().names("adapters") == []
    assert f"cannot make the folder {tmp_path / 'file' / 'sub' / 'adapters'}" in capsys.readouterr().out


def test_looking_again_finds_new_files_and_roots(folders, shared, models, tmp_path):
    library = folders.library()
    assert library.names("latents") == ["anna", "oliver"]
    (models / "wplus/latents/anna.pth").rename(models / "wplus/latents/zoe.pth")
    (tmp_path / "latents").mkdir()
    (tmp_path / "latents" / "bob.pt").write_bytes(b"")
    shared.opts.data["wplus_extra_folder"] = str(tmp_path)
    folders.look_again(library)
    assert library.names("latents") == ["bob", "oliver", "zoe"]
