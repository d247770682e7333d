"""Identities: what is kept of a person, renamed, put away and brought back."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from wplus_ext.library import identities as people
from wplus_ext.library.index import Library
from wplus_ext.library.names import free_place
from wplus_ext.weights.latents import load_latent

W = torch.randn(18, 512, generator=torch.Generator().manual_seed(0))
PICTURE = Image.new("RGB", (256, 256), (200, 100, 50))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "latents"


def kept(folder, name, w=W, replace=False, sources=()):
    return people.save(free_place(folder, name, replace=replace), w, PICTURE, sources, replace)


def names(folder):
    return Library([folder.parent]).names("latents")


def trash(folder):
    return sorted((folder / people.TRASH).glob("*"))


# Saved


def test_a_saved_identity_is_a_latent_of_the_library(folder):
    kept(folder, " anna b ")
    library = Library([folder.parent])
    assert library.names("latents") == ["anna b"] and torch.equal(library.latent("anna b"), W)


def test_where_it_comes_from_is_kept(folder):
    person = people.read_person(kept(folder, "anna", sources=["ab" * 32]))
    assert person.sources == ("ab" * 32,) and person.date.endswith("Z")


def test_a_small_picture_is_kept(folder):
    thumbnail = people.read_person(kept(folder, "anna")).thumbnail
    assert thumbnail.size == (128, 128)
    assert np.abs(np.array(thumbnail.getpixel((64, 64))) - (200, 100, 50)).max() < 8


@pytest.mark.parametrize("name", ["a" * 243, "é" * 121, "日" * 81])
def test_an_identity_of_a_long_name_can_be_removed(folder, name):
    folder.mkdir()
    (folder / f"{name}.safetensors").write_bytes(b"w")
    place = people.remove(folder / f"{name}.safetensors")
    assert place.suffix == ".safetensors" and name.startswith(people.restore(place).stem)
    assert [path.read_bytes() for path in folder.glob("*.safetensors")] == [b"w"]


def test_a_name_that_is_taken_in_other_letters(folder):
    kept(folder, "anna b")
    with pytest.raises(ValueError, match="exists"):
        kept(folder, "ANNA B")


@pytest.mark.parametrize("w", [torch.zeros(14, 512), torch.full((18, 512), torch.nan)])
def test_what_is_no_latent_is_not_saved(folder, w):
    place = free_place(folder, "anna")
    with pytest.raises(ValueError, match=r"expected \(18, 512\) finite"):
        people.save(place, w, PICTURE, [])
    assert not folder.exists()


def test_an_identity_is_replaced_where_that_is_asked_for(folder):
    kept(folder, "anna")
    kept(folder, "anna", -W, replace=True)
    assert torch.equal(Library([folder.parent]).latent("anna"), -W)


def test_what_was_replaced_is_put_away(folder):
    path = kept(folder, "chris")
    kept(folder, "chris", 2 * W, replace=True)
    (before,) = trash(folder)
    assert torch.equal(load_latent(before), W) and torch.equal(load_latent(path), 2 * W)


@pytest.mark.parametrize("other", ["chris.pt", "Chris.safetensors"])
def test_another_file_of_this_name_is_not_replaced(folder, other):
    folder.mkdir()
    (folder / other).write_bytes(b"another")
    with pytest.raises(ValueError, match="another file"):
        free_place(folder, "chris", replace=True)
    assert [path.name for path in folder.iterdir()] == [other] and (folder / other).read_bytes() == b"another"


@pytest.mark.parametrize("other", ["chris.pt", "Chris.safetensors"])
def test_another_file_beside_the_one_to_be_replaced(folder, other):
    kept(folder, "chris")
    (folder / other).write_bytes(b"another")
    with pytest.raises(ValueError, match="another file"):
        free_place(folder, "chris", replace=True)
    assert (folder / other).read_bytes() == b"another" and not (folder / people.TRASH).exists()


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a\\b", "..", ".a", "a.", "x" * 300, "a[1]", "a=b", "con", "None", "3x3", "a\nb"]
)
def test_names_that_cannot_be(folder, name):
    with pytest.raises(ValueError, match="name"):
        free_place(folder, name)


def test_nothing_is_lost_on_a_full_disk(folder, monkeypatch):
    path = kept(folder, "anna")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(people.files, "save_file", full)
    place = free_place(folder, "anna", replace=True)
    with pytest.raises(OSError, match="No space"):
        people.save(place, -W, PICTURE, [], replace=True)
    assert torch.equal(load_latent(path), W) and people.read_person(path).thumbnail is not None
    assert [p.name for p in folder.iterdir() if p.is_file()] == ["anna.safetensors"]
    assert trash(folder) == []


# Read


@pytest.mark.parametrize(("name", "content"), [("a.pth", b"x"), ("b.safetensors", b"x" * 40)])
def test_a_file_from_elsewhere_says_nothing(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert people.read_person(tmp_path / name) == people.Person(tmp_path / name)


def test_a_cut_thumbnail_is_none(folder):
    path = people.save(free_place(folder, "a"), W, Image.effect_noise((256, 256), 90), [])
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    picture = base64.b64decode(metadata["wplus_thumbnail"])
    metadata["wplus_thumbnail"] = base64.b64encode(picture[: len(picture) // 2]).decode()
    save_file({"w": W}, path, metadata)
    person = people.read_person(path)
    assert person.thumbnail is None and person.date


# Renamed, put away, brought back


def test_a_name_may_change_between_capitals_and_small_letters(folder):
    path = kept(folder, "anna b")
    assert people.rename(path, "Anna B") == folder / "Anna B.safetensors"
    assert names(folder) == ["Anna B"]


def test_a_name_of_another_is_not_taken(folder):
    path = kept(folder, "anna")
    kept(folder, "oliver")
    with pytest.raises(ValueError, match=r"oliver.safetensors exists; choose another name"):
        people.rename(path, "Oliver")
    assert names(folder) == ["anna", "oliver"]


def test_what_is_put_away_is_not_listed(folder):
    place = people.remove(kept(folder, "anna"))
    assert names(folder) == [] and place.exists()


def test_what_is_put_away_comes_back(folder):
    path = kept(folder, "anna-b")
    assert people.restore(people.remove(path)) == path
    assert torch.equal(load_latent(path), W)


def test_what_is_put_away_does_not_come_back_over_another(folder):
    place = people.remove(kept(folder, "anna"))
    kept(folder, "anna", -W)
    with pytest.raises(ValueError, match="rename it first"):
        people.restore(place)
    assert place.exists()


def test_what_is_put_away_comes_back_beside_one_that_was_renamed(folder):
    place = people.remove(kept(folder, "anna"))
    people.rename(kept(folder, "anna", -W), "other")
    people.restore(place)
    assert names(folder) == ["anna", "other"]
    assert torch.equal(Library([folder.parent]).latent("other"), -W)


def test_the_last_one_put_away_comes_back_first(folder):
    people.remove(kept(folder, "anna"))
    last = people.remove(kept(folder, "oliver"))
    assert people.removed_last([folder]) == last


def test_one_whose_name_is_taken_stays_away(folder):
    first = people.remove(kept(folder, "oliver"))
    people.remove(kept(folder, "anna"))
    kept(folder, "anna")
    assert people.removed_last([folder]) == first


@pytest.mark.parametrize("stranger", ["read-me.txt", "._99999999999999999999-anna.pth"])  # the last one is macOS'
def test_a_file_of_somebody_else_was_not_put_away(folder, stranger):
    (folder / people.TRASH).mkdir(parents=True)
    (folder / people.TRASH / stranger).write_bytes(b"")
    with pytest.raises(ValueError, match="nothing is put away"):
        people.removed_last([folder])


def test_a_mean_of_none():
    with pytest.raises(ValueError, match="no latents, expected at least one"):
        people.mean([])
