"""What stands at a path while it is written: the old one or the new one, though the writer is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import kills
from wplus_ext.weights import swap
from wplus_ext.weights.swap import clear_dead, replacing

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")


def folder_of(text, path):
    path.mkdir()
    (path / "a").write_text(text)


@posix
@pytest.mark.parametrize("kind", kills.KINDS)
def test_kills_at_any_moment(tmp_path, kind):
    found = kills.run(kind, 10, 5, tmp_path)
    assert (found.kills, found.whole, found.not_cleared) == (10, 10, 0)
    assert not found.away or kind == kills.KINDS[2]


def killed_between_two_renames(target):
    """Where a system cannot swap folders: the old one is moved away, the new one is not yet there."""
    child = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom wplus_ext.weights import swap\n"
        "swap._exchange = lambda one, other: False\n"
        "with swap.replacing(sys.argv[1]) as part:\n    part.mkdir()\n"
        "    rename = Path.rename\n"
        "    Path.rename = lambda a, b: (rename(a, b), os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    ended = subprocess.run([sys.executable, "-c", child, target], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL and not target.exists()


@posix
def test_a_folder_that_was_moved_away_is_brought_back(tmp_path):
    target = tmp_path / "frames"
    folder_of("old", target)
    killed_between_two_renames(target)
    clear_dead(tmp_path)
    assert (target / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@posix
def test_a_folder_made_meanwhile_is_not_touched_when_another_is_brought_back(tmp_path):
    target = tmp_path / "frames"
    folder_of("old", target)
    killed_between_two_renames(target)
    folder_of("theirs", target)
    clear_dead(tmp_path)
    assert (target / "a").read_text() == "theirs"


def killed_while_it_writes(target):
    """Half a folder is there."""
    child = (
        "import os, signal, sys\nfrom wplus_ext.weights import swap\n"
        "with swap.replacing(sys.argv[1]) as part:\n    part.mkdir()\n    (part / '00000.png').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", child, target], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL


@posix
@pytest.mark.parametrize("name", ["before", "lock", "new", "frames"])
def test_half_a_folder_is_cleared_away_whatever_its_name(tmp_path, name):
    killed_while_it_writes(tmp_path / name)
    clear_dead(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["before", "lock", "new"])
def test_every_name_can_be_written(tmp_path, name):
    with replacing(tmp_path / name) as part:
        part.write_text("new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "new")]


def test_half_a_folder_that_an_older_version_left_is_cleared_away(tmp_path):
    left = tmp_path / f"{swap.PREFIX}before-x1"
    left.mkdir()
    folder_of("half", left / "before")
    (left / swap.LOCK).touch()
    clear_dead(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_between_two_renames_undoes_the_first(tmp_path, monkeypatch):
    target, rename = tmp_path / "frames", Path.rename
    folder_of("old", target)
    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)

    def stop(self, other):
        if self.name == "frames" and swap.PREFIX in str(self.parent) and self.parent.name != swap.BEFORE:
            raise KeyboardInterrupt
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt), replacing(target) as part:
        folder_of("new", part)
    assert (target / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    with replacing(tmp_path / "a") as part:
        part.write_text("mine")
        clear_dead(tmp_path)
        with replacing(tmp_path / "b") as other:  # clears too
            other.write_text("other")
        assert part.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@posix
def test_what_another_living_process_writes_is_left_alone(tmp_path):
    child = (
        "import sys\nfrom wplus_ext.weights.swap import replacing\nwith replacing(sys.argv[1]) as part:\n"
        "    part.write_text('mine')\n    print('goes', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", child, str(tmp_path / "a")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "goes\n"
        clear_dead(tmp_path)
        process.communicate(timeout=60)
    assert (tmp_path / "a").read_text() == "mine"


@pytest.mark.parametrize("name", [f"{swap.PREFIX}notes", ".wplus-settings"])
def test_a_persons_folder_of_such_a_name_is_left_alone(tmp_path, name):
    folder_of("mine", tmp_path / name)
    clear_dead(tmp_path)
    assert (tmp_path / name / "a").read_text() == "mine"


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_file_does_not_take_a_folders_place_nor_a_folder_a_files(tmp_path, is_folder):
    target = tmp_path / "a"
    target.write_text("old") if is_folder else folder_of("old", target)
    with pytest.raises(OSError) as fault, replacing(target) as part:
        folder_of("new", part) if is_folder else part.write_text("new")
    assert fault.value.filename == str(target)
    assert (target if is_folder else target / "a").read_text() == "old"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is Linux's")
def test_a_full_disk_is_said_with_the_name_that_was_asked_for(tmp_path):
    with pytest.raises(OSError, match="a.txt") as fault, replacing(tmp_path / "a.txt") as part:
        part.symlink_to("/dev/full")
        with open(part, "w") as file:
            file.write("x")
    assert swap.PREFIX not in str(fault.value)
    assert list(tmp_path.iterdir()) == []
