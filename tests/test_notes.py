"""What changes nothing: said under the tracks, and with the report."""

from __future__ import annotations

import importlib

import host
import pytest
import torch

pytest.importorskip("gradio", reason="gradio is not installed: the page is not tested")

import gradio as gr
from test_page import check


@pytest.fixture
def page(shared):
    with gr.Blocks():
        script = host.load_script().WPlusScript()
        script.ui(False)
    return script.page


@pytest.fixture
def script(shared):
    return host.load_script().WPlusScript()


NOTES = [
    (dict(), ""),
    (dict(enabled=True), "there is no track and no identity"),
    (dict(enabled=True, tracks="# [off] smile = 1"), "all tracks are muted or comments"),
    (dict(enabled=True, tracks="smile = 0 > 0"), "all values of the tracks are 0"),
    (dict(enabled=True, tracks="smile = 0", mode="direct"), "all values of the tracks are 0"),
    (dict(enabled=True, tracks="smile = 1", strength="0", mode="direct"), "the strength is 0"),
    (dict(enabled=True, tracks="smile = 1", strength="0"), "the strength is 0"),
    (dict(enabled=True, identity="anna"), ""),
    (dict(enabled=True, identity="anna", strength="0"), "the strength is 0"),
    (dict(enabled=True, tracks="smile = 0 > 1"), ""),
    (dict(tracks="smile = 1"), "W+ is off"),
    (dict(identity="anna"), "W+ is off"),
    (dict(tracks="# [off] smile = 1"), ""),
]


@pytest.mark.parametrize(("values", "said"), NOTES)
def test_what_changes_nothing_is_a_note_under_the_tracks(page, values, said):
    shown = check(page, **{"tracks": "", **values})
    assert said in shown and ("wplus-note" in shown) == bool(said) and "wplus-fault" not in shown


def test_a_direction_of_zeros_is_a_fault_under_the_tracks(page, models):
    half = torch.zeros(18, 512)
    half[:8] = 1
    torch.save(torch.zeros(1, 512), models / "wplus/directions/nothing.pt")
    torch.save(half, models / "wplus/directions/half.pt")
    page.library.refresh()
    assert "direction &#x27;nothing&#x27; is zero in the layers 0:18" in check(page, "smile = 1\nnothing = 1")
    assert "is zero in the layers 8:18" in check(page, "half[8:18] = 1", enabled=True)
    assert check(page, "half[0:9] = 1", enabled=True) == ""


@pytest.mark.parametrize("values", [dict(), dict(tracks="# [off] smile = 1"), dict(tracks="smile = 0")])
def test_the_report_says_that_nothing_was_edited(shared, script, values):
    _, processed = host.run(script, host.Job(shared, 4), {"enabled": True, "start": 0, **values})
    why = importlib.import_module("wplus_ext.hosts.webui.notes").idle
    settings = importlib.import_module("wplus_ext.settings").Settings(enabled=True, **values)
    assert processed.comments == f"W+ Adapter: {why(settings)}, so nothing was edited\n"


def test_the_result_says_that_tracks_were_not_used(shared, script):
    _, processed = host.run(script, host.Job(shared, 4), False, "", "residual", "None", "smile = 1")
    assert "W+ is off" in processed.comments


@pytest.mark.parametrize("args", [(False, "", "residual", "None", "# [off] smile = 1"), ({"enabled": False},), ()])
def test_a_result_without_any_track_says_nothing(shared, script, args):
    _, processed = host.run(script, host.Job(shared, 4), *args)
    assert processed.comments == ""


def test_a_program_is_not_told_what_its_page_holds(shared, script):
    job = host.Job(shared, 4)
    job.is_api = True
    _, processed = host.run(script, job, False, "", "residual", "None", "smile = 1")
    assert processed.comments == ""


HUGE = 10**309


@pytest.mark.parametrize("name", ["start", "end", "strength", "tracks", "enabled", "identity"])
@pytest.mark.parametrize("value", [HUGE, -HUGE, 10**5000], ids=["huge", "negative", "no text"])
def test_a_number_beyond_all_floats_is_refused_by_name(name, value):
    settings = importlib.import_module("wplus_ext.settings").Settings
    with pytest.raises(ValueError, match=f"{name} is a number of .* bits, expected"):
        settings.from_dict({name: value})


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300, 10**30])
@pytest.mark.parametrize("name", ["start", "strength"])
def test_a_number_out_of_range_is_refused(name, value):
    settings = importlib.import_module("wplus_ext.settings").Settings
    with pytest.raises(ValueError, match=name):
        settings.from_dict({name: value})


@pytest.mark.parametrize("model", [None, object()])
def test_a_host_without_a_unet_in_its_place_is_told(shared, script, model):
    job = host.Job(shared, 4)
    shared.sd_model = model
    with pytest.raises(RuntimeError, match="W\\+ Adapter: the loaded model .* has no UNet where AUTOMATIC1111"):
        host.run(script, job, {"enabled": True, "tracks": "smile = 1"})
