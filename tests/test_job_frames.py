"""How many frames a job of the WebUI has."""

from __future__ import annotations

import importlib

import host
import pytest


@pytest.fixture
def module(shared):
    return importlib.import_module("wplus_ext.hosts.webui.job")


@pytest.mark.parametrize(
    ("length", "context", "batch", "frames"),
    [
        (16, 16, 16, 16), (5, 8, 8, 5), (24, 8, 24, 24), (0, 8, 8, 8),
        (10, 10, 16, 10),  # a video of 10 frames through ControlNet, in a context of 16
        (16, 16, 3, 3),  # AnimateDiff is off in this job of the plot: the entry is an old one
    ],
)  # fmt: skip
def test_the_number_of_frames(shared, module, length, context, batch, frames):
    job = host.Job(shared, batch)
    job.extra_generation_params["AnimateDiff"] = f"model: x, video_length: {length}, fps: 8, batch_size: {context}"
    assert module.frame_count(job) == frames


@pytest.mark.parametrize("params", [{}, None])
def test_without_animatediff_it_is_the_number_of_images(shared, module, params):
    job = host.Job(shared, 3)
    job.extra_generation_params = params
    assert module.frame_count(job) == 3
