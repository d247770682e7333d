"""Edits that are kept to regions of the picture: against the plain formula with a mask that is written down again here,
in real UNets, and from settings to a plan."""

from __future__ import annotations

import math
from contextlib import contextmanager
from types import SimpleNamespace

import plain
import pytest
import torch
from torch import nn
from unets import FRAMES, NEGATIVE, F, call, difference, edited, latents

from wplus_ext import Branch, Plan, attach
from wplus_ext.edit.plan import joined, within
from wplus_ext.edit.residual import Folded
from wplus_ext.edit.rows import Compiled, segments

LEFT, RIGHT = (0.3, 0.4, 0.2, 0.3), (0.75, 0.5, 0.15, 0.25)
MOVING = [(0.2 + 0.15 * i, 0.5, 0.2, 0.3) for i in range(F)]
ALL, NONE = (0.5, 0.5, 2.0, 2.0), (0.5, 0.5, 0.0, 0.0)
CURVE = [-0.7, 0.0, 0.3, 0.7]
BRANCHES = {
    "one region": [Branch(latents(), CURVE, region=LEFT)],
    "one that moves": [Branch(latents(), 0.5, region=MOVING)],
    "two, and everywhere": [
        Branch(latents(seed=1), CURVE, region=LEFT), Branch(latents(seed=2), 0.4, region=RIGHT),
        Branch(latents(seed=3), 0.2),
    ],
    "a latent per frame": [Branch(latents(F), 0.5, region=MOVING)],
    "one that gives way": [
        Branch(latents(), 0.8, without=[LEFT, MOVING]),
        Branch(latents(seed=1), 0.8, [(latents(seed=2), CURVE)], region=LEFT),
        Branch(latents(seed=1), 0.8, region=MOVING),
    ],
}  # fmt: skip


def weight(ellipse, grid):
    """How much there is of an edit at each place, place by place."""
    x, y, wide, high = ellipse
    found = torch.zeros(grid)
    for i in range(grid[0]):
        for j in range(grid[1]):
            across, down = (j + 0.5) / grid[1] - x, (i + 0.5) / grid[0] - y
            away = math.sqrt((across / wide) ** 2 + (down / high) ** 2) if wide and high else math.inf
            part = min(max((1.25 - away) / 0.5, 0.0), 1.0)
            found[i, j] = part**2 * (3 - 2 * part)
    return found.flatten()


class PlainRegions(nn.Module):
    """Stands in for ``to_out[0]``: the plain formula with a lambda for each place, then the layer itself."""

    def __init__(self, inner, state, number, heads, rows, grids):
        super().__init__()
        self.inner, self.state, self.number, self.heads, self.rows, self.grids = (
            inner,
            state,
            number,
            heads,
            rows,
            grids,
        )

    def forward(self, f):
        out, grid = [], self.grids[f.shape[1]]
        for row, terms in zip(f, self.rows):
            changed = row
            for scale, cover, w in terms:
                whole, places = cover
                places = sum((by * weight(each, grid) for by, each in places), torch.tensor(whole))
                own = plain.residual(self.state, self.number, self.heads, row, plain.phi(self.state, w))
                changed = changed + (scale * places).reshape(-1, 1) * own
            out.append(changed)
        return self.inner(torch.stack(out))


