"""A report belongs to the page that asked for it."""

from __future__ import annotations

import json
import sys

import host
import pytest

SETTINGS = {"enabled": True, "tracks": "smile = 1", "start": 0}


@pytest.fixture
def script(shared):
    return host.load_script().WPlusScript()


def ask(shared, script, request, settings=SETTINGS, **kind):
    """A job of a request, as a page or a program asks for it; gives the JSON of the result."""
    sys.modules["modules.progress"].current_task = request
    job = host.Job(shared, 4)
    for name, value in kind.items():
        setattr(job, name, value)
    _, processed = host.run(script, job, settings)
    return json.dumps(
        {"extra_generation_params": processed.extra_generation_params, "infotexts": ["a", processed.info]}
    )


def found(script, info):
    return script.jobs.finished.find(info)


def test_two_pages_find_their_own(shared, script):
    first = ask(shared, script, "task(a)")
    second = ask(shared, script, "task(b)", {**SETTINGS, "tracks": "age = 1"})
    assert found(script, first).report.names == ["smile"] and found(script, second).report.names == ["age"]


def test_another_pages_job_without_us_takes_nothing_away(shared, script):
    first = ask(shared, script, "task(a)")
    second = ask(shared, script, "task(b)", {"enabled": False})
    assert found(script, first) and found(script, second) is None


def test_programs_do_not_disturb(shared, script):
    info = ask(shared, script, "task(a)")
    for i in range(20):
        told = ask(shared, script, f"task(api {i})", is_api=True)
        assert "WPlus job" not in json.loads(told)["extra_generation_params"]
    assert found(script, info)


def test_the_last_eight_are_kept(shared, script):
    infos = [ask(shared, script, f"task({i})") for i in range(10)]
    assert [found(script, info) is not None for info in infos] == [False] * 2 + [True] * 8


def test_a_request_of_many_jobs_shows_its_last(shared, script):
    """X/Y/Z's result, and that of a batch of files, has the first job's parameters."""
    first = ask(shared, script, "task(a)")
    for value in (0.2, 0.3, 0.4):
        ask(shared, script, "task(a)", {**SETTINGS, "tracks": f"smile = {value}"})
    assert found(script, first).report.scales[0] == [0.4]


def test_an_upscaled_picture_has_its_own_report(shared, script):
    """Its result keeps the first one's parameters, with another infotext."""
    first = json.loads(ask(shared, script, "task(a)", {**SETTINGS, "tracks": "age = 1"}, info="plain"))
    upscaled = json.loads(ask(shared, script, "task(b)", txt2img_upscale=True, info="upscaled"))
    told = json.dumps({**first, "infotexts": upscaled["infotexts"]})
    assert found(script, told).report.names == ["smile"]
    assert found(script, json.dumps(first)).report.names == ["age"]


def test_a_job_that_fails_leaves_the_others(shared, script):
    info = ask(shared, script, "task(a)")
    with pytest.raises(RuntimeError, match="there is no direction"):
        ask(shared, script, "task(b)", {**SETTINGS, "tracks": "smyle = 1"})
    assert found(script, info)


@pytest.mark.parametrize(
    "info",
    ["", "null", "[]", "{", "{}", "[" * 100_000, '{"infotexts": 5}', '{"extra_generation_params": null}', None, "3"],
)
def test_what_is_no_result_has_no_report(script, info):
    assert found(script, info) is None
