"""Answers that never end, though each of their bytes comes in time: they are given up."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest

from wplus_ext.library import transport

LIMIT, PATIENCE = 20, 0.3  # seconds that a test may take, and that a server is given for a byte
HEAD, CHUNKED = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {  # what comes at once, and what then comes again and again
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status": (b"", b"X"),
    "headers": (HEAD, b"X"),
    "chunk's size": (CHUNKED, b"0"),
    "trailer": (CHUNKED + b"4\r\nabcd\r\n0\r\n", b"A: b\r\n"),
}


@pytest.fixture
def dripping(monkeypatch):
    """A server that sends an answer's beginning, and then its rest for as long as somebody listens."""
    monkeypatch.setattr(transport, "PATIENCE", PATIENCE)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(answers):
            with suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    connection.recv(1 << 16)
                    threading.Thread(target=drip, args=(connection, *answers.pop(0)), daemon=True).start()

        def drip(connection, start, again):
            with connection, suppress(OSError):
                connection.sendall(start)
                while again and not ended.wait(PATIENCE / 6):
                    connection.sendall(again)

        def start(*answers):
            threading.Thread(target=serve, args=(list(answers),), daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}/x.npy"

        yield start
        ended.set()


def download(url, folder):
    transport.download(url, folder / "x.part", folder / "x.json", lambda done, total: None, [], 1 << 20)


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_answer_is_given_up(dripping, tmp_path, kind):
    url, began = dripping(ENDLESS[kind]), time.monotonic()
    with pytest.raises(OSError, match="127.0.0.1.*no end after"):
        download(url, tmp_path)
    assert time.monotonic() - began < LIMIT


@pytest.mark.parametrize("more", [b"Content-Length: 1000000\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_what_a_redirect_says_besides_is_not_read(dripping, tmp_path, more):
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /y.npy\r\n" + more + b"\r\n"
    url = dripping((redirect, b"X"), (HEAD + b"Content-Length: 3\r\n\r\nabc", b""))
    download(url, tmp_path)
    assert (tmp_path / "x.part").read_bytes() == b"abc"


def test_nobody_watches_after_the_end(dripping, tmp_path):
    before = threading.active_count()
    with suppress(OSError):
        download(dripping((HEAD + b"Content-Length: 3\r\n\r\nabc", b"")), tmp_path)
    deadline = time.monotonic() + LIMIT
    while threading.active_count() > before + 1 and time.monotonic() < deadline:  # the server's own thread stays
        time.sleep(0.01)
    assert threading.active_count() <= before + 1
