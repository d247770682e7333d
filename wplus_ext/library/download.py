"""Getting the published files from where their makers keep them."""

from __future__ import annotations

import argparse
import csv
import hashlib
import http.client
import json
import logging
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from urllib.parse import urlsplit

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from ..photos.invert import FOLDER
from ..version import VERSION
from ..weights import encoder, files
from ..weights.adapter import Adapter
from .index import UPSTREAM
from .published import ITEMS, LICENCE, Item

PATIENCE = 30.0  # seconds for an answer, and for each piece of it
PIECE = 1 << 18  # bytes
LOCK = ".fetched.lock"  # in the library
Progress = Callable[[str, int, int | None], object]  # a file's name, the bytes that are there, and those of all

log = logging.getLogger(__name__)


def fetch(
    item: Item,
    root: Path,
    accepted: bool,
    progress: Progress = lambda name, done, total: None,
    force: bool = False,
    allowed: Sequence[str] = (),
) -> list[Path]:
    """Get the files of an item into the library ``root``; gives their places. What is there already stays.

    A download goes to ``NAME.part``, where a broken one is taken up again; it is read as it will be
    read, moved to its place, and its SHA-256 kept in ``root/fetched.json``. Proxies are those of the
    environment.

    Args:
        accepted: whether the user has accepted `LICENCE`.
        progress: called for every piece; what it raises stops the download.
        force: get them again, whatever they were before.
        allowed: hosts to which an answer may lead besides GitHub's own.

    Raises:
        ValueError: the licence is not accepted; an answer that is no such file, or leads elsewhere; a file
            that is not what it was.
        OSError: no connection, a broken one, or a disk that does not let us write. What came is kept
            where it can go on.
    """
    if not accepted:
        raise ValueError(f"the licence is not accepted: expected that first\n{LICENCE}")
    known, places = root / "fetched.json", [root / place for _, place in item.files]
    root.mkdir(parents=True, exist_ok=True)
    there = not force and all(place.exists() for place in places)
    with nullcontext() if there else _locked(root / LOCK):
        return [_get(url, place, known, progress, force, allowed) for (url, _), place in zip(item.files, places)]


