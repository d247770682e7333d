"""The record of downloads, and the lock on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from servers import PLACE, get, left

from wplus_ext.library import download, ledger, published


@pytest.fixture
def lock(root):
    root.mkdir()
    return root / download.LOCK


def three(server):
    """An item of three files."""
    return published.Item("", tuple((server.url(), f"directions/{name}.pt") for name in "abc"))


def test_of_two_at_once_the_second_is_refused(server, root, lock):
    with ledger.locked(lock), pytest.raises(ValueError, match="locked: another download into .* runs"):
        get(server, root)
    assert server.asked == []


def test_a_lock_that_is_let_go_is_in_nobodys_way(server, root, lock):
    with ledger.locked(lock):
        pass
    assert get(server, root) == [root / PLACE]


@pytest.mark.parametrize("force", [True, False])
def test_an_item_is_one_download(server, root, force):
    refused = []

    def another(*args):
        with pytest.raises(ValueError, match="locked"):
            get(server, root, force=force)
        refused.append(True)

    download.fetch(three(server), root, True, another)
    assert len(refused) >= 3 and left(root) == ["a.pt", "b.pt", "c.pt", "fetched.json"]


def test_what_is_all_there_needs_no_lock(server, root):
    download.fetch(three(server), root, True)
    asked = len(server.asked)
    with ledger.locked(root / download.LOCK):
        places = download.fetch(three(server), root, True)
    assert [path.name for path in places] == ["a.pt", "b.pt", "c.pt"] and len(server.asked) == asked


def test_a_process_that_dies_locks_nobody_out(server, root, lock):
    dies = "from wplus_ext.library.ledger import locked; import os, pathlib, sys\n"
    dies += "with locked(pathlib.Path(sys.argv[1])): os._exit(3)"  # as the WebUI does on Ctrl+C
    command = [sys.executable, "-c", dies, str(lock)]
    assert subprocess.run(command, cwd=Path(__file__).parents[1], timeout=120).returncode == 3
    get(server, root)
    assert (root / PLACE).read_bytes() == server.content


@pytest.mark.parametrize("content", ['{"x": 1', "[]", '{"x": "odd"}', '{"x": {}}'])
def test_a_damaged_memory_is_told_and_kept(server, root, content):
    root.mkdir()
    (root / "fetched.json").write_text(content)
    with pytest.raises(ValueError, match="fetched.json: damaged"):
        get(server, root)
    assert (root / "fetched.json").read_text() == content and server.asked == []


def test_a_record_is_read_as_it_was_written(tmp_path):
    content = {"http://a": {"sha256": "ä", "size": 1, "date": "2026-01-01", "kept": ""}}
    ledger.write_json(tmp_path / "a.json", content)
    assert ledger.remembered(tmp_path / "a.json") == content


def test_without_a_record_nothing_is_remembered(tmp_path):
    assert ledger.remembered(tmp_path / "none.json") == {}
