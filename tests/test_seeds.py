"""A seed is a seed: whatever a scheduler draws follows from the shot's own, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from wplus_ext.settings import Settings
from wplus_ext.studio.noise import Noise
from wplus_ext.studio.pipeline import Studio
from wplus_ext.studio.shot import Shot

DRAWING = {
    "LCMScheduler": {},
    "EulerAncestralDiscreteScheduler": {},
    "KDPM2AncestralDiscreteScheduler": {},
    "DDPMScheduler": {},
    "TCDScheduler": {},
    "DPMSolverMultistepScheduler": {"algorithm_type": "sde-dpmsolver++"},
    "DPMSolverSDEScheduler": {},
}
STILL = ("PNDMScheduler", "HeunDiscreteScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler")
OTHERWISE = ("DPMSolverSDEScheduler", "TCDScheduler")  # in a pipeline: a path of nobody's seed, and no eta
SHOT = Shot("a face", frames=2, width=16, height=16, steps=4, guidance=1.0, seed=7, edit=Settings(True, start=0.5))


@pytest.fixture(scope="module")
def own():
    return Studio(device="cpu")


@pytest.fixture
def studio(own, request):
    """The miniature with another scheduler."""
    import diffusers

    name = request.param
    if name == "DPMSolverSDEScheduler":
        pytest.importorskip("torchsde")
    before = own.models.scheduler
    other = getattr(diffusers, name).from_config(before.config, **DRAWING.get(name, {}))
    own.models.scheduler = own.pipe.scheduler = other
    yield own
    own.models.scheduler = own.pipe.scheduler = before


drawing = pytest.mark.parametrize("studio", DRAWING, indirect=True)
any_kind = pytest.mark.parametrize("studio", [*DRAWING, *STILL], indirect=True)


def videos(studio, *shots):
    """The frames of shots, whatever others have drawn before."""
    torch.manual_seed(torch.seed() % 2**32)
    return [frames.astype(int) for frames, _ in studio.render(shots)]


def tracked(tracks, **values):
    return replace(SHOT, edit=replace(SHOT.edit, tracks=tracks), **values)


@any_kind
def test_the_same_twice(studio):
    (first,), (second,) = videos(studio, SHOT), videos(studio, SHOT)
    assert np.array_equal(first, second)


@drawing
def test_nothing_is_drawn_from_elsewhere(studio):
    before = torch.get_rng_state()
    list(studio.render([SHOT]))
    assert torch.equal(torch.get_rng_state(), before)


@drawing
def test_another_seed_is_drawn_in_the_steps_too(studio):
    draft = studio.begin(SHOT)
    # Two steps: the first half of one of the second order draws nothing.
    one, other = (studio.advance(replace(draft, noise=Noise.of([seed])), 2) for seed in (1, 2))
    assert not torch.equal(one.latents, other.latents)


@any_kind
def test_a_draft_stays_where_it_stands(studio):
    draft = studio.advance(studio.begin(SHOT), 2)
    first, second = (studio.advance(draft).latents for _ in range(2))
    assert torch.equal(first, second)


@any_kind
def test_steps_that_are_shared_draw_as_those_alone(studio):
    shots = [tracked("smile = -1"), SHOT, tracked("smile = 1")]
    alone = [videos(studio, shot)[0] for shot in shots]
    assert all(np.array_equal(a, b) for a, b in zip(videos(studio, *shots), alone, strict=True))
    assert not np.array_equal(alone[0], alone[1])


@any_kind
def test_videos_of_a_batch_draw_as_those_alone(studio):
    shots = [tracked("smile = -1"), tracked("smile = 0.5"), tracked("smile = 1")]
    for shot, frames in studio.together(shots, 3):
        assert np.abs(videos(studio, shot)[0] - frames).max() <= 1  # other sums, rounded


@any_kind
def test_seeds_of_a_batch_draw_as_those_alone(studio):
    both = studio.finish(studio.advance(studio.begin(SHOT, [SHOT.prompt] * 2, [7, 8]))).astype(int)
    for seed, frames in zip((7, 8), both):
        assert np.abs(videos(studio, replace(SHOT, seed=seed))[0] - frames).max() <= 1


@pytest.mark.parametrize("studio", [name for name in DRAWING if name not in OTHERWISE], indirect=True)
def test_it_is_what_the_pipeline_draws_with_that_generator(studio):
    theirs = studio.pipe(
        SHOT.prompt, SHOT.frames, 16, 16, SHOT.steps, guidance_scale=SHOT.guidance, output_type="np",
        negative_prompt="", generator=torch.Generator().manual_seed(SHOT.seed),
    ).frames[0]  # fmt: skip
    assert np.array_equal((theirs * 255).round(), videos(studio, SHOT)[0])
