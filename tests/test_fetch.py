"""Getting published files: what is kept, what is left alone, and what is refused; judged by what lies on the disk."""

from __future__ import annotations

import hashlib
import io
import json

import pytest
import torch
from servers import PLACE, get, left

from wplus_ext.__main__ import main
from wplus_ext.library import download, published


def stored(tensor):
    """What a file of it holds."""
    file = io.BytesIO()
    torch.save(tensor, file)
    return file.getvalue()


OTHER = stored(torch.ones(18, 512))


@pytest.fixture
def target(root):
    return root / PLACE


@pytest.fixture
def mine(target):
    """A direction of one's own, in the place of the published one."""
    target.parent.mkdir(parents=True)
    target.write_bytes(OTHER)
    return target


# A first time, and a second


def test_a_file_comes_whole(server, root, target):
    assert get(server, root) == [target]
    assert target.read_bytes() == server.content and left(root) == ["fetched.json", "smile.pt"]


def test_progress_is_told(server, root):
    seen = []
    get(server, root, progress=lambda *args: seen.append(args))
    assert seen[-1] == ("smile.pt", len(server.content), len(server.content))


def test_what_came_is_remembered(server, root):
    get(server, root)
    kept = json.loads((root / "fetched.json").read_text())[server.url()]
    assert kept["sha256"] == hashlib.sha256(server.content).hexdigest() and kept["size"] == len(server.content)


def test_a_file_is_fetched_once(server, root):
    get(server, root)
    get(server, root)
    assert len(server.asked) == 1


def test_the_licence_comes_first(root):
    with pytest.raises(ValueError, match="NTU S-Lab License 1.0"):
        download.fetch(published.ITEMS["adapter"], root, False)
    assert not root.exists()


# What cannot be used


@pytest.mark.parametrize("content", [b"hello", b"\x80\x02", stored(torch.full((18, 512), torch.nan))])
def test_what_cannot_be_used_is_not_kept(server, root, content):
    server.content = content
    with pytest.raises(ValueError, match="smile.pt: what was downloaded cannot be used"):
        get(server, root)
    assert left(root) == []


def test_a_components_file_without_finite_deviations(server, root):
    nan = torch.full((3,), torch.nan)
    server.content = stored({"mean": torch.zeros(1, 512), "comp": torch.ones(3, 1, 512), "std": nan})
    with pytest.raises(ValueError, match="std holds NaN"):
        get(server, root)
    assert left(root) == []


def test_an_adapter_is_read_as_one(server, root, adapter_file):
    server.content = adapter_file.read_bytes()
    get(server, root, place="adapters/a.bin")
    assert (root / "adapters/a.bin").read_bytes() == server.content


def test_an_adapter_is_no_encoder(server, root, adapter_file):
    server.content = adapter_file.read_bytes()
    with pytest.raises(ValueError, match="e.safetensors: what was downloaded cannot be used .*missing"):
        get(server, root, place="encoders/e.safetensors")
    assert list((root / "encoders").iterdir()) == []


def test_an_adapter_is_no_direction(server, root, adapter_file):
    server.content = adapter_file.read_bytes()
    with pytest.raises(ValueError, match="this is an adapter, expected one of the directions"):
        get(server, root)
    assert left(root) == []


@pytest.fixture
def converting(monkeypatch):
    monkeypatch.setattr(download.encoder, "convert", lambda source, target: target.write_bytes(b"the encoder alone"))


def test_of_an_encoder_only_itself_is_kept(server, root, converting):
    get(server, root, place="encoders/e.safetensors")
    assert (root / "encoders/e.safetensors").read_bytes() == b"the encoder alone"
    assert left(root) == ["e.safetensors", "fetched.json"]


def test_what_was_kept_may_be_another_file_than_what_was_sent(server, root, converting):
    get(server, root, place="encoders/e.safetensors")
    get(server, root, place="encoders/e.safetensors")
    assert len(server.asked) == 1


# What is there already


@pytest.fixture
def changed(server, root, target):
    """A file that was fetched and deleted, and is another one upstream by now."""
    get(server, root)
    target.unlink()
    server.content = OTHER
    return server


def test_a_file_that_has_changed_upstream_is_told(changed, root):
    with pytest.raises(ValueError, match="another file than on .* --force"):
        get(changed, root)
    assert left(root) == ["fetched.json"]


