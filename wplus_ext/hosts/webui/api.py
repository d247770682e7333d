"""The WebUI's API for people: what the page does with photos, for programs."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import shared
from pydantic import BaseModel

from ...library.identities import read_person
from ...library.index import Library
from ...photos.invert import Inverter
from .folders import FACE_WEIGHTS, look_again


class Photos(BaseModel):
    """A person's photos, in base64, as files hold them; ``face`` counts from 1, the largest first; ``bare`` is without
    background and clothes."""

    name: str
    photos: list[str]
    aligned: bool = False
    bare: bool = False
    face: int | None = None
    replace: bool = False


def add_routes(library: Library) -> Callable[[object, FastAPI], None]:
    """A callback that adds ``GET`` and ``POST /wplus/v1/identities``, where the WebUI has an API at all."""

    def add(demo: object, app: FastAPI) -> None:
        if not shared.cmd_opts.api:
            return
        guard = [Depends(_checked)] if shared.cmd_opts.api_auth else []

        @app.get("/wplus/v1/identities", dependencies=guard)
        def identities() -> list[dict[str, object]]:
            look_again(library)
            found = []
            for entry in library.entries("latents"):
                person = read_person(entry.path)
                found.append({"name": entry.name, "date": person.date, "sources": person.sources})
            return found

        @app.post("/wplus/v1/identities", dependencies=guard)
        def make(photos: Photos) -> dict[str, object]:
            look_again(library)
            try:
                path = _identity(library, photos)
            except (ValueError, OSError) as error:
                raise HTTPException(422, str(error)) from error
            return {"name": path.stem, "sources": read_person(path).sources}

    return add


def _identity(library: Library, photos: Photos) -> Path:
    """Photos to an identity's file. Raises ValueError or OSError for what is wrong with them."""
    if not photos.photos:
        raise ValueError("photos is empty, expected at least one photo in base64")
    return Inverter(library, weights=FACE_WEIGHTS).make(
        photos.name, _decoded(photos.photos), photos.face, photos.aligned, photos.bare, photos.replace
    )


def _decoded(photos: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each photo with what its faults call it. Raises ValueError for one that is no base64."""
    for i, text in enumerate(photos, 1):
        try:
            yield f"photo {i}", base64.b64decode(text.rpartition(",")[2], validate=True)  # a data URL will do
        except ValueError as error:
            raise ValueError(f"photo {i} is no base64 ({error}); expected a file's bytes in base64") from error


def _checked(credentials: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008
    """The users of ``--api-auth``, as the WebUI's own routes check them."""
    users = dict(user.split(":", 1) for user in shared.cmd_opts.api_auth.split(","))
    expected = users.get(credentials.username, "")
    if not expected or not secrets.compare_digest(credentials.password.encode(), expected.encode()):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})
