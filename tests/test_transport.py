"""Downloads that break off, lead elsewhere or are no file: what is on the disk is one version of a file, and one line
says why not."""

from __future__ import annotations

import builtins
import errno
import http.client
import io
import ssl
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
from servers import PLACE, get, left

from wplus_ext.__main__ import main
from wplus_ext.library import download, published, transport


def npy(seed):
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(seed).normal(size=(18, 512)) / 20)
    return buffer.getvalue()


OLD, NEW = npy(1), npy(2)
PLAIN = "directions/a.npy"
PART, PLAIN_PART = "directions/.smile.part.pt", "directions/.a.part.npy"


def ask(server, root, *answers):
    return get(server, root, *answers, place=PLAIN, name="a.npy")


def whole(content, tag='"1"', sent=None):
    return 200, {"ETag": tag}, content, sent


def rest(content, start, tag='"1"', end=None):
    end = end or len(content)
    return 206, {"ETag": tag, "Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}, content[start:end], None


# Broken off


@pytest.fixture
def broken(server, root):
    """A download of which half came."""
    server.how = "cut"
    with pytest.raises(OSError, match="broken off after .* of .* fetch again"):
        get(server, root)
    server.how = "good"
    return root / PART


def whole_again(server, root):
    return (root / PLACE).read_bytes() == server.content and left(root) == ["fetched.json", "smile.pt"]


def test_what_came_of_a_broken_download_is_kept(server, root, broken):
    assert left(root) == [".smile.part.pt", ".smile.part.pt.json"]
    assert 0 < broken.stat().st_size < len(server.content)


def test_a_broken_download_goes_on(server, root, broken):
    half = broken.stat().st_size
    get(server, root)
    assert server.asked[-1]["Range"] == f"bytes={half}-" and server.asked[-1]["If-Range"] == '"1"'
    assert whole_again(server, root)


def test_a_server_without_ranges_begins_again(server, root, broken):
    server.how = "no ranges"
    get(server, root)
    assert whole_again(server, root)


def test_a_file_with_another_tag_begins_again(server, root, broken):
    server.tag = '"2"'
    get(server, root)
    assert whole_again(server, root)


def test_a_part_that_is_too_long_begins_again(server, root, broken):
    broken.write_bytes(server.content + b"more")
    get(server, root)
    assert whole_again(server, root)


def test_a_part_outlives_a_proxys_page(server, root, broken):
    before, server.how = broken.read_bytes(), "page"
    with pytest.raises(ValueError, match="web page"):
        get(server, root)
    assert broken.read_bytes() == before
    server.how = "good"
    get(server, root)
    assert whole_again(server, root)


@pytest.fixture
def cut(obedient, root):
    with pytest.raises(OSError, match="40,000 of 73,856"):
        ask(obedient, root, whole(OLD, sent=40000))
    assert (root / PLAIN_PART).read_bytes() == OLD[:40000]
    return obedient


@pytest.mark.parametrize(
    "odd",
    [
        rest(NEW, 40000, '"2"'),  # knows no If-Range, and the file has changed: its rest is of another version
        rest(NEW + b"more", 40000),  # the same, without a tag to see it by
        rest(NEW, 0),
        (206, {"ETag": '"1"'}, NEW[40000:], None),
        (416, {}, b"", None),
    ],
)
def test_what_does_not_go_on_starts_over(cut, root, odd):
    ask(cut, root, odd, whole(NEW))
    assert cut.asked == [None, "bytes=40000-", None]
    assert (root / PLAIN).read_bytes() == NEW


def test_a_shorter_rest_than_asked_for_is_not_the_end(cut, root):
    with pytest.raises(OSError, match="50,000 of 73,856"):
        ask(cut, root, rest(OLD, 40000, end=50000))
    ask(cut, root, rest(OLD, 50000))
    assert (root / PLAIN).read_bytes() == OLD


@pytest.mark.parametrize("answer", [(500, {}, b"", None), whole(b"<html><title>Please\n log in</title>")])
def test_an_error_or_a_page_does_not_cost_the_part(cut, root, answer):
    with pytest.raises(ValueError) as caught:
        ask(cut, root, answer)
    assert "\n" not in str(caught.value)
    ask(cut, root, rest(OLD, 40000))
    assert (root / PLAIN).read_bytes() == OLD


# Answers that are no file


BAD = [
    ("page", ValueError, r"a web page \(Please log in\), expected a file"),
    ("404", ValueError, "status 404"),
    ("403", ValueError, "status 403"),
    ("500", ValueError, "status 500"),
    ("to http://localhost:1/x", ValueError, "leads to localhost, expected 127.0.0.1"),
    ("to file:///etc/passwd", ValueError, "not allowed"),
    ("slow", OSError, "broken off|cannot be reached"),
    ("longer", OSError, "broken off"),
]


@pytest.mark.parametrize(("how", "error", "words"), BAD)
def test_bad_answers_are_told_with_their_address(server, root, monkeypatch, how, error, words):
    monkeypatch.setattr(transport, "PATIENCE", 0.5)
    server.how = how
    with pytest.raises(error, match=words) as raised:
        get(server, root)
    assert server.url().rpartition("/")[0] in str(raised.value)
    assert not (root / PLACE).exists() and not (root / "fetched.json").exists()


@pytest.mark.parametrize(("how", "error", "words"), BAD)
def test_bad_answers_leave_nothing_in_the_way(server, root, monkeypatch, how, error, words):
    monkeypatch.setattr(transport, "PATIENCE", 0.5)
    server.how = how
    with pytest.raises(error, match=words):
        get(server, root)
    server.how = "good"
    get(server, root)
    assert (root / PLACE).read_bytes() == server.content


@pytest.mark.parametrize(("status", "headers"), [(302, {"Location": "/a.npy"}), (416, {}), (204, {})])
def test_odd_answers_in_one_line(obedient, root, status, headers):
    with pytest.raises(ValueError, match=f"status {status}") as caught:
        ask(obedient, root, *[(status, headers, b"", None)] * 20)
    assert "\n" not in str(caught.value) and not list(root.rglob("a.npy*"))


# Where an answer leads


def test_a_redirect_to_an_allowed_host_is_followed(server, root):
    server.how = f"to http://localhost:{server.server_port}/other"
    get(server, root, allowed=["localhost"])
    assert (root / PLACE).read_bytes() == server.content


def follow(url):
    asked = urllib.request.Request("https://github.com/x")
    return transport._Redirects(()).redirect_request(asked, SimpleNamespace(), 302, "", {}, url)


def test_github_is_followed_to_where_it_keeps_files():
    assert follow("https://release-assets.githubusercontent.com/y").host == "release-assets.githubusercontent.com"


@pytest.mark.parametrize(
    "url", ["https://githubusercontent.com.evil.org/y", "https://evil.org/", "http://github.com/x"]
)
def test_github_is_not_followed_elsewhere(url):
    with pytest.raises(ValueError, match="leads"):
        follow(url)


# What breaks


def test_no_connection(root):
    item = published.Item("a direction", (("http://127.0.0.1:9/smile.pt", PLACE),))
    with pytest.raises(OSError, match="cannot be reached .*; check the connection and the proxy"):
        download.fetch(item, root, True)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "No route to host"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        http.client.IncompleteRead(b""),
        TimeoutError("timed out"),
    ],
)
def test_whatever_breaks_names_the_address(obedient, root, monkeypatch, error):
    def broken(*args):
        raise error

    monkeypatch.setattr(http.client.HTTPResponse, "read1", broken)
    with pytest.raises(OSError) as caught:
        ask(obedient, root, whole(OLD))
    address = obedient.url("a.npy")
    assert address in str(caught.value) and caught.value.strerror is None  # as the command prints it


