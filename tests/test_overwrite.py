"""Nothing of a person's is overwritten unasked: what carries our mark may be replaced, all else wants --force."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from wplus_ext.__main__ import main
from wplus_ext.commands import common, evaluate, figures
from wplus_ext.miniature import demo, page
from wplus_ext.studio import record, video
from wplus_ext.weights import files
from wplus_ext.weights.swap import check_place

OURS = '{"shots": []}'
FRAMES = np.zeros((2, 16, 16, 3), np.uint8)


def theirs(path, comment=b""):
    """A picture of somebody's, with JSON of another program in its metadata."""
    exif = Image.Exif()
    exif[video.DESCRIPTION] = '{"workflow": {}}'
    Image.new("RGB", (8, 8)).save(path, comment=comment, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("name", ["mine.gif", "x.webp"])
def test_a_persons_file_is_kept(tmp_path, name):
    path = theirs(tmp_path / name, b'{"workflow": {}}')
    before = path.read_bytes()
    with pytest.raises(ValueError, match="was not made here; choose another name, or add --force"):
        video.save(FRAMES, path, 8, OURS)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["mine.gif", "x.webp", "x.mp4"])
def test_force_replaces_a_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    video.save(FRAMES, tmp_path / name, 8, OURS, force=True)
    assert video.load_settings(tmp_path / name) == OURS


def test_a_folder_of_numbered_photos_is_kept(tmp_path):
    for name in ("1.png", "2.png", "2024.png"):
        theirs(tmp_path / name)
    with pytest.raises(ValueError, match=r"holds 1\.png, which was not made here"):
        video.check(tmp_path)


def test_force_replaces_a_folder_of_numbered_pictures(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    theirs(folder / "2024.png")
    video.save(FRAMES, folder, 8, OURS, force=True)
    assert sorted(path.name for path in folder.iterdir()) == ["00000.png", "00001.png"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "a.png"])
def test_frames_of_ours_and_something_else_are_kept(tmp_path, name, force):
    video.save(FRAMES, tmp_path / "frames", 8, OURS)
    (tmp_path / "frames" / name).write_text("mine")
    with pytest.raises(ValueError, match="no folder of our frames"):
        video.check(tmp_path / "frames", force)


def test_one_picture_of_theirs_among_our_frames(tmp_path):
    video.save(FRAMES, tmp_path / "frames", 8, OURS)
    theirs(tmp_path / "frames" / "00002.png")
    with pytest.raises(ValueError, match=r"holds 00002\.png, which was not made here"):
        video.check(tmp_path / "frames")


def test_what_came_while_we_worked_is_kept(tmp_path, monkeypatch):
    path, written = tmp_path / "a.gif", Image.Image.save

    def late(self, *args, **kwargs):
        written(self, *args, **kwargs)
        path.write_bytes(b"mine")

    monkeypatch.setattr(Image.Image, "save", late)
    with pytest.raises(ValueError, match="was not made here"):
        video.save(FRAMES, path, 8, OURS)
    assert path.read_bytes() == b"mine"


def converted(tmp_path):
    torch.save(torch.ones(18, 512), tmp_path / "a.pt")
    return main(["convert", str(tmp_path / "a.pt"), str(tmp_path / "out.safetensors")])


def test_what_came_while_it_was_converted_is_kept(tmp_path, monkeypatch, capsys):
    written = files.save_file

    def late(*args):
        written(*args)
        (tmp_path / "out.safetensors").write_bytes(b"mine")

    monkeypatch.setattr(files, "save_file", late)
    assert converted(tmp_path) == 2 and "out.safetensors exists; choose another name" in capsys.readouterr().err
    assert (tmp_path / "out.safetensors").read_bytes() == b"mine"


def test_of_two_conversions_at_once_one_is_told(tmp_path, monkeypatch):
    ready, written = threading.Barrier(2), files.save_file

    def together(*args):
        written(*args)
        ready.wait(60)

    monkeypatch.setattr(files, "save_file", together)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: converted(tmp_path), range(2))) == [0, 2]


def test_a_link_is_no_file_of_ours(tmp_path):
    video.save(FRAMES, tmp_path / "a.gif", 8, OURS)
    (tmp_path / "b.gif").symlink_to(tmp_path / "a.gif")
    with pytest.raises(ValueError, match="is a link; name what it leads to"):
        video.check(tmp_path / "b.gif")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are files on POSIX alone")
