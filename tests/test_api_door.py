"""Who may ask the API for people, and with what: origins, types, sizes, fields; and what its faults say."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from host import load_script
from PIL import Image

from benchmarks import api as bench
from wplus_ext.photos.faces import Detector, Face
from wplus_ext.weights.encoder import Encoder

ROUTE, LIMIT = "/wplus/v1/identities", 60
JSON = {"content-type": "application/json"}


def photo(colour="red"):
    file = io.BytesIO()
    Image.new("RGB", (120, 140), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


class Colours(torch.nn.Module):
    """Stands for the encoder."""

    latent_avg = torch.zeros(18, 512)

    def forward(self, x):
        return torch.zeros(1, 18, 512)


@pytest.fixture
def client(shared, models, monkeypatch):
    """A program that asks the API; ``client.models`` is the WebUI's folder."""
    (models / "wplus" / "encoders").mkdir()
    (models / "wplus" / "encoders" / "e.pt").write_bytes(b"")
    load_script()
    monkeypatch.setattr(Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(Detector, "find", lambda self, image: [Face(bench.LANDMARKS, (30, 30, 90, 100), 0.9)])
    monkeypatch.setattr(Encoder, "load", lambda path: Colours())
    app = FastAPI()
    shared.started[0](None, app)
    made = TestClient(app, raise_server_exceptions=False)
    made.models = models
    return made


@pytest.fixture
def door(client):
    return sys.modules["wplus_ext.hosts.webui.door"]


def post(client, headers=None, **body):
    return client.post(ROUTE, json={"name": "cleo", "photos": [photo()], **body}, headers=headers)


def told(answer, status, words):
    """Whether a fault has its status and is one line with these words."""
    detail = answer.json()["detail"]
    assert answer.status_code == status, answer.text
    assert isinstance(detail, str) and words in detail and "\n" not in detail
    return True


# Whose pages


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://testserver:81", "http://testserver.evil", "testserver", ""]
)
def test_pages_of_others_are_refused(client, origin):
    assert told(post(client, {"origin": origin}), 403, "--cors-allow-origins")
    assert not (client.models / "wplus" / "latents" / "cleo.safetensors").exists()


def test_without_a_host_no_page_is_its_own(client):
    assert told(post(client, {"origin": "x", "host": ""}), 403, "may not act here")


def test_pages_of_others_do_not_read_either(client):
    assert told(client.get(ROUTE, headers={"origin": "http://evil.example"}), 403, "may not act here")


@pytest.mark.parametrize("origin", ["http://testserver", "https://TestServer"])
def test_its_own_pages_are_let_in(client, origin):
    assert post(client, {"origin": origin}).status_code == 200


@pytest.mark.parametrize(
    ("options", "origin", "status"),
    [
        ({"cors_allow_origins": "http://a.example,http://b.example"}, "http://b.example", 200),
        ({"cors_allow_origins": "http://a.example,http://b.example"}, "http://c.example", 403),
        ({"cors_allow_origins": "*"}, "http://c.example", 200),
        ({"cors_allow_origins_regex": r"http://\w\.example"}, "http://c.example", 200),
        ({"cors_allow_origins_regex": r"http://\w\.example"}, "http://c.example.org", 403),
        ({"cors_allow_origins": None, "cors_allow_origins_regex": None}, "http://c.example", 403),
    ],
)
def test_the_webuis_options_say_who_else(client, shared, options, origin, status):
    vars(shared.cmd_opts).update(options)
    assert post(client, {"origin": origin}).status_code == status


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; a=b", "json", "text/json"]
)
def test_only_json_is_taken(client, kind):
    body = json.dumps({"name": "cleo", "photos": [photo()]}).encode()
    answer = client.post(ROUTE, content=body, headers={"content-type": kind} if kind else None)
    assert told(answer, 415, "expected application/json")


def test_json_may_say_its_letters(client):
    assert post(client, {"content-type": "Application/JSON; charset=utf-8"}).status_code == 200


# How much


def test_a_body_that_says_it_is_large_is_not_read(client, door, monkeypatch):
    monkeypatch.setattr(door, "BODY", 100)
    monkeypatch.setattr(door, "_counted", lambda request: pytest.fail("it is read"))
    assert told(post(client), 413, "expected at most 100")


