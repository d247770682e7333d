"""The WebUI's API for people: what the page does with photos, for programs."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import shared
from pydantic import BaseModel

from . import people, ui_people
from .library import Library
from .webui import look_again


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
            for name in library.names("latents"):
                person = people.describe(library.find("latents", name).path)
                found.append({"name": name, "date": person.date, "sources": person.sources})
            return found

        @app.post("/wplus/v1/identities", dependencies=guard)
        def make(photos: Photos) -> dict[str, object]:
            look_again(library)
            try:
                faces = [face for data in photos.photos for face in _faces(data, photos)]
                if not faces:
                    raise ValueError("photos is empty, expected at least one photo in base64")
                path = ui_people.make(library, photos.name, faces, photos.replace)
            except (ValueError, OSError) as error:
                raise HTTPException(422, str(error)) from error
            return {"name": path.stem, "sources": people.describe(path).sources}

    return add


def _faces(data: str, photos: Photos) -> list[ui_people.Found]:
    try:
        raw = base64.b64decode(data.rpartition(",")[2], validate=True)  # a data URL will do
    except binascii.Error as error:
        raise ValueError(f"a photo is no base64 ({error}); expected a file's bytes in base64") from error
    found = ui_people.faces_of(raw, photos.aligned, photos.bare)
    if photos.face is None and len(found) == 1:
        return found
    if photos.face is None or not 1 <= photos.face <= len(found):
        raise ValueError(
            f"the photo has {len(found)} faces, and face is {photos.face}: expected 1 to {len(found)}, largest first"
        )
    return [found[photos.face - 1]]


def _checked(credentials: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008
    """The users of ``--api-auth``, as the WebUI's own routes check them."""
    users = dict(user.split(":", 1) for user in shared.cmd_opts.api_auth.split(","))
    expected = users.get(credentials.username, "")
    if not expected or not secrets.compare_digest(credentials.password.encode(), expected.encode()):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})
