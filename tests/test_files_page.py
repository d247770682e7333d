"""Files on the page: directions dropped in and made, GANSpace's pair, downloads."""

from __future__ import annotations

import sys

import pytest
import torch
from pictures import dropped

from wplus_ext.library.directions import load


@pytest.fixture
def page(accordion):
    return accordion.files


@pytest.fixture
def download(accordion):
    return accordion.download


@pytest.fixture
def folder(models):
    return models / "wplus" / "directions"


@pytest.fixture
def new(tmp_path):
    torch.save(torch.ones(512), tmp_path / "new.pt")
    return tmp_path / "new.pt"


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_webui_keeps_no_defaults_under_plain_labels(accordion):
    """Another extension may have a field of the same label."""
    parts = [accordion.people.gallery, accordion.curves._take, *accordion.files.latents]
    assert [part for part in parts if not getattr(part, "do_not_save_to_config", False)] == []


# Directions


def test_directions_are_a_table(page):
    assert "<td>smile</td><td>a broader smile</td><td>step</td><td>0 to 17</td>" in page.table()


def test_what_is_not_offered_says_why(page, folder):
    (folder / "grin <v2>.txt").write_text("")
    assert "<li>grin &lt;v2&gt;.txt: expected one of" in page.table()


def test_a_direction_that_is_dropped_in_is_chosen(page, new):
    direction, said = page.add(dropped(new))
    assert direction["value"] == "New · new" and "New · new" in direction["choices"] and said == "new.pt added"


def test_a_direction_is_not_written_over(page, new):
    page.add(dropped(new))
    assert "exists" in page.add(dropped(new))[1]


def test_all_are_added_or_none(page, folder, new, tmp_path):
    before = listed(folder)
    (tmp_path / "bad.pt").write_bytes(b"<html>")
    assert "damaged" in page.add(dropped(new, tmp_path / "bad.pt"))[1]
    assert listed(folder) == before


def test_two_of_one_name_are_refused(page, folder, new, tmp_path):
    before = listed(folder)
    (tmp_path / "other").mkdir()
    torch.save(torch.ones(512), tmp_path / "other" / "NEW.pth")
    assert "two files" in page.add(dropped(new, tmp_path / "other" / "NEW.pth"))[1]
    assert listed(folder) == before


def test_no_file_is_told(page):
    assert "no file" in page.add(None)[1]


def test_an_adapter_is_no_direction(page, folder, adapter_file):
    before = listed(folder)
    assert "it belongs into the adapters folder" in page.add(dropped(adapter_file))[1]
    assert listed(folder) == before


def test_a_direction_that_is_made_is_chosen(page):
    direction, said = page.make(["anna"], ["oliver"], "joy")
    assert direction["value"] == "Joy · joy" and "from 1 and 1 faces" in said


def test_a_direction_that_is_made_leads_from_one_to_the_other(page):
    page.make(["anna"], ["oliver"], "joy")
    n = load(page.library.find("directions", "joy")).vector
    step = page.library.latent("oliver") - page.library.latent("anna")
    assert torch.cosine_similarity(n.flatten(), step.flatten(), dim=0) > 0.9999


@pytest.mark.parametrize(
    ("without", "with_it", "name", "words"),
    [([], ["oliver"], "x", "needs latents"), (["anna"], ["oliver"], "", "expected a name")],
)
def test_directions_that_cannot_be_made(page, folder, without, with_it, name, words):
    before = listed(folder)
    assert words in page.make(without, with_it, name)[1]
    assert listed(folder) == before


# GANSpace's pair


@pytest.fixture
def components(tmp_path):
    content = {"mean": torch.zeros(1, 512), "comp": torch.eye(3, 512)[:, None], "std": torch.ones(3)}
    torch.save(content, tmp_path / "pca.pt")
    return tmp_path / "pca.pt"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "names.csv").write_text("grin\t1\t4\t5\t-20\nbeard\t2\t4\t5\t20\n")
    return tmp_path / "names.csv"


@pytest.mark.parametrize("drop", ["c", "t", "nt", "ctc"])
def test_a_pair_comes_at_once(page, folder, components, table, new, drop):
    before = listed(folder)
    files = {"c": components, "t": table, "n": new}
    assert "at once" in page.add(dropped(*(files[letter] for letter in drop)))[1]
    assert listed(folder) == before


def test_a_pair_that_is_dropped_in_is_chosen(page, components, table):
    direction, said = page.add(dropped(components, table))
    assert direction["value"] == "Beard · ganspace/beard" and said == "pca.pt, names.csv added"


def test_a_pair_is_used(page, components, table):
    page.add(dropped(components, table))
    assert load(page.library.find("directions", "grin")).target is not None
    assert "<td>component 1, used up to 20</td><td>target</td><td>4</td>" in page.table()


