"""The folded residual of one layer: its numbers, its types, and what is measured of it."""

from __future__ import annotations

import plain
import pytest
import torch
from unets import PLANS, call, difference, edited, latents

from wplus_ext import Branch, Plan
from wplus_ext.edit.residual import Folded
from wplus_ext.edit.rows import Compiled, segments
from wplus_ext.edit.sites import find_sites

HEADS = 8
W = latents()


@pytest.fixture
def half():
    """An edit with a latent at the scale 0.5."""
    return Plan([Branch(W, 0.5)])


def wanted(state, f, scale=0.5):
    """f with the residual of one latent, by the plain formula."""
    return torch.stack([row + scale * plain.residual(state, 1, HEADS, row, plain.phi(state, W)) for row in f])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_residual_follows_the_type_of_f(adapter, state, half, dtype):
    if dtype == torch.float16 and torch.__version__ < "2.2":
        pytest.skip("this torch has no half precision on the CPU")
    compiled, f = Compiled(adapter, half), torch.randn(2, 16, 32)
    got = f.to(dtype, copy=True)
    (segment,) = segments([compiled.row(0, False)] * 2, compiled.steady)
    Folded(adapter, 0, HEADS, compiled.tokens).add(got, segment)
    assert got.dtype == dtype
    assert difference(got.float(), wanted(state, f)) < {torch.float32: 1e-6, torch.float16: 2e-3}.get(dtype, 2e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_latent_that_moves_has_the_residual_of_each_of_its_latents(adapter, state, dtype):
    if dtype == torch.float16 and torch.__version__ < "2.2":
        pytest.skip("this torch has no half precision on the CPU")
    branch = Branch(W, 0.5, [(latents(seed=5), [-8.0, 0.0, 8.0]), (latents(seed=6), [3.0, 0.5, -3.0])])
    compiled, f = Compiled(adapter, Plan([branch])), torch.randn(3, 16, 32)
    wanted = [0.5 * plain.residual(state, 1, HEADS, f[i], plain.phi(state, branch.latent(i))) for i in range(3)]
    got = f.to(dtype, copy=True)
    (segment,) = segments([compiled.row(i, False) for i in range(3)], compiled.steady)
    Folded(adapter, 0, HEADS, compiled.tokens).add(got, segment)
    limit = {torch.float32: 1e-5, torch.float16: 2e-3}.get(dtype, 2e-2)
    assert difference(got.float(), f + torch.stack(wanted)) < limit


@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
def test_the_cpus_pieces_make_no_difference(adapter, state, half, cut, monkeypatch):
    """However many bytes of f are taken at a time."""
    monkeypatch.setattr("wplus_ext.edit.residual.CHUNK", cut * 32 * 4)
    compiled, f = Compiled(adapter, half), torch.randn(2, 16, 32)
    expected = wanted(state, f)
    (segment,) = segments([compiled.row(0, False)] * 2, compiled.steady)
    Folded(adapter, 0, HEADS, compiled.tokens).add(f, segment)
    assert difference(f, expected) < 1e-6


def at_the_first_site(compvis, adapter, plan, f):
    """What the first cross-attention's last layer gets of f."""
    site, seen = find_sites(compvis)[0], []
    with torch.no_grad(), edited(compvis, adapter, plan.branches, [0] * len(f), [False] * len(f)):
        handle = site.output.register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
        try:
            site.output(f.clone())  # it is edited in place
        finally:
            handle.remove()
    return seen[0]


def test_under_autocast_it_is_computed_in_fs_own_type(compvis, adapter, state, half):
    """bfloat16 keeps 8 bits: in it, the residual would be wrong by a few thousandths."""
    f = torch.randn(2, 16, 32, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = at_the_first_site(compvis, adapter, half, f)
    assert got.dtype == torch.float32
    assert difference(got - f, wanted(state, f) - f) < 1e-5


def test_f_itself_may_be_bfloat16_under_autocast(compvis, adapter, state, half):
    f = torch.randn(2, 16, 32, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = at_the_first_site(compvis, adapter, half, f.bfloat16())
    assert got.dtype == torch.bfloat16 and difference(got.float(), wanted(state, f)) < 2e-2


def test_autocast_goes_on_around_it(compvis, adapter):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = call(compvis)
        with edited(compvis, adapter, PLANS["one direction"]):
            after = call(compvis)
    assert after.dtype == before.dtype and torch.isfinite(after).all() and not torch.equal(after, before)


def measured(adapter, f):
    """The squared norms of the residual and of f, for the rows of scale 0.5 and -2; the one between stays."""
    compiled = Compiled(adapter, Plan([Branch(W, [0.5, 0.0, -2.0])]))
    folded = Folded(adapter, 0, HEADS, compiled.tokens)
    parts = segments([compiled.row(frame, False, frame) for frame in range(3)], compiled.steady)
    assert [(part.start, part.stop) for part in parts] == [(0, 1), (2, 3)]
    return torch.cat([folded.measure(f, part) for part in parts]).tolist()


def test_the_measured_residual_is_the_true_one(adapter, state):
    """Up to 64 tokens of a row are measured: here that is all of them."""
    f = torch.randn(3, 48, 32)
    for (residual, norm), row, scale in zip(measured(adapter, f), f[::2], (0.5, -2.0), strict=True):
        added = scale * plain.residual(state, 1, HEADS, row, plain.phi(state, W))
        assert residual == pytest.approx(added.square().sum().item(), rel=1e-4)
        assert norm == pytest.approx(row.square().sum().item(), rel=1e-4)


def test_of_many_tokens_some_are_measured(adapter):
    f = torch.randn(3, 640, 32)
    (_, norm), _ = measured(adapter, f)
    assert norm == pytest.approx(f[0, ::7].square().sum().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (32, 32), (64, 64), (64, 65), (63, 63), (64, 37), (96, 64), (48, 80)]
)
def test_what_is_measured_lies_all_over_a_picture(adapter, height, width):
    """A face is seldom at the left edge, or on the diagonal."""
    compiled = Compiled(adapter, Plan([Branch(W, 0.5)]))
    (segment,) = segments([compiled.row(0, False, 0)], compiled.steady)
    folded = Folded(adapter, 0, HEADS, compiled.tokens)
    for rows in (slice(None, height // 2), slice(height // 2, None)):
        for columns in (slice(None, width // 2), slice(width // 2, None)):
            f = torch.zeros(1, height, width, 32)
            f[:, rows, columns] = 1
            (_, part), (_, whole) = (
                folded.measure(each.flatten(1, 2), segment)[0].tolist() for each in (f, torch.ones_like(f))
            )
            assert part / whole == pytest.approx(0.25, abs=0.06)


def test_measuring_changes_nothing(adapter):
    f = torch.randn(3, 48, 32)
    before = f.clone()
    measured(adapter, f)
    assert torch.equal(f, before)
