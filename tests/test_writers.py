"""Several writers of one name: who comes second is told, and nothing is lost, also when somebody is killed."""

from __future__ import annotations

import json
import os
import random
import struct
import threading
import warnings
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
import torch
from PIL import Image

from benchmarks import writers
from wplus_ext.library import authoring, exclusive, identities
from wplus_ext.library.index import Library
from wplus_ext.weights import locks
from wplus_ext.weights.latents import load_latent

LIMIT = 60  # seconds


def saved(folder, name="anna", value=0.0, replace=False):
    """An identity whose numbers are all the value."""
    picture = Image.new("RGB", (8, 8))
    path = folder / f"{name}.safetensors"
    return identities.save(path, torch.full((18, 512), value), picture, [], replace)


def at_once(work, values):
    """What each call gives, or the fault it raises."""
    ready = threading.Barrier(len(values))

    def one(value):
        ready.wait(LIMIT)
        try:
            return work(value)
        except (ValueError, OSError) as error:
            return error

    with ThreadPoolExecutor(len(values)) as pool:
        return [job.result(LIMIT) for job in [pool.submit(one, value) for value in values]]


def leads_to(name, folder):
    try:
        return os.path.samefile(f"/proc/self/fd/{name}", folder)
    except OSError:
        return False


def value_of(path):
    return float(load_latent(path)[0, 0])


@pytest.fixture(params=["folder", "file"])
def lock(request, monkeypatch):
    """Both ways to lock: a folder, and a file as on Windows."""
    if request.param == "file":
        monkeypatch.setattr(locks, "fcntl", None)
    elif locks.fcntl is None:
        pytest.skip("folders cannot be locked here")


@pytest.fixture
def no_links(monkeypatch):
    """A disk without hard links."""

    def refuse(*args, **named):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("number", range(4))
def test_six_writers(lock, number):
    assert [writers.a_round(number) for _ in range(2)] == [(0, 0)] * 2


@pytest.mark.parametrize("number", [0, 2])
def test_six_writers_without_hard_links(no_links, number):
    assert writers.a_round(number) == (0, 0)


@pytest.mark.skipif(os.name == "nt", reason="no process can be killed as elsewhere")
@pytest.mark.parametrize("after", [random.Random(0).random() / 50 for _ in range(3)])
def test_a_killed_writer_loses_nothing(after):
    assert writers.a_kill(after)


def test_of_six_renamed_one_has_the_name(tmp_path):
    paths = [saved(tmp_path, f"p{i}", float(i)) for i in range(6)]
    told = at_once(lambda path: identities.rename(path, "Zoe"), paths)
    assert sum(isinstance(one, ValueError) for one in told) == 5
    assert sorted(map(value_of, tmp_path.glob("*.safetensors"))) == [0, 1, 2, 3, 4, 5]


def test_of_six_undos_one_brings_it_back(tmp_path):
    place = identities.remove(saved(tmp_path))
    told = at_once(identities.restore, [place] * 6)
    assert sum(isinstance(one, Exception) for one in told) == 5 and value_of(tmp_path / "anna.safetensors") == 0


def test_of_six_removals_one_puts_it_away(tmp_path):
    told = at_once(identities.remove, [saved(tmp_path)] * 6)
    assert sum(isinstance(one, OSError) for one in told) == 5
    assert len(list((tmp_path / identities.TRASH).iterdir())) == 1


def test_of_six_directions_one_is_made(tmp_path):
    for value in (0.0, 1.0):
        saved(tmp_path / "latents", f"p{value:.0f}", value)
    told = at_once(lambda name: authoring.make_direction(Library([tmp_path]), name, ["p0"], ["p1"]), ["joy", "Joy"] * 3)
    assert sum(isinstance(one, ValueError) for one in told) == 5
    assert len(list((tmp_path / "directions").glob("*.safetensors"))) == 1


def test_a_replaced_direction_is_put_away(tmp_path):
    for value in (0.0, 1.0):
        saved(tmp_path / "latents", f"p{value:.0f}", value)
    library = Library([tmp_path])
    authoring.make_direction(library, "joy", ["p0"], ["p1"])
    path = authoring.make_direction(library, "joy", ["p1"], ["p0"], replace=True)
    (before,) = (path.parent / identities.TRASH).iterdir()
    assert torch.equal(load_latent(before), -load_latent(path))


def test_of_six_imports_one_comes_in(tmp_path):
    torch.save(torch.ones(512), tmp_path / "joy.pt")
    sources = [[tmp_path / "joy.pt"]] * 6
    told = at_once(lambda source: authoring.import_directions(Library([tmp_path / "l"]), source), sources)
    assert sum(isinstance(one, ValueError) for one in told) == 5
    assert (tmp_path / "l" / "directions" / "joy.pt").read_bytes() == (tmp_path / "joy.pt").read_bytes()


def test_an_import_that_comes_second_leaves_the_first(tmp_path, monkeypatch):
    folder = tmp_path / "l" / "directions"
    for name in ("a", "joy"):
        torch.save(torch.ones(512), tmp_path / f"{name}.pt")
    copy = authoring.shutil.copyfile

    def slow(source, target):
        (folder / "joy.pt").write_bytes(b"somebody else's")
        return copy(source, target)

    monkeypatch.setattr(authoring.shutil, "copyfile", slow)
    with pytest.raises(ValueError, match="exists"):
        authoring.import_directions(Library([tmp_path / "l"]), [tmp_path / "a.pt", tmp_path / "joy.pt"])
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("joy.pt", b"somebody else's")]