def test_a_file_that_has_changed_upstream_comes_by_force(changed, root, target):
    get(changed, root, force=True)
    assert target.read_bytes() == OTHER


@pytest.fixture
def damaged(server, root, target):
    """A file that was fetched, and was written over since."""
    get(server, root)
    target.write_bytes(b"damaged")
    return server


def test_a_file_that_has_changed_here_is_told(damaged, root, target):
    with pytest.raises(ValueError, match="is not what was downloaded"):
        get(damaged, root)
    assert target.read_bytes() == b"damaged"


def test_a_file_that_has_changed_here_comes_by_force(damaged, root, target):
    get(damaged, root, force=True)
    assert target.read_bytes() == damaged.content


def test_a_file_of_ones_own_is_left_alone(server, root, mine, caplog):
    get(server, root)
    assert mine.read_bytes() == OTHER and server.asked == []
    assert "was not downloaded here: left alone" in caplog.text


def test_a_file_of_ones_own_is_read(server, root, mine):
    mine.write_bytes(OTHER[:500])
    with pytest.raises(ValueError, match=r"^smile.pt: what is there cannot be used \(smile.pt: .*; delete it"):
        get(server, root)
    assert mine.read_bytes() == OTHER[:500] and server.asked == []


def test_a_file_of_ones_own_is_written_over_by_force(server, root, mine):
    get(server, root, force=True)
    assert mine.read_bytes() == server.content
    assert json.loads((root / "fetched.json").read_text())[server.url()]["size"] == len(server.content)


# Stopped


def stop(error):
    def raising(*args):
        raise error

    return raising


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_and_ctrl_c_leave_no_file(server, root, target, error):
    with pytest.raises(type(error)):
        get(server, root, progress=stop(error))
    assert not target.exists() and ".smile.part.pt" in left(root)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_after_a_full_disk_and_ctrl_c_it_goes_on(server, root, target, error):
    with pytest.raises(type(error)):
        get(server, root, progress=stop(error))
    get(server, root)
    assert target.read_bytes() == server.content


def test_a_full_disk_at_the_end_keeps_the_download(server, root, monkeypatch):
    monkeypatch.setattr(download.encoder, "convert", stop(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        get(server, root, place="encoders/e.safetensors")
    assert left(root) == [".e.part.pt", ".e.part.pt.json"]


def test_a_download_that_was_kept_is_not_fetched_again(server, root, monkeypatch, converting):
    with monkeypatch.context() as patch:
        patch.setattr(download.encoder, "convert", stop(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            get(server, root, place="encoders/e.safetensors")
    get(server, root, place="encoders/e.safetensors")
    assert left(root) == ["e.safetensors", "fetched.json"] and len(server.asked) == 1


# What is published, and the command


def test_published_places_and_addresses_are_each_their_own():
    places = [place for item in published.ITEMS.values() for _, place in item.files]
    urls = [url for item in published.ITEMS.values() for url, _ in item.files]
    assert len(set(places)) == len(places) == len(set(urls)) == 3 + 18 + 2 + 2 + 10


def test_published_files_are_githubs():
    urls = [url for item in published.ITEMS.values() for url, _ in item.files]
    assert urls[0] == "https://github.com/csxmli2016/w-plus-adapter/releases/download/v1/wplus_adapter.bin"
    assert all(url.startswith(("https://github.com/", "https://raw.githubusercontent.com/")) for url in urls)


@pytest.fixture
def command(server, root, monkeypatch):
    monkeypatch.setitem(published.ITEMS, "adapter", published.Item("a direction", ((server.url(), PLACE),)))
    return lambda *arguments: main(["fetch", *arguments, "--wplus", str(root)])


def test_the_command_wants_the_licence_accepted(command, root, capsys):
    assert command("adapter") == 2
    assert "--accept-licence" in capsys.readouterr().err and not root.exists()


def test_the_command_knows_no_other_item(command, root, capsys):
    assert command("adaptor", "--accept-licence") == 2
    assert "there is no item 'adaptor', expected adapter" in capsys.readouterr().err


def test_the_command_fetches(command, target, capsys):
    assert command("adapter", "--accept-licence") == 0
    assert "adapter: 1 file in" in capsys.readouterr().out and target.exists()
