"""Files: read without running anything, refused in words, and written whole or not at all."""

from __future__ import annotations

import io
import os
import pickle
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import plain
import pytest
import torch
from safetensors.torch import load_file, save_file

from wplus_ext import Adapter, load_direction, load_latent
from wplus_ext.library import exclusive
from wplus_ext.weights import files, locks, swap


class Evil:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def evil_zip(path, evil):
    torch.save({"w_proj": evil}, path)


def evil_pickle(path, evil):
    path.write_bytes(pickle.dumps(evil))


def evil_npy(path, evil):
    np.save(path, np.array([evil], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "write", "load"),
    [
        ("evil.bin", evil_zip, Adapter.load),
        ("old.pt", evil_pickle, load_latent),
        ("evil.npy", evil_npy, load_direction),
    ],
)
def test_a_pickle_that_runs_code_is_not_run(tmp_path, name, write, load):
    mark = tmp_path / "it-ran"
    write(tmp_path / name, Evil(mark))
    with pytest.raises(ValueError, match="it was not run|nothing in it was run") as caught:
        load(tmp_path / name)
    assert name in str(caught.value) and not mark.exists()


# Damaged


DAMAGES = {
    "empty": (lambda whole: b"", "the file is empty"),
    "cut": (lambda whole: whole[: len(whole) // 2], "damaged or cut short|not a whole"),
    "page": (lambda whole: b"<!DOCTYPE html><title>404</title>" * 9, "damaged|not a whole"),
    "text": (lambda whole: b"just some words\n" * 30, "damaged|not a whole"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["a.bin", "a.pt", "a.safetensors", "a.npy"])
def test_damaged_files(tmp_path, state, name, damage):
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(plain.flat(state), path)
    elif path.suffix == ".npy":
        np.save(path, np.zeros((18, 512)))
    else:
        torch.save(state, path)
    harm, message = DAMAGES[damage]
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        (load_latent if path.suffix == ".npy" else Adapter.load)(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["w.pt", "w.npy", "w.safetensors"])
def test_damage_anywhere_is_a_clear_error(tmp_path, name):
    """Whatever a damaged file makes the readers raise, a person sees one kind of error."""
    path = plain.save(torch.randn(18, 512), tmp_path / name)
    whole, g, told = bytearray(path.read_bytes()), np.random.default_rng(0), 0
    for _ in range(150):
        broken = whole.copy()
        for at in g.integers(0, min(len(broken), 700), 8):
            broken[at] = g.integers(256)
        path.write_bytes(broken[: g.integers(1, len(broken))] if g.random() < 0.3 else broken)
        try:
            assert load_latent(path).shape == (18, 512)
        except ValueError as error:
            told += 1
            assert str(path) in str(error)
    assert told > 40  # those that were cut, at least


@pytest.fixture
def legacy(tmp_path):
    torch.save(torch.randn(18, 512), tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    return tmp_path / "w.pt"


def test_a_legacy_file_is_read(legacy):
    assert load_latent(legacy).shape == (18, 512)


def test_a_cut_legacy_file_is_not_called_evil(legacy):
    legacy.write_bytes(legacy.read_bytes()[:200])
    with pytest.raises(ValueError, match="damaged"):
        load_latent(legacy)


def test_a_zip_that_is_no_torch_file(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("readme.txt", "hello")
    (tmp_path / "a.pt").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="damaged or cut short"):
        load_latent(tmp_path / "a.pt")


def test_an_unknown_ending(tmp_path):
    (tmp_path / "w.txt").write_text("0.1 0.2")
    with pytest.raises(ValueError, match="expected a .safetensors, .npy, .npz, .pt, .pth or .bin file, got '.txt'"):
        load_latent(tmp_path / "w.txt")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_latent(tmp_path / "nothing.pt")


def test_a_folder(tmp_path):
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(ValueError, match="a folder, expected a file"):
        load_direction(tmp_path / "folder.pt")


# Written


@pytest.fixture
def file(tmp_path):
    """A file with something in it."""
    (tmp_path / "a.txt").write_text("before")
    return tmp_path / "a.txt"


@pytest.fixture
def folder(tmp_path):
    """A folder with something in it."""
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "0.png").write_text("before")
    return tmp_path / "frames"


@pytest.mark.parametrize("writing", [swap.replacing, exclusive.new_file])
def test_many_who_write_at_once_keep_out_of_each_others_way(tmp_path, writing):
    together = threading.Barrier(6)

    def write(path):
        together.wait(60)
        with writing(path) as part:
            part.write_text(path.name)

    for i in range(30):
        paths = [tmp_path / f"{i}-{writer}.txt" for writer in range(6)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, paths))
        assert [path.read_text() for path in paths] == [path.name for path in paths]
    assert len(list(tmp_path.iterdir())) == 180


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path):
    left = tmp_path / f"{swap.PREFIX}old.txt-1"
    left.mkdir()
    (left / swap.LOCK).touch()
    (left / "old.txt").write_text("half")
    with exclusive.new_file(tmp_path / "new.txt") as part:
        part.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["new.txt"]


def test_where_nothing_can_be_locked_what_is_young_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_lock_folder", lambda folder, held: False)
    monkeypatch.setattr(locks, "_lock_file", lambda folder, held: False)
    old, young = (tmp_path / f"{swap.PREFIX}{name}" for name in ("old", "young"))
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    swap.clear_dead(tmp_path)
    assert list(tmp_path.iterdir()) == [young]


def test_a_new_file_takes_its_place(tmp_path):
    with files.replacing(tmp_path / "a.txt") as part:
        part.write_text("after")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "after")]