@contextmanager
def plainly(unet, state, branches, size=(8, 8), frames=FRAMES, negative=NEGATIVE):
    """The UNet with the plain formula, of pictures of this size."""
    grids = {}
    for _ in range(4):
        grids[size[0] * size[1]] = size
        size = tuple(-(-side // 2) for side in size)
    rows = [
        [
            (branch.scales(F)[f], cover(branch, f), torch.zeros(18, 512) if sign else branch.latent(f))
            for branch in branches
        ]
        for f, sign in zip(frames, negative)
    ]
    stand_in = SimpleNamespace(PlainOut=plain.PlainOut)
    try:
        plain.PlainOut = lambda *args: PlainRegions(*args, grids)
        with plain.plainly(unet, state, rows):
            yield
    finally:
        plain.PlainOut = stand_in.PlainOut


def cover(branch, frame):
    """The scale of the whole picture, and what is added in ellipses."""

    def at(ellipses):
        return ellipses[frame if len(ellipses) > 1 else 0]

    if branch.region is not None:
        return 0.0, [(1, at(branch.region))]
    return 1.0, [(-1, at(ellipses)) for ellipses in branch.without]


# Against the plain formula


@pytest.mark.parametrize("name", BRANCHES)
def test_the_whole_unet_equals_the_plain_formula(unet, adapter, state, name):
    with plainly(unet, state, BRANCHES[name]):
        wanted = call(unet)
    before = call(unet)
    with edited(unet, adapter, BRANCHES[name]):
        got = call(unet)
    assert difference(got, wanted) < 1e-5
    assert difference(wanted, before) > 1e-2, "the edit is too small for the comparison to mean anything"


def seen(unet, size, rows=2):
    """A call of pictures of another size."""
    g = torch.Generator().manual_seed(2)
    x, context = torch.randn(rows, 4, *size, generator=g), torch.randn(rows, 77, plain.TEXT, generator=g)
    with torch.no_grad():
        if hasattr(unet, "input_blocks"):
            return unet(x, torch.full((rows,), 500), context=context)
        return unet(x, torch.full((rows,), 500), context).sample


@pytest.mark.parametrize(
    "kind, size",
    [("compvis", (32, 48)), ("diffusers", (64, 96)), ("diffusers", (9, 7)), ("diffusers", (65, 57))],
    ids=["256x384", "512x768", "odd", "520x456"],
)
def test_pictures_of_other_sizes_equal_the_plain_formula(request, adapter, state, kind, size):
    unet = request.getfixturevalue(kind) if kind == "compvis" else plain.diffusers_unet()
    branches, rows = [Branch(latents(), 0.8, region=(0.3, 0.6, 0.25, 0.2))], ([0, 0], [False, True])
    with plainly(unet, state, branches, size, *rows):
        wanted = seen(unet, size)
    with edited(unet, adapter, branches, *rows):
        got = seen(unet, size)
    assert difference(got, wanted) < 1e-5 and difference(got, seen(unet, size)) > 1e-3


def test_sizes_may_change_within_one_edit(compvis, adapter):
    """As in a pass of hires fix, and back."""
    branches, rows = [Branch(latents(), 0.8, region=LEFT)], ([0, 0], [False, True])
    apart = []
    for size in ((8, 8), (16, 16)):
        with edited(compvis, adapter, branches, *rows):
            apart.append(seen(compvis, size))
    with edited(compvis, adapter, branches, *rows):
        for size, wanted in zip(((8, 8), (16, 16), (8, 8)), (*apart, apart[0])):
            assert torch.equal(seen(compvis, size), wanted)


def test_in_half_precision(adapter):
    compiled = Compiled(adapter, Plan([Branch(latents(), 0.8, region=LEFT)]))
    (segment,) = segments([compiled.row(0, False)] * 2, compiled.steady)
    f = torch.randn(2, 64, plain.WIDTHS[0], generator=torch.Generator().manual_seed(3))
    added = []
    for each in (f.clone(), f.bfloat16()):
        folded = Folded(adapter, 0, 8, compiled.tokens)
        folded.grid, before = (8, 8), each.float().clone()
        folded.add(each, segment)
        added.append(each.float() - before)
    assert difference(added[1], added[0]) < 0.03 and (added[1][:, weight(LEFT, (8, 8)) == 0] == 0).all()


# Bits


def test_a_region_of_the_whole_picture_is_none(unet, adapter):
    with edited(unet, adapter, [Branch(latents(), CURVE)]):
        wanted = call(unet)
    with edited(unet, adapter, [Branch(latents(), CURVE, region=ALL)]):
        assert torch.equal(call(unet), wanted)


def test_an_empty_region_changes_nothing(unet, adapter):
    before = call(unet)
    with edited(unet, adapter, [Branch(latents(), CURVE, region=NONE)]):
        assert torch.equal(call(unet), before)


def test_one_frame_and_its_places_alone_change_at_the_first_layer(compvis, adapter):
    """Of 24 frames, in windows of 8, one has a scale: its rows, and in them the places of its region."""
    frames, scales = 24, [0.0] * 24
    scales[13] = 0.7
    inputs = []
    first = compvis.get_submodule(plain.compvis_paths()[0]).to_out[0]

    def look(module, args):
        inputs.append(args[0].clone())

    for start in (0, 8, 16):
        rows = [*range(start, start + 8)] * 2, [False] * 8 + [True] * 8
        for branches in ([Branch(latents(), [0.0] * frames)], [Branch(latents(), scales, region=LEFT)]):
            with attach(compvis, adapter, Plan(branches)) as live:
                live.rows(*rows)
                handle = first.register_forward_pre_hook(look)  # after ours
                call(compvis, rows=16)
                handle.remove()
    outside = weight(LEFT, (8, 8)) == 0
    for window, (before, after) in zip((0, 8, 16), zip(inputs[::2], inputs[1::2])):
        for row in range(16):
            changed = (before[row] != after[row]).any(1)
            if window + row % 8 == 13:
                assert torch.equal(changed, ~outside)
            else:
                assert not changed.any()


def test_afterwards_no_hook_is_left(unet, adapter):
    before = call(unet)
    with edited(unet, adapter, BRANCHES["one region"]):
        assert plain.hooks(unet) == 32
    assert plain.hooks(unet) == 0 and torch.equal(call(unet), before)


def test_without_regions_nothing_looks_at_pictures(unet, adapter):
    with edited(unet, adapter, [Branch(latents(), CURVE)]):
        assert plain.hooks(unet) == 16


def test_tokens_that_are_no_picture_are_refused(compvis, adapter):
    with attach(compvis, adapter, Plan(BRANCHES["one region"])) as live:
        live.rows([0], [False])
        layer = compvis.get_submodule(plain.compvis_paths()[0]).to_out[0]
        with pytest.raises(RuntimeError, match="where the 9 tokens of a cross-attention lie.* unknown.*token merging"):
            layer(torch.zeros(1, 9, plain.WIDTHS[0]))


# Plans


def test_a_negative_row_has_one_term_for_all_regions(adapter):
    plan = Plan([Branch(latents(seed=1), 0.5, region=LEFT), Branch(latents(seed=2), 0.25, region=LEFT),
                 Branch(latents(seed=3), 0.1, region=RIGHT), Branch(latents(seed=4), 0.2)])  # fmt: skip
    row = Compiled(adapter, plan).row(0, True)
    assert len(row.terms) == 1 and row.scales == (0.2,) and {ellipse: by for by, ellipse in row.places[0]} == {
        LEFT: 0.75, RIGHT: 0.1
    }  # fmt: skip


def test_where_a_branch_gives_way_to_another_the_negative_row_knows_nothing_of_it(adapter):
    plan = Plan([Branch(latents(), 0.8, without=[LEFT]), Branch(latents(seed=1), 0.8, region=LEFT)])
    row = Compiled(adapter, plan).row(0, True)
    assert row.scales == (0.8,) and row.places == ()


def test_videos_that_are_rendered_together_have_their_own_regions(compvis, adapter):
    plans = [
        Plan([Branch(latents(), CURVE[:2], region=MOVING[:2])]),
        Plan([Branch(latents(seed=1), 0.5)]),
        Plan([Branch(latents(), 0.3, without=[LEFT]), Branch(latents(seed=1), 0.3, region=LEFT)]),
        Plan([Branch(latents(), 0.3), Branch(latents(seed=1), 0.3, without=[RIGHT, LEFT])]),
    ]
    with attach(compvis, adapter, joined(plans, 2)) as live:
        live.rows([*range(8)], [False] * 8)
        together = call(compvis)
    for i, plan in enumerate(plans):
        with attach(compvis, adapter, plan) as live:
            live.rows([0, 1] * 4, [False] * 8)
            assert difference(together[2 * i : 2 * i + 2], call(compvis)[2 * i : 2 * i + 2]) < 1e-5


@pytest.mark.parametrize(
    "region", [(0.5, 0.5, 0.1), (0.5, 0.5, -0.1, 0.2), [(0.5, 0.5, 0.1, math.inf)], "left", [], [[]]]
)
def test_what_is_no_ellipse_is_refused(region):
    with pytest.raises(ValueError, match="expected .x, y, half the width, half the height"):
        Branch(latents(), 1.0, region=region)


def test_regions_have_the_frames_of_the_others():
    with pytest.raises(ValueError, match="region 1 4, expected the same number, or 1"):
        Branch(latents(), [0.1, 0.2, 0.3], region=MOVING)


def test_a_crop_sees_its_regions_where_they_are(compvis, adapter):
    """What is edited in the picture's right half is, seen from there, edited all over."""
    plan = Plan([Branch(latents(), 0.5, region=(0.75, 0.5, 0.2, 0.3)), Branch(latents(seed=1), 0.3, without=[LEFT])])
    first, second = within(plan, (0.5, 0.0, 0.5, 1.0)).branches
    assert first.region[0] == pytest.approx((0.5, 0.5, 0.4, 0.3)) and first.scale == (0.5,)
    assert second.without[0][0] == pytest.approx((-0.4, 0.4, 0.4, 0.3)) and second.region is None


def test_the_direct_mode_has_no_regions():
    with pytest.raises(ValueError, match="use the residual mode"):
        Plan(BRANCHES["one region"], mode="direct")
