"""The API's door: whose pages may act here, what may be sent and how much of it, one at a time."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import shared
from starlette.requests import ClientDisconnect

from .public import one_line, public

BODY = 100_000_000  # bytes of a request
SENT_WITHIN = 300.0  # seconds for a request's body
WAITING = 8  # requests that wait for one that is at work
TURN = 900.0  # seconds for their turn
log = logging.getLogger(__name__)
_seats = threading.BoundedSemaphore(WAITING + 1)
_work = threading.Lock()


def check_origin(request: Request) -> None:
    """Refuse a page of somebody else's, with status 403: one that is neither the server's own nor one that the WebUI's
    options for origins name. Programs send no origin."""
    host = request.headers.get("host", "")
    for origin in request.headers.getlist("origin"):
        own = host and origin.partition("://")[2].lower() == host.lower()
        if not own and not _is_allowed(origin):
            raise HTTPException(
                403,
                f"a page of {origin[:100]!r} may not act here, expected one of {host[:100]!r}; start the WebUI with "
                "--cors-allow-origins to let others in",
            )


def check_user(credentials: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008
    """The users of ``--api-auth``, as the WebUI's own routes check them."""
    users = dict(user.split(":", 1) for user in shared.cmd_opts.api_auth.split(","))
    expected = users.get(credentials.username, "")
    if not expected or not secrets.compare_digest(credentials.password.encode(), expected.encode()):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})


def refuse_query(request: Request) -> None:
    """Refuse what is asked for in the address, with status 422: nothing is read there."""
    for name in request.query_params:
        raise HTTPException(422, f"{name[:60]!r} stands in the address, expected it in the body, as JSON")


async def read_json_body(request: Request) -> bytes:
    """A body that says it is JSON, which a page of another origin must not send unasked.

    Raises HTTPException: 415 for another type, 413 for one that is too large, said or not, 408 for one that is slow.
    """
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        given = f"the content type {kind[:100]!r}" if kind else "no content type"
        raise HTTPException(415, f"{given}, expected application/json: send the header Content-Type")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and (len(said) > 15 or int(said) > BODY):
        raise _too_large(f"{said[:20]} bytes")
    try:
        return await asyncio.wait_for(_counted(request), SENT_WITHIN)
    except asyncio.TimeoutError as error:
        raise HTTPException(408, f"the body has not come within {SENT_WITHIN:.0f} s; send less at once") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the body broke off; send it again") from error


@contextmanager
def seat() -> Iterator[None]:
    """A place among those at work or waiting; HTTPException with status 503 where all are taken."""
    if not _seats.acquire(blocking=False):
        busy = f"{WAITING + 1} requests are at work or wait already; try again later"
        raise HTTPException(503, busy, {"Retry-After": "10"})
    try:
        yield
    finally:
        _seats.release()


@contextmanager
def turn() -> Iterator[None]:
    """The only one at work; HTTPException with status 503 where that does not come about."""
    if not _work.acquire(timeout=TURN):
        raise HTTPException(503, f"others are at work for {TURN:.0f} s; try again later", {"Retry-After": "60"})
    try:
        yield
    finally:
        _work.release()


@contextmanager
def answered() -> Iterator[None]:
    """Faults as a status and one line that names no folder of the server: 422 for what was sent, 503 for what is busy,
    500 for a mistake of ours, which the log has in full."""
    try:
        yield
    except HTTPException as error:
        raise HTTPException(error.status_code, one_line(str(error.detail)), error.headers) from error
    except TimeoutError as error:
        raise HTTPException(503, public(error), {"Retry-After": "10"}) from error
    except (ValueError, OSError) as error:
        raise HTTPException(422, public(error)) from error
    except MemoryError as error:
        raise HTTPException(413, "there is not enough memory for these photos; send fewer, or smaller ones") from error
    except Exception as error:
        log.exception("the API fails")
        kind = type(error).__name__
        raise HTTPException(500, f"a mistake of the extension's ({kind}); the WebUI's log has it: report it") from error


def _is_allowed(origin: str) -> bool:
    """As the WebUI's own CORSMiddleware decides."""
    listed = getattr(shared.cmd_opts, "cors_allow_origins", None) or ""
    pattern = getattr(shared.cmd_opts, "cors_allow_origins_regex", None)
    allowed = listed.split(",") if listed else []
    return "*" in allowed or origin in allowed or bool(pattern and re.fullmatch(pattern, origin))


async def _counted(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            raise _too_large(f"more than {BODY} bytes")
    return bytes(body)


def _too_large(given: str) -> HTTPException:
    return HTTPException(413, f"a body of {given}, expected at most {BODY}; send fewer photos, or smaller ones")