@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_is_never_replaced(tmp_path, force):
    os.mkfifo(tmp_path / "a.gif")
    with pytest.raises(ValueError, match="a pipe or a device"):
        video.check(tmp_path / "a.gif", force)


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_folders_by_no_name(name):
    with pytest.raises(ValueError, match="expected the name of something"):
        check_place(Path(name), force=True)


def test_the_demo_wants_a_folder(tmp_path):
    (tmp_path / "t.webp").touch()
    with pytest.raises(ValueError, match="t.webp is a file, expected a folder"):
        demo.write(tmp_path / "t.webp")


def test_the_demo_keeps_a_persons_page(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(ValueError, match=r"index\.html exists and was not made here"):
        demo.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize("is_ours", [demo._is_ours, lambda path: figures.is_marked(path, "x")], ids=["page", "json"])
def test_a_vast_file_is_not_read_to_see_whose_it_is(tmp_path, is_ours):
    with open(tmp_path / "a", "wb") as file:
        file.truncate(1 << 40)
    assert not is_ours(tmp_path / "a")


def test_the_demo_knows_its_page(tmp_path):
    (tmp_path / "index.html").write_text(page.page([]))
    assert demo._is_ours(tmp_path / "index.html")


@pytest.mark.parametrize(
    "text, ours", [(f'{{"{evaluate.MARK}": "1"}}', True), ("{}", False), ("[" * 100_000, False), ("\xff", False)]
)
def test_the_figures_that_are_ours(tmp_path, text, ours):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    assert figures.is_marked(tmp_path / "a.json", evaluate.MARK) is ours


# Hostile metadata


def hostile(path, settings):
    info = PngInfo()
    info.add_text(video.KEY, settings)
    Image.new("RGB", (4, 4)).save(path, pnginfo=info)
    return path


class Nameless:
    name, library = "miniature", None


@pytest.mark.parametrize(
    "settings",
    [
        '{"shots": []}', '{"shots": 1}', '{"shots": [1]}', '{"shots": [[]]}', '{"shots": ["a"]}', '{"a": 1}', "{",
        '{"shots": ' + "[" * 100_000, '{"shots": [{"edit": {"start": 1' + "0" * 400 + "}}]}",
        '{"shots": [{"seed": 1' + "0" * 5000 + "}]}", '{"shots": [{}], "files": 5}', '{"shots": [{}], "files": ["a"]}',
    ],
)  # fmt: skip
def test_settings_that_cannot_be_name_their_file(tmp_path, settings):
    path = hostile(tmp_path / "a.png", settings)
    with pytest.raises(ValueError, match=r"a\.png: its settings are not those of render or sweep"):
        record.load(path, Nameless())


def test_a_files_words_do_not_command_the_terminal(tmp_path):
    path = hostile(tmp_path / "a.png", json.dumps({"shots": [{}], "model": "\x1b[2J\n" + "x" * 500}))
    ((note),) = record.load(path, Nameless())[1]
    assert note.isprintable() and len(note) < 300


def test_a_text_that_unpacks_without_end_names_its_file(tmp_path):
    info = PngInfo()
    info.add_text(video.KEY, "{" + " " * 5_000_000, zip=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(ValueError, match=r"a\.png: not a whole PNG"):
        video.load_settings(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "EPS"])
def test_formats_that_we_do_not_write_are_not_opened(tmp_path, kind):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.webp", kind)
    with pytest.raises(ValueError, match="not a whole"):
        video.load_settings(tmp_path / "a.webp")


# Tracks


@pytest.mark.parametrize(
    "given, lines",
    [
        ("smile = 1; age = 2", "smile = 1\nage = 2"),
        ("# a; b\nsmile = 1", "# a; b\nsmile = 1"),
        ("smile = 1; # a; b\nage = 2", "smile = 1\n# a; b\nage = 2"),
        ("", ""),
        ("smile = 1；age = 2", "smile = 1\nage = 2"),
        ("a; b; # c; d", "a\nb\n# c; d"),
    ],
)
def test_a_semicolon_parts_tracks_but_in_a_comment(given, lines):
    assert common.parted(given) == lines


def test_a_semicolon_of_a_file_parts_nothing():
    shot = common.Shot.from_dict({"edit": {"tracks": "# a; b\nsmile = 1"}})
    assert common.changed(shot, {"seed": 3}).edit.tracks == "# a; b\nsmile = 1"