def test_a_second_pair_is_refused(page, folder, components, table):
    page.add(dropped(components, table))
    assert "holds files already" in page.add(dropped(components, table))[1]
    assert listed(folder / "ganspace") == ["names.csv", "pca.pt"]


def test_a_table_without_tabs_is_refused(page, folder, components, table):
    table.write_text("grin, 1\n")
    assert "no GANSpace table" in page.add(dropped(table, components))[1]
    assert not (folder / "ganspace").exists()


# Downloads


@pytest.fixture
def fetched(download, monkeypatch):
    """What was asked for; directions come, the encoder breaks off."""
    asked = []

    def fetch(item, root, accepted, progress):
        asked.append((item.what, accepted))
        progress("a.bin", 3 << 20, 6 << 20)
        if "encoder" in item.what:
            raise OSError("broken off")
        torch.save(torch.ones(512), root / "directions" / "fetched.pt")
        return [root / "directions" / "fetched.pt"]

    monkeypatch.setattr(sys.modules["wplus_ext.hosts.webui.download"], "fetch", fetch)
    return asked


def quiet(done, desc, unit):
    """No bar."""


def test_what_came_and_what_did_not_is_said(download, fetched):
    said, came = download.download(["directions", "encoder"], True, quiet)
    assert "directions: 1 file is there" in said and "broken off" in said and not came
    assert [accepted for _, accepted in fetched] == [True, True]


def test_what_came_can_be_chosen(accordion, download, fetched):
    download.download(["directions"], True, quiet)
    settings = [component.value for component in accordion.inputs]
    adapter, direction, *_ = accordion._refresh(*settings, "", None)
    assert "Fetched · fetched" in direction["choices"] and direction["value"].endswith(" · smile")
    assert adapter["choices"] == [adapter["value"]] == ["wplus_adapter"]


def test_progress_is_shown(download, fetched):
    shown = []
    download.download(["directions"], True, lambda done, desc, unit: shown.append((done, desc)))
    assert shown[0] == ((3 << 20, 6 << 20), "a.bin, 3 of 6 MB")


def test_the_licence_must_be_accepted(download):
    assert "the licence is not accepted" in download.download(["adapter"], False)[0]


def test_nothing_is_chosen(download):
    said, came = download.download([], True)
    assert "no files are chosen" in said and not came


@pytest.fixture
def empty(models, download):
    """Nothing is there yet."""
    for path in (models / "wplus").rglob("*.*"):
        path.unlink()
    download.library.refresh()
    return download


def words():
    return sys.modules["wplus_ext.hosts.webui.words"]


def test_a_banner_says_what_is_missing(empty):
    said = words().banner(empty.library)
    assert "the W+ adapter, 155 MB and edit directions, 2 MB" in said and 'data-items="adapter directions"' in said


def test_a_fault_of_a_track_leads_to_the_directions_that_are_not_there(accordion, models):
    for path in (models / "wplus" / "directions").rglob("*.*"):
        path.unlink()
    accordion.library.refresh()
    values = dict(zip(accordion.settings, (component.value for component in accordion.inputs)))
    said = accordion._check(*{**values, "tracks": "smile = 1", "enabled": True}.values())
    assert "tracks, line 1: " in said and 'data-items="directions"' in said


def test_without_anything_missing_there_is_no_banner(download):
    assert words().banner(download.library) == ""


@pytest.mark.parametrize(
    ("wanted", "items"),
    [("encoder 1", ["encoder"]), (" 2", ["adapter", "directions"]), ("<b> 3", ["adapter", "directions"])],
)
def test_a_message_opens_what_it_names(empty, wanted, items):
    part, chosen, got = empty.open(wanted)
    assert part["visible"] and chosen == items and got == ""


def test_the_part_closes_when_all_that_is_needed_came(download):
    said, part = download.arrived("adapter: 1 file is there")
    assert ">adapter: 1 file is there</div>" in said and part["visible"] is False


def test_the_part_stays_open_where_something_is_wrong(download, fetched):
    _, came = download.download(["directions", "encoder"], True, quiet)
    assert "visible" not in download.arrived(came)[1]


def test_the_part_stays_open_while_something_is_missing(empty):
    said, part = empty.arrived("the encoder came")
    assert "Missing: " in said and "visible" not in part


# The list of directions


def picker():
    return sys.modules["wplus_ext.hosts.webui.picker"]


def test_directions_are_in_plain_words_the_common_ones_first(download):
    shown = picker().directions_of(download.library)
    assert shown == ["Smile: a broader smile · smile", "Age: older · age", "Glasses · more/glasses"]


def test_a_title_has_its_name_in_it(download):
    names = download.library.names("directions")
    assert [picker().named_in(picker().titled(name)) for name in names] == names
    assert picker().named_in(None) == picker().named_in("") == ""
