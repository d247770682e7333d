"""Servers to download from: one that does everything wrong, and one that answers word for word as it is told."""

from __future__ import annotations

import http.server
import threading
import time
from contextlib import contextmanager

from wplus_ext.library import download, published

PLACE = "directions/smile.pt"


class Wayward(http.server.BaseHTTPRequestHandler):
    """Answers in one of the ways that `Server.how` names; ``asked`` are the requests' headers."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        server, whole = self.server, self.server.content
        server.asked.append(self.headers)
        if server.how in ("404", "403", "500"):
            return self.send_error(int(server.how))
        if server.how.startswith("to ") and self.path == "/smile.pt":
            self.send_response(302)
            self.send_header("Location", server.how[3:])
            return self.end_headers()
        start, asked = 0, self.headers.get("Range", "")
        if asked and server.how not in ("no ranges", "page") and self.headers["If-Range"] == server.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start and start >= len(whole):
            return self.send_error(416)
        content = b"<!DOCTYPE html><title>Please log in</title>" if server.how == "page" else whole[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(content) + (100 if server.how == "longer" else 0)))
        self.end_headers()
        if server.how == "slow":
            time.sleep(1.5)
        self.wfile.write(content[: len(content) // 2] if server.how == "cut" else content)
        self.close_connection = True
        return None


class Obedient(http.server.BaseHTTPRequestHandler):
    """Answers with the server's next (status, headers, content, bytes of it that are sent); ``asked`` are ranges."""

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


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, block_on_close = True, False  # nobody waits for an answer that is never read

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.how, self.content, self.tag, self.answers, self.asked = "good", b"", '"1"', [], []

    def url(self, name="smile.pt"):
        return f"http://127.0.0.1:{self.server_port}/{name}"


@contextmanager
def serving(handler):
    with Server(handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)
            assert not thread.is_alive()


def get(server, root, *answers, place=PLACE, name="smile.pt", **options):
    """Fetch the file that a server has under a name into a place; ``answers`` are those of an obedient one."""
    server.answers[:] = answers
    item = published.Item("a direction", ((server.url(name), place),))
    return download.fetch(item, root, True, **options)


def left(root):
    """The files that are there, by name; not the lock, which nobody may hold."""
    return sorted(path.name for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")
