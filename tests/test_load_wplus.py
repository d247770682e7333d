"""load_wplus(), set_wplus() and unload_wplus(), in the manner of diffusers' own loaders."""

from __future__ import annotations

import plain
import pytest
import torch
from pipelines import make, run
from unets import difference

from wplus_ext import Branch, Plan, load_direction, load_wplus, set_wplus, unload_wplus, wplus

TRACKS = "latent/smile = -0.7 > 0 > 0.7"


@pytest.fixture(scope="module")
def unet():
    return plain.diffusers_unet()


@pytest.fixture
def pipe(unet):
    return make("StableDiffusion", unet)


@pytest.fixture
def file(models):
    """The adapter's file, in a library."""
    return models / "wplus" / "adapters" / "wplus_adapter.bin"


@pytest.fixture
def loaded(pipe, file):
    load_wplus(pipe, file)
    yield pipe
    unload_wplus(pipe)


def test_it_edits_as_a_plan_of_the_same_does(pipe, file, models):
    direction = load_direction(models / "wplus/directions/smile.pt")
    with wplus(pipe, file, Plan([Branch(direction, [-0.7, 0, 0.7])], start=0.2)):
        wanted = run(pipe)
    load_wplus(pipe, file)
    set_wplus(pipe, tracks="smile = -0.7 > 0 > 0.7")
    got = run(pipe)
    unload_wplus(pipe)
    assert difference(got, wanted) < 1e-6 and difference(run(pipe), wanted) > 1e-3


def test_its_report_is_that_of_the_last_run(loaded):
    live = set_wplus(loaded, tracks="smile = 0.5 > 1")
    run(loaded, steps=5)
    assert live.report.to_dict()["scales"] == [[0.5], [0.75], [1.0]]
    run(loaded, steps=2, num_images_per_prompt=2)
    assert live.report.to_dict()["scales"] == [[0.5], [1.0]] and live.report.steps == 2


def test_until_something_is_set_nothing_is_edited(pipe, file):
    before = run(pipe, steps=1)
    live = load_wplus(pipe, file)
    assert torch.equal(run(pipe, steps=1), before) and live.report.edited == 0
    unload_wplus(pipe)
    assert torch.equal(run(pipe, steps=1), before) and plain.hooks(pipe.unet) == 0


def test_what_is_set_anew_takes_the_place_of_what_was(loaded):
    before = run(loaded, steps=1)
    set_wplus(loaded, tracks="smile = 1", start=0)
    assert not torch.equal(run(loaded, steps=1), before)
    set_wplus(loaded, identity="anna", strength=0.4, start=0)
    assert not torch.equal(run(loaded, steps=1), before)
    set_wplus(loaded)
    assert torch.equal(run(loaded, steps=1), before)


def test_it_can_be_switched_off(loaded):
    before = run(loaded, steps=1)
    set_wplus(loaded, tracks="smile = 1", start=0, enabled=False)
    assert torch.equal(run(loaded, steps=1), before)


def test_the_library_may_be_elsewhere(pipe, adapter, models):
    load_wplus(pipe, adapter, library=models / "wplus")
    live = set_wplus(pipe, tracks="age = 1", start=0)
    run(pipe, steps=1)
    unload_wplus(pipe)
    assert live.report.edited == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tracks": "smilf = 1"}, "tracks, line 1: .*smilf.*did you mean smile"),
        ({"track": "smile = 1"}, "track.*did you mean tracks"),
        ({"tracks": "smile == 1"}, "line 1, column"),
        ({"identity": "nobody"}, "nobody"),
        ({"adapter": "other"}, "the adapter is that of load_wplus"),
    ],
)
def test_what_cannot_be_set_is_told_and_changes_nothing(loaded, values, message):
    set_wplus(loaded, tracks="smile = 1", start=0)
    before = run(loaded, steps=1)
    with pytest.raises(ValueError, match=message):
        set_wplus(loaded, **values)
    assert torch.equal(run(loaded, steps=1), before)


def test_names_without_a_library_are_told(pipe, adapter):
    load_wplus(pipe, adapter)
    with pytest.raises(ValueError, match="smile"):
        set_wplus(pipe, tracks="smile = 1")
    unload_wplus(pipe)


def test_a_second_load_is_refused(loaded, adapter):
    with pytest.raises(RuntimeError, match="has an adapter loaded; unload_wplus"):
        load_wplus(loaded, adapter)
    with pytest.raises(RuntimeError, match="has an adapter loaded"), wplus(loaded, adapter, Plan([])):
        pass


def test_another_pipeline_with_the_same_unet_is_refused(loaded, unet, adapter):
    with pytest.raises(RuntimeError, match="being edited already"):
        load_wplus(make("StableDiffusion", unet), adapter)


@pytest.mark.parametrize("call", [set_wplus, unload_wplus])
def test_without_an_adapter_that_is_told(pipe, call):
    with pytest.raises(RuntimeError, match=r"no adapter is loaded on this pipeline; load_wplus\(pipe, adapter\) first"):
        call(pipe)


def test_unloading_twice_is_told(pipe, adapter):
    load_wplus(pipe, adapter)
    unload_wplus(pipe)
    with pytest.raises(RuntimeError, match="no adapter is loaded"):
        unload_wplus(pipe)


def test_a_load_that_fails_leaves_nothing(pipe, tmp_path):
    with pytest.raises(FileNotFoundError, match="none.bin"):
        load_wplus(pipe, tmp_path / "none.bin")
    assert plain.hooks(pipe.unet) == 0
    with pytest.raises(RuntimeError, match="no adapter is loaded"):
        unload_wplus(pipe)


def test_a_unet_that_is_replaced_is_told_and_taken_off_all_the_same(adapter):
    pipe = make("StableDiffusion", plain.diffusers_unet())
    former = pipe.unet
    load_wplus(pipe, adapter)
    pipe.unet = plain.diffusers_unet()
    for call in (set_wplus, unload_wplus):
        with pytest.raises(RuntimeError, match="UNet was replaced while"):
            call(pipe)
    assert plain.hooks(former) == 0
