"""What was downloaded is what was published, and an answer without an end has one."""

from __future__ import annotations

import hashlib

import pytest
from servers import PLACE, left

from wplus_ext.library import download, pins, published, transport


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


def test_every_direction_is_pinned():
    assert all(published.pin(url) for url, _ in published.ITEMS["directions"].files)


def test_addresses_of_elsewhere_are_not():
    assert published.pin("https://example.com/smile.pt") is None


def test_the_pins_are_those_of_upstreams_files(data):
    for url, place in published.ITEMS["directions"].files:
        if (data / place).exists():
            content = (data / place).read_bytes()
            assert published.pin(url) == (hashlib.sha256(content).hexdigest(), len(content))
