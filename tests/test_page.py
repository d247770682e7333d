"""The accordion, built by the WebUI's own gradio."""

from __future__ import annotations

import html
import importlib
import json
import re
from dataclasses import asdict, fields
from types import SimpleNamespace

import gradio as gr
import pytest
from host import load_script
from PIL import Image

from wplus_ext.edit.report import Report
from wplus_ext.settings import Settings

TABS = pytest.mark.parametrize("tab", ["txt2img", "img2img"])


@pytest.fixture
def module(shared):
    return load_script()


@pytest.fixture
def pages(module):
    """Both tabs' scripts with their components, in one page."""
    scripts = {}
    with gr.Blocks() as scripts["blocks"]:
        for tab in ("txt2img", "img2img"):
            script = module.WPlusScript()
            script.tabname = tab
            script.inputs = script.ui(tab == "img2img")
            info = f"generation_info_{tab}"
            script.after_component(gr.Textbox(visible=False, elem_id=info), elem_id=info)
            scripts[tab] = script
    return scripts


@pytest.fixture
def script(pages):
    return pages["txt2img"]


@pytest.fixture
def page(script):
    return script.page


# Components


@TABS
def test_the_components_are_the_settings(pages, tab):
    values = [component.value for component in pages[tab].inputs]
    assert Settings.from_args([True, *values[1:]]) == Settings(enabled=True, adapter="wplus_adapter")


@TABS
def test_tracks_have_several_lines(pages, tab):
    tracks = pages[tab].page.settings["tracks"]
    assert tracks.value == "" and type(tracks) is gr.Textbox and tracks.lines > 1


@TABS
def test_adapters_are_those_of_the_library(pages, tab):
    choices = pages[tab].page.settings["adapter"].choices
    assert [choice[0] if isinstance(choice, tuple) else choice for choice in choices] == ["wplus_adapter"]


def test_components_are_in_the_order_of_the_fields(page):
    assert list(page.settings) == [field.name for field in fields(Settings)]


def test_ids_are_unique(pages):
    ids = [block.elem_id for block in pages["blocks"].blocks.values() if getattr(block, "elem_id", None)]
    assert len(ids) > 40 and len(set(ids)) == len(ids)


@TABS
def test_ids_are_the_scripts(pages, tab):
    ids = [component.elem_id for component in pages[tab].inputs]
    assert [id for id in ids if not id.startswith(f"script_{tab}_wplus_")] == []


@TABS
def test_labels_are_unique(pages, tab):
    labels = [component.label for component in pages[tab].inputs]
    assert len(set(labels)) == len(labels) and labels[0] == "Enable W+ Adapter"


# Infotexts


def test_every_setting_is_pasted_and_sent(script):
    assert [component for component, _ in script.infotext_fields] == script.inputs
    assert len(script.paste_field_names) == len(script.inputs)


def test_the_tabs_call_a_field_by_the_same_name(pages):
    """That is how settings are sent from one to the other."""
    assert pages["img2img"].paste_field_names == pages["txt2img"].paste_field_names


@pytest.mark.parametrize(
    "settings",
    [
        Settings(enabled=True, adapter="wplus_adapter", tracks="smile = 0:(0), 8:(1)\nage = 1", start=0.0),
        Settings(enabled=True, adapter="wplus_adapter", identity="anna", mode="direct", strength="0 > 1", end=0.5),
        Settings(enabled=True, adapter="wplus_adapter", negative=False),
    ],
)
def test_a_pasted_infotext_gives_the_same_settings(script, settings):
    params = {"Steps": "20", **{key: str(value) for key, value in settings.to_infotext().items()}}
    values = [(component, name(params)) for component, name in script.infotext_fields]
    assert None not in [value for _, value in values]
    pasted = [type(component.value)(value) for component, value in values]  # as the WebUI does
    assert Settings.from_args(pasted) == settings


def test_pasting_a_picture_made_without_us_switches_off(script):
    values = {str(name): name({"Steps": "20"}) for _, name in script.infotext_fields}
    assert values.pop("WPlus enabled") is False and set(values.values()) == {None}


def test_pasting_what_is_no_infotext_changes_nothing(script):
    assert {name({"Prompt": "x"}) for _, name in script.infotext_fields} == {None}


# Faults, before anyone generates


def values_of(**changed):
    """What a page holds, in the order of the fields."""
    return list((asdict(Settings()) | {"identity": "None"} | changed).values())


def check(page, tracks, **changed):
    return page._check(*values_of(tracks=tracks, **changed))


@pytest.mark.parametrize(
    ("tracks", "strength", "identity"),
    [
        ("", "1", "None"),
        ("smile = -0.7 > 0 > 0.7", "0 > 1", "anna"),
        ("", "1", ""),
        ("", "1", None),
    ],
)
def test_no_fault_is_nothing_said(page, tracks, strength, identity):
    assert "wplus-fault" not in check(page, tracks, strength=strength, identity=identity)


@pytest.mark.parametrize(
    ("tracks", "changed", "fault"),
    [
        ("smile = 1\nsmyle = 1", {}, "tracks, line 2: there is no direction &#x27;smyle&#x27;"),
        ("<b> = 1", {}, "&lt;b&gt;"),
        ("", {"strength": "much"}, "strength &#x27;much&#x27;"),
        ("", {"identity": "annna"}, "did you mean anna"),
        ("", {"mode": "direct", "negative": False}, "negative is off in the direct mode"),
        ("", {"start": 0.8, "end": 0.3}, "start is 0.8 and end 0.3"),
    ],
)
def test_faults_are_said(page, tracks, changed, fault):
    assert fault in check(page, tracks, **changed)


def test_a_text_that_cannot_be_read_is_the_drawings_to_tell(page):
    """A fault stands once, where it is."""
    assert check(page, "smile = 1\nage = 0:(1)x") == ""


# The report


def result(script, run):
    """Keep a run; gives what the WebUI keeps beside its pictures."""
    ticket = script.jobs.finished.ticket()
    script.jobs.finished.keep(ticket, run)
    return json.dumps({"extra_generation_params": {"WPlus job": ticket}, "infotexts": ["a face"]})


def finished_run():
    """A job of three frames, red, green and blue."""
    resolved = SimpleNamespace(settings=Settings(enabled=True, tracks="smile = 1"))
    job = importlib.import_module("wplus_ext.hosts.webui.job").Job(resolved)
    job.frames, job.report = 3, Report("residual", 3, ["<smile>"], [[-0.7], [0.0], [0.7]], {"a"}, 4, 3, 2)
    for colour in ("red", "lime", "blue"):
        job.strip.add(Image.new("RGB", (96, 128), colour), 3)
    return job


def test_without_a_job_there_is_no_report(page):
    assert page._show_report("") == ""


def test_the_report_is_shown(script, page):
    shown = page._show_report(result(script, finished_run()))
    assert "<p>edited in 2 of 4 UNet calls</p>" in shown and shown.count("<p>") == 1


def test_the_first_page_is_the_shown_one(script, page):
    """The API asks for the components again, to learn the defaults."""
    with gr.Blocks():
        script.ui(False)
    assert script.page is page and "edited in" in page._show_report(result(script, finished_run()))


def test_the_editor_is_told_of_the_job(script, page):
    run = finished_run()
    told = json.loads(html.unescape(re.search('data-run="(.*?)"', page._show_report(result(script, run)))[1]))
    assert told == {"residual": [0.0, 0.0, 0.0], "strip": run.strip.url(), "reached": []}
