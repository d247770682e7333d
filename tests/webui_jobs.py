"""Jobs of the WebUI's stand-in, and what comes of them."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import host
import pytest
import torch

from wplus_ext.library.index import Library

SMILE = {"enabled": True, "start": 0, "tracks": "smile = 0.5"}


@pytest.fixture
def module(shared):
    return importlib.import_module("wplus_ext.hosts.webui.job")


@pytest.fixture
def jobs(module, models):
    return module.Jobs(Library([models / "wplus"]))


@pytest.fixture
def job(shared):
    return host.Job(shared, 2, steps=1)


def inner(shared):
    """What ADetailer makes to redraw an image."""
    job = host.Job(shared, 1, steps=1)
    job._ad_inner = True
    return job


def processed():
    return SimpleNamespace(extra_generation_params={"Model": "x"}, comments="")


def sampled(jobs, job, given=SMILE):
    """A job up to the end of its sampling."""
    jobs.prepare(job, [given])
    jobs.start(job)
    with torch.no_grad():
        job.sample()
    return job


def finished(jobs, job):
    """What the WebUI has after a job."""
    done = processed()
    jobs.finish(job, done)
    return done


def shown(jobs, done):
    """The job that a page with this result shows."""
    return jobs.finished.find(json.dumps({"extra_generation_params": done.extra_generation_params}))
