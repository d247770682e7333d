"""The frames of videos, pictures and folders."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from PIL import Image

from wplus_ext.studio import frames, video
from wplus_ext.studio.frames import read_frames

SHADES = (40, 120, 200)


def shown(path):
    return [round(float(frame.mean())) for frame in read_frames(path)]


def written(path, fps=8.0):
    """A video of three grey frames."""
    made = np.stack([np.full((32, 48, 3), shade, np.uint8) for shade in SHADES])
    video.save(made, path, fps, '{"shots": []}')
    return path


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.mp4", "a"])
def test_what_render_writes_is_read(tmp_path, name):
    if name.endswith("mp4"):
        pytest.importorskip("av")
    assert shown(written(tmp_path / name)) == pytest.approx(SHADES, abs=2)


def test_frames_are_red_first(tmp_path):
    Image.new("RGB", (20, 10), (200, 100, 50)).save(tmp_path / "a.png")
    [frame] = read_frames(tmp_path / "a.png")
    assert frame.shape == (10, 20, 3) and frame.dtype == np.uint8 and frame[0, 0].tolist() == [200, 100, 50]


def test_a_photo_is_turned_as_its_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert next(read_frames(tmp_path / "a.jpg")).shape == (20, 10, 3)


def test_a_folder_is_in_the_order_of_its_numbers(tmp_path):
    for number, shade in ((10, 200), (2, 120), (1, 40)):
        Image.new("RGB", (8, 8), (shade,) * 3).save(tmp_path / f"frame {number}.png")
    (tmp_path / "notes.txt").touch()
    assert shown(tmp_path) == list(SHADES)


def test_an_ordinary_video_is_read(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for shade in SHADES:
            picture = av.VideoFrame.from_ndarray(np.full((32, 48, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    assert shown(tmp_path / "a.mkv") == pytest.approx(SHADES, abs=4)


# What is refused


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.png", "a.jpg", "a.mp4", "a.webm", "a.avi"])
@pytest.mark.parametrize("content", [b"", b"#EXTM3U\nfile.mp4\n", b"\x00" * 4096], ids=["empty", "a playlist", "zeros"])
def test_what_is_no_video_is_refused(tmp_path, name, content):
    if frames.VIDEOS.get(os.path.splitext(name)[1]):
        pytest.importorskip("av")
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: a damaged file, or no video"):
        list(read_frames(path))


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
def test_a_video_that_is_cut_short_is_refused(tmp_path, name):
    path = written(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(ValueError, match=f"{name}: a damaged file, or no video"):
        list(read_frames(path))


def test_a_video_needs_pyav(tmp_path, monkeypatch):
    (tmp_path / "a.mov").touch()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ValueError, match="^.mov needs PyAV: pip install av; or make a .webp, a .gif or a folder of"):
        list(read_frames(tmp_path / "a.mov"))


def test_another_ending_is_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match="not the ending of a video; expected .png"):
        list(read_frames(tmp_path / "a.txt"))


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a folder without pictures"):
        list(read_frames(tmp_path))


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ValueError, match="no regular file"):
        list(read_frames(tmp_path / "a.png"))


def test_a_huge_frame_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "MOST", 100)
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="frames of 20x10 pixels, expected at most"):
        list(read_frames(tmp_path / "a.png"))