@pytest.mark.parametrize("said", [None, "1", "-5", "many", "9" * 5000])
def test_a_body_is_counted_while_it_is_read(client, door, monkeypatch, said):
    monkeypatch.setattr(door, "BODY", 1000)
    headers = JSON | ({"content-length": said} if said else {})
    answer = client.post(ROUTE, content=(b" " * 100 for _ in range(50)), headers=headers)
    assert told(answer, 413, "expected at most 1000")


def test_a_body_that_does_not_come_is_not_waited_for(client, door, monkeypatch):
    async def slow(request):
        await door.asyncio.sleep(LIMIT)

    monkeypatch.setattr(door, "SENT_WITHIN", 0.05)
    monkeypatch.setattr(door, "_counted", slow)
    assert told(post(client), 408, "send less at once")


def test_photos_are_counted(client):
    assert told(post(client, photos=[photo()] * 33), 413, "33 photos, expected at most 32")


def test_photos_are_weighed(client, monkeypatch):
    monkeypatch.setattr(sys.modules["wplus_ext.hosts.webui.api"], "PHOTO", 100)
    assert told(post(client), 413, "photo 1 is larger than 100 bytes")


def test_one_works_and_the_others_wait(client, door, monkeypatch):
    monkeypatch.setattr(door, "_seats", threading.BoundedSemaphore(3))
    inside, most, entered, leave = [], [], threading.Event(), threading.Event()

    def load(path):
        inside.append(path)
        most.append(len(inside))
        entered.set()
        assert leave.wait(LIMIT)
        inside.pop()
        return Colours()

    monkeypatch.setattr(Encoder, "load", load)
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(post, client, name=f"p{i}") for i in range(6)]
        assert entered.wait(LIMIT)
        until = time.monotonic() + LIMIT
        while sum(job.done() for job in jobs) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        leave.set()
        answers = [job.result(LIMIT) for job in jobs]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 3 and max(most) == 1
    assert all(told(answer, 503, "try again later") for answer in answers if answer.status_code == 503)


def test_a_turn_that_does_not_come_is_told(client, door, monkeypatch):
    monkeypatch.setattr(door, "TURN", 0.05)
    with door.turn():
        assert told(post(client), 503, "others are at work")


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


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 100_000, b'{"face": ' + b"1" * 9_000 + b"}"], ids=range(7)
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


def test_faults_name_files_from_the_models_folder(client):
    post(client)
    detail = post(client).json()["detail"]
    assert detail.startswith("wplus/latents/cleo.safetensors exists") and str(client.models.parent) not in detail


def test_faults_name_other_folders_from_their_own_on(client, shared, tmp_path):
    folder = tmp_path / "my faces"
    (folder / "latents").mkdir(parents=True)
    (folder / "encoders").mkdir()
    shared.cmd_opts.wplus_dir = str(folder)
    assert told(post(client), 422, "in my faces/encoders; put") and str(tmp_path) not in post(client).text


@pytest.mark.parametrize(
    "fault", [ValueError("{}/wplus/latents/a.pth: bad"), OSError(13, "Permission denied", "{}/wplus/latents/a.pth")]
)
def test_what_the_list_says_names_no_folder(client, monkeypatch, fault):
    def fail(library):
        place = str(client.models)
        if isinstance(fault, ValueError):
            raise ValueError(str(fault).format(place))
        raise OSError(fault.errno, fault.strerror, fault.filename.format(place))

    monkeypatch.setattr(sys.modules["wplus_ext.hosts.webui.api"], "look_again", fail)
    answer = client.get(ROUTE)
    assert told(answer, 422, "wplus/latents/a.pth") and str(client.models) not in answer.text


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("/usr/lib/python3/x.py: bad", "x.py: bad"),
        ("[Errno 2] No such file: '/usr/lib/x'", "[Errno 2] No such file: 'x'"),
        (r"C:\Users\Ann Lee\x.pt exists", "x.pt exists"),
        ("see https://github.com/a/b", "see https://github.com/a/b"),
        ("expected none of /\\[]=", "expected none of /\\[]="),
        ("120x140 pixels, 1/2 of it", "120x140 pixels, 1/2 of it"),
        ("two\n lines", "two lines"),
        ("lone \ud800", "lone \\ud800"),
    ],
)
def test_no_folder_of_the_server_leaves(client, door, text, public):
    library = sys.modules["wplus_ext.hosts.webui.folders"].library()
    assert door.public(ValueError(text), library) == public


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
