"""What each row of a UNet call gets."""

from __future__ import annotations

import pytest
import torch
from unets import latents

from wplus_ext import Branch, Plan
from wplus_ext.edit.rows import Compiled, Part, Row, segments

ONE, TWO = latents(seed=1), latents(seed=2)
TWO_BRANCHES = [Branch(ONE, [0.5, 0.0, -0.25]), Branch(TWO, [0.25, 0.0, 0.25])]


@pytest.fixture
def compiled(adapter):
    return Compiled(adapter, Plan(TWO_BRANCHES))


def tokens_of(adapter, w):
    return adapter.tokens(w[None])[0]


def summed(compiled, term):
    """The tokens that a term stands for, by the words of its docstring."""
    return sum(torch.tensor(part.weights)[:, None] * compiled.tokens[part.number] for part in term)


# Rows


def test_a_frame_has_a_term_for_each_branch(compiled, adapter):
    row = compiled.row(0, False, 7)
    assert row.scales == (0.5, 0.25) and row.frame == 7
    wanted = torch.stack([tokens_of(adapter, w) for w in (ONE, TWO)])
    assert torch.allclose(compiled.tokens[[part.number for (part,) in row.terms]], wanted, atol=1e-5)


def test_a_negative_rows_scales_add_up(compiled, adapter):
    """All its terms attend to the zero latent."""
    row = compiled.row(0, True)
    assert row.scales == (0.75,) and row.frame is None
    ((part,),) = row.terms
    assert torch.allclose(compiled.tokens[part.number], tokens_of(adapter, torch.zeros(18, 512)), atol=1e-5)


def test_a_negative_row_whose_scales_cancel_is_left_alone(compiled):
    assert compiled.row(2, True) == Row((), (), None)
    assert compiled.row(2, False).scales == (-0.25, 0.25)


@pytest.mark.parametrize("negative", [False, True])
def test_a_frame_without_scales_is_left_alone(compiled, negative):
    row = compiled.row(1, negative)
    assert row.terms == () and row.scales == ()


def test_negative_rows_are_left_alone_where_that_is_asked_for(adapter):
    compiled = Compiled(adapter, Plan(TWO_BRANCHES, negative=False))
    assert compiled.row(0, True) == Row((), (), None) and len(compiled.row(0, False).terms) == 2


def test_equal_latents_are_folded_once(adapter):
    plan = Plan([Branch(torch.stack([ONE, TWO, ONE]), [1.0, 1.0, 1.0]), Branch(ONE.clone(), 0.5)])
    assert len(Compiled(adapter, plan).tokens) == 3  # with the zero latent


def test_a_latent_that_no_scale_wants_is_not_folded(adapter):
    plan = Plan([Branch(torch.stack([ONE, TWO]), [1.0, 0.0])])
    assert len(Compiled(adapter, plan).tokens) == 2


# Moves


CURVE = [i / 4 for i in range(-32, 32)]


def test_a_latent_that_moves_has_the_tokens_of_each_of_its_latents(adapter):
    branch = Branch(ONE, 1.0, [(TWO, CURVE), (latents(seed=3), CURVE[::-1])])
    compiled = Compiled(adapter, Plan([branch]))
    for frame in range(64):
        (term,) = compiled.row(frame, False).terms
        got = summed(compiled, term)
        assert torch.allclose(got, tokens_of(adapter, branch.latent(frame)), atol=2e-5)


@pytest.mark.parametrize("frames", [2, 64, 300])
def test_the_tokens_do_not_grow_with_the_frames(adapter, frames):
    branch = Branch(ONE, 1.0, [(TWO, list(range(frames))), (latents(seed=3), [i % 7 for i in range(frames)])])
    compiled = Compiled(adapter, Plan([branch]))
    assert len(compiled.tokens) == compiled.steady == 4  # the base, two directions, the zero latent


@pytest.mark.parametrize("values", [2.0, [0.0, 2.0]])
def test_latents_may_be_of_another_type_or_be_learnt(adapter, values):
    w, n = ONE.double().requires_grad_(), TWO.bfloat16()
    compiled = Compiled(adapter, Plan([Branch(w, 1.0, [(n, values)])]))
    assert compiled.tokens.dtype == torch.float32 and not compiled.tokens.requires_grad


