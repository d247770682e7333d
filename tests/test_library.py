"""The library: names for files, and no way out of its folders."""

from __future__ import annotations

import os
import time

import pytest
import torch

from wplus_ext.library.index import Library


@pytest.fixture
def library(models):
    return Library([models / "wplus"])


@pytest.fixture
def directions(models):
    return models / "wplus" / "directions"


def put(folder, *names):
    """A direction in each of these files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.ones(512), path)


# Names


def test_names_are_paths_without_endings(library):
    assert library.names("directions") == ["age", "more/glasses", "smile"]
    assert library.names("latents") == ["anna", "oliver"]


def test_a_name_finds_its_file(library, directions):
    assert library.find("directions", "smile").path == directions / "smile.pt"


def test_the_ending_can_be_given(library):
    assert library.find("directions", "smile.pt").name == "smile"


def test_the_folder_can_be_left_out(library):
    assert library.find("directions", "glasses").name == "more/glasses"


def test_both_at_once(library):
    assert library.find("directions", "glasses.pt").name == "more/glasses"


def test_without_a_name_it_is_the_first_one(library):
    assert library.find("adapters").name == "wplus_adapter" and library.find("directions").name == "age"


def test_new_files_are_seen_after_a_refresh(library, directions):
    assert "new" not in library.names("directions")
    put(directions, "new.pt")
    assert "new" not in library.names("directions")
    library.refresh()
    assert "new" in library.names("directions")


# Names that are not unique


def test_where_two_files_differ_in_their_ending_it_is_in_the_name(library, directions):
    put(directions, "age.pth")
    assert library.names("directions") == ["age.pt", "age.pth", "more/glasses", "smile"]
    assert library.find("directions", "age.pth").path.suffix == ".pth"


def test_the_whole_name_goes_before_one_without_its_folder(library, directions):
    put(directions, "more/smile.pt")
    assert library.find("directions", "smile").name == "smile"


def test_the_whole_name_goes_before_one_with_its_ending(library, directions):
    """x.pt is listed: it is x.pt.pth without its ending. And it is the other one with its ending."""
    put(directions, "x.pt", "x.pt.pth")
    assert library.find("directions", "x.pt").path.name == "x.pt.pth"
    assert library.find("directions", "x").path.name == "x.pt"


def test_one_with_its_ending_goes_before_one_without_its_folder(library, directions):
    """This name is of a file in the folder itself, and of one in another that is listed so."""
    put(directions, "y.pt", "deep/y.pt.pth")
    assert library.find("directions", "y.pt").name == "y"


def test_no_two_names_are_alike(library, directions):
    put(directions, "y.pth", "y.npy", "y.pth.safetensors")
    names = [name for name in library.names("directions") if name.startswith("y")]
    assert names == ["y.npy", "y.pth", "y.pth.safetensors"]
    assert [library.find("directions", name).path.name for name in names] == names


@pytest.mark.parametrize("name", [" smile", "smile\u00a0", "\ufeffsmile", "smile\u3000", "smile\u200b"])
def test_blanks_around_a_name_are_not_of_it(library, name):
    assert library.find("directions", name).name == "smile"


def test_a_name_of_several_files_is_told(library, directions):
    put(directions, "age.pth")
    with pytest.raises(ValueError, match="^direction 'age' is the name of several: age.pt, age.pth; write one of the"):
        library.find("directions", "age")


def test_a_name_in_several_folders_is_told(library, directions):
    put(directions, "less/glasses.pt")
    with pytest.raises(ValueError, match="'glasses' is the name of several: less/glasses, more/glasses"):
        library.find("directions", "glasses")


def test_every_listed_name_is_its_own(library, directions, ganspace):
    put(directions, "ganspace/smile.pt", "grin.pt", "x.pt", "x.pt.pth", "up..down.pt")
    names = library.names("directions")
    assert {"grin", "ganspace/grin", "ganspace/smile", "smile", "x", "x.pt", "up..down"} <= set(names)
    assert [library.find("directions", name).name for name in names] == names


# Names that there are not


@pytest.mark.parametrize("name", ["../secret", "more/../../x", "/etc/passwd", "C:\\x", "..\\x"])
def test_names_that_leave_the_folder(library, name):
    with pytest.raises(ValueError, match="leaves the folder: expected a name inside of"):
        library.find("latents", name)


@pytest.mark.parametrize(
    ("folder", "name", "message"),
    [
        ("directions", "smyle", r"no direction 'smyle' in .*directions \(did you mean smile\?\)"),
        ("directions", "glases", "did you mean more/glasses"),
        ("latents", "xyzzy", "no latent 'xyzzy' in .* among 2"),
    ],
)
def test_unknown_names_come_with_the_nearest(library, folder, name, message):
    with pytest.raises(ValueError, match=message):
        library.find(folder, name)


@pytest.mark.parametrize("roots", [["none"], []])
def test_a_folder_that_is_missing_is_an_empty_one(tmp_path, roots):
    assert Library([tmp_path / root for root in roots]).names("adapters") == []


@pytest.mark.parametrize("roots", [["none"], []])
def test_an_empty_library_says_what_it_wants(tmp_path, roots):
    library = Library([tmp_path / root for root in roots])
    with pytest.raises(ValueError, match="there is no adapter in .*put wplus_adapter.bin there"):
        library.adapter()


def test_an_empty_library_says_what_was_asked_for(tmp_path):
    library = Library([tmp_path])
    with pytest.raises(ValueError, match="latent 'anna': there is no latent"):
        library.latent("anna")


def test_files_that_no_track_can_name_are_said(library, directions, caplog):
    put(directions, "a=b.pt")
    assert "a=b" not in library.names("directions")
    assert "cannot be a name, rename it" in caplog.text


# Links, roots, and many files


@pytest.fixture
def linked(library, models, tmp_path):
    """A file and a folder outside of the library, and a file inside, are linked into it."""
    put(tmp_path, "outside.pt")
    folder = models / "wplus/latents"
    (folder / "link.pt").symlink_to(tmp_path / "outside.pt")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "inside.pth").symlink_to(folder / "anna.pth")
    return library


def test_only_links_that_stay_inside_are_followed(linked):
    assert linked.names("latents") == ["anna", "inside", "oliver"]


def test_a_link_that_leaves_the_folder_is_said(linked, caplog):
    linked.names("latents")
    assert "link.pt: a link that leaves the folder" in caplog.text


def test_a_link_that_leaves_the_folder_is_no_latent(linked):
    with pytest.raises(ValueError, match="no latent 'link'.*a link that leaves the folder is not followed"):
        linked.latent("link")


@pytest.fixture
def both(models, tmp_path):
    """A library of two roots, one of them named twice."""
    put(tmp_path / "more" / "latents", "zoe.pt", "anna.pth")
    return Library([models / "wplus", tmp_path / "more", models / "wplus"])


def test_several_roots_are_one_library(both):
    assert both.names("latents") == ["anna", "oliver", "zoe"]


def test_the_first_root_goes_before_the_others(both, models):
    assert both.find("latents", "anna").path == models / "wplus/latents/anna.pth"


@pytest.mark.parametrize("kept", ["ganspace/grin", "ganspace/a", "smile"])
def test_bad_files_do_not_spoil_the_listing(bad, kept):
    assert kept in bad.names("directions")


def test_bad_files_are_said(bad, caplog):
    assert "ganspace/stolen" not in bad.names("directions")
    assert "e.csv: a link that leaves the folder" in caplog.text and "d.pt: it cannot be read" in caplog.text


@pytest.fixture
def bad(library, directions, ganspace, tmp_path):
    """A library with damaged files and links beside a good GANSpace file."""
    folder = directions / "ganspace"
    (folder / "a.pt").write_bytes(b"\x80\x02 damaged")
    (folder / "b.csv").write_text("x\t" * 200_000)
    (folder / "c.csv").symlink_to(tmp_path / "nowhere.csv")
    (folder / "d.pt").symlink_to(folder / "d.pt")
    (tmp_path / "outside.csv").write_text("stolen\t1\t4\t6\t20\n")
    (folder / "e.csv").symlink_to(tmp_path / "outside.csv")
    return library


def test_a_large_library_is_listed_quickly(library, directions, ganspace):
    for i in range(300):
        torch.save(torch.ones(4), directions / "ganspace" / f"n{i}.pt")
    library.names("directions")
    start = time.process_time()
    library.refresh()
    assert len(library.names("directions")) == 306
    assert time.process_time() - start < 1


# What is read


def test_an_adapter_is_read_once(library):
    assert library.adapter("wplus_adapter") is library.adapter()


def test_an_adapter_that_has_changed_is_read_again(library, models):
    first = library.adapter()
    os.utime(models / "wplus/adapters/wplus_adapter.bin", ns=(1, 1))
    assert library.adapter() is not first


def test_a_hash_follows_its_file(library, directions):
    entry = library.find("directions", "smile")
    before = library.hash(entry)
    put(directions, "smile.pt")
    assert len(before) == 10 and library.hash(entry) != before


def test_equal_files_have_equal_hashes(library, directions):
    (directions / "age.pt").write_bytes((directions / "smile.pt").read_bytes())
    assert library.hash(library.find("directions", "age")) == library.hash(library.find("directions", "smile"))
