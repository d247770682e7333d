"""Videos as files: what was written is read again, and nothing half-written is left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wplus_ext.studio import video
from wplus_ext.studio.sheet import Sheet

SETTINGS = json.dumps({"shots": [], "prompt": 'größer > 0,\n "quoted" = 1; # \\', "long": "x" * 3000})
NAMES = ["a.gif", "a.webp", "a.mp4", "a"]


@pytest.fixture
def frames():
    picture = np.zeros((5, 32, 48, 3), np.uint8)
    for i in range(5):
        picture[i, :, i * 8 : i * 8 + 8] = (255, 40 * i, 0)
    return picture


def read(path):
    if path.is_dir():
        return np.stack([np.asarray(Image.open(name).convert("RGB")) for name in sorted(path.iterdir())])
    if path.suffix == ".mp4":
        import av

        with av.open(str(path)) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    with Image.open(path) as picture:
        found = []
        for i in range(picture.n_frames):
            picture.seek(i)
            found.append(np.asarray(picture.convert("RGB")))
        return np.stack(found)


@pytest.fixture(params=NAMES)
def saved(request, tmp_path, frames):
    """A video of each kind, alone in its folder."""
    path = tmp_path / "videos" / request.param
    path.parent.mkdir()
    video.save(frames, path, 8, SETTINGS)
    return path


def test_frames_come_back(saved, frames):
    again = read(saved)
    assert again.shape == frames.shape
    assert np.abs(again.astype(int) - frames).mean() < 12  # all but PNG lose something


def test_settings_come_back(saved):
    assert video.load_settings(saved) == SETTINGS


def test_a_video_is_written_over(saved, frames):
    video.save(frames[::-1], saved, 8, "{}")
    assert np.abs(read(saved).astype(int) - frames[::-1]).mean() < 12 and video.load_settings(saved) == "{}"
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("name", NAMES)
def test_equal_videos_are_equal_files(tmp_path, frames, name):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        video.save(frames, tmp_path / folder / name, 8, SETTINGS)
    x, y = ([p for p in sorted((tmp_path / f).rglob("*")) if p.is_file()] for f in ("x", "y"))
    assert len(x) > 0 and [p.read_bytes() for p in x] == [p.read_bytes() for p in y]


def test_the_time_of_a_frame(tmp_path, frames):
    video.save(frames, tmp_path / "a.webp", 5, "{}")
    with Image.open(tmp_path / "a.webp") as picture:
        picture.load()
        assert picture.info["duration"] == 200
        assert picture.info["loop"] == 0


def test_nothing_half_written_is_left(saved, frames, monkeypatch):
    before = read(saved)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Image, "fromarray", stop)
    monkeypatch.setattr("wplus_ext.studio.mp4.save", stop)
    with pytest.raises(KeyboardInterrupt):
        video.save(frames[:2], saved, 8, "{}")
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]
    assert np.array_equal(read(saved), before)


@pytest.mark.parametrize(
    "name, message",
    [
        (".webp", "only an ending, expected a name before it"),
        (".MP4", "only an ending, expected a name before it"),
        ("a.avi", "expected .gif, .webp, .mp4, or a name without ending"),
        ("nowhere/a.gif", "no such folder"),
        ("folder.gif", "is a folder"),
        ("full", "no folder of our frames"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, name, message):
    (tmp_path / "folder.gif").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(ValueError, match=message):
        video.check(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"no picture"])
@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.mp4", "a.png"])
def test_files_that_are_no_videos(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        video.load_settings(tmp_path / name)


def test_a_picture_without_settings(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="no settings in its metadata"):
        video.load_settings(tmp_path / "a.png")


CELLS = [[np.full((2, 16, 16, 3), 40 * (2 * i + k), np.uint8) for k in range(2)] for i in range(3)]
SIZE = (16, 16)


@pytest.mark.parametrize("name", ["smile 12:30.mp4", "x%d.mp4", "file:a.mp4"])
def test_an_mp4_has_the_name_that_was_asked_for(tmp_path, monkeypatch, frames, name):
    monkeypatch.chdir(tmp_path)
    video.save(frames, Path(name), 8, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == [name] and video.load_settings(Path(name)) == SETTINGS


@pytest.mark.parametrize("fps", [0.1, 0.3, 8, 23.976, 29.97])
def test_an_mp4_has_its_frames_a_second(tmp_path, frames, fps):
    av = pytest.importorskip("av")
    video.save(frames, tmp_path / "a.mp4", fps, SETTINGS)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(fps, rel=1e-4)


def test_what_the_codec_refuses_is_one_line(tmp_path, monkeypatch, frames):
    av = pytest.importorskip("av")

    def refuse(*args, **named):
        raise av.FFmpegError(-1, "Operation not permitted")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(OSError, match=r"^a\.mp4: cannot be written as MP4 \(Operation not permitted\)"):
        video.save(frames, tmp_path / "a.mp4", 8, SETTINGS)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sheet():
    return Sheet.of(["left", "a label that is a good deal longer than its cell"], ["a", "b", "c"], *SIZE).fill(CELLS)


def test_a_table_has_sides_that_a_video_can_have(sheet):
    assert sheet.shape[0] == 2 and not sheet.shape[1] % 2 and not sheet.shape[2] % 2


@pytest.mark.parametrize("number", range(1, 6))
def test_a_table_holds_every_cell(sheet, number):
    """Enlarged eight times. The first one is black, as its labels are."""
    assert (sheet[0] == 40 * number).all(2).sum() >= 128 * 128


def test_labels_take_room(sheet):
    plain = Sheet.of(["", ""], ["", "", ""], *SIZE).fill(CELLS)
    assert plain.shape[1] < sheet.shape[1] and plain.shape[2] < sheet.shape[2]


def test_a_webp_has_its_text_where_the_webui_looks(tmp_path):
    video.save(np.zeros((2, 8, 8, 3), np.uint8), tmp_path / "a.webp", 8, "a wömän\nSteps: 2")
    with Image.open(tmp_path / "a.webp") as picture:
        comment = picture.getexif().get_ifd(video.INNER)[video.COMMENT]
    assert comment == b"UNICODE\0" + "a wömän\nSteps: 2".encode("utf-16-be")


def test_a_word_longer_than_its_cell_goes_on_in_the_next_line():
    word = "latent/a_direction_of_a_very_long_name"
    sheet = Sheet.of([word], [""], 128, 128)
    lines = sheet.columns[0].split("\n")
    assert len(lines) > 1 and "".join(lines) == word and sheet._measure(sheet.columns[0])[0] <= 128


@pytest.mark.parametrize("label", ["nnn", "gjy", "ÄÅ"])
def test_labels_are_level_whatever_their_letters(label):
    assert Sheet.of([label], [""], 64, 64).top == Sheet.of(["strength"], [""], 64, 64).top


@pytest.mark.parametrize(("lines", "is_cut"), [(3, False), (40, True)])
def test_a_label_higher_than_its_row_is_cut(lines, is_cut):
    sheet = Sheet.of([""], ["\n".join(["smile = 1"] * lines)], 128, 128)
    assert sheet.rows[0].endswith("…") == is_cut and sheet._measure(sheet.rows[0])[1] <= 128
