"""Plans: latents and scales of each frame."""

from __future__ import annotations

import math

import pytest
import torch

from wplus_ext import Branch, Plan
from wplus_ext.edit.plan import joined

W = torch.ones(18, 512)


@pytest.mark.parametrize(
    ("w", "scale", "message"),
    [
        (torch.zeros(14, 512), 1.0, r"w has shape \(14, 512\), expected \(18, 512\) or \(F, 18, 512\)"),
        (torch.full((18, 512), math.nan), 1.0, "w holds NaN"),
        (W, [1.0, math.inf], "expected a finite number or a list of them"),
        (torch.zeros(3, 18, 512), [1.0, 2.0], "w has 3 frames and scale 2, expected the same"),
        (W, [], "scale is \\[\\], expected a finite number or a list of them"),
    ],
)
def test_wrong_branches(w, scale, message):
    with pytest.raises(ValueError, match=message):
        Branch(w, scale)


@pytest.mark.parametrize(
    ("n", "values", "message"),
    [
        (torch.zeros(512), 1.0, r"a direction of shape \(512,\), expected \(18, 512\)"),
        (torch.full((18, 512), math.inf), 1.0, "the direction of a move holds NaN"),
        (W, [1.0, math.nan], "a move is .*, expected a finite number or a list of them"),
        (W, [], "a move is"),
        (W, [1.0] * 3, "w has 1 frames and scale 2 and move 1 3, expected the same number, or 1"),
    ],
)
def test_wrong_moves(n, values, message):
    with pytest.raises(ValueError, match=message):
        Branch(W, [1.0, 2.0], [(n, values)])


@pytest.mark.parametrize(
    ("branches", "values", "message"),
    [
        ([Branch(W, [1] * 2), Branch(W, [1] * 3)], {}, r"the branches have \[2, 3\] frames"),
        ([], {"start": 0.5, "end": 0.5}, "start is 0.5 and end 0.5"),
        ([], {"mode": "both"}, "mode is 'both'"),
        ([], {"mode": "direct", "negative": False}, "negative is off in the direct mode"),
    ],
)
def test_wrong_plans(branches, values, message):
    with pytest.raises(ValueError, match=message):
        Plan(branches, **values)


def test_a_scale_for_all_is_one_for_each():
    assert Branch(torch.zeros(3, 18, 512), 0.5).scales(3) == [0.5] * 3


def test_a_latent_for_all_is_each_frames():
    assert [Branch(W, [1.0, 2.0]).latent(frame) is W for frame in range(2)] == [True, True]


def test_a_latent_moves_by_frame():
    branch = Branch(W, 1.0, [(2 * W, [0.0, 1.0]), (W, 3)])
    assert [branch.latent(frame)[0, 0].item() for frame in range(2)] == [4, 6] and branch.frames == 2


def test_a_latent_of_few_bits_moves_in_more():
    branch = Branch(W.bfloat16(), 1.0, [(W / 3, [0.0, 1.0])])
    assert branch.latent(1)[0, 0].item() == pytest.approx(4 / 3, abs=1e-6)


def test_latents_by_frame_move_too():
    branch = Branch(torch.stack([W, -W]), 1.0, [(W, [0.0, 5.0])])
    assert [branch.latent(frame)[0, 0].item() for frame in range(2)] == [1, 4]


@pytest.mark.parametrize(
    ("branches", "frames"),
    [([], 1), ([Branch(W)], 1), ([Branch(W, [1, 2, 3]), Branch(W)], 3), ([Branch(torch.zeros(4, 18, 512))], 4)],
)
def test_the_frames_are_those_of_its_branches(branches, frames):
    assert Plan(branches).frames == frames


def test_scales_are_by_frame():
    assert Plan([Branch(W, [1, 2, 3]), Branch(W, -1.0)]).scales == [[1, -1], [2, -1], [3, -1]]


@pytest.mark.parametrize(
    ("branches", "empty"),
    [([], True), ([Branch(W, 0.0)], True), ([Branch(W, [0, 0, 1])], False), ([Branch(W, 0.0), Branch(W)], False)],
)
def test_a_plan_without_scales_is_empty(branches, empty):
    assert Plan(branches).is_empty == empty


def test_joined_plans_are_one_video_after_the_other():
    curve, still = Plan([Branch(W, [1, 2]), Branch(-W, 5.0)], start=0.3), Plan([Branch(W, -1.0, [(W, 2.0)])], start=0.3)
    plan = joined([curve, still], 2)
    assert plan.scales == [[1, 5], [2, 5], [-1, 0], [-1, 0]] and plan.start == 0.3
    assert [[branch.latent(frame)[0, 0].item() for branch in plan.branches] for frame in range(4)] == [
        [1, -1], [1, -1], [3, 0], [3, 0],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("plans", "message"),
    [
        ([], "0 plans, expected some"),
        ([Plan([Branch(W)]), Plan([Branch(W)], start=0.5)], "2 plans, expected some, all with the same start"),
        ([Plan([Branch(W, [1, 2, 3])])], r"plans of \[3\] frames, expected 2, or 1"),
    ],
)
def test_plans_that_cannot_be_joined(plans, message):
    with pytest.raises(ValueError, match=message):
        joined(plans, 2)
