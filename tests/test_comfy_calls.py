"""What ComfyUI's UNet calls are, by what it hands to them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from comfy_host import options

from wplus_ext.hosts.comfy.calls import Reader, step_of


def call(rows, length, conds=None, **more):
    reader = Reader(SimpleNamespace(conds=conds or {}), length)
    return reader((torch.zeros(rows, 4, 8, 8), torch.zeros(rows)), {"transformer_options": options(**more)})


def test_without_windows_all_frames_are_in_a_call():
    found = call(8, 4)
    assert (list(found.frames), found.negative, found.length) == ([0, 1, 2, 3], [True, False], 4)


def test_parts_may_come_one_by_one():
    assert call(4, 4, parts=[0]).negative == [False] and call(4, 4, parts=[1]).negative == [True]


def test_several_prompts_are_as_many_parts():
    assert call(12, 4, parts=[1, 0, 0]).negative == [True, False, False]


def test_frames_are_those_of_animatediffs_window():
    found = call(4, 24, ad_params={"sub_idxs": [22, 23, 0, 1]}, parts=[0])
    assert (list(found.frames), found.length) == ([22, 23, 0, 1], 24)


def test_animatediff_without_windows_says_nothing():
    assert list(call(8, 4, ad_params={"sub_idxs": None}).frames) == [0, 1, 2, 3]


def test_frames_are_those_of_comfyuis_own_window():
    assert list(call(4, 8, context_window=SimpleNamespace(index_list=[4, 5])).frames) == [4, 5]


def test_a_part_of_the_picture_is_refused_where_there_are_regions():
    reader = Reader(SimpleNamespace(conds={}), 4, (16, 8))
    with pytest.raises(RuntimeError, match=r"a part of the picture.*\(8, 8\) of \(16, 8\)"):
        reader((torch.zeros(8, 4, 8, 8), torch.zeros(8)), {"transformer_options": options()})


def test_who_is_negative_is_said_by_the_guider():
    conds = {"positive": [{"uuid": "p"}], "middle": [{"uuid": "m"}], "negative": [{"uuid": "n"}]}
    assert call(6, 2, conds, parts=[0, 1, 2], uuids=["n", "m", "p"]).negative == [True, False, False]


def test_a_prompt_that_is_in_both_lists_is_known_by_its_number():
    conds = {"positive": [{"uuid": "p"}], "negative": [{"uuid": "n"}, {"uuid": "p"}]}
    assert call(4, 2, conds, parts=[1, 0], uuids=["p", "p"]).negative == [True, False]


def test_rows_that_no_window_explains_are_refused():
    with pytest.raises(RuntimeError, match="6 rows in 2 parts, of 24 frames"):
        call(6, 24)


def test_rows_that_are_no_multiple_of_the_parts_are_refused():
    with pytest.raises(RuntimeError, match="9 rows in 2 parts"):
        call(9, 4)


def test_a_call_that_is_not_comfyuis_is_refused():
    with pytest.raises(RuntimeError, match="without ComfyUI's transformer_options"):
        Reader(SimpleNamespace(conds={}), 4)((torch.zeros(4, 4, 8, 8),), {})


LEVELS = (14.6, 6.0, 3.0, 1.0, 0.0)


@pytest.mark.parametrize(
    "sigma, step",
    [(14.6, 0), (6.0, 1), (1.0, 3), (9.3, 0), (4.0, 1), (0.5, 3), (5.999, 1), (20.0, 0)],
)
def test_a_call_belongs_to_the_step_in_which_its_noise_level_lies(sigma, step):
    assert step_of(torch.tensor([sigma]), torch.tensor(LEVELS)) == (step, 4)


def test_steps_of_an_inversion_add_noise():
    levels = torch.tensor(LEVELS[::-1])
    assert [step_of(torch.tensor([sigma]), levels)[0] for sigma in (0.0, 1.0, 3.0, 6.0)] == [0, 1, 2, 3]