def test_moves_that_stay_are_of_the_base(adapter):
    branch = Branch(ONE[None], 1.0, zip([TWO, latents(seed=3), ONE], [[1.0, 2.0], 3.0, -2.0]))
    compiled = Compiled(adapter, Plan([branch]))
    assert compiled.steady == len(compiled.tokens) == 3  # the base, one direction, the zero latent
    for frame in (0, 1):
        (term,) = compiled.row(frame, False).terms
        got = summed(compiled, term)
        assert torch.allclose(got, tokens_of(adapter, branch.latent(frame)), atol=2e-5)


def test_a_move_that_stays_is_one_latent(adapter):
    compiled = Compiled(adapter, Plan([Branch(ONE, [0.5, 1.0], [(TWO, 2.0)])]))
    ((part,),) = compiled.row(0, False).terms
    assert torch.allclose(compiled.tokens[part.number], tokens_of(adapter, ONE + 2 * TWO), atol=1e-5)


def test_a_direction_that_the_mapper_does_not_see_moves_nothing(adapter):
    compiled = Compiled(adapter, Plan([Branch(ONE, 1.0, [(torch.zeros(18, 512), [0.0, 8.0])])]))
    for frame in (0, 1):
        (term,) = compiled.row(frame, False).terms
        got = summed(compiled, term)
        assert torch.allclose(got, tokens_of(adapter, ONE), atol=2e-5)


# Segments


def terms(*numbers):
    """Terms of one part each."""
    return tuple((Part(number),) for number in numbers)


POSITIVE, DOUBLE, NEGATIVE = (
    Row(terms(1), (0.5,), 0), Row(terms(1, 2), (0.5, 1.0), 1), Row(terms(0), (0.5,), None)
)  # fmt: skip
MIXED, NOTHING = Row(((Part(0), Part(2, (0.5, 1, 2, 3))),), (0.5,), 0), None


def cut(*rows):
    """The segments of rows, as their bounds and their frames."""
    return [(part.start, part.stop, part.frames) for part in segments([row or Row((), (), 3) for row in rows], 1)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], []),
        ([NOTHING], []),
        ([POSITIVE], [(0, 1, (0,))]),
        ([POSITIVE, POSITIVE], [(0, 2, (0, 0))]),
        ([NOTHING, POSITIVE, NOTHING], [(1, 2, (0,))]),
        ([POSITIVE, NOTHING, POSITIVE], [(0, 1, (0,)), (2, 3, (0,))]),
        ([POSITIVE, DOUBLE], [(0, 1, (0,)), (1, 2, (1,))]),
        ([POSITIVE, MIXED, MIXED], [(0, 1, (0,)), (1, 3, (0, 0))]),
        ([POSITIVE, NEGATIVE, NEGATIVE], [(0, 1, (0,)), (1, 3, None)]),
    ],
)
def test_rows_with_as_many_terms_are_a_segment(rows, found):
    assert cut(*rows) == found


def test_a_segments_tensors_are_those_of_its_rows():
    (part,) = segments([DOUBLE, Row(terms(2, 1), (1.0, 0.5), 4)], 1)
    scales, places, weights, frames = part.tensors(torch.zeros(1, dtype=torch.float64))
    assert scales.tolist() == [[0.5, 1], [1, 0.5]] and scales.dtype == torch.float64
    assert places.tolist() == [[1, 2], [2, 1]] and weights is None and frames.tolist() == [1, 4]


def test_a_call_needs_the_steady_tokens_and_those_of_its_rows():
    parts = segments([Row(terms(7), (1.0,), 0), Row((), (), 1), Row(terms(5), (1.0,), 2)], 2)
    assert [part.numbers for part in parts] == [(0, 1, 5, 7)] * 2
    assert [part.tensors(torch.zeros(1)).terms.tolist() for part in parts] == [[[3]], [[2]]]


def test_terms_of_several_parts_have_weights():
    (part,) = segments([MIXED, POSITIVE._replace(terms=((Part(2), Part(2)),))], 1)
    _, places, weights, _ = part.tensors(torch.zeros(1))
    assert places is None and part.numbers == (0, 2)
    assert weights.tolist() == [[[[1, 1, 1, 1], [0.5, 1, 2, 3]]], [[[0, 0, 0, 0], [2, 2, 2, 2]]]]


def test_rows_that_are_alike_are_mixed_once():
    (part,) = segments([MIXED] * 3, 1)
    assert part.tensors(torch.zeros(1)).weights.shape == (1, 1, 2, 4)


def test_a_segments_tensors_are_made_once():
    (part,) = segments([POSITIVE], 1)
    assert part.tensors(torch.zeros(1)) is part.tensors(torch.ones(2))
