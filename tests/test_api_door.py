"""The API's door: whose pages may ask, how much is taken, one at a time; and faults name no folder of the server."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from asked import JSON, ROUTE, Colours, connected, photo, post, told

from wplus_ext.weights.encoder import Encoder

LIMIT = 60  # seconds


@pytest.fixture
def client(shared, models, monkeypatch):
    return connected(shared, models, monkeypatch)


@pytest.fixture
def door(client):
    return sys.modules["wplus_ext.hosts.webui.door"]


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


# What leaves


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
        ("error:/home/jo/secret/x.pt", "error:x.pt"),
        ("open file:///home/jo/x.pt", "open x.pt"),
        ("/home/jo(1)/x/y.pt is there", "y.pt is there"),
        ("no file '/home/jo/My Disk/x y.pt' there", "no file 'x y.pt' there"),
        (r"no file \\\\nas\share\people\x.pt", "no file x.pt"),
        ("'/a' and '/b/c'", "'/a' and 'c'"),
        ("see https://github.com/a/b", "see https://github.com/a/b"),
        ("expected none of /\\[]=", "expected none of /\\[]="),
        ("120x140 pixels, 1/2 of it", "120x140 pixels, 1/2 of it"),
        ("two\n lines", "two lines"),
        ("lone \ud800", "lone \\ud800"),
    ],
)
def test_no_folder_of_the_server_leaves(client, door, text, public):
    assert door.public(ValueError(text)) == public
