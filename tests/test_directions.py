"""Directions: GANSpace's among them, which lead to a coordinate instead of by a step."""

from __future__ import annotations

import pytest
import torch

from wplus_ext.library.directions import describe, load
from wplus_ext.library.index import Library
from wplus_ext.library.resolve import resolve
from wplus_ext.settings import Settings


@pytest.fixture
def library(models):
    return Library([models / "wplus"])


def coordinate(pca, x, component):
    return ((x - pca["mean"]) @ pca["comp"][component, 0]) / pca["std"][component]


def test_the_lines_of_a_table_are_names(library, ganspace):
    assert library.names("directions") == [
        "age", "ganspace/broken", "ganspace/frown", "ganspace/grin", "more/glasses", "smile",
    ]  # fmt: skip


@pytest.fixture
def edited(library, ganspace):
    """Anna with a grin of -3 in the first frame, and of 5 in the second."""
    (branch,) = resolve(Settings(identity="anna", tracks="grin = -3 > 5"), library).plan(2).branches
    return torch.stack([branch.latent(frame) for frame in range(2)])


def test_the_first_layers_way_to_the_target_is_all_layers_way(edited, library, ganspace):
    now = coordinate(ganspace, library.latent("anna"), 1)
    assert torch.allclose(coordinate(ganspace, edited[0], 1)[4:6], now[4:6] - 3.0 - now[0], atol=1e-4)
    assert torch.allclose(coordinate(ganspace, edited[1], 1)[4:6], now[4:6] + 5.0 - now[0], atol=1e-4)


def test_other_layers_stay(edited, library):
    w = library.latent("anna")
    assert torch.equal(edited[0, :4], w[:4]) and torch.equal(edited[1, 6:], w[6:])


def test_other_coordinates_stay(edited, library, ganspace):
    w = library.latent("anna")
    assert torch.allclose(coordinate(ganspace, edited[0], 0), coordinate(ganspace, w, 0), atol=1e-4)


def test_a_published_strength_below_zero_turns_the_axis_round(library, ganspace):
    """Positive is more of what the name says."""
    (frown,) = resolve(Settings(tracks="ganspace/frown = 1"), library).plan(1).branches
    assert (frown.w @ ganspace["comp"][2, 0] < 0).all()


def test_a_target_is_reached_from_where_the_tracks_before_it_have_led(library, ganspace):
    """The smile's first layer has a part along the grin's component."""
    tracks = "smile = 0 > 4\ngrin = 0 > 5"
    (branch,) = resolve(Settings(identity="anna", tracks=tracks), library).plan(2).branches
    anna, smile, grin = library.latent("anna"), *(load(library.find("directions", name)) for name in ("smile", "grin"))
    after = anna + 4 * smile.vector
    now = coordinate(ganspace, after, 1)[0]
    wanted = after.clone()
    wanted[4:6] += (5.0 - now) * ganspace["std"][1] * grin.target.component
    assert torch.allclose(branch.latent(1), wanted, atol=1e-4)


def test_layers_of_the_track_and_of_the_table_are_both_kept(library, ganspace):
    w = library.latent("anna")
    moved = resolve(Settings(identity="anna", tracks="grin[5:18] = 5"), library).plan(1).branches[0].latent(0)
    assert (moved != w).any(1).nonzero().flatten().tolist() == [5]


def test_a_line_that_does_not_fit_is_told(library, ganspace):
    entry = library.find("directions", "broken")
    with pytest.raises(ValueError, match="the line of 'broken' does not fit ffhq_pca.pt"):
        load(entry)


def test_a_direction_is_described(library, models):
    torch.save(torch.full((512,), 0.125), models / "wplus/directions/smile.pt")
    assert str(describe(library, "smile")) == "smile (a broader smile): a step, layers 0 to 17, norm of a layer 2.83"


def test_a_component_is_described(library, ganspace):
    told = describe(library, "ganspace/frown")
    assert (told.what, told.kind, told.layers, told.norm) == ("component 2, used up to 15", "target", "0 to 17", "1.00")


def test_a_file_that_cannot_be_used_is_described(library, models):
    (models / "wplus/directions/smile.pt").write_bytes(b"damaged")
    assert "file that cannot be used" in describe(library, "smile").kind


def test_a_direction_of_nothing_is_described(library, models):
    torch.save(torch.zeros(512), models / "wplus/directions/nothing.pt")
    assert describe(library, "nothing").layers == "none: it is zero"


# Upstream's own


@pytest.fixture
def upstream(data):
    return Library([data])


def test_upstreams_files_are_listed(upstream):
    names = upstream.names("directions")
    assert "ganspace/big_smile" in names and "ganspace/ffhq_pca" not in names and "latent/age" in names


def test_upstreams_big_smile(upstream):
    direction = load(upstream.find("directions", "ganspace/big_smile"))
    assert direction.layers == (4, 5) and direction.vector[4].norm() > 0 and not direction.vector[5:].any()
