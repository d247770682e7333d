"""Downloads that go wrong in rarer ways: what is on the disk is one version of a file, and one line says why not."""

from __future__ import annotations

import builtins
import errno
import http.client
import http.server
import io
import ssl
import threading

import numpy as np
import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.library import download, published, transport


def npy(seed):
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(seed).normal(size=(18, 512)) / 20)
    return buffer.getvalue()


OLD, NEW = npy(1), npy(2)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the server's next (status, headers, content, bytes of it that are sent), and notes the ranges."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(self.headers.get("Range"))
        status, headers, content, sent = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content[:sent])
        self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.answers, made.asked = [], []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def url(server, name="a.npy"):
    return f"http://127.0.0.1:{server.server_port}/{name}"


def get(server, root, *answers, name="a.npy", **options):
    server.answers[:] = answers
    return download.fetch(published.Item("", ((url(server, name), f"directions/{name}"),)), root, True, **options)


def whole(content, tag='"1"', sent=None):
    return 200, {"ETag": tag}, content, sent


def rest(content, start, tag='"1"', end=None):
    end = end or len(content)
    return 206, {"ETag": tag, "Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}, content[start:end], None


def cut(server, root):
    with pytest.raises(OSError, match="40,000 of 73,856"):
        get(server, root, whole(OLD, sent=40000))
    assert (root / "directions/a.npy.part").read_bytes() == OLD[:40000]


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
def test_what_does_not_go_on_starts_over(server, tmp_path, odd):
    cut(server, tmp_path)
    get(server, tmp_path, odd, whole(NEW))
    assert server.asked == [None, "bytes=40000-", None]
    assert (tmp_path / "directions/a.npy").read_bytes() == NEW


def test_a_shorter_rest_than_asked_for_is_not_the_end(server, tmp_path):
    cut(server, tmp_path)
    with pytest.raises(OSError, match="50,000 of 73,856"):
        get(server, tmp_path, rest(OLD, 40000, end=50000))
    get(server, tmp_path, rest(OLD, 50000))
    assert (tmp_path / "directions/a.npy").read_bytes() == OLD


def test_an_error_or_a_page_does_not_cost_the_part(server, tmp_path):
    cut(server, tmp_path)
    for answer in ((500, {}, b"", None), whole(b"<html><title>Please\n log in</title>")):
        with pytest.raises(ValueError) as caught:
            get(server, tmp_path, answer)
        assert "\n" not in str(caught.value)
    get(server, tmp_path, rest(OLD, 40000))
    assert (tmp_path / "directions/a.npy").read_bytes() == OLD


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


def test_a_disk_that_fills_up_while_writing(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(published.ITEMS, "x", published.Item("", ((url(server), "directions/a.npy"),)))

    def full(path, mode="r", **options):
        opened = builtins.open
        return Full(opened(path, mode, **options)) if mode == "ab" else opened(path, mode, **options)

    server.answers[:] = [whole(OLD)]
    with monkeypatch.context() as patch:
        patch.setattr(transport, "open", full, raising=False)
        assert main(["fetch", "x", "--accept-licence", "--wplus", str(tmp_path)]) == 2
    part = tmp_path / "directions/a.npy.part"
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{part}: No space left on device" in said and part.read_bytes() == OLD[:1000]
    get(server, tmp_path, rest(OLD, 1000))
    assert (tmp_path / "directions/a.npy").read_bytes() == OLD


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "No route to host"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        http.client.IncompleteRead(b""),
        TimeoutError("timed out"),
    ],
)
def test_whatever_breaks_names_the_address(server, tmp_path, monkeypatch, error):
    def broken(*args):
        raise error

    monkeypatch.setattr(http.client.HTTPResponse, "read1", broken)
    with pytest.raises(OSError) as caught:
        get(server, tmp_path, whole(OLD))
    assert url(server) in str(caught.value) and caught.value.strerror is None  # as the command prints it


@pytest.mark.parametrize(("status", "headers"), [(302, {"Location": "/a.npy"}), (416, {}), (204, {})])
def test_odd_answers_in_one_line(server, tmp_path, status, headers):
    with pytest.raises(ValueError, match=f"status {status}") as caught:
        get(server, tmp_path, *[(status, headers, b"", None)] * 20)
    assert "\n" not in str(caught.value) and not list(tmp_path.rglob("a.npy*"))


@pytest.mark.parametrize("content", ['{"x": 1', "[]", '{"x": "odd"}', '{"x": {}}'])
def test_a_damaged_memory_is_told_and_kept(server, tmp_path, content):
    (tmp_path / "fetched.json").write_text(content)
    with pytest.raises(ValueError, match="fetched.json: damaged"):
        get(server, tmp_path, whole(OLD))
    assert (tmp_path / "fetched.json").read_text() == content and server.asked == []


def test_a_components_file_without_finite_deviations(server, tmp_path):
    content = io.BytesIO()
    torch.save(
        {"mean": torch.zeros(1, 512), "comp": torch.ones(3, 1, 512), "std": torch.full((3,), torch.nan)}, content
    )
    with pytest.raises(ValueError, match="deviations hold NaN"):
        get(server, tmp_path, whole(content.getvalue()), name="p.pt")
    assert not list(tmp_path.rglob("p.pt*"))
