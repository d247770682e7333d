"""Whole jobs of a real WebUI: what is told, what is refused, and that plain jobs afterwards are as before."""

from __future__ import annotations

import threading
import time

import pytest
from webui_api import PATIENCE, PICTURE, VIDEO, Refused, Result, read_calls, settings, touches_exactly


@pytest.mark.parametrize("tracks", ["", "{} = 0", "{} = 0 > 0"])
def test_no_scale_changes_nothing(webui, untouched, tracks):
    edit = {"tracks": tracks.format(webui.direction)}
    assert webui.make(VIDEO, edit).images == webui.make(VIDEO).images


def test_report(webui, untouched):
    edit = {"tracks": f"{webui.direction} = 0:(0):hold, 1:(0.5):hold, 3:(0)"}
    edited = webui.make(VIDEO, edit)
    report = edited.report
    assert (report["layers"], report["frames"], report["mode"]) == (16, 4, "residual")
    assert report["unet_calls"] == report["edited_calls"] > 0
    assert report["scales"] == [[0.5] if frame in (1, 2) else [0.0] for frame in range(4)]
    assert [ratio > 0 for ratio in report["residual"]] == [frame in (1, 2) for frame in range(4)]
    assert set(edited.images).isdisjoint(webui.make(VIDEO).images)  # motion modules carry it to all frames
    untouched()


def test_interrupt(webui, untouched):
    file, steps = webui.tmp / "interrupted.jsonl", 20

    def interrupt():
        until = time.monotonic() + PATIENCE
        while not read_calls(file) and time.monotonic() < until:
            time.sleep(0.2)
        webui.post("/sdapi/v1/interrupt", {})

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    webui.make({**VIDEO, "steps": steps}, webui.only(3), {"file": str(file)})
    thread.join(60)
    assert not thread.is_alive()
    assert 0 < len(read_calls(file)) < steps
    untouched()


def test_exception_while_sampling(webui, untouched):
    file = webui.tmp / "failed.jsonl"
    with pytest.raises(Refused, match="the probe fails"):
        webui.make({**VIDEO, "steps": 3}, webui.only(3), {"file": str(file), "fail_at_step": 1})
    assert len(read_calls(file)) == 1
    untouched()


@pytest.mark.parametrize(
    "edit, words",
    [
        ({"tracks": "no_such_direction = 1"}, ["no_such_direction", "line 1"]),
        ({"adapter": "no_such_adapter"}, ["no_such_adapter"]),
        ({"no_such_field": 1}, ["no_such_field"]),
        ({"tracks": "smile = 0 >"}, ["line 1", "column"]),
        ({"identity": "../x"}, ["../x"]),
        ({"start": 0.8, "end": 0.4}, ["start", "0.8", "0.4"]),
        ({"strength": "much"}, ["strength", "much"]),
        ({"mode": "both"}, ["both", "residual", "direct"]),
    ],
)
def test_errors_are_shown_and_give_no_picture(webui, untouched, edit, words):
    with pytest.raises(Refused) as refused:
        webui.make(VIDEO, edit)
    assert refused.value.status == 500
    assert refused.value.message.startswith("W+ Adapter: ")
    assert [word for word in words if word not in refused.value.message] == []
    untouched(video=False)


def test_infotext_makes_the_same_again(webui, untouched):
    edited = webui.make(VIDEO, {"tracks": f"{webui.direction} = 0:(0), 2:(0.75):smooth, 3:(0)", "end": 0.9})
    again = {"alwayson_scripts": webui.body(VIDEO)["alwayson_scripts"], "infotext": edited.info["infotexts"][0]}
    assert Result(webui.post("/sdapi/v1/txt2img", again)).images == edited.images


def test_xyz_plot(webui, untouched):
    axes = axis_labels(webui)
    tracks = [f"{webui.direction} = {value}" for value in ("0.5", "-0.5")]
    strengths = ["1", "0.5"]
    plot = {
        **PICTURE,
        "script_name": "x/y/z plot",
        "script_args": [
            axes.index("[W+] Tracks"), ", ".join(tracks), [], axes.index("[W+] Strength"), ", ".join(strengths), [],
            axes.index("Nothing"), "", [], False, True, False, False, False, False, False, 0, False,
        ],
    }  # fmt: skip
    # The axes switch the edit on, over what the page says; the start is still the page's.
    grid, *cells = webui.make(plot, {"enabled": False}).images
    direct = [
        webui.make(PICTURE, {"tracks": track, "strength": strength}).images[0]
        for strength in strengths
        for track in tracks
    ]
    assert cells == direct
    assert len(set(cells)) == 4 and webui.make(PICTURE).images[0] not in cells
    untouched()


def axis_labels(webui):
    """Those of the X/Y/Z plot, in the order in which the API counts them."""
    scripts = [script for script in webui.get("/sdapi/v1/script-info") if script["name"] == "x/y/z plot"]
    return next(script["args"][0]["choices"] for script in scripts if not script["is_img2img"])


@pytest.fixture
def second_checkpoint(webui):
    used = webui.options["sd_model_checkpoint"]
    found = [model["title"] for model in webui.get("/sdapi/v1/sd-models")]
    others = [title for title in found if not title.startswith(used.split(" [")[0])]
    if not others:
        pytest.skip("the WebUI has one checkpoint")
    return others[0]


def test_second_checkpoint(webui, untouched, second_checkpoint):
    other = {**VIDEO, **settings(sd_model_checkpoint=second_checkpoint)}
    webui.make(other)  # the first job after a change of the checkpoint differs by itself
    touches_exactly(webui, {**other, "animate": {"video_length": 12}}, [9])
    plain = webui.make(other).images
    assert webui.make(other, webui.only(3)).images != plain
    assert webui.make(other).images == plain
    webui.make(VIDEO)
    untouched()


def test_refiner(webui, untouched, second_checkpoint):
    refined = {"refiner_checkpoint": second_checkpoint, "refiner_switch_at": 0.5, "animate": {"video_length": 12}}
    webui.make({**VIDEO, **refined, "steps": 2})
    calls, _ = touches_exactly(webui, refined, [9])
    assert {call["step"] for call in calls} == {0, 1}
    webui.make(VIDEO)
    untouched()
