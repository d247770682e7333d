"""The accordion, built by the WebUI's own gradio."""

from __future__ import annotations

import base64
import html
import importlib
import importlib.util
import io
import json
import re
import shutil
import sys
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
import torch
from host import load_script
from PIL import Image

from wplus_ext.edit.report import Report
from wplus_ext.library.index import Library
from wplus_ext.settings import Settings

SCRIPT = Path(__file__).parents[1] / "scripts" / "wplus.py"


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


def components(script):
    return dict(zip([field.name for field in fields(Settings)], script.inputs))


def test_the_components_are_the_settings(pages):
    for tab in ("txt2img", "img2img"):
        made = components(pages[tab])
        values = [component.value for component in pages[tab].inputs]
        assert Settings.from_args([True, *values[1:]]) == Settings(enabled=True, adapter="wplus_adapter")
        assert made["tracks"].value == "" and type(made["tracks"]) is gr.Textbox and made["tracks"].lines > 1
        assert made["adapter"].choices == [("wplus_adapter", "wplus_adapter")] or made["adapter"].choices == [
            "wplus_adapter"
        ]


def test_labels_and_ids_are_unique(pages):
    blocks = [block for block in pages["blocks"].blocks.values() if getattr(block, "elem_id", None)]
    ids = [block.elem_id for block in blocks]
    assert len(set(ids)) == len(ids)
    for script in (pages["txt2img"], pages["img2img"]):
        labels = [component.label for component in script.inputs]
        assert len(set(labels)) == len(labels) and all(re.search(r"W\+", label) for label in labels)
        assert all(component.elem_id.startswith(f"script_{script.tabname}_wplus_") for component in script.inputs)


def test_every_setting_is_pasted_and_sent(pages):
    script = pages["txt2img"]
    assert [component for component, _ in script.infotext_fields] == script.inputs
    assert len(script.paste_field_names) == len(script.inputs)
    # The two tabs call a field by the same name: that is how settings are sent from one to the other.
    assert pages["img2img"].paste_field_names == script.paste_field_names


@pytest.mark.parametrize(
    "settings",
    [
        Settings(enabled=True, adapter="wplus_adapter", tracks="smile = 0:(0), 8:(1)\nage = 1", start=0.0),
        Settings(enabled=True, adapter="wplus_adapter", identity="anna", mode="direct", strength="0 > 1", end=0.5),
        Settings(enabled=True, adapter="wplus_adapter", negative=False),
    ],
)
def test_a_pasted_infotext_gives_the_same_settings(pages, settings):
    params = {"Steps": "20", **{key: str(value) for key, value in settings.to_infotext().items()}}
    pasted = []
    for component, name in pages["txt2img"].infotext_fields:
        value = name(params)
        assert value is not None
        pasted.append(type(component.value)(value))  # as the WebUI does
    assert Settings.from_args(pasted) == settings


def test_pasting_a_picture_made_without_us_switches_off(pages):
    values = {str(name): name({"Steps": "20"}) for _, name in pages["txt2img"].infotext_fields}
    assert values.pop("WPlus enabled") is False and set(values.values()) == {None}
    assert {name({"Prompt": "x"}) for _, name in pages["txt2img"].infotext_fields} == {None}


def values_of(**changed):
    """What a page holds, in the order of the fields."""
    return list((asdict(Settings()) | {"identity": "None"} | changed).values())


def check(page, tracks, **changed):
    return page._check(*values_of(tracks=tracks, **changed))


@pytest.mark.parametrize(
    ("tracks", "strength", "identity", "fault"),
    [
        ("", "1", "None", ""),
        ("smile = -0.7 > 0 > 0.7", "0 > 1", "anna", ""),
        ("smile = 1\nage = 0:(1)x", "1", "None", "line 2, column 12: expected the end of the line"),
        ("smile = 1\nsmyle = 1", "1", "None", "tracks, line 2: there is no direction &#x27;smyle&#x27;"),
        ("<b> = 1", "1", "None", "&lt;b&gt;"),
        ("", "much", "None", "strength &#x27;much&#x27;"),
        ("", "1", "annna", "did you mean anna"),
    ],
)
def test_faults_are_said_before_anyone_generates(pages, tracks, strength, identity, fault):
    said = check(pages["txt2img"].page, tracks, strength=strength, identity=identity)
    assert fault in said and ("wplus-fault" in said) == bool(fault)


def test_other_settings_are_checked_too(pages):
    page = pages["txt2img"].page
    assert "negative is off in the direct mode" in check(page, "", mode="direct", negative=False)
    assert "start is 0.8 and end 0.3" in check(page, "", start=0.8, end=0.3)
    assert check(page, "", identity="") == check(page, "", identity=None) == ""


def test_adding_a_track(pages):
    page, presets = pages["txt2img"].page, importlib.import_module("wplus_ext.hosts.webui.page").PRESETS
    text = ""
    for preset in presets:
        text = page._add_track(text, "smile", preset)
        assert check(page, text, enabled=True) == ""
    assert len(text.splitlines()) == len(presets)
    with pytest.raises(gr.Error, match="There is no direction in .*: get some by Download"):
        page._add_track("", "", next(iter(presets)))