def test_a_file_is_replaced(file):
    with files.replacing(file) as part:
        part.write_text("after")
    assert [(path.name, path.read_text()) for path in file.parent.iterdir()] == [("a.txt", "after")]


def test_an_array_of_objects_is_said_to_be_one(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, 1], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"a\.npy: .*holds Python's objects, expected an array of floats"):
        files.read(tmp_path / "a.npy")


def test_nobody_sees_half_of_it(file):
    with files.replacing(file) as part:
        part.write_text("af")
        assert file.read_text() == "before" and file.parent in part.parents
        part.write_text("after")


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_on_a_fault_the_file_is_still_there(file, fault):
    with pytest.raises(type(fault)), files.replacing(file) as part:
        part.write_text("half")
        raise fault
    assert [(path.name, path.read_text()) for path in file.parent.iterdir()] == [("a.txt", "before")]


def listed(folder):
    return sorted(path.relative_to(folder.parent).as_posix() for path in folder.parent.rglob("*"))


def write_frames(part):
    part.mkdir()
    (part / "1.png").write_text("after")


def test_a_folder_is_replaced(folder):
    with files.replacing(folder) as part:
        write_frames(part)
    assert listed(folder) == ["frames", "frames/1.png"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_on_a_fault_the_folder_is_still_there(folder, fault):
    with pytest.raises(type(fault)), files.replacing(folder) as part:
        write_frames(part)
        raise fault
    assert listed(folder) == ["frames", "frames/0.png"]


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_one_before(folder, monkeypatch):
    rename = Path.rename

    def refuse(self, target):
        if Path(target) == folder and swap.BEFORE not in self.parts:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="Input/output error"), files.replacing(folder) as part:
        write_frames(part)
    assert listed(folder) == ["frames", "frames/0.png"]


def test_tensors_are_written(tmp_path):
    files.write(tmp_path / "a.safetensors", {"w": torch.ones(2)})
    assert torch.equal(load_file(tmp_path / "a.safetensors")["w"], torch.ones(2))


def test_what_the_disk_says_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="none"):
        files.write(tmp_path / "none" / "a.safetensors", {"w": torch.ones(2)})


def test_a_hash_is_of_the_whole_file(tmp_path):
    (tmp_path / "a").write_bytes(bytes(3 << 20))
    whole = files.sha256(tmp_path / "a")
    (tmp_path / "a").write_bytes(bytes((3 << 20) - 1) + b"\1")
    assert (
        files.sha256(tmp_path / "a") != whole and files.short_hash(tmp_path / "a") == files.sha256(tmp_path / "a")[:10]
    )
