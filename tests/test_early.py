"""Steps before the edit, which videos of one seed and prompt share."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from webui_several import ON

from wplus_ext.hosts.webui import early as module

pytest_plugins = ["webui_several"]

LATE = {**ON, "start": 0.5, "tracks": "smile = 1"}
TWO = {"columns": "strength", "column_values": "1\n2", "unedited": False}
STEPS = 4  # two of which are edited


def pixels(images):
    return [np.asarray(image).tolist() for image in images]


@pytest.fixture
def computed(webui, monkeypatch):
    """The UNet's calls that were computed."""
    kind, calls = type(webui.sd_model.model.diffusion_model), []
    own = kind.forward
    monkeypatch.setattr(
        kind, "forward", lambda self, x, *args, **more: calls.append(len(x)) or own(self, x, *args, **more)
    )
    return calls


@pytest.mark.parametrize("context", [None, 8])
def test_they_are_computed_once_and_nothing_changes(press, computed, context):
    more = {"frames": 12, "steps": STEPS, "context": context}
    windows = 1 if context is None else 2
    made = press(TWO, LATE, **more)
    assert len(computed) == windows * (STEPS + STEPS // 2)
    single = [press(None, {**LATE, "strength": strength}, **more) for strength in ("1", "2")]
    assert pixels(made.images[1:]) == [*pixels(single[0].images), *pixels(single[1].images)]
    videos = made.extra_generation_params["WPlus videos"]
    assert [video["shared_calls"] for video in videos] == [0, windows * STEPS // 2]
    reports = [video["report"] for video in videos]
    assert reports == [each.extra_generation_params["WPlus report"] for each in single]


@pytest.mark.parametrize("context", [None, 8])
def test_the_unedited_video_takes_part(press, computed, context):
    more = {"frames": 12, "steps": STEPS, "context": context}
    made = press({**TWO, "unedited": True}, LATE, **more)
    assert len(computed) == (1 if context is None else 2) * 2 * STEPS
    single = [press(None, {**LATE, **edit}, **more) for edit in ({"enabled": False}, {"strength": "1"})]
    assert pixels(made.images[1:25]) == [*pixels(single[0].images), *pixels(single[1].images)]


def test_the_unedited_video_of_each_seed_takes_part(press, computed):
    press({**TWO, "unedited": True, "rows": "seed", "row_values": "1\n2"}, LATE, steps=STEPS)
    assert len(computed) == 2 * 2 * STEPS


def test_other_seeds_and_prompts_share_nothing(press, computed):
    press({**TWO, "columns": "seed"}, LATE, steps=STEPS)
    press({**TWO, "columns": "prompt"}, LATE, steps=STEPS)
    assert len(computed) == 4 * STEPS


@pytest.mark.parametrize(("then", "shares"), [("1", True), ("0.5", False)])
def test_other_networks_in_the_weights_share_nothing(press, computed, then, shares):
    networks = {"lora": [SimpleNamespace(items=["ada", "1"])]}

    def change(p):
        p.extra_network_data = networks
        p.before_step = lambda step: networks.update(lora=[SimpleNamespace(items=["ada", then])])

    press(TWO, LATE, steps=STEPS, change=change)
    assert len(computed) == 2 * STEPS - shares * STEPS // 2


def test_they_stand_together_in_whatever_order_they_are_asked(press, computed):
    press({**TWO, "rows": "seed", "row_values": "1\n2"}, LATE, steps=STEPS)
    press({**TWO, "columns": "seed", "rows": "strength", "row_values": "1\n2"}, LATE, steps=STEPS)
    assert len(computed) == 4 * (STEPS + STEPS // 2)


def test_nothing_is_left_in_the_unet(press, webui):
    press(TWO, LATE, steps=STEPS)
    assert "forward" not in webui.sd_model.model.diffusion_model.__dict__


def test_what_another_extension_put_into_the_unet_is_asked_each_time(press, webui, computed, monkeypatch):
    unet = webui.sd_model.model.diffusion_model
    own = unet.forward
    monkeypatch.setitem(unet.__dict__, "forward", lambda *args, **more: own(*args, **more))
    press(TWO, LATE, steps=STEPS)
    assert len(computed) == 2 * STEPS


def test_a_hook_of_another_extension_sees_each_call(press, webui, computed):
    handle = webui.sd_model.model.diffusion_model.middle_block.register_forward_hook(lambda *args: None)
    press(TWO, LATE, steps=STEPS)
    handle.remove()
    assert len(computed) == 2 * STEPS


def test_what_chance_had_a_part_in_is_computed_again(press, webui, monkeypatch):
    kind, calls = type(webui.sd_model.model.diffusion_model), []
    own = kind.forward
    monkeypatch.setattr(kind, "forward", lambda *args, **more: calls.append(torch.rand(1)) or own(*args, **more))
    press(TWO, LATE, steps=STEPS)
    assert len(calls) == 2 * STEPS


def test_no_more_is_kept_than_there_is_room_for(press, computed, monkeypatch):
    monkeypatch.setattr(importlib.import_module(module.__name__), "MOST", 0)  # that of the stand-in
    press(TWO, LATE, steps=STEPS)
    assert len(computed) == 2 * STEPS


X = torch.tensor([0.0, 1.0])


@pytest.mark.parametrize(
    ("now", "is_same"),
    [
        (((X,), {"context": X}), True),
        (((X + 0,), {"context": X.clone()}), True),
        (((X,), {"context": X.double()}), False),
        (((X,), {"context": X[:1]}), False),
        (((-X * 0 + torch.tensor([-0.0, 1.0]),), {"context": X}), False),
        (((X,), {}), False),
        (((X, X), {"context": X}), False),
        (((X,), {"context": None}), False),
        (((X,), {"context": [X]}), False),
    ],
)
def test_calls_are_compared_bit_by_bit(now, is_same):
    assert module.equal(module.kept(((X,), {"context": X})), now) == is_same


def test_what_is_no_number_is_itself():
    nan = ((torch.tensor([torch.nan]), torch.tensor(True)), {"y": None})
    assert module.equal(module.kept(nan), nan)


def test_what_is_kept_stays_as_it_was():
    x = X.clone()
    given = module.kept(((x,), {}))
    x += 1
    assert not module.equal(given, ((x,), {}))
