"""Downloads, against a server that does everything wrong; judged by what lies on the disk afterwards."""

from __future__ import annotations

import hashlib
import http.server
import json
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.library import download as fetch
from wplus_ext.library import ledger, published, transport

DIRECTION = Path("directions/smile.pt")


class Server(http.server.ThreadingHTTPServer):
    """Answers as told: ``how`` is one of the kinds below; ``asked`` are the requests' headers."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.how, self.content, self.tag, self.asked = "good", b"", '"1"', []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/smile.pt"


class Handler(http.server.BaseHTTPRequestHandler):
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


@pytest.fixture
def server(tmp_path):
    torch.save(torch.randn(18, 512, generator=torch.Generator().manual_seed(0)), tmp_path / "made.pt")
    made = Server()
    made.content = (tmp_path / "made.pt").read_bytes()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "wplus"


def get(server, root, **options):
    item = published.Item("a direction", ((server.url, DIRECTION.as_posix()),))
    return fetch.fetch(item, root, True, **options)


def left(root):
    """The files that are there, by name; not the lock, which nobody may hold."""
    return sorted(path.name for path in root.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_a_file_is_fetched_once(server, root):
    seen = []
    assert get(server, root, progress=lambda *args: seen.append(args)) == [root / DIRECTION]
    assert (root / DIRECTION).read_bytes() == server.content and left(root) == ["fetched.json", "smile.pt"]
    assert seen[-1] == ("smile.pt", len(server.content), len(server.content))
    kept = json.loads((root / "fetched.json").read_text())[server.url]
    assert kept["sha256"] == hashlib.sha256(server.content).hexdigest() and kept["size"] == len(server.content)
    get(server, root)
    assert len(server.asked) == 1


def test_the_licence_comes_first(server, root):
    with pytest.raises(ValueError, match="NTU S-Lab License 1.0"):
        fetch.fetch(published.ITEMS["adapter"], root, False)
    assert not root.exists()


def test_a_broken_download_goes_on(server, root):
    server.how = "cut"
    with pytest.raises(OSError, match="broken off after .* of .* fetch again"):
        get(server, root)
    assert left(root) == ["smile.pt.part", "smile.pt.part.json"]
    half = (root / "directions/smile.pt.part").stat().st_size
    assert 0 < half < len(server.content)
    server.how = "good"
    get(server, root)
    assert server.asked[-1]["Range"] == f"bytes={half}-" and server.asked[-1]["If-Range"] == '"1"'
    assert (root / DIRECTION).read_bytes() == server.content and left(root) == ["fetched.json", "smile.pt"]


@pytest.mark.parametrize("what", ["no ranges", "changed", "too long", "page first"])
def test_a_part_that_cannot_go_on(server, root, what):
    server.how = "cut"
    with pytest.raises(OSError):
        get(server, root)
    server.how = "good"
    part = root / "directions/smile.pt.part"
    if what == "no ranges":
        server.how = "no ranges"
    elif what == "changed":
        server.tag = '"2"'
    elif what == "too long":
        part.write_bytes(server.content + b"more")
    else:  # the part outlives a proxy's page
        before, server.how = part.read_bytes(), "page"
        with pytest.raises(ValueError, match="web page"):
            get(server, root)
        assert part.read_bytes() == before
        server.how = "good"
    get(server, root)
    assert (root / DIRECTION).read_bytes() == server.content and left(root) == ["fetched.json", "smile.pt"]


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("page", ValueError, r"a web page \(Please log in\), expected a file"),
        ("404", ValueError, "status 404"),
        ("403", ValueError, "status 403"),
        ("500", ValueError, "status 500"),
        ("to http://localhost:1/x", ValueError, "leads to localhost, expected 127.0.0.1"),
        ("to file:///etc/passwd", ValueError, "not allowed"),
        ("slow", OSError, "broken off|cannot be reached"),
        ("longer", OSError, "broken off"),
    ],
)
def test_bad_answers(server, root, monkeypatch, how, error, words):
    monkeypatch.setattr(transport, "PATIENCE", 0.5)
    server.how = how
    with pytest.raises(error, match=words) as raised:
        get(server, root)
    assert server.url.rpartition("/")[0] in str(raised.value)
    assert not (root / DIRECTION).exists() and not (root / "fetched.json").exists()
    server.how = "good"
    get(server, root)  # nothing is in the way
    assert (root / DIRECTION).read_bytes() == server.content


def test_a_redirect_to_an_allowed_host(server, root):
    server.how = f"to http://localhost:{server.server_port}/other"
    get(server, root, allowed=["localhost"])
    assert (root / DIRECTION).read_bytes() == server.content


def test_redirects_of_github():
    follow = transport._Redirects(()).redirect_request
    ask = urllib.request.Request("https://github.com/x")
    assert follow(ask, None, 302, "", {}, "https://release-assets.githubusercontent.com/y").host.startswith("release")
    for url in ("https://githubusercontent.com.evil.org/y", "https://evil.org/", "http://github.com/x"):
        with pytest.raises(ValueError, match="leads"):
            follow(ask, None, 302, "", {}, url)


def test_no_connection(root):
    item = published.Item("a direction", (("http://127.0.0.1:9/smile.pt", DIRECTION.as_posix()),))
    with pytest.raises(OSError, match="cannot be reached .*; check the connection and the proxy"):
        fetch.fetch(item, root, True)


@pytest.mark.parametrize("content", [b"hello", b"\x80\x02", None])
def test_what_cannot_be_used_is_not_kept(server, root, content, tmp_path):
    if content is None:
        torch.save(torch.full((18, 512), torch.nan), tmp_path / "nan.pt")
        content = (tmp_path / "nan.pt").read_bytes()
    server.content = content
    with pytest.raises(ValueError, match="smile.pt: what was downloaded cannot be used"):
        get(server, root)
    assert left(root) == []


def test_a_file_that_has_changed_upstream(server, root, tmp_path):
    get(server, root)
    (root / DIRECTION).unlink()
    torch.save(torch.ones(18, 512), tmp_path / "other.pt")
    server.content = (tmp_path / "other.pt").read_bytes()
    with pytest.raises(ValueError, match="another file than on .* --force"):
        get(server, root)
    assert left(root) == ["fetched.json"]
    get(server, root, force=True)
    assert (root / DIRECTION).read_bytes() == server.content
    (root / DIRECTION).write_bytes(b"damaged")
    with pytest.raises(ValueError, match="is not what was downloaded"):
        get(server, root)
    assert (root / DIRECTION).read_bytes() == b"damaged"
    get(server, root, force=True)
    assert (root / DIRECTION).read_bytes() == server.content


def test_a_file_of_ones_own_is_read_and_left_alone(server, root, caplog):
    (root / DIRECTION).parent.mkdir(parents=True)
    torch.save(torch.ones(18, 512), root / DIRECTION)
    mine = (root / DIRECTION).read_bytes()
    get(server, root)
    assert (root / DIRECTION).read_bytes() == mine and server.asked == []
    assert "was not downloaded here: left alone" in caplog.text
    (root / DIRECTION).write_bytes(mine[:500])
    with pytest.raises(ValueError, match=r"^smile.pt: what is there cannot be used \(smile.pt: .*; delete it"):
        get(server, root)
    assert (root / DIRECTION).read_bytes() == mine[:500] and server.asked == []
    get(server, root, force=True)
    assert (root / DIRECTION).read_bytes() == server.content
    assert json.loads((root / "fetched.json").read_text())[server.url]["size"] == len(server.content)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_and_ctrl_c(server, root, error):
    def stop(*args):
        raise error

    with pytest.raises(type(error)):
        get(server, root, progress=stop)
    assert not (root / DIRECTION).exists() and "smile.pt.part" in left(root)
    get(server, root)
    assert (root / DIRECTION).read_bytes() == server.content


def test_a_full_disk_at_the_end_keeps_the_download(server, root, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch.encoder, "convert", full)
    item = published.Item("", ((server.url, "encoders/e.safetensors"),))
    with pytest.raises(OSError, match="No space left"):
        fetch.fetch(item, root, True)
    assert left(root) == ["e.safetensors.part", "e.safetensors.part.json"]
    monkeypatch.setattr(fetch.encoder, "convert", lambda source, target: target.write_bytes(source.read_bytes()))
    fetch.fetch(item, root, True)
    assert left(root) == ["e.safetensors", "fetched.json"] and len(server.asked) == 1


def test_two_at_once(server, root):
    root.mkdir()
    with ledger.locked(root / fetch.LOCK), pytest.raises(ValueError, match="locked: another download into .* runs"):
        get(server, root)
    get(server, root)


def test_an_item_is_one_download(server, root):
    inside, item = [], published.Item("", tuple((server.url, f"directions/{name}.pt") for name in "abc"))

    def another(*args):
        if not inside:
            inside.append(True)
            for force in (True, False):
                with pytest.raises(ValueError, match="locked"):
                    get(server, root, force=force)

    fetch.fetch(item, root, True, another)
    assert left(root) == ["a.pt", "b.pt", "c.pt", "fetched.json"]
    with ledger.locked(root / fetch.LOCK):
        fetch.fetch(item, root, True)  # all is there


def test_a_process_that_dies_locks_nobody_out(server, root):
    root.mkdir()
    dies = "from wplus_ext.library.ledger import locked; import os, pathlib, sys\n"
    dies += "with locked(pathlib.Path(sys.argv[1])): os._exit(3)"  # as the WebUI does on Ctrl+C
    command = [sys.executable, "-c", dies, str(root / fetch.LOCK)]
    assert subprocess.run(command, cwd=Path(__file__).parents[1]).returncode == 3
    get(server, root)
    assert (root / DIRECTION).read_bytes() == server.content


def test_adapter_and_encoder_are_checked(server, root, adapter_file, monkeypatch):
    server.content = adapter_file.read_bytes()
    fetch.fetch(published.Item("", ((server.url, "adapters/a.bin"),)), root, True)
    assert (root / "adapters/a.bin").read_bytes() == server.content
    item = published.Item("", ((server.url, "encoders/e.safetensors"),))
    with pytest.raises(ValueError, match="e.safetensors: what was downloaded cannot be used .*missing"):
        fetch.fetch(item, root, True)  # an adapter is no encoder
    assert not list((root / "encoders").iterdir())
    monkeypatch.setattr(fetch.encoder, "convert", lambda source, target: target.write_bytes(b"the encoder alone"))
    fetch.fetch(item, root, True)
    assert (root / "encoders/e.safetensors").read_bytes() == b"the encoder alone"
    assert left(root) == ["a.bin", "e.safetensors", "fetched.json"]
    fetch.fetch(item, root, True)  # what was kept is another file than what was sent
    assert len(server.asked) == 3


def test_published_places():
    places = [place for item in published.ITEMS.values() for _, place in item.files]
    urls = [url for item in published.ITEMS.values() for url, _ in item.files]
    assert len(set(places)) == len(places) == len(set(urls)) == 3 + 18 + 2 + 2
    assert urls[0] == "https://github.com/csxmli2016/w-plus-adapter/releases/download/v1/wplus_adapter.bin"
    assert all(url.startswith(("https://github.com/", "https://raw.githubusercontent.com/")) for url in urls)


def test_command(server, root, monkeypatch, capsys):
    monkeypatch.setitem(
        published.ITEMS, "adapter", published.Item("a direction", ((server.url, DIRECTION.as_posix()),))
    )
    assert main(["fetch", "adapter", "--wplus", str(root)]) == 2
    assert "--accept-licence" in capsys.readouterr().err and not root.exists()
    assert main(["fetch", "adaptor", "--wplus", str(root), "--accept-licence"]) == 2
    assert "there is no item 'adaptor', expected adapter" in capsys.readouterr().err
    assert main(["fetch", "adapter", "--wplus", str(root), "--accept-licence"]) == 0
    assert "adapter: 1 file in" in capsys.readouterr().out and (root / DIRECTION).exists()
