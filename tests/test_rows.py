"""What each row of a UNet call gets."""

from __future__ import annotations

import pytest
import torch
from unets import latents

from wplus_ext import Branch, Plan
from wplus_ext.edit.rows import Compiled, Row, segments

ONE, TWO = latents(seed=1), latents(seed=2)
TWO_BRANCHES = [Branch(ONE, [0.5, 0.0, -0.25]), Branch(TWO, [0.25, 0.0, 0.25])]


@pytest.fixture
def compiled(adapter):
    return Compiled(adapter, Plan(TWO_BRANCHES))


def tokens_of(adapter, w):
    return adapter.tokens(w[None])[0]


# Rows


def test_a_frame_has_a_term_for_each_branch(compiled, adapter):
    row = compiled.row(0, False, 7)
    assert row.scales == (0.5, 0.25) and row.frame == 7
    wanted = torch.stack([tokens_of(adapter, w) for w in (ONE, TWO)])
    assert torch.allclose(compiled.tokens[list(row.terms)], wanted, atol=1e-5)


def test_a_negative_rows_scales_add_up(compiled, adapter):
    """All its terms attend to the zero latent."""
    row = compiled.row(0, True)
    assert row.scales == (0.75,) and row.frame is None
    assert torch.allclose(compiled.tokens[row.terms[0]], tokens_of(adapter, torch.zeros(18, 512)), atol=1e-5)


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


# Segments


POSITIVE, DOUBLE, NEGATIVE, NOTHING = Row((1,), (0.5,), 0), Row((1, 2), (0.5, 1.0), 1), Row((0,), (0.5,), None), None


def cut(*rows):
    """The segments of rows, as their bounds and their frames."""
    return [(part.start, part.stop, part.frames) for part in segments([row or Row((), (), 3) for row in rows])]


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
        ([POSITIVE, NEGATIVE, NEGATIVE], [(0, 1, (0,)), (1, 3, None)]),
    ],
)
def test_rows_with_as_many_terms_are_a_segment(rows, found):
    assert cut(*rows) == found


def test_a_segments_tensors_are_those_of_its_rows():
    (part,) = segments([DOUBLE, Row((2, 1), (1.0, 0.5), 4)])
    scales, terms, frames = part.tensors(torch.zeros(1, dtype=torch.float64))
    assert scales.tolist() == [[0.5, 1], [1, 0.5]] and scales.dtype == torch.float64
    assert terms.tolist() == [[1, 2], [2, 1]] and frames.tolist() == [1, 4]


def test_a_segments_tensors_are_made_once():
    (part,) = segments([POSITIVE])
    assert part.tensors(torch.zeros(1)) is part.tensors(torch.ones(2))
