"""The WebUI's API for people. The encoder and the detector stand in."""

from __future__ import annotations

import base64

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from host import load_script
from pictures import png

ROUTE = "/wplus/v1/identities"
PHOTO = base64.b64encode(png("red")).decode()


def connected(shared):
    """A program that asks the API."""
    app = FastAPI()
    (add,) = shared.started
    add(None, app)
    return TestClient(app)


@pytest.fixture
def client(accordion, shared):
    return connected(shared)


def post(client, **body):
    return client.post(ROUTE, json={"name": "x", "photos": [PHOTO], **body})


def test_an_identity_is_made(client):
    answer = post(client, name="cleo", aligned=True)
    assert answer.status_code == 200 and answer.json()["name"] == "cleo"


def test_identities_are_listed(client):
    made = post(client, name="cleo", aligned=True).json()
    listed = {person["name"]: person for person in client.get(ROUTE).json()}
    assert list(listed) == ["anna", "cleo", "oliver"]
    assert listed["cleo"]["sources"] == made["sources"] and len(made["sources"]) == 1
    assert listed["cleo"]["date"].endswith("Z") and listed["anna"]["date"] == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "anna", "aligned": True}, "exists"),
        ({"name": "a/b", "aligned": True}, "'/'"),
        ({"photos": []}, "at least one photo"),
        ({"photos": [PHOTO, "%%"], "face": 1}, "photo 2 is no base64"),
        ({"photos": ["é"]}, "photo 1 is no base64"),
        ({}, "2 faces"),
        ({"face": 3}, "expected 1 to 2"),
    ],
)
def test_what_is_wrong_is_told(client, detected, body, words):
    detected *= 2
    answer = post(client, **body)
    assert answer.status_code == 422 and words in answer.json()["detail"]


def test_a_face_is_chosen_by_its_number(client, detected):
    detected *= 2
    assert post(client, face=2).status_code == 200


def test_a_data_url_will_do(client):
    assert post(client, photos=[f"data:image/png;base64,{PHOTO}"]).status_code == 200


def test_an_identity_is_replaced_where_that_is_asked_for(client):
    assert post(client, name="x").status_code == 200
    assert post(client, name="x", replace=True).status_code == 200


def test_a_face_without_background(client, accordion, parsed):
    assert post(client, name="bare", bare=True).status_code == 200
    accordion.library.refresh()
    assert accordion.library.latent("bare")[0, :3].tolist() == pytest.approx([1.0, 1.0, 1.0])


@pytest.fixture
def guarded(shared):
    load_script()
    shared.cmd_opts.api_auth = "ann:secret,bob:other"
    return connected(shared)


@pytest.mark.parametrize(
    ("auth", "status"),
    [(None, 401), (("ann", "other"), 401), (("eve", ""), 401), (("ann", "secret"), 200), (("bob", "other"), 200)],
)
def test_the_password_is_asked_for(guarded, auth, status):
    assert guarded.get(ROUTE, auth=auth).status_code == status


def test_without_the_webuis_api_there_is_none(shared):
    load_script()
    shared.cmd_opts.api = False
    assert connected(shared).get(ROUTE).status_code == 404


@pytest.mark.parametrize("written", ["\n".join, "\r\n ".join], ids=["lines", "indented lines"])
def test_base64_in_several_lines(client, written):
    lines = [PHOTO[i : i + 60] for i in range(0, len(PHOTO), 60)]
    assert post(client, photos=[written(lines)]).status_code == 200


def test_base64_in_the_alphabet_of_addresses(client):
    assert post(client, photos=[PHOTO.translate(str.maketrans("+/", "-_")).rstrip("=")]).status_code == 200
