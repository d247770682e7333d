"""How loud a sound is, and a track of it."""

from __future__ import annotations

import sys
import wave

import numpy as np
import pytest

from wplus_ext.__main__ import main
from wplus_ext.studio import sound

LOUD = [0.0, 1.0, 0.1, 0.0]  # of the four frames of a second
RATE = 8000


def tone(levels=LOUD, rate=RATE):
    """A second of a tone, in parts of these levels."""
    samples = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate)
    return samples * np.repeat(levels, rate // len(levels))


def written(path, samples, width=2, channels=1, rate=RATE):
    whole = np.round(samples * (2 ** (8 * width - 1) - 1)).astype("<i8")
    whole = whole + 128 if width == 1 else whole
    data = whole.repeat(channels).view(np.uint8).reshape(-1, 8)[:, :width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data.tobytes())
    return path


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_each_frame_is_as_loud_as_it_is(tmp_path, width, channels):
    found = sound.loudness(written(tmp_path / "a.wav", tone(), width, channels), 4)
    assert found == pytest.approx([0, 1, 0.5, 0], abs=0.06)  # a tenth is 20 of 40 decibels less


def test_a_frame_may_be_no_whole_number_of_samples(tmp_path):
    found = sound.loudness(written(tmp_path / "a.wav", tone([0.0, 1.0], 8000)), 3)
    assert len(found) == 3 and found == pytest.approx([0, 1 - 3 / 40, 1], abs=0.05)  # half of the second is silent


def test_what_is_left_over_is_a_frame(tmp_path):
    assert len(sound.loudness(written(tmp_path / "a.wav", tone()[:-500]), 4)) == 4


@pytest.mark.parametrize("name", ["a.flac", "a.mp4"])
def test_other_files_are_read_by_pyav(tmp_path, name):
    av = pytest.importorskip("av")
    codec = {"a.flac": "flac", "a.mp4": "aac"}[name]
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=16000)
        stream.layout = "mono"
        samples = (tone(rate=16000) * 30000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.rate = 16000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=16000, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    found = sound.loudness(tmp_path / name, 4)
    assert found[:2] == pytest.approx([0, 1], abs=0.05) and found[1] > found[2] > found[3]  # the codec echoes a little


@pytest.mark.parametrize(
    "name, content, match",
    [
        ("a.txt", b"", "not the ending of a sound; expected .wav"),
        ("a.wav", b"", "a damaged file, or no sound"),
        ("a.wav", b"RIFF" + bytes(60), "a damaged file, or no sound"),
        ("a.mp3", bytes(4096), "a damaged file, or no sound"),
        ("a.mp4", b"#EXTM3U\nother.mp4\n", "a damaged file, or no sound"),
    ],
)
def test_what_is_no_sound_is_said(tmp_path, name, content, match):
    if name.endswith(("mp3", "mp4")):
        pytest.importorskip("av")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=match):
        sound.loudness(tmp_path / name, 8)


def test_silence_is_said(tmp_path):
    with pytest.raises(ValueError, match="nothing is to be heard in it"):
        sound.loudness(written(tmp_path / "a.wav", tone([0.0])), 8)


def test_a_sound_too_long_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(sound, "MOST", 5)
    with pytest.raises(ValueError, match="more than 5 frames at 8 a second; cut it, or lower --fps"):
        sound.loudness(written(tmp_path / "a.wav", tone()), 8)


def test_other_files_need_pyav(tmp_path, monkeypatch):
    (tmp_path / "a.mp3").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ValueError, match="^.mp3 needs PyAV: pip install av; or write a .wav of it"):
        sound.loudness(tmp_path / "a.mp3", 8)


def test_a_video_without_sound_is_said(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match="it has no sound"):
        sound.loudness(tmp_path / "a.mp4", 8)


# The command


def test_a_sound_becomes_a_track(tmp_path, capsys):
    path = written(tmp_path / "a.wav", tone())
    options = ["--attribute", "loudness", "--track", "mouth_open", "--fps", "4", "--calm", "0", "--scale", "0.6"]
    assert main(["follow", str(path), *options]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("mouth_open = 0:(0)") and "1:(0.6)" in shown.out
    assert "loudness at 4 frames a second, measured in 4 of 4 frames: 0.00 to 0.60" in shown.err


def test_a_frame_rate_that_cannot_be_is_said(tmp_path, capsys):
    path = written(tmp_path / "a.wav", tone())
    assert main(["follow", str(path), "--attribute", "loudness", "--fps", "0"]) == 2
    assert "--fps is 0, expected 0.1 to 100" in capsys.readouterr().err
