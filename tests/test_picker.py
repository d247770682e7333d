"""The page's picker: directions, curves, the tracks made of them; and what "Refresh files" finds."""

from __future__ import annotations

import importlib
import re
from dataclasses import asdict
from pathlib import Path

import gradio as gr
import pytest
import torch
from host import load_script

from wplus_ext.library.index import Library
from wplus_ext.settings import Settings

SMILE = "Smile: a broader smile · smile"


@pytest.fixture
def page(accordion):
    return accordion


def values_of(**changed):
    """What a page holds, in the order of the fields."""
    return list((asdict(Settings()) | {"identity": "None"} | changed).values())


def presets():
    return importlib.import_module("wplus_ext.hosts.webui.picker").PRESETS


def add(page, text, preset, identity="None"):
    return page.picker.add(text, SMILE, preset, identity)


def test_every_preset_is_a_track(page):
    assert len(presets()) > 3
    said = [page._check(*values_of(tracks=add(page, "", preset)[0], enabled=True)) for preset in presets()]
    assert said == [""] * len(presets())


def test_a_track_is_added_as_a_line(page):
    text = ""
    for preset in presets():
        text = add(page, text, preset)[0]
    assert len(text.splitlines()) == len(presets()) and page._check(*values_of(tracks=text, enabled=True)) == ""


def test_a_track_that_is_added_switches_the_adapter_on(page):
    assert add(page, "", "Steady")[:2] == ["smile = 0.5", True]


def test_presets_are_as_large_as_alpha_with_an_identity(page):
    assert add(page, "", "From less to more", "anna")[0] == "smile = -5.6 > 0 > 5.6"


def test_the_editors_axis_is_as_large_as_the_presets():
    units = (Path(__file__).parents[1] / "javascript" / "wplus_units.mjs").read_text(encoding="utf-8")
    known = dict(re.findall(r"(\w+): ([\d.]+)", re.search(r"const KNOWN = \{(.*?)\}", units)[1]))
    far = importlib.import_module("wplus_ext.measure.goals").FAR
    assert (float(known["alpha"]), float(known["lambda"])) == (far[True], far[False])


def test_without_a_direction_there_is_no_track_but_what_gets_some(page):
    tracks, enabled, said = page.picker.add("", "", "Steady", "None")
    assert "value" not in tracks and "value" not in enabled
    assert "there is no direction in" in said and 'data-items="directions"' in said


@pytest.fixture
def smiles(models):
    """A library with a smile by steps, and another one of a table."""
    directions = models / "wplus" / "directions"
    for folder in ("ganspace", "latent"):
        (directions / folder).mkdir()
    pca = {"mean": torch.zeros(1, 512), "comp": torch.eye(512)[:2], "std": torch.ones(2)}
    torch.save(pca, directions / "ganspace" / "pca.pt")
    (directions / "ganspace" / "table.csv").write_text("smile\t0\t0\t18\t20\n")
    (directions / "smile.pt").rename(directions / "latent" / "smile.pt")
    return Library([models / "wplus"])


@pytest.fixture
def first(shared):
    return importlib.import_module("wplus_ext.hosts.webui.picker").first_direction


def test_a_page_begins_with_a_smile_by_steps(first, smiles):
    assert {"ganspace/smile", "latent/smile"} < set(smiles.names("directions"))
    assert first(smiles) == "latent/smile"


def test_without_one_it_begins_with_the_first_direction(first, smiles, models):
    (models / "wplus" / "directions" / "latent" / "smile.pt").unlink()
    smiles.refresh()
    assert first(smiles) == smiles.names("directions")[0] == "age"


def test_without_directions_it_begins_with_none(first, models):
    assert first(Library([models / "none"])) == ""


def test_refresh_finds_new_files(page, models):
    torch.save(torch.ones(512), models / "wplus/directions/new.pt")
    adapter, direction, identity, gallery, fault, *latents, calibrated, banner = page._refresh(
        *values_of(tracks="new = 1", enabled=True), "wplus_adapter", SMILE
    )
    assert "New · new" in direction["choices"] and direction["value"] == SMILE and fault == banner == ""
    assert identity["choices"] == ["None", "anna", "oliver"]
    without, with_it = latents
    assert [name for _, name in gallery] == without["choices"] == with_it["choices"] == ["anna", "oliver"]
    assert calibrated == '<div data-calibrated="{}"></div>'


@pytest.mark.parametrize("place", ["new", "file/sub"])  # the latter cannot be made
def test_an_empty_models_folder(shared, tmp_path, place):
    (tmp_path / "file").write_text("")
    shared.cmd_opts.wplus_dir = str(tmp_path / place)
    with gr.Blocks():
        inputs = load_script().WPlusScript().ui(False)
    assert inputs[1].value == ""


def test_a_name_with_the_pages_own_sign_in_it_is_found_again(shared):
    picker = importlib.import_module("wplus_ext.hosts.webui.picker")
    assert picker.named_in(picker.titled("my/a · b")) == "my/a · b"
