"""The WebUI's API for people: what the page does with photos, for programs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from modules import shared

from ...fields import check, fields_of, refuse_unknown, setting
from ...library.identities import read_person
from ...library.index import Library
from ...library.names import check_name
from ...photos.invert import Inverter
from ...settings import nearest
from . import door
from .folders import FACE_WEIGHTS, look_again

ROUTE = "/wplus/v1/identities"
URL_ALPHABET = str.maketrans("-_", "+/")  # base64 as addresses have it
PHOTOS, PHOTO = 32, 40_000_000  # of a request, and bytes of one
PARTS = 1000  # lists, objects and commas of a body


@dataclass(frozen=True)
class Photos:
    """A person's photos, in base64, as files hold them.

    Raises:
        ValueError: a value of a wrong type, or that cannot be.
    """

    photos: list[str]
    name: str = setting("", "Name", "of the identity")
    aligned: bool = setting(False, "Aligned", "the photos are cut out already: find no face")
    bare: bool = setting(False, "Bare", "without background and clothes")
    face: int | None = setting(
        None, "Face", "which face of each photo, from 1, the largest first; the only one where it is null",
        low=1, high=1000,
    )  # fmt: skip
    replace: bool = setting(False, "Replace", "put away an identity of this name")

    def __post_init__(self) -> None:
        check(self)
        check_name(self.name)
        if not isinstance(self.photos, list):
            raise ValueError(f"photos is a {type(self.photos).__name__}, expected a list of photos in base64")
        if not self.photos:
            raise ValueError("photos is empty, expected at least one photo in base64")
        for i, photo in enumerate(self.photos, 1):
            if not isinstance(photo, str):
                raise ValueError(f"photo {i} is a {type(photo).__name__}, expected a text: a file's bytes in base64")
        if self.aligned and self.face is not None:
            raise ValueError(f"face is {self.face}, but aligned photos are one face each: leave one of them out")

    @classmethod
    def read(cls, body: bytes) -> Photos:
        """From a request's body.

        Raises ValueError for what is no JSON, is no object, lacks fields, has others or one twice; HTTPException with
        status 413 for one of too many parts.
        """
        parts = sum(map(body.count, (b"[", b"{", b",")))
        if parts > PARTS:  # each costs some thirty times its letters, once it is read
            raise HTTPException(413, f"a body of {parts} parts, expected at most {PARTS}: a name and photos")
        try:
            values = json.loads(body, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the body is no JSON that can be read ({error}); expected an object") from error
        if not isinstance(values, dict):
            raise ValueError(f"the body is a {type(values).__name__}, expected an object with name and photos")
        refuse_unknown(cls, {name[:60]: value for name, value in values.items()}, nearest)
        for name in ("name", "photos"):
            if name not in values:
                raise ValueError(f"{name} is missing; expected an object with name and photos")
        return cls(**values)

    def decoded(self) -> list[tuple[str, bytes]]:
        """Each photo with what its faults call it.

        Raises ValueError for one that is no base64, HTTPException with status 413 for too many or too large ones.
        """
        if len(self.photos) > PHOTOS:
            raise HTTPException(413, f"{len(self.photos)} photos, expected at most {PHOTOS}: send fewer")
        found = []
        for i, text in enumerate(self.photos, 1):
            text = "".join(text.rpartition(",")[2].split()).translate(URL_ALPHABET)  # a data URL will do
            text += "=" * (-len(text) % 4)
            if len(text) * 3 // 4 > PHOTO + 2:
                raise HTTPException(413, f"photo {i} is larger than {PHOTO} bytes: make it smaller")
            try:
                found.append((f"photo {i}", base64.b64decode(text, validate=True)))
            except ValueError as error:
                raise ValueError(f"photo {i} is no base64 ({error}); expected a file's bytes in base64") from error
        return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON. Raises ValueError for a name that stands there twice, of which one would be lost."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(name for name in values if [other for other, _ in pairs].count(name) > 1)
        raise ValueError(f"{twice[:60]!r} stands there twice")
    return values


def add_routes(library: Library) -> Callable[[object, FastAPI], None]:
    """A callback that adds ``GET`` and ``POST /wplus/v1/identities``, where the WebUI has an API at all."""

    def add(demo: object, app: FastAPI) -> None:
        if not shared.cmd_opts.api:
            return
        guard = [Depends(door.check_origin), *([Depends(door.check_user)] if shared.cmd_opts.api_auth else [])]

        @app.get(ROUTE, dependencies=guard)
        def identities() -> list[dict[str, object]]:
            """The identities: name, date and the SHA-256 of the photos."""
            with door.answered():
                return _listed(library)

        @app.post(ROUTE, dependencies=guard, openapi_extra={"requestBody": _described()})
        async def make(request: Request) -> dict[str, object]:
            """An identity from photos of one person."""
            with door.seat():
                door.refuse_query(request)
                body = await door.read_json_body(request)
                return await run_in_threadpool(_make, library, body)

    return add


def _listed(library: Library) -> list[dict[str, object]]:
    look_again(library)
    people = [(entry.name, read_person(entry.path)) for entry in library.entries("latents")]
    return [{"name": name, "date": person.date, "sources": person.sources} for name, person in people]


def _make(library: Library, body: bytes) -> dict[str, object]:
    """A request's photos to an identity. Raises HTTPException for whatever is wrong."""
    with door.answered(), door.turn():
        try:
            wanted = Photos.read(body)
            photos = wanted.decoded()
        except ValueError as error:  # of what was sent, whose folders are not the server's
            raise HTTPException(422, str(error)) from error
        look_again(library)
        inverter = Inverter(library, weights=FACE_WEIGHTS)
        path = inverter.make(wanted.name, photos, wanted.face, wanted.aligned, wanted.bare, wanted.replace)
        sources = dict.fromkeys(hashlib.sha256(data).hexdigest() for _, data in photos)
        return {"name": path.stem, "sources": list(sources)}


def _described() -> dict[str, object]:
    """The body, as OpenAPI writes it."""
    kinds = {str: "string", bool: "boolean", int: "integer"}
    fields: dict[str, object] = {
        field.name: {"type": kinds[field.kind], "nullable": field.optional, "default": field.default}
        | {"description": field.help}
        for field in fields_of(Photos)
    }
    texts = {"type": "string", "format": "byte"}
    fields["photos"] = {"type": "array", "items": texts, "minItems": 1, "maxItems": PHOTOS}
    schema = {"type": "object", "properties": fields, "required": ["name", "photos"], "additionalProperties": False}
    return {"required": True, "content": {"application/json": {"schema": schema}}}
