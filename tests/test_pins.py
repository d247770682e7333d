"""What was downloaded is what was published, and an answer without an end has one."""

from __future__ import annotations

import hashlib

import pytest
from servers import PLACE, left

from wplus_ext.__main__ import main
from wplus_ext.library import download, pins, published, transport
from wplus_ext.measure.files import MANIFEST
from wplus_ext.measure.reader import NETWORKS


def fetch(server, root, **options):
    return download.fetch(published.Item("a direction", ((server.url(), PLACE),), **options), root, True)


def pinned(monkeypatch, server, content):
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(download, "pin", lambda url: pins.Pin(digest, len(content)) if url == server.url() else None)


def test_what_was_published_is_taken_the_first_time(server, root, monkeypatch):
    pinned(monkeypatch, server, server.content)
    assert fetch(server, root) == [root / PLACE]


def test_another_file_is_refused_the_first_time(server, root, monkeypatch):
    pinned(monkeypatch, server, b"another")
    with pytest.raises(ValueError, match="is not what was published: sha256 .*…, expected"):
        fetch(server, root)


def test_nothing_of_another_file_is_left(server, root, monkeypatch):
    pinned(monkeypatch, server, b"another")
    with pytest.raises(ValueError):
        fetch(server, root)
    assert left(root) == []


def test_an_answer_that_is_too_large_is_ended(server, root):
    with pytest.raises(ValueError, match="expected at most 100; not what was published"):
        fetch(server, root, most=100)


def test_an_answer_that_crawls_is_ended(server, root, monkeypatch):
    monkeypatch.setattr(transport, "GRACE", 0.0)
    monkeypatch.setattr(transport, "SLOWEST", 1e12)
    with pytest.raises(OSError, match="crawls .* fetch again to go on from there"):
        fetch(server, root)


@pytest.mark.parametrize("item", ["directions", "measure"])
def test_every_file_of_a_commit_is_pinned(item):
    assert all(published.pin(url) for url, _ in published.ITEMS[item].files)


def test_the_networks_that_are_published_are_those_that_are_read():
    read = {f"measure/{network.file}{end}" for network in NETWORKS for end in (MANIFEST, ".bin")}
    assert {place for _, place in published.ITEMS["measure"].files} == read


def measuring(server):
    return published.Item("a network", ((server.url(), "measure/n.bin"),), licence=published.FACES_LICENCE)


def test_a_network_is_known_by_its_sum(server, root, monkeypatch):
    pinned(monkeypatch, server, server.content)
    download.fetch(measuring(server), root, False)  # its licence is free
    assert (root / "measure" / "n.bin").read_bytes() == server.content


def test_a_network_of_another_sum_that_lies_there_is_said(server, root, monkeypatch):
    pinned(monkeypatch, server, server.content)
    (root / "measure").mkdir(parents=True)
    (root / "measure" / "n.bin").write_bytes(b"another")
    with pytest.raises(ValueError, match="n.bin: what is there cannot be used .this is not the published file"):
        download.fetch(measuring(server), root, False)


def test_the_command_shows_a_free_licence_and_asks_nothing(server, root, monkeypatch, capsys):
    pinned(monkeypatch, server, server.content)
    monkeypatch.setitem(published.ITEMS, "measure", measuring(server))
    assert main(["fetch", "measure", "--wplus", str(root)]) == 0
    assert "Copyright (c) Vladimir Mandic, under the MIT License" in capsys.readouterr().out


def test_addresses_of_elsewhere_are_not():
    assert published.pin("https://example.com/smile.pt") is None


def test_the_pins_are_those_of_upstreams_files(data):
    for url, place in published.ITEMS["directions"].files:
        if (data / place).exists():
            content = (data / place).read_bytes()
            assert published.pin(url) == (hashlib.sha256(content).hexdigest(), len(content))