def test_a_page_begins_with_a_smile_by_steps(shared, models):
    first, directions = (
        importlib.import_module("wplus_ext.hosts.webui.files").first_direction,
        models / "wplus" / "directions",
    )
    pca = {"mean": torch.zeros(1, 512), "comp": torch.eye(512)[:2], "std": torch.ones(2)}
    for folder in ("ganspace", "latent"):
        (directions / folder).mkdir()
    torch.save(pca, directions / "ganspace" / "pca.pt")
    (directions / "ganspace" / "table.csv").write_text("smile\t0\t0\t18\t20\n")
    (directions / "smile.pt").rename(directions / "latent" / "smile.pt")
    library = Library([models / "wplus"])
    assert {"ganspace/smile", "latent/smile"} < set(library.names("directions"))
    assert first(library) == "latent/smile"
    shutil.rmtree(directions / "ganspace")
    (directions / "latent" / "smile.pt").unlink()
    library.refresh()
    assert first(library) == "age" and first(Library([models / "none"])) == ""


def test_refresh_finds_new_files(pages, models):
    page = pages["txt2img"].page
    torch.save(torch.ones(512), models / "wplus/directions/new.pt")
    adapter, direction, identity, gallery, fault, *latents = page._refresh(
        *values_of(tracks="new = 1", enabled=True), "wplus_adapter", "smile"
    )
    assert "new" in direction["choices"] and direction["value"] == "smile" and fault == ""
    assert identity["choices"] == ["None", "anna", "oliver"]
    without, with_it = latents
    assert [name for _, name in gallery] == without["choices"] == with_it["choices"] == ["anna", "oliver"]


def test_the_report_is_shown(pages):
    page = pages["txt2img"].page
    with gr.Blocks():
        pages["txt2img"].ui(False)  # as the API does, to learn the defaults
    assert page._show_report("") == ""
    run = finished_run()
    shown = page._show_report(result(pages["txt2img"], run))
    assert "1 layers, 2 of 4 UNet calls edited" in shown and shown.count("<circle") == 5 and "over 3 frames" in shown
    assert "&lt;smile&gt;" in shown and "<smile>" not in shown
    told = json.loads(html.unescape(re.search('data-run="(.*?)"', shown)[1]))
    assert told == {"residual": [0.0, 0.0, 0.0], "strip": run.strip.url()}


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


def test_the_strip_of_frames(pages):
    strip = finished_run().strip
    shown = Image.open(io.BytesIO(base64.b64decode(strip.url().partition(",")[2])))
    assert shown.size == (3 * 48, 64)
    assert [tuple(round(x / 255) for x in shown.getpixel((24 + 48 * i, 32))) for i in range(3)] == [
        (1, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip


def test_no_strip_of_a_batch_that_is_not_complete(pages):
    strip = finished_run().strip
    strip.add(Image.new("RGB", (96, 128)), 3)
    assert strip.url() is None


def test_an_empty_models_folder(shared, tmp_path):
    shared.cmd_opts.wplus_dir = str(tmp_path / "new")
    with gr.Blocks():
        inputs = load_script().WPlusScript().ui(False)
    assert inputs[1].value == "" and sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "adapters", "directions", "encoders", "latents",
    ]  # fmt: skip
    (tmp_path / "file").write_text("")
    shared.cmd_opts.wplus_dir = str(tmp_path / "file" / "sub")  # cannot be made
    with gr.Blocks():
        assert load_script().WPlusScript().ui(False)[1].value == ""


def test_axes_of_the_xyz_plot(shared, module):
    ui = importlib.import_module("wplus_ext.hosts.webui.axes")

    class AxisOption:
        def __init__(self, label, type, apply, confirm=None, choices=None):
            self.label, self.type, self.apply, self.confirm, self.choices = label, type, apply, confirm, choices

    grid = SimpleNamespace(AxisOption=AxisOption, axis_options=[])
    grid_script = type("Script", (), {"__module__": "xyz_grid.py"})
    sys.modules["modules.scripts"].scripts_data.append(SimpleNamespace(script_class=grid_script, module=grid))
    ui.add_axes()
    ui.add_axes()  # a reloaded page must not double them
    axes = {option.label: option for option in grid.axis_options}
    assert list(axes) == ["[W+] Tracks", "[W+] Strength", "[W+] Identity", "[W+] Adapter", "[W+] Mode", "[W+] Start"]
    assert axes["[W+] Identity"].choices() == ["None", "anna", "oliver"]
    p, values = SimpleNamespace(), ["smile = 0.5; age = 1"]
    axes["[W+] Tracks"].confirm(p, values)
    axes["[W+] Tracks"].apply(p, values[0], values)
    axes["[W+] Start"].apply(p, 0.4, [0.4])
    made = Settings.from_args([False], p.wplus_overrides)
    assert made.enabled and made.tracks == "smile = 0.5\n age = 1" and made.start == 0.4
    for axis, value, message in (
        ("Tracks", "smile", "expected '='"),
        ("Tracks", "smyle = 1", "tracks, line 1: there is no direction 'smyle'"),
        ("Identity", "annna", "did you mean anna"),
        ("Start", 3.0, "start is 3"),
    ):
        with pytest.raises(RuntimeError, match=f"^W\\+ Adapter: .*{message}"):
            axes[f"[W+] {axis}"].confirm(p, [value])
