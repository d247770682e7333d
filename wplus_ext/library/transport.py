"""Bytes from an address into a file, taken up again where they broke off."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ..version import VERSION
from .ledger import read_json, write_json
from .watch import Watch

PATIENCE = 30.0  # seconds for a byte of an answer; three times that for its beginning, and for each piece
PIECE = 1 << 18  # bytes
GRACE, SLOWEST = 60.0, 500.0  # seconds after which an answer has to have come at so many bytes a second
Count = Callable[[int, int | None], object]  # the bytes that are there, and those of all


def download(url: str, part: Path, state: Path, progress: Count, allowed: Sequence[str], most: int) -> None:
    """Bytes into ``part``, from where it ends if that is still the same file; ``state`` says which that is.

    Args:
        progress: called for every piece; what it raises stops the download.
        allowed: hosts to which an answer may lead besides GitHub's own.
        most: bytes that the file may have.

    Raises:
        ValueError: an answer that is no file, leads elsewhere, or is larger; a part that was not begun here.
        OSError: no connection, a broken one, or one that crawls; what came is kept.
    """
    seen = read_json(state) or {}
    if part.exists() and "url" not in seen:
        raise ValueError(f"{part} is there and was not begun here; move it away, and fetch again")
    have = part.stat().st_size if part.exists() and seen.get("url") == url and seen.get("mark") else 0
    if have and have == seen.get("size"):
        return
    headers = {"User-Agent": f"wplus-ext/{VERSION}", "Accept-Encoding": "identity"}
    headers |= {"Range": f"bytes={have}-", "If-Range": seen["mark"]} if have else {}
    with Watch(3 * PATIENCE) as watch, _open(url, headers, allowed, watch) as answer:
        pieces = _pieces(url, answer, watch)
        if answer.status == 200:
            _copy(url, answer, pieces, part, state, 0, answer.length, _bounded(url, progress, most))
            return
        # Not every server knows If-Range: a part of another version must not be added to ours.
        whole = re.fullmatch(rf"bytes {have}-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if have and answer.status == 206 and whole and int(whole[1]) == seen.get("size"):
            if _mark(answer) in ("", seen["mark"]):
                _copy(url, answer, pieces, part, state, have, seen["size"], _bounded(url, progress, most))
                return
        elif not have or answer.status not in (206, 416):
            reason = _line(answer.reason)
            raise ValueError(f"{url}: status {answer.status} ({reason}), expected a file; try again later")
    part.unlink()  # it cannot go on
    download(url, part, state, progress, allowed, most)


def _copy(
    url: str,
    answer: http.client.HTTPResponse,
    pieces: Iterator[bytes],
    part: Path,
    state: Path,
    have: int,
    size: int | None,
    progress: Count,
) -> None:
    """Add an answer to the ``have`` bytes that are there of ``size``."""
    piece = next(pieces)
    if not have:
        _refuse_page(piece, url)
        part.unlink(missing_ok=True)
        write_json(state, {"url": url, "mark": _mark(answer) if size else "", "size": size})
    with open(part, "ab", buffering=0) as file:  # nothing is left to be written when it is closed
        while piece:
            rest = memoryview(piece)
            while rest:
                rest = rest[file.write(rest) :]
            have += len(piece)
            progress(have, size)
            piece = next(pieces)
    if size is not None and have != size:
        raise OSError(f"{url}: broken off after {have:,} of {size:,} bytes; fetch again to go on from there")


def _bounded(url: str, progress: Count, most: int) -> Count:
    """The same, that ends an answer which is too large, or so slow that it never ends."""
    began, first = time.monotonic(), None

    def count(have: int, size: int | None) -> None:
        nonlocal first
        first = have if first is None else first
        spent = time.monotonic() - began
        if max(have, size or 0) > most:
            raise ValueError(
                f"{url}: {max(have, size or 0):,} bytes, expected at most {most:,}; not what was published"
            )
        if spent > GRACE and have - first < SLOWEST * spent:
            raise OSError(f"{url}: crawls ({have - first:,} bytes in {spent:.0f} s); fetch again to go on from there")
        progress(have, size)

    return count


def _mark(answer: http.client.HTTPResponse) -> str:
    """What tells a version of the file from another; a weak ETag does not."""
    marks = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    return next((x for x in marks if x and not x.startswith("W/")), "")


def _open(
    url: str, headers: dict[str, str], allowed: Sequence[str], watch: Watch
) -> http.client.HTTPResponse | urllib.error.HTTPError:
    opener = urllib.request.build_opener(_Redirects(allowed), *watch.handlers())
    with _network(url, "cannot be reached ({}); check the connection and the proxy"), watch.waiting():
        try:
            return opener.open(urllib.request.Request(url, headers=headers), timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            return error  # an answer too


def _pieces(url: str, answer: http.client.HTTPResponse, watch: Watch) -> Iterator[bytes]:
    """What an answer holds; the last piece is empty."""
    while True:
        with _network(url, "broken off ({}); fetch again to go on from there"), watch.waiting():
            piece = answer.read1(PIECE)  # what is there: a whole piece may never come
        yield piece


@contextmanager
def _network(url: str, what: str) -> Iterator[None]:
    """Say of whatever the network raises what was asked for; ``what`` has a place for the reason."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        reason = _line(getattr(error, "reason", error)) or type(error).__name__
        raise OSError(f"{url}: {what.format(reason)}") from error


def _line(text: object) -> str:
    return " ".join(str(text).split())


def _refuse_page(piece: bytes, url: str) -> None:
    if not piece.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):  # none of our files does
        return
    title = re.search(rb"<title[^>]*>(.*?)</title>", piece, re.IGNORECASE | re.DOTALL)
    said = f" ({_line(title[1].decode(errors='replace'))[:80]})" if title else ""
    raise ValueError(f"{url}: a web page{said}, expected a file; a proxy, or a page to log in to?")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows GitHub to where it keeps its files, and nobody elsewhere."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = allowed

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # noqa: ANN001, ANN202 - as the base class
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        ours = old.hostname == "github.com" and (new.hostname or "").endswith(".githubusercontent.com")
        if not (new.hostname == old.hostname or ours or new.hostname in self.allowed):
            raise ValueError(f"{req.full_url} leads to {new.hostname}, expected {old.hostname}; a proxy? Not followed")
        if old.scheme == "https" != new.scheme:
            raise ValueError(f"{req.full_url} leads from https to {new.scheme}; not followed")
        fp.length, fp.chunked = 0, False  # what it says besides may have no end, and would be read
        return super().redirect_request(req, fp, code, msg, headers, newurl)
