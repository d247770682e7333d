"""The miniature's world: drawn faces, what can be read of them, and latents that hold them."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from wplus_ext.miniature import world
from wplus_ext.miniature.measure import Ruler
from wplus_ext.studio.pipeline import MINIATURE


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


def pictures(tensor):
    return ((tensor + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


@pytest.fixture(scope="module")
def ruler():
    return Ruler(MINIATURE)


@pytest.mark.parametrize("name", world.FACTORS)
def test_each_factor_is_drawn_and_can_be_read(ruler, name):
    i = list(world.FACTORS).index(name)
    factors = torch.zeros(9, len(world.FACTORS))
    factors[:, i] = torch.linspace(-1, 1, 9)
    read = ruler.factors(pictures(world.draw(factors, torch.zeros(9, 4))))
    assert np.corrcoef(read[:, i], factors[:, i])[0, 1] > 0.97
    others = [k for k in range(len(world.FACTORS)) if k != i]
    assert read[:, others].abs().mean() < 0.12


@pytest.mark.parametrize("strange", ["upside down", "noise"])
def test_what_is_no_drawn_face_is_strange(ruler, generator, strange):
    faces = world.draw(*world.faces(32, generator))
    noise = torch.rand(32, 3, 64, 64, generator=generator) * 2 - 1
    other = {"upside down": faces.flip(2), "noise": noise}[strange]
    assert ruler.strangeness(pictures(faces)).max() < ruler.strangeness(pictures(other)).min()


# Latents


@pytest.fixture(scope="module")
def space():
    return world.LatentSpace.make()


def test_directions_are_orthogonal(space):
    flat = space.directions.flatten(1)
    gram = flat @ flat.T
    assert torch.allclose(gram, torch.diag(gram.diag()), atol=1e-4)
    assert torch.allclose(flat @ space.mean.flatten(), torch.zeros(7), atol=1e-3)


@pytest.mark.parametrize("name", world.FACTORS)
def test_a_direction_is_in_its_factors_layers(space, name):
    n = space.directions[list(world.FACTORS).index(name)]
    layers = (n.norm(dim=1) > 0).nonzero().flatten().tolist()
    assert layers == list(range(*world.FACTOR_LAYERS[name]))


def test_latents_hold_the_factors(space, generator):
    factors, _ = world.faces(16, generator)
    assert torch.allclose(space.factors(space.latents(factors)), factors, atol=1e-4)


def test_latents_hold_a_nuisance_too(space, generator):
    factors, _ = world.faces(16, generator)
    w = space.latents(factors, generator)
    assert w.shape == (16, 18, 512) and not torch.equal(w, space.latents(factors))
    assert (space.factors(w) - factors).abs().max() < 0.1


def test_latents_are_as_long_as_real_ones(space, generator):
    w = space.latents(world.faces(16, generator)[0], generator)
    assert 8 < w.norm(dim=2).mean() < 13


# Captions and clips


def test_captions_leave_smile_and_age_to_chance(generator):
    factors, _ = world.faces(64, generator)
    state = generator.get_state()
    before = world.captions(factors, generator)
    factors[:, :4] = -factors[:, :4]
    generator.set_state(state)
    assert world.captions(factors, generator) == before


def test_captions_are_of_the_vocabulary(generator):
    captions = world.captions(world.faces(64, generator)[0], generator)
    assert set(re.findall(r"\w+", " ".join(captions))) == set(world.vocabulary())


@pytest.fixture
def clips(generator):
    return world.clips(64, 16, generator)


def test_in_a_clip_hair_skin_and_background_stay(clips):
    factors, pose = clips
    assert factors.shape == (64, 16, 7) and pose.shape == (64, 16, 4)
    assert torch.equal(factors[:, :1, 4:].expand(-1, 16, -1), factors[:, :, 4:])


def test_clips_blink(clips):
    assert (clips[0][..., 2].min(1).values < -0.8).float().mean() > 0.3


def test_clips_move(clips):
    factors, pose = clips
    assert factors.diff(dim=1).abs().amax(1)[:, 0].max() > 0.05 and pose.diff(dim=1).abs().max() < 0.6
