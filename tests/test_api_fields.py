"""The API for people: what may be in a request, and whose fault it is when something fails."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from asked import JSON, ROUTE, connected, photo, post, told
from PIL import Image

from benchmarks import api as bench
from wplus_ext.photos.faces import Detector
from wplus_ext.weights.encoder import Encoder

LIMIT = 60  # seconds


@pytest.fixture
def client(shared, models, monkeypatch):
    return connected(shared, models, monkeypatch)


# What is in it


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"nmae": "x"}, "unknown field 'nmae' (did you mean name or"),
        ({"\ud800": 1}, "unknown field"),
        ({"face": 1.9}, "face is 1.9 (float), expected a whole number"),
        ({"face": "1"}, "face is '1' (str)"),
        ({"face": True}, "face is True (bool)"),
        ({"face": 0}, "expected 1 to 1000"),
        ({"face": 5}, "face 5, expected 1 to 1"),
        ({"face": 1, "aligned": True}, "leave one of them out"),
        ({"aligned": "yes"}, "aligned is 'yes'"),
        ({"replace": 1}, "replace is 1 (int), expected true or false"),
        ({"bare": None}, "bare is None"),
        ({"name": ""}, "expected a name"),
        ({"name": "\u200b\u00a0"}, "expected a name"),
        ({"name": "a\u200db"}, "U+200D (ZERO WIDTH JOINER)"),
        ({"name": None}, "name is None"),
        ({"name": 7}, "name is 7 (int), expected a text"),
        ({"name": "\ud800"}, "U+D800"),
        ({"photos": []}, "at least one photo"),
        ({"photos": "abc"}, "photos is a str"),
        ({"photos": [7]}, "photo 1 is a int"),
        ({"photos": [""]}, "photo 1: an empty file"),
        ({"photos": ["%"]}, "photo 1 is no base64"),
    ],
)
def test_what_is_wrong_is_told(client, body, words):
    content = json.dumps({"name": "cleo", "photos": [photo()], **body}).encode()
    assert told(client.post(ROUTE, content=content, headers=JSON), 422, words)


@pytest.mark.parametrize("missing", ["name", "photos"])
def test_what_is_missing_is_told(client, missing):
    body = {"name": "cleo", "photos": [photo()]}
    del body[missing]
    assert told(client.post(ROUTE, json=body), 422, f"{missing} is missing")


def test_many_small_parts_are_refused_before_they_are_read(client):
    body = b'{"name": "a", "photos": [' + b"[]," * 100_000 + b'""]}'
    assert told(client.post(ROUTE, content=body, headers=JSON), 413, "parts, expected at most")


def test_a_field_that_stands_there_twice_is_told(client):
    body = b'{"name": "a", "name": "b", "photos": []}'
    assert told(client.post(ROUTE, content=body, headers=JSON), 422, "'name' stands there twice")


def test_a_field_in_the_address_is_told(client):
    assert told(
        client.post(f"{ROUTE}?replace=true", content=b"{}", headers=JSON), 422, "'replace' stands in the address"
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 1_000, b'{"face": ' + b"1" * 9_000 + b"}"], ids=range(7)
)
def test_what_is_no_object_is_told(client, body):
    assert told(client.post(ROUTE, content=body, headers=JSON), 422, "the body is")


def test_it_describes_itself(client):
    post_of_it = client.get("/openapi.json").json()["paths"][ROUTE]["post"]
    schema = post_of_it["requestBody"]["content"]["application/json"]["schema"]
    assert sorted(schema["properties"]) == sorted(bench.FIELDS) and schema["additionalProperties"] is False


# Whose fault


@pytest.mark.parametrize(
    "fault",
    [RuntimeError("two\nlines"), RecursionError(), OverflowError(), KeyError("x"), MemoryError(), ZeroDivisionError()],
    ids=lambda fault: type(fault).__name__,
)
@pytest.mark.parametrize("part", [(Detector, "find"), (Encoder, "load"), (Image, "open")], ids=lambda part: part[1])
def test_what_others_stumble_over_is_translated(client, monkeypatch, part, fault):
    def fail(*args, **named):
        raise fault

    monkeypatch.setattr(*part, fail)
    answer = post(client)
    assert answer.status_code == 422 and told(answer, 422, "")


def test_a_mistake_of_ours_is_told_and_logged(client, monkeypatch, caplog):
    module = sys.modules["wplus_ext.hosts.webui.api"]
    monkeypatch.setattr(module, "look_again", lambda library: {}["x"])
    for answer in (post(client), client.get(ROUTE)):
        assert told(answer, 500, "a mistake of the extension's (KeyError)")
    assert "Traceback" in caplog.text


def test_the_sources_are_those_that_were_sent(client):
    answer = post(client, photos=[photo("red"), photo("blue"), photo("red")])
    assert len(answer.json()["sources"]) == 2 and client.get(ROUTE).json()[1]["sources"] == answer.json()["sources"]


def test_of_six_posts_of_one_name_one_is_made(client):
    names = ["Zo\u00e9", "zoe\u0301", "ZO\u00c9"] * 2
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: post(client, name=name), names, timeout=LIMIT))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 5
    assert len(list((client.models / "wplus" / "latents").glob("*.safetensors"))) == 1


@pytest.mark.filterwarnings("ignore")
def test_random_bodies():
    bad = []
    statuses = bench.answers(200, 1, lambda status, text: None if bench.is_a_line(status, text) else bad.append(text))
    assert bad == [] and statuses[500] == 0 and statuses[200] and statuses[422]
