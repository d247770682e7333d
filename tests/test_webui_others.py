"""The extension's script beside a refiner, a second pass, and other extensions."""

from __future__ import annotations

import host
import plain
import pytest
import torch
from PIL import Image

OFF = {"enabled": False}
SMILE = {"enabled": True, "start": 0, "tracks": "smile = 1"}


@pytest.fixture
def script(shared):
    """The extension's script, without its page."""
    return host.load_script().WPlusScript()


# A refiner: the checkpoint changes in the middle of a run


@pytest.fixture
def refiner():
    return plain.fill(plain.compvis_unet(), seed=5)


def refined(shared, compvis, other):
    """A job whose checkpoint changes after two of four steps; ``hooks`` are those of the first one before a step."""
    shared.sd_model.model.diffusion_model = compvis
    job = host.Job(shared, 4, steps=4)
    job.hooks = []

    def switch(step):
        job.hooks.append(plain.hooks(compvis))
        if step == 2:
            shared.sd_model.model.diffusion_model = other

    job.before_step = switch
    return job


def test_the_edit_moves_over_to_a_refiner(shared, script, compvis, refiner):
    before, _ = host.run(script, refined(shared, compvis, refiner), OFF)
    after, processed = host.run(script, refined(shared, compvis, refiner), {**SMILE, "start": 0.5})
    assert not torch.equal(before, after)  # only the second half is edited
    assert processed.extra_generation_params["WPlus report"]["edited_calls"] == 2


def test_the_first_checkpoint_is_let_go(shared, script, compvis, refiner):
    job = refined(shared, compvis, refiner)
    host.run(script, job, SMILE)
    assert job.hooks == [17, 17, 17, 0] and plain.hooks(compvis) == plain.hooks(refiner) == 0


def test_a_refiner_that_does_not_fit_is_refused(shared, script, compvis):
    job = refined(shared, compvis, plain.diffusers_unet(cross_attention_dim=64))
    with pytest.raises(RuntimeError, match="does not fit this checkpoint"):
        host.run(script, job, SMILE)
    assert plain.hooks(compvis) == 0 and shared.callbacks == []


def test_a_short_second_pass_is_left_alone(shared, script):
    """A hires pass of one step has none after start: the first pass is not thrown away."""
    job, once = host.Job(shared, 4), host.Job.sample

    def two_passes():
        out = once(job)
        job.steps = 1
        once(job)
        return out

    job.sample = two_passes
    _, processed = host.run(script, job, {**SMILE, "start": 0.2})
    assert processed.extra_generation_params["WPlus report"]["edited_calls"] == 1


# ADetailer: it runs the scripts again inside of a job, with a job of one image


def ad_inner(shared):
    job = host.Job(shared, 1)
    job._ad_inner = True
    return job


def test_adetailer_redraws_each_frame_with_its_own_scale(shared, script):
    before, _ = host.run(script, ad_inner(shared), OFF)
    outer, changed = host.Job(shared, 3, context=3), []

    def redraw():
        for outer.batch_index in range(3):
            # The page's own settings are others: the outer job is a cell of an X/Y/Z plot.
            out, _ = host.run(script, ad_inner(shared), {**SMILE, "tracks": "age = 1"})
            changed.append(not torch.equal(before, out))

    host.run(script, outer, {**SMILE, "tracks": "smile = 0 > 0 > 1"}, meanwhile=redraw)
    assert changed == [False, False, True]


def test_adetailer_alone_is_a_job_like_any_other(shared, script):
    """After the job around it has ended, nothing of that is left."""
    host.run(script, host.Job(shared, 3, context=3), {**SMILE, "tracks": "smile = 0 > 0 > 1"})
    before, _ = host.run(script, ad_inner(shared), OFF)
    out, processed = host.run(script, ad_inner(shared), {**SMILE, "tracks": "age = 1"})
    assert not torch.equal(before, out) and processed.extra_generation_params["WPlus tracks"] == "age = 1"


# One that wraps sampling once more, and samples twice


def sampled_twice(script, job):
    """A batch of a job whose sampling is wrapped, and what each of the two samplings gave."""
    script.process_batch(job, batch_number=0)
    inner = job.sample
    job.sample = lambda: (inner(), inner())
    with torch.no_grad():
        return [out[0] if isinstance(out, tuple) else out for out in job.sample()]


@pytest.mark.parametrize("batches", [1, 2])
def test_what_is_sampled_twice_is_edited_once_each(shared, script, batches):
    wanted, _ = host.run(script, host.Job(shared, 4), SMILE)
    job = host.Job(shared, 4)
    script.process(job, SMILE)
    outs = [out for _ in range(batches) for out in sampled_twice(script, job)]
    assert [torch.equal(out, wanted) for out in outs] == [True] * 2 * batches
    assert plain.hooks(shared.sd_model.model.diffusion_model) == 0


# A crop of the picture: inpainting of the masked alone, and ADetailer


def in_region(text):
    return {"enabled": True, "start": 0, "tracks": "smile[a] = 1", "regions": f"a = ({text})"}


def test_a_crop_has_the_regions_of_its_picture(shared, script):
    """What lies in the middle of the picture's right half is the middle of a crop that is that half."""
    crop = host.Job(shared, 2, steps=1)
    crop.paste_to, crop.init_images = (32, 0, 32, 64), [Image.new("RGB", (64, 64))]
    cropped, _ = host.run(script, crop, in_region("0.75 0.5 0.125 0.25"))
    whole, _ = host.run(script, host.Job(shared, 2, steps=1), in_region("0.5 0.5 0.25 0.25"))
    elsewhere, _ = host.run(script, host.Job(shared, 2, steps=1), in_region("0.75 0.5 0.125 0.25"))
    assert torch.equal(cropped, whole) and not torch.equal(whole, elsewhere)


def test_a_crop_without_its_region_is_not_edited(shared, script):
    crop = host.Job(shared, 2, steps=1)
    crop.paste_to, crop.init_images = (0, 0, 16, 64), [Image.new("RGB", (64, 64))]
    cropped, _ = host.run(script, crop, in_region("0.75 0.5 0.125 0.25"))
    assert torch.equal(cropped, host.run(script, host.Job(shared, 2, steps=1), OFF)[0])
