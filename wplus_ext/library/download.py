"""Getting the published files from where their makers keep them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from ..weights import encoder, files
from ..weights.kinds import identify
from ..weights.locks import alone
from ..weights.swap import own_folder
from .exclusive import bring
from .ledger import locked, remembered, write_json
from .published import Item, pin
from .transport import download

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

    A download goes to a hidden file beside its place, where a broken one is taken up again; it is read as it
    will be read, moved to its place, and its SHA-256 kept in ``root/fetched.json``. What somebody else put into
    that place meanwhile is left alone. Proxies are those of the environment.

    Args:
        accepted: whether the user has accepted the item's licence; a free one needs it not.
        progress: called for every piece; what it raises stops the download.
        force: get them again, whatever they were before; what was not downloaded here is put away.
        allowed: hosts to which an answer may lead besides GitHub's own.

    Raises:
        ValueError: the licence is not accepted; an answer that is no such file, or leads elsewhere; a file
            that is not what it was.
        OSError: no connection, a broken one, or a disk that does not let us write. What came is kept
            where it can go on.
    """
    if item.asks and not accepted:
        raise ValueError(f"the licence is not accepted: expected that first\n{item.licence}")
    if root.exists() and not root.is_dir():
        raise ValueError(f"{root} is a file, expected the folder of a library")
    known, places = root / "fetched.json", [root / place for _, place in item.files]
    root.mkdir(parents=True, exist_ok=True)
    there = not force and all(place.exists() for place in places)
    with nullcontext() if there else locked(root / LOCK):
        return [
            _get(url, place, known, progress, force, allowed, item.most) for (url, _), place in zip(item.files, places)
        ]


def _get(
    url: str, target: Path, known: Path, progress: Progress, force: bool, allowed: Sequence[str], most: int
) -> Path:
    entry = remembered(known).get(url)
    before = None if force else entry
    if target.exists() and not force:
        if before and before["kept"] != files.sha256(target):
            raise ValueError(f"{target} is not what was downloaded on {before['date']}; delete it, and fetch it again")
        if not before:
            with _usable(target, target, "what is there cannot be used ({}); delete it, and fetch it again"):
                _read_as_used(url, target, target)
            log.warning("%s is there and was not downloaded here: left alone", target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part{Path(urlsplit(url).path).suffix}")  # the ending says how it is read
    state = part.with_name(f"{part.name}.json")
    with _naming(part):
        download(url, part, state, lambda done, total: progress(target.name, done, total), allowed, most)
        try:
            digest, size = files.sha256(part), part.stat().st_size
            _compare(url, digest, before)
            _check(url, part, target, entry, force)
        except ValueError:  # after all others, such as a full disk and Ctrl+C, the download is good
            part.unlink()
            raise
        finally:
            if not part.exists():
                state.unlink(missing_ok=True)
        date = time.strftime("%Y-%m-%d", time.gmtime())
        entry = {"sha256": digest, "size": size, "kept": files.sha256(target), "date": date}
        write_json(known, remembered(known) | {url: entry})
    return target


def _compare(url: str, digest: str, before: dict | None) -> None:
    """Refuse a file that is not the published one, or another than it was."""
    known = pin(url)
    if known and known.sha256 != digest:
        raise ValueError(
            f"{url} is not what was published: sha256 {digest[:10]}…, expected {known.sha256[:10]}…; a proxy that "
            "changes it? Try again elsewhere"
        )
    if before and before["sha256"] != digest:
        raise ValueError(
            f"{url} gives another file than on {before['date']} (sha256 {digest[:10]}…, it was "
            f"{before['sha256'][:10]}…); if its makers have changed it, take it with the command fetch --force"
        )


def _check(url: str, part: Path, target: Path, before: dict | None, force: bool) -> None:
    """Read a download as it will be read, and put what is kept of it in its place."""
    with _usable(part, target, "what was downloaded cannot be used ({}); try again later"):
        if _folder(target) == "encoders":
            with own_folder(target) as folder:
                encoder.convert(part, folder / target.name)
                _place(folder / target.name, target, before, force)
            part.unlink()
        else:
            _read_as_used(url, part, target)
            _place(part, target, before, force)


def _place(made: Path, target: Path, before: dict | None, force: bool) -> None:
    """Give a file its place; with ``force`` over what was downloaded there ``before``, or after putting other away."""
    with alone(target.parent):
        if force and before and target.is_file() and files.sha256(target) == before["kept"]:
            made.replace(target)
            return
        try:
            bring(made, target, force)
        except FileExistsError as error:
            raise FileExistsError(
                f"{target} came there while it was downloaded, and is left alone; move it away, and fetch again"
            ) from error


def _read_as_used(url: str, source: Path, target: Path) -> None:
    """Raise ValueError for a file that is not what belongs into the place ``target``."""
    belongs, known = _folder(target), pin(url)
    if belongs == "measure":  # who reads these files is above the library: here they are known by their sums
        if known is None or files.sha256(source) != known.sha256:
            raise ValueError("this is not the published file")
        return
    kind = identify(source).kind
    if belongs not in kind.folders:
        raise ValueError(f"this is an {kind.name}, expected one of the {belongs}")


def _folder(target: Path) -> str:
    """The folder of the library to which a place belongs."""
    return target.parent.name if target.parent.name in ("adapters", "encoders", "measure") else "directions"


@contextmanager
def _usable(source: Path, target: Path, what: str) -> Iterator[None]:
    """Say of a file that cannot be read which it is, and what to do; ``what`` has a place for the reason."""
    try:
        yield
    except ValueError as error:
        said = str(error).replace(str(source), target.name)
        raise ValueError(f"{target.name}: {what.format(said)}") from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Give the disk's errors the name of a file: those of a write have none."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, f"{error.strerror}; what came is kept", str(path)) from error
