"""The page of the script for several videos: its fields, what each mode shows, and its infotext."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from wplus_ext.hosts.webui.order import FIELDS, FIELDS_OF, KEY, MODES, Order, key_of

pytest_plugins = ["webui_several"]


@pytest.fixture
def script(scripts):
    """The script for several videos, with its page in ``blocks``."""
    with gr.Blocks() as blocks:
        scripts[1].components = scripts[1].ui(False)
    scripts[1].blocks = blocks
    return scripts[1]


@pytest.fixture
def page(script):
    """Its components by the names of their fields."""
    return dict(zip([field.name for field in FIELDS], script.components))


def test_the_page_has_every_field(page):
    for field in FIELDS:
        component = page[field.name]
        assert component.label == field.label and component.value == field.default
        assert component.info == field.help


def test_every_field_belongs_to_a_mode():
    assert list(FIELDS_OF) == list(MODES)
    assert {name for names in FIELDS_OF.values() for name in names} | {"mode"} == {field.name for field in FIELDS}


def test_the_page_of_each_mode_has_its_fields(script, page):
    (change,) = [each for each in script.blocks.dependencies if page["mode"]._id in each["targets"]]
    groups = [script.blocks.blocks[number] for number in change["outputs"]]
    act = script.blocks.fns[script.blocks.dependencies.index(change)].fn
    inside = {group._id: {name for name, part in page.items() if group in lineage(part)} for group in groups}
    for mode in MODES:
        open_ = [group._id for group, update in zip(groups, act(mode)) if update["visible"]]
        assert {name for number in open_ for name in inside[number]} == set(FIELDS_OF[mode])
    assert [group.visible for group in groups] == [update["visible"] for update in act("Compare")]


def lineage(component):
    """What a component lies in."""
    while component.parent is not None:
        component = component.parent
        yield component


def test_every_part_of_the_page_has_an_id(script, page):
    ids = [component.elem_id for component in page.values()]
    assert len(set(ids)) == len(ids) and all(ids)


def test_the_defaults_are_an_order(page):
    assert Order.from_args([component.value for component in page.values()]) == Order()


@pytest.mark.parametrize("mode", MODES)
def test_the_infotext_makes_the_same_order_again(script, mode):
    order = replace(
        Order(targets="smile = 1", hold="age"), mode=mode, rows="tracks", row_values="smile = 1\nage = 1; smile = 2",
        unedited=False, size=0.4, renders=3,
    )  # fmt: skip
    params, given = {key: str(value) for key, value in order.to_infotext().items()}, {}
    for component, key in script.infotext_fields:
        if (pasted := key(params)) is not None:  # as the WebUI pastes them
            kind = type(component.value)
            value = pasted != "False" if kind is bool else kind(pasted)
            given[next(field.name for field in FIELDS if key_of(field.name) == key)] = value
    assert Order(**given).to_infotext() == order.to_infotext()
    assert script.paste_field_names == [key for _, key in script.infotext_fields] and KEY in params


def test_pasting_empties_the_texts_of_its_mode_alone(script):
    params = {"Steps": "20", **Order(mode="Aim", targets="smile = 1").to_infotext()}
    pasted = {key.removeprefix(f"{KEY} "): key(params) for _, key in script.infotext_fields}
    assert (pasted["targets"], pasted["hold"], pasted["by"], pasted["row values"]) == ("smile = 1", "", "", None)
    assert {key({"Steps": "20"}) for _, key in script.infotext_fields} == {None}


# What a job found for the boxes of the page


@pytest.fixture
def boxes(accordion):
    """What the page's boxes for tracks and regions, and its switch, are told of a job."""

    def act(job):
        accordion._find = lambda info: job
        return [update.get("value") for update in accordion._take_proposed(json.dumps({}))]

    return act


def test_what_was_found_is_put_into_the_boxes_once(boxes):
    job = SimpleNamespace(proposed={"tracks": "smile = 0.3"})
    assert boxes(job) == ["smile = 0.3", None, True] and boxes(job) == [None] * 3


def test_a_job_that_found_nothing_leaves_the_boxes(boxes):
    assert boxes(None) == [None] * 3 and boxes(SimpleNamespace(proposed={})) == [None] * 3