class Full:
    """A file on a disk that takes 1,000 bytes more."""

    def __init__(self, file):
        self.file, self.room = file, 1000

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()

    def write(self, content):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count, self.room = self.file.write(content[: self.room]), 0
        return count


@pytest.fixture
def full(obedient, root, monkeypatch, capsys):
    """A download by the command onto a disk that fills up; its exit code, and what it said."""
    monkeypatch.setitem(published.ITEMS, "x", published.Item("", ((obedient.url("a.npy"), PLAIN),)))

    def opened(path, mode="r", **options):
        opening = builtins.open
        return Full(opening(path, mode, **options)) if mode == "ab" else opening(path, mode, **options)

    obedient.answers[:] = [whole(OLD)]
    with monkeypatch.context() as patch:
        patch.setattr(transport, "open", opened, raising=False)
        return main(["fetch", "x", "--accept-licence", "--wplus", str(root)]), capsys.readouterr().err


def test_a_disk_that_fills_up_while_writing_is_told(full, root):
    code, said = full
    assert code == 2 and f"{root / PLAIN_PART}: No space left on device" in said.splitlines()[-1]


def test_what_fitted_on_a_full_disk_is_kept(full, obedient, root):
    assert (root / PLAIN_PART).read_bytes() == OLD[:1000]
    ask(obedient, root, rest(OLD, 1000))
    assert (root / PLAIN).read_bytes() == OLD
