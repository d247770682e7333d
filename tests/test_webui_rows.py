"""Whose rows are edited in the WebUI, in all the ways in which its samplers send them, with the real CompVis UNet."""

from __future__ import annotations

import host
import plain
import pytest
import torch

FRAMES, CONTEXT = 24, 8
SPOT = 13  # the one frame whose scale is not 0
ONE_FRAME = f"smile = {SPOT - 1}:(0), {SPOT}:(1), {SPOT + 1}:(0)"


@pytest.fixture
def script(shared):
    """The extension's script, without its page."""
    return host.load_script().WPlusScript()


class Probe:
    """The rows that reach the first cross-attention in the first step, and whose they are."""

    def __init__(self, unet, job):
        self.job, self.rows = job, []
        attention = unet.get_submodule(plain.compvis_paths()[0])
        self.handles = [
            unet.register_forward_pre_hook(self.arrive, with_kwargs=True),
            attention.register_forward_pre_hook(self.text, with_kwargs=True),
            attention.to_out[0].register_forward_hook(self.leave),  # sees what all pre-hooks made of f
        ]

    def arrive(self, module, args, kwargs):
        x = args[0]
        # In the first step a row's latent is its image's noise: that says whose it is, whatever the order.
        self.images = [(self.job.noise * 10 - row).flatten(1).abs().amax(1).argmin().item() for row in x]

    def text(self, module, args, kwargs):
        self.length = kwargs["context"].shape[1]
        start = self.job.text_negative[0, :5]
        self.negative = [torch.equal(row[:5], start) for row in kwargs["context"]]

    def leave(self, module, args, output):
        if self.job.step_number == 0:
            self.rows += [
                (image, negative, f.clone()) for image, negative, f in zip(self.images, self.negative, args[0])
            ]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


def first_step(shared, script, make_job, *args):
    job = make_job()
    job.step_number = 0
    before = job.before_step

    def before_step(step):
        job.step_number = step
        before(step)

    job.before_step = before_step
    with Probe(shared.sd_model.model.diffusion_model, job) as probe:
        out, _ = host.run(script, job, *args)
    return probe.rows, out


CASES = {
    "windows": ({}, {}),
    "rows in two calls": ({"batch_cond_uncond": False}, {}),
    "no negative rows": ({"batch_cond_uncond": False}, {"skip": True}),
    "prompts of unequal length": ({"batch_cond_uncond": False}, {"lengths": (154, 77)}),
    "a longer negative prompt": ({"batch_cond_uncond": False}, {"lengths": (77, 231)}),
    "unequal length, padded": ({"pad_cond_uncond": True}, {"lengths": (154, 77)}),
    "AND": ({}, {"context": None, "parts": [1 + i % 3 for i in range(FRAMES)]}),
    "AND in several calls": ({"batch_cond_uncond": False}, {"context": None, "parts": [2] * FRAMES}),
    "AND, unequal length": ({}, {"context": None, "parts": [2] * FRAMES, "lengths": (154, 77)}),
    "no AnimateDiff": ({}, {"context": None}),
    "no AnimateDiff, unequal length": ({}, {"context": None, "lengths": (154, 77)}),
    "no AnimateDiff, no negative rows": ({}, {"context": None, "skip": True}),
}


class Runs:
    """The rows of a case's first step, without and with an edit."""

    def __init__(self, shared, script, name, **values):
        self.shared, self.name = shared, name
        shared.opts.__dict__.update(CASES[name][0])
        self.off, self.plain = first_step(shared, script, self.job, {"enabled": False})
        self.on, self.edited = first_step(shared, script, self.job, {"enabled": True, "start": 0, **values})

    def job(self):
        changes = dict(CASES[self.name][1])
        skip = changes.pop("skip", False)
        job = host.Job(self.shared, FRAMES, **{"steps": 1, "context": CONTEXT, **changes})
        job.skip_negative = lambda step: skip
        return job

    @property
    def seen(self):
        return {row[:2] for row in self.off}

    @property
    def changed(self):
        return {a[:2] for a, b in zip(self.off, self.on) if not torch.equal(a[2], b[2])}


@pytest.mark.parametrize("negative", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_exactly_the_frames_rows_change(shared, script, name, negative):
    runs = Runs(shared, script, name, tracks=ONE_FRAME, negative=negative)
    assert [row[:2] for row in runs.off] == [row[:2] for row in runs.on], "the calls themselves must be the same"
    signs = [False] if CASES[name][1].get("skip") else [False, True]
    assert runs.seen == {(image, sign) for image in range(FRAMES) for sign in signs}
    wanted = {(SPOT, False), (SPOT, True)} if negative else {(SPOT, False)}
    assert runs.changed == wanted & runs.seen and (SPOT, False) in runs.changed
    assert not torch.equal(runs.plain, runs.edited)
