"""What a download finds at its place, or on the way there: what is somebody else's is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from servers import PLACE, get, left

from wplus_ext.library import download, exclusive


@pytest.fixture
def target(root):
    return root / PLACE


def test_a_file_is_no_library(server, root):
    root.touch()
    with pytest.raises(ValueError, match="is a file, expected the folder of a library"):
        get(server, root)


def coming(path):
    """What puts a file of somebody's there while another one is downloaded."""
    return lambda *args: path.write_bytes(b"mine")


def test_a_file_that_came_meanwhile_is_left_alone(server, root, target):
    with pytest.raises(FileExistsError, match="came there while it was downloaded, and is left alone; move it away"):
        get(server, root, progress=coming(target))
    assert target.read_bytes() == b"mine" and ".smile.part.pt" in left(root)


def test_an_encoder_that_came_meanwhile_is_left_alone(server, root, monkeypatch):
    monkeypatch.setattr(download.encoder, "convert", lambda source, target: target.write_bytes(b"the encoder alone"))
    place = "encoders/e.safetensors"
    with pytest.raises(FileExistsError, match="left alone"):
        get(server, root, place=place, progress=coming(root / place))
    assert (root / place).read_bytes() == b"mine"


def test_after_a_file_that_came_meanwhile_nothing_is_fetched_again(server, root, target):
    with pytest.raises(FileExistsError):
        get(server, root, progress=coming(target))
    target.unlink()
    get(server, root)
    assert target.read_bytes() == server.content and len(server.asked) == 1


def test_by_force_a_file_of_ones_own_is_put_away(server, root, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    get(server, root, force=True)
    (away,) = (target.parent / exclusive.TRASH).iterdir()
    assert away.read_bytes() == b"mine"


def test_by_force_what_was_downloaded_goes(server, root, target):
    get(server, root)
    get(server, root, force=True)
    assert left(root) == ["fetched.json", "smile.pt"]


@pytest.mark.parametrize("name", ["smile.pt.part", ".smile.pt"])
def test_somebody_elses_unfinished_file_is_left_alone(server, root, target, name):
    target.parent.mkdir(parents=True)
    (target.parent / name).write_bytes(b"a browser's")
    get(server, root)
    assert (target.parent / name).read_bytes() == b"a browser's" and target.read_bytes() == server.content


def test_a_part_that_was_not_begun_here_is_left_alone(server, root, target):
    target.parent.mkdir(parents=True)
    (target.parent / ".smile.part.pt").write_bytes(b"mine")
    with pytest.raises(ValueError, match="was not begun here; move it away"):
        get(server, root)
    assert (target.parent / ".smile.part.pt").read_bytes() == b"mine"


def test_a_download_whose_process_dies_before_its_place_is_not_fetched_again(server, root, target):
    dies = "import os, sys\nfrom pathlib import Path\nfrom wplus_ext.library import download, published\n"
    dies += "download._check = lambda *args: os._exit(3)\n"
    dies += "download.fetch(published.Item('', ((sys.argv[1], sys.argv[2]),)), Path(sys.argv[3]), True)"
    command = [sys.executable, "-c", dies, server.url(), PLACE, str(root)]
    assert subprocess.run(command, cwd=Path(__file__).parents[1], timeout=120, check=False).returncode == 3
    get(server, root)
    assert len(server.asked) == 1 and left(root) == ["fetched.json", "smile.pt"]
