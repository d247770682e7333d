"""The nodes of ComfyUI, with a stand-in for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import comfy_host
import numpy as np
import plain
import pytest
import torch
from comfy_host import Model, sample

ROOT = Path(__file__).parents[1]
VALUES = {"tracks": "", "strength": "1", "start": 0.0, "end": 1.0, "negative": True, "regions": "", "mode": "residual"}


@pytest.fixture
def nodes(monkeypatch, models):
    return comfy_host.install(monkeypatch, models)


@pytest.fixture
def adapter(nodes):
    return nodes.LoadAdapter().load("wplus_adapter")[0]


@pytest.fixture
def model(compvis):
    return Model(compvis)


def apply(nodes, model, adapter, tracks="", frames=4, **more):
    return nodes.Apply().apply(model, adapter, frames, **{**VALUES, "tracks": tracks, **more})


def run(model, frames=4, **more):
    return sample(model, frames, context=plain.TEXT, **more)


def changed(model, edited, **more):
    """The frames of which something differs, in rows of both signs, at each step."""
    was, now = run(model, **more), run(edited, **more)
    frames = more.get("frames", 4)
    return [sorted({row % frames for row in range(len(a)) if not a[row].equal(b[row])}) for a, b in zip(was, now)]


def test_exactly_the_edited_frame_differs(nodes, model, adapter):
    edited = apply(nodes, model, adapter, "smile = 0:(0):hold, 2:(1):hold, 3:(0)")[0]
    assert changed(model, edited) == [[2], [2]]


def test_start_and_end_are_parts_of_the_steps(nodes, model, adapter):
    edited = apply(nodes, model, adapter, "smile = 1", start=0.5)[0]
    assert changed(model, edited) == [[], [0, 1, 2, 3]]


def test_the_given_model_is_left_alone(nodes, model, adapter):
    before = run(model)
    apply(nodes, model, adapter, "smile = 1")
    assert run(model).equal(before)


def test_a_plain_run_after_an_edited_one_is_as_before(nodes, model, adapter):
    before = run(model)
    run(apply(nodes, model, adapter, "smile = 1")[0])
    assert run(model).equal(before)


def test_several_edits_in_a_row_are_one_of_all_their_tracks(nodes, model, adapter):
    first = apply(nodes, model, adapter, "smile = 0.5")[0]
    both = apply(nodes, first, adapter, "age = 0 > 1")[0]
    assert run(both).equal(run(apply(nodes, model, adapter, "smile = 0.5\nage = 0 > 1")[0]))


def test_a_second_edit_leaves_the_first_model_as_it_is(nodes, model, adapter):
    first = apply(nodes, model, adapter, "smile = 0.5")[0]
    before = run(first)
    apply(nodes, first, adapter, "age = 1")
    assert run(first).equal(before)


def test_an_identity_of_its_own(nodes, model, adapter):
    anna = nodes.PickLatent().pick("anna")[0]
    edited = apply(nodes, model, adapter, identity=anna, strength="0.5")[0]
    assert changed(model, edited) == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize("given", [[0, 0, 1, 0], torch.tensor([0.0, 0, 1, 0]), np.array([0, 0, 1, 0])])
def test_numbers_of_another_node_are_a_track(nodes, model, adapter, given):
    drawn = nodes.DrawTrack().draw(["smile"], [given], [0.0], [0.7])[0]
    edited = apply(nodes, model, adapter, drawn=drawn)[0]
    same = apply(nodes, model, adapter, "smile = 0:(0):hold, 2:(0.7):hold, 3:(0)")[0]
    assert changed(model, edited) == [[2], [2]] and run(edited).equal(run(same))


def test_numbers_that_come_one_by_one_are_the_same(nodes):
    one, several = (nodes.DrawTrack().draw(["smile"], given, [0.0], [1.0])[0] for given in ([[0, 1]], [0, 1]))
    assert one == several


def test_a_curve_is_drawn_over_any_number_of_frames(nodes, model, adapter):
    class Ramp:
        def interp(self, x):
            return x

    drawn = nodes.DrawTrack().draw(["smile"], [Ramp()], [0.0], [1.0])[0]
    assert apply(nodes, model, adapter, drawn=drawn, frames=5)[1] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_tracks_that_were_drawn_add_up(nodes):
    first = nodes.DrawTrack().draw(["smile"], [1.0], [0.0], [1.0])[0]
    both = nodes.DrawTrack().draw(["age[0:8]"], [[0, 1]], [0.0], [1.0], [first])[0]
    assert both.lines == ("smile = 1", "age[0:8] = 0:(0), 1:(1)")


def test_strengths_of_another_node(nodes, model, adapter):
    edited = apply(nodes, model, adapter, "smile = 1", strengths=[0, 0, 0.5, 0])[0]
    assert changed(model, edited) == [[2], [2]]


def test_the_curve_for_other_nodes(nodes, model, adapter):
    latent = {"samples": torch.zeros(3, 4, 8, 8)}
    assert apply(nodes, model, adapter, "smile = 0 > 1", latent=latent)[1] == [0.0, 0.5, 1.0]


def test_the_settings_say_which_files_they_were(nodes, model, adapter):
    said = json.loads(apply(nodes, model, adapter, "smile = 1")[2])
    assert said["WPlus tracks"] == "smile = 1" and said["WPlus direction hashes"].startswith("smile: ")


def test_the_report_tells_what_was_done(nodes, model, adapter):
    edited = apply(nodes, model, adapter, "smile = 0 > 1")[0]
    made = {"samples": run(edited)}
    text, latent = nodes.Report().tell(edited, made)["result"]
    assert text.startswith("W+ Adapter wplus_adapter: edited in 2 of 2 steps") and "smile: 0 to 1" in text
    assert latent is made


def test_a_changed_file_counts_as_changed(nodes, models):
    before = nodes.Apply.IS_CHANGED(tracks="smile = 1"), nodes.Apply.IS_CHANGED(tracks="age = 1")
    path = models / "wplus" / "directions" / "smile.pt"
    torch.save(torch.ones(512), path)
    os.utime(path, (1, 1))  # clocks of disks are coarse
    after = nodes.Apply.IS_CHANGED(tracks="smile = 1"), nodes.Apply.IS_CHANGED(tracks="age = 1")
    assert before[0] != after[0] and before[1] == after[1]


FAULTS = {
    "an unknown name": ({"tracks": "smlie = 1"}, "did you mean smile"),
    "a fault in the tracks": ({"tracks": "smile = "}, "line 1"),
    "a strength": ({"tracks": "smile = 1", "strength": "much"}, "strength 'much'"),
    "a list for other frames": (
        {"strengths": [0, 1, 0], "latent": {"samples": torch.zeros(4, 4, 8, 8)}},
        "strengths has 3 numbers, expected 4",
    ),
    "no numbers": ({"strengths": "abc"}, "the numbers are abc"),
    "numbers without end": ({"strengths": [0, float("nan")]}, "expected finite ones"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_is_said_in_one_line(nodes, model, adapter, fault):
    given, message = FAULTS[fault]
    with pytest.raises(ValueError, match=message) as told:
        apply(nodes, model, adapter, **given)
    assert "\n" not in str(told.value)


def test_a_list_for_other_frames_is_refused_while_sampling(nodes, model, adapter):
    edited = apply(nodes, model, adapter, "smile = 1", strengths=[0, 1, 0])[0]
    with pytest.raises(ValueError, match="strengths has 3 numbers, expected 4"):
        run(edited)


def test_another_model_family_is_refused(nodes, adapter):
    with pytest.raises(ValueError, match="the UNet is a Linear"):
        apply(nodes, Model(torch.nn.Linear(2, 2)), adapter, "smile = 1")


def test_edits_that_cannot_be_one_are_refused(nodes, model, adapter):
    first = apply(nodes, model, adapter, "smile = 1")[0]
    with pytest.raises(ValueError, match="have start 0.0 and 0.2"):
        apply(nodes, first, adapter, "age = 1", start=0.2)


def test_a_unet_that_is_passed_by_is_told(nodes, model, adapter):
    (wrapper,) = apply(nodes, model, adapter, "smile = 1")[0].wrappers.values()
    guider = SimpleNamespace(model_patcher=model)
    with pytest.raises(RuntimeError, match="was passed by"):
        wrapper[0](comfy_host.Executor(guider, lambda noise: noise), torch.zeros(4, 4, 8, 8))


def test_a_report_of_a_plain_model_is_refused(nodes, model):
    with pytest.raises(ValueError, match="no W\\+ edit"):
        nodes.Report().tell(model, {})


@pytest.mark.parametrize("kind", ["WPlusLoadAdapter", "WPlusApply", "WPlusTrack", "WPlusMeasure"])
def test_inputs_are_described(nodes, kind):
    described = nodes.NODE_CLASS_MAPPINGS[kind].INPUT_TYPES()
    assert all(len(each) == 2 for group in described.values() for each in group.values())


def test_elsewhere_the_folder_is_no_node():
    """Its top-level module loads nothing of ours where there is no ComfyUI."""
    code = (
        f"import runpy, sys; made = runpy.run_path({str(ROOT / '__init__.py')!r}); assert 'torch' not in sys.modules;"
    )
    code += "assert 'NODE_CLASS_MAPPINGS' not in made"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
