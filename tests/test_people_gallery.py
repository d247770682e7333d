"""The gallery of identities on the page: chosen, renamed, removed, brought back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture
def page(accordion):
    return accordion.people


@pytest.fixture
def latents(models):
    return models / "wplus" / "latents"


@pytest.fixture
def removed(page, latents):
    """Two folders' identities, both removed, oliver first."""
    (latents / "actors").mkdir()
    (latents / "oliver.pth").rename(latents / "actors" / "oliver.pth")
    page.library.refresh()
    return [page.remove(name) for name in ("actors/oliver", "anna")]


def test_a_name_that_the_font_does_not_know(page, latents):
    (latents / "oliver.pth").rename(latents / "Ана.pth")
    page.library.refresh()
    assert [name for _, name in page.thumbnails()] == ["anna", "Ана"]


def test_a_click_uses_an_identity(page):
    """Its name is the caption: the gallery may be older than the library."""
    assert page.use(SimpleNamespace(index=1, value="old/oliver")) == ["old/oliver", "oliver"]


def test_a_renamed_identity_is_chosen(page):
    identity, _, said = page.rename("anna", "chris")
    assert identity["value"] == "chris" and page.library.names("latents") == ["chris", "oliver"]
    assert said == "anna is chris now"


def test_a_name_of_another_is_not_taken(page):
    assert "exists" in page.rename("anna", "oliver")[2] and page.library.names("latents") == ["anna", "oliver"]


@pytest.mark.parametrize("nobody", ["None", "", None])
def test_nobody_is_not_renamed(page, nobody):
    assert "no identity is chosen" in page.rename(nobody, "x")[2]


@pytest.mark.parametrize("nobody", ["None", "", None])
def test_nobody_is_not_removed(page, nobody):
    assert "no identity is chosen" in page.remove(nobody)[2]


def test_a_removed_identity_is_no_longer_chosen(removed):
    assert [identity["value"] for identity, _, _ in removed] == ["None", "None"]
    assert all("Undo" in said for _, _, said in removed) and removed[-1][1] == []


def test_the_last_one_comes_back_first(page, removed):
    identity, gallery, said = page.undo()
    assert identity["value"] == "anna" and len(gallery) == 1 and said == "anna is back"


def test_then_the_one_before(page, removed):
    page.undo()
    assert page.undo()[0]["value"] == "actors/oliver"


def test_then_none(page, removed):
    page.undo()
    page.undo()
    assert "nothing is put away" in page.undo()[2]


def test_one_whose_name_is_taken_stays_away(page, latents, removed):
    (latents / "anna.safetensors").write_bytes(b"")  # another one by now: the one before it comes back
    assert page.undo()[0]["value"] == "actors/oliver"
    assert "its name is taken" in page.undo()[2]


def test_it_comes_back_when_its_name_is_free_again(page, latents, removed):
    (latents / "anna.safetensors").write_bytes(b"")
    page.undo()
    (latents / "anna.safetensors").unlink()
    identity, gallery, _ = page.undo()
    assert identity["value"] == "anna" and len(gallery) == 2


def test_files_from_elsewhere_are_in_nobodys_way(page, latents, removed):
    (latents / ".removed" / "read-me.txt").write_text("a file from elsewhere")
    (latents / ".removed" / "._99999999999999999999-anna.pth").write_bytes(b"anna")  # macOS puts such beside each
    assert page.undo()[0]["value"] == "anna"


def test_nothing_to_undo(page):
    assert "nothing is put away" in page.undo()[2]