def test_who_asks_for_no_lock_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.setattr(exclusive, "free_place", lambda folder, name, suffix, replace: folder / f"{name}{suffix}")
    (tmp_path / "anna.safetensors").write_bytes(b"copied in by hand")
    with pytest.raises(ValueError, match="exists"):
        saved(tmp_path)
    assert (tmp_path / "anna.safetensors").read_bytes() == b"copied in by hand"


def test_a_folder_of_the_name_is_told(tmp_path):
    (tmp_path / "anna.safetensors").mkdir()
    for replace in (False, True):
        with pytest.raises(ValueError, match="exists"):
            saved(tmp_path, replace=replace)
    assert [path.name for path in tmp_path.iterdir()] == ["anna.safetensors"]


@pytest.mark.parametrize("links", [True, False])
def test_a_replacement_that_fails_changes_nothing(tmp_path, monkeypatch, request, links):
    if not links:
        request.getfixturevalue("no_links")
    path = saved(tmp_path)

    def full(self, target):
        if target == path:
            raise OSError(28, "No space left on device")
        os.replace(self, target)

    monkeypatch.setattr(exclusive.Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        saved(tmp_path, value=1.0, replace=True)
    assert value_of(tmp_path / "anna.safetensors") == 0 and not list((tmp_path / identities.TRASH).iterdir())


def test_who_waits_too_long_is_told(tmp_path, lock, monkeypatch):
    monkeypatch.setattr(locks, "WAIT", 0.1)
    with locks.alone(tmp_path), pytest.raises(TimeoutError, match="try again"), locks.alone(tmp_path):
        pass
    saved(tmp_path)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="what is open is not listed here")
def test_a_lock_ends_though_a_child_has_it_open(tmp_path):
    with locks.alone(tmp_path):
        (number,) = [int(name) for name in os.listdir("/proc/self/fd") if leads_to(name, tmp_path)]
        copy = os.dup(number)  # as a fork has it
    try:
        saved(tmp_path)
    finally:
        os.close(copy)


def test_what_was_replaced_comes_back_when_the_name_is_free(tmp_path):
    saved(tmp_path)
    identities.rename(saved(tmp_path, value=1.0, replace=True), "other")
    identities.restore(identities.removed_last([tmp_path]))
    assert [value_of(tmp_path / f"{name}.safetensors") for name in ("anna", "other")] == [0, 1]


# What a file says of itself


def latent_with(path, metadata, size=None):
    """A file of the format, with whatever in its header."""
    w = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header = json.dumps({"__metadata__": metadata, "w": w}).encode()
    path.write_bytes(struct.pack("<Q", len(header) if size is None else size) + header + b"\0" * 4)
    return path


def thumbnail(image, kind="JPEG"):
    file = BytesIO()
    image.save(file, kind)
    return {"wplus_thumbnail": b64encode(file.getvalue()).decode()}


@pytest.mark.parametrize(
    "metadata",
    [
        thumbnail(Image.new("RGB", (513, 8))),
        thumbnail(Image.new("RGB", (8, 8)), "PNG"),
        thumbnail(Image.new("RGB", (600, 600)), "GIF"),
        {"wplus_thumbnail": "%%"},
        {"wplus_thumbnail": "A" * (2 << 20)},
        {"wplus_thumbnail": 7, "wplus_sources": ["a"], "wplus_date": {}},
        {"wplus_sources": "x" * 1000 + " /etc/passwd", "wplus_date": "today\nor so"},
        [1],
    ],
)
def test_metadata_from_elsewhere_says_nothing(tmp_path, metadata):
    path = latent_with(tmp_path / "a.safetensors", metadata)
    assert identities.read_person(path) == identities.Person(path)


@pytest.mark.parametrize("size", [0, 3, 1 << 19, 1 << 40, (1 << 64) - 1])
def test_a_header_of_another_size_says_nothing(tmp_path, size):
    path = latent_with(tmp_path / "a.safetensors", {}, size)
    assert identities.read_person(path) == identities.Person(path)


def test_a_nested_header_says_nothing(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", 200_000) + b"[" * 200_000)
    assert identities.read_person(tmp_path / "a.safetensors").thumbnail is None


def test_a_vast_thumbnail_is_not_decoded(tmp_path, monkeypatch):
    metadata = thumbnail(Image.new("L", (65_000, 1_000)))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it is decoded"))
    monkeypatch.setattr(Image.Image, "convert", lambda self, mode: pytest.fail("it is decoded"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert identities.read_person(latent_with(tmp_path / "a.safetensors", metadata)).thumbnail is None


def test_a_thumbnail_for_printing_is_shown_in_rgb(tmp_path):
    path = latent_with(tmp_path / "a.safetensors", thumbnail(Image.new("CMYK", (64, 64))))
    assert identities.read_person(path).thumbnail.mode == "RGB"


def test_a_file_is_read_while_it_is_replaced(tmp_path):
    path, done = saved(tmp_path), threading.Event()

    def replace():
        for value in range(1, 60):
            saved(tmp_path, value=float(value), replace=True)
        done.set()

    writer = threading.Thread(target=replace)
    writer.start()
    people = [identities.read_person(path)]
    while not done.is_set():
        people.append(identities.read_person(path))
    writer.join(LIMIT)
    assert all(person.thumbnail is not None for person in people)