def _get(url: str, target: Path, known: Path, progress: Progress, force: bool, allowed: Sequence[str]) -> Path:
    before = None if force else _remembered(known).get(url)
    if target.exists() and not force:
        if before and before["kept"] != _sha256(target):
            raise ValueError(f"{target} is not what was downloaded on {before['date']}; delete it, and fetch it again")
        if not before:
            with _usable(target, target, "what is there cannot be used ({}); delete it, and fetch it again"):
                _read_as_used(target, target)
            log.warning("%s is there and was not downloaded here: left alone", target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part, state = (target.with_name(target.name + ending) for ending in (".part", ".part.json"))
    checked = part.with_name(f".{Path(urlsplit(url).path).name}")  # the ending says how it is read
    with _naming(part):
        try:
            _download(url, part, state, lambda done, total: progress(target.name, done, total), allowed)
            digest, size = _sha256(part), part.stat().st_size
            if before and before["sha256"] != digest:
                part.unlink()
                raise ValueError(
                    f"{url} gives another file than on {before['date']} (sha256 {digest[:10]}…, it was "
                    f"{before['sha256'][:10]}…); if its makers have changed it, take it with the command fetch --force"
                )
            part.replace(checked)
            _check(checked, target)
        except ValueError:
            checked.unlink(missing_ok=True)
            raise
        except BaseException:  # a full disk, or Ctrl+C: the download is good
            if checked.exists():
                checked.replace(part)
            raise
        finally:
            if not part.exists():
                state.unlink(missing_ok=True)
        checked.unlink(missing_ok=True)
        date = time.strftime("%Y-%m-%d", time.gmtime())
        entry = {"sha256": digest, "size": size, "kept": _sha256(target), "date": date}
        _write(known, _remembered(known) | {url: entry})
    return target


def _check(source: Path, target: Path) -> None:
    """Read a download as it will be read, and put it in its place."""
    with _usable(source, target, "what was downloaded cannot be used ({}); try again later"):
        if _kind(target) == "encoders":
            encoder.convert(source, target)
        else:
            _read_as_used(source, target)
            source.replace(target)


def _read_as_used(source: Path, target: Path) -> None:
    """Raise ValueError for a file that is not what belongs into the place ``target``."""
    kind = _kind(target)
    if kind == "encoders":
        encoder.Encoder.load(source)
    elif kind == "adapters":
        Adapter.load(source)
    elif source.suffix == ".csv":
        lines = [line for line in csv.reader(source.read_text(encoding="utf-8").splitlines(), delimiter="\t") if line]
        if not lines or any(len(line) != 5 for line in lines):
            raise ValueError("expected lines of five columns")
    elif files.is_ganspace(content := files.read(source)):
        for vector in (content["mean"], *content["comp"]):
            files.as_latent(vector, source)
        if not torch.isfinite(content["std"]).all():
            raise ValueError("its deviations hold NaN or infinite numbers")
    else:
        files.as_latent(content, source)


def _kind(target: Path) -> str:
    """The folder of the library to which a place belongs."""
    return target.parent.name if target.parent.name in ("adapters", "encoders") else "directions"


@contextmanager
def _usable(source: Path, target: Path, what: str) -> Iterator[None]:
    """Say of a file that cannot be read which it is, and what to do; ``what`` has a place for the reason."""
    try:
        yield
    except (ValueError, csv.Error) as error:
        said = str(error).replace(str(source), target.name)
        raise ValueError(f"{target.name}: {what.format(said)}") from error


def _download(
    url: str, part: Path, state: Path, progress: Callable[[int, int | None], object], allowed: Sequence[str]
) -> None:
    """Bytes into ``part``, from where it ends if that is still the same file; ``state`` says which that is."""
    seen = _content(state) or {}
    have = part.stat().st_size if part.exists() and seen.get("url") == url and seen.get("mark") else 0
    if have and have == seen.get("size"):
        return
    headers = {"User-Agent": f"wplus-ext/{VERSION}", "Accept-Encoding": "identity"}
    headers |= {"Range": f"bytes={have}-", "If-Range": seen["mark"]} if have else {}
    opener = urllib.request.build_opener(_Redirects(allowed))
    with _network(url, "cannot be reached ({}); check the connection and the proxy"):
        try:
            answer = opener.open(urllib.request.Request(url, headers=headers), timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            answer = error  # an answer too
    with answer:
        if answer.status == 200:
            _copy(url, answer, part, state, 0, answer.length, progress)
            return
        # Not every server knows If-Range: a part of another version must not be added to ours.
        whole = re.fullmatch(rf"bytes {have}-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if have and answer.status == 206 and whole and int(whole[1]) == seen.get("size"):
            if _mark(answer) in ("", seen["mark"]):
                _copy(url, answer, part, state, have, seen["size"], progress)
                return
        elif not have or answer.status not in (206, 416):
            reason = _line(answer.reason)
            raise ValueError(f"{url}: status {answer.status} ({reason}), expected a file; try again later")
    part.unlink()  # it cannot go on
    _download(url, part, state, progress, allowed)


def _copy(
    url: str,
    answer: http.client.HTTPResponse,
    part: Path,
    state: Path,
    have: int,
    size: int | None,
    progress: Callable[[int, int | None], object],
) -> None:
    """Add an answer to the ``have`` bytes that are there of ``size``."""
    piece = _read(url, answer)
    if not have:
        _refuse_page(piece, url)
        part.unlink(missing_ok=True)
        _write(state, {"url": url, "mark": _mark(answer) if size else "", "size": size})
    with open(part, "ab", buffering=0) as file:  # nothing is left to be written when it is closed
        while piece:
            rest = memoryview(piece)
            while rest:
                rest = rest[file.write(rest) :]
            have += len(piece)
            progress(have, size)
            piece = _read(url, answer)
    if size is not None and have != size:
        raise OSError(f"{url}: broken off after {have:,} of {size:,} bytes; fetch again to go on from there")


def _mark(answer: http.client.HTTPResponse) -> str:
    """What tells a version of the file from another; a weak ETag does not."""
    marks = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    return next((x for x in marks if x and not x.startswith("W/")), "")


def _read(url: str, answer: http.client.HTTPResponse) -> bytes:
    with _network(url, "broken off ({}); fetch again to go on from there"):
        return answer.read(PIECE)


@contextmanager
def _network(url: str, what: str) -> Iterator[None]:
    """Say of whatever the network raises what was asked for; ``what`` has a place for the reason."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        reason = _line(getattr(error, "reason", error)) or type(error).__name__
        raise OSError(f"{url}: {what.format(reason)}") from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Give the disk's errors the name of a file: those of a write have none."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, f"{error.strerror}; what came is kept", str(path)) from error


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
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One download into a library at a time. The system lets go of the lock when its process ends, however it does."""
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise ValueError(
            f"{path} is locked: another download into {path.parent} runs (or this disk cannot lock files); try again "
            "when it has ended"
        ) from error
    except NotImplementedError as error:
        raise OSError(f"{path}: this disk cannot lock files ({error}); download to another one") from error


def _remembered(path: Path) -> dict[str, dict]:
    """By address: ``sha256`` and ``size`` of what came, its ``date``, and ``kept``, the hash of what was made of it."""
    content = _content(path) if path.exists() else {}
    keys = {"sha256", "size", "date", "kept"}
    if content is None or not all(isinstance(entry, dict) and keys <= entry.keys() for entry in content.values()):
        raise ValueError(f"{path}: damaged, expected an entry for each address; mend it, or delete it")
    return content


def _content(path: Path) -> dict | None:
    """A file of JSON that holds a dict; None for any other."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else None
    return None


def _write(path: Path, content: dict) -> None:
    partly = path.with_name(f".{path.name}.new")
    partly.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partly.replace(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``fetch``."""
    listed = "; ".join(f"{name}: {item.what}" for name, item in ITEMS.items())
    parser.add_argument("items", nargs="*", metavar="ITEM", help=f"{listed} (default: adapter and directions)")
    parser.add_argument("--wplus", type=Path, default=FOLDER, metavar="DIR", help="the library (default: %(default)s)")
    parser.add_argument("--accept-licence", action="store_true", help="you have read it: non-commercial use only")
    parser.add_argument("--force", action="store_true", help="get files again that are there, or have changed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """The command ``fetch``."""
    names = options.items or ["adapter", "directions"]
    unknown = [name for name in names if name not in ITEMS]
    if unknown:
        raise ValueError(f"there is no item {unknown[0]!r}, expected {', '.join(ITEMS)}")
    accepted = options.accept_licence
    if not accepted and sys.stdin.isatty():
        print(LICENCE)
        accepted = input("Do you accept this licence? [y/N] ").strip().lower() in ("y", "yes")
    if not accepted:
        raise ValueError(f"the files' licence (NTU S-Lab 1.0, non-commercial, {UPSTREAM}) needs --accept-licence")
    for name in names:
        with tqdm(unit="B", unit_scale=True, disable=None) as bar:

            def show(file: str, done: int, total: int | None, bar: tqdm = bar) -> None:
                bar.set_description(file, refresh=False)
                bar.total, bar.n = total, done
                bar.refresh()

            got = fetch(ITEMS[name], options.wplus, accepted, show, options.force)
        print(f"{name}: {len(got)} {'file' if len(got) == 1 else 'files'} in {got[0].parent}")
