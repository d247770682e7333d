"""The commands on videos of one's own: what they write, and what cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from clips import SIDE, av, recorded
from PIL import Image

from wplus_ext.__main__ import main
from wplus_ext.studio import record, video
from wplus_ext.studio.frames import read_times
from wplus_ext.studio.pipeline import Studio
from wplus_ext.studio.shot import Shot

SHORT = ["--steps", "4", "--size", f"{SIDE}x{SIDE}", "--guidance", "1", "--denoise", "0.5", "--start", "0"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twenty frames, ten a second, with sound."""
    return recorded(tmp_path_factory.mktemp("clip") / "clip.mp4", sound="aac")


def rendered(clip, out, *more):
    return main(["render", "--video", str(clip), *SHORT, *more, "--out", str(out)])


@pytest.fixture(scope="module")
def made(clip, tmp_path_factory):
    """A part of the clip, rendered."""
    path = tmp_path_factory.mktemp("made") / "made.mp4"
    assert rendered(clip, path, "--range", "0.5s:1.5s", "--tracks", "smile = 1") == 0
    return path


def test_rate_and_length_are_those_of_the_part(made):
    times = read_times(made)
    assert (times.frames, times.rate) == (10, 10)


def loud_from(path):
    """From which second on a sound is loud, and how long it lasts."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        parts = [(frame.time, np.abs(frame.to_ndarray()).max()) for frame in container.decode(stream)]
    scale = max(level for _, level in parts)
    return next(time for time, level in parts if level > scale / 2), parts[-1][0]


def test_the_sound_is_that_of_the_part(made):
    assert loud_from(made) == pytest.approx((0.5, 1.0), abs=0.05)


@pytest.mark.parametrize(("name", "sound"), [("a.avi", "pcm_s16le"), ("a.mkv", "libopus"), ("a.mkv", "flac")])
def test_sounds_of_other_kinds_are_kept(tmp_path, name, sound):
    clip, out = recorded(tmp_path / name, sound=sound), tmp_path / "b.mp4"
    assert rendered(clip, out, "--range", "0.5s:1.5s", "--steps", "2") == 0
    assert loud_from(out) == pytest.approx((0.5, 1.0), abs=0.05)


def test_a_sound_that_is_left_out_is_told(clip, tmp_path, capsys):
    assert rendered(clip, tmp_path / "a.webp", "--range", "0:2") == 0
    assert "a.webp holds no sound, so that of" in capsys.readouterr().err


def test_a_file_makes_its_video_again(made, tmp_path, capsys):
    assert main(["render", "--like", str(made), "--out", str(tmp_path / "b.mp4")]) == 0
    assert made.read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert "note:" not in capsys.readouterr().err


def test_a_changed_or_lost_video_is_told(clip, tmp_path, capsys):
    own, out = tmp_path / "own.mp4", tmp_path / "a.mp4"
    own.write_bytes(clip.read_bytes())
    assert rendered(own, out, "--range", "0:2") == 0
    recorded(own)
    assert main(["render", "--like", str(out), "--out", str(tmp_path / "b.mp4")]) == 0
    assert "note: video own.mp4 was " in capsys.readouterr().err
    own.unlink()
    assert main(["render", "--like", str(out), "--out", str(tmp_path / "b.mp4")]) == 2
    told = capsys.readouterr().err
    assert "and is not there any more" in told and f"{own}: no such file; expected a video of your own" in told


def test_another_video_brings_its_own_length(made, tmp_path):
    recorded(tmp_path / "short.mp4", times=range(3))
    more = ["--video", str(tmp_path / "short.mp4"), "--range", "", "--steps", "2"]
    assert main(["render", "--like", str(made), *more, "--out", str(tmp_path / "b.webp")]) == 0
    (shot,) = json.loads(video.load_settings(tmp_path / "b.webp"))["shots"]
    assert (shot["frames"], shot["width"], shot["denoise"]) == (3, 16, 0.5)


def test_a_sweep_has_it_in_each_cell(clip, tmp_path):
    edits = ["--tracks", "smile = 1", "--strength", "0", "--strength", "1", "--range", "0:3"]
    assert main(["sweep", "--video", str(clip), *SHORT, *edits, "--out", str(tmp_path / "a.mp4")]) == 0
    shots = json.loads(video.load_settings(tmp_path / "a.mp4"))["shots"]
    assert [(shot["video"], shot["frames"]) for shot in shots] == [(str(clip), 3)] * 2
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.audio


def test_a_file_without_its_video_has_nothing_of_it(made, tmp_path):
    given = ["--like", str(made), "--video", "", "--frames", "1", "--steps", "1"]
    assert main(["render", *given, "--out", str(tmp_path / "b.webp")]) == 0
    (shot,) = json.loads(video.load_settings(tmp_path / "b.webp"))["shots"]
    assert (shot["video"], shot["range"], shot["denoise"]) == ("", "", 0.5)


def test_a_video_that_went_meanwhile_takes_its_sound_alone(tmp_path):
    shot, out = Shot(video=str(tmp_path / "gone.mp4"), frames=2), tmp_path / "a.mp4"
    frames = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    (note,) = record.save(out, frames, Studio(device="cpu", loaded=False), [shot])
    assert note.startswith(f"{out} has no sound: {shot.video}: no such file") and read_times(out).frames == 2


def test_videos_are_hashed_once(clip, monkeypatch):
    asked, hashed = [], record.short_hash
    monkeypatch.setattr(record, "short_hash", lambda path: asked.append(path) or hashed(path))
    shots = [Shot(video=str(clip), control=str(clip), seed=seed) for seed in range(3)]
    assert record._videos(shots) == {f"{what} clip.mp4": hashed(clip) for what in ("video", "control")}
    assert asked == [clip]


def test_a_video_to_follow_is_not_written_over(made, capsys):
    before = made.read_bytes()
    assert main(["render", "--control", str(made), "--out", str(made)]) == 2
    assert f"{made} is the video to follow; choose another name" in capsys.readouterr().err
    assert made.read_bytes() == before


def test_a_video_is_not_written_over_itself(made, capsys):
    before = made.read_bytes()
    assert rendered(made, made) == 2
    assert f"{made} is the video to begin with; choose another name" in capsys.readouterr().err
    assert made.read_bytes() == before


# What cannot be


@pytest.fixture
def strange(tmp_path, clip):
    """Files that are no videos, or not whole."""
    Image.new("RGB", (8, 8)).save(tmp_path / "one.gif")
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:-900])
    (tmp_path / "empty").mkdir()
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["--video", "{0}/none.mp4"],
            "none.mp4: no such file; expected a video of your own, or a folder of its frames",
        ),
        (["--video", "{0}/one.gif"], "one.gif: a single picture, expected a video of 2 frames or more"),
        (["--video", "{0}/no.mp4"], "no.mp4: a damaged file, or no video"),
        (["--video", "{0}/cut.mp4"], "cut.mp4: a damaged file, or no video"),
        (["--video", "{0}/empty"], "empty: a folder without pictures"),
        (
            ["--video", "{0}/clip.mp4", "--denoise", "0"],
            "denoise is 0, so none of the 25 steps is taken; expected 0.04",
        ),
        (["--video", "{0}/clip.mp4", "--denoise", "1.1"], "denoise is 1.1, expected 0 to 1"),
        (["--video", "{0}/clip.mp4", "--denoise", "0.04", "--start", "0", "--end", "0"], "start is 0 and end 0"),
        (["--video", "{0}/clip.mp4", "--frames", "21"], "it has 20 frames at 10 a second, but 21 are asked for"),
        (["--video", "{0}/clip.mp4", "--range", "19:21"], "range is '19:21', but it has 20 frames, 2.00 seconds"),
        (["--video", "{0}/clip.mp4", "--range", "3s:"], "range is '3s:', but it has 20 frames"),
        (["--video", "{0}/clip.mp4", "--range", "5:5"], "range is '5:5' (it ends before it begins), expected such as"),
        (["--video", "{0}/clip.mp4", "--range", "1:2s"], "(both in frames, or both in seconds)"),
        (["--video", "{0}/clip.mp4", "--range", "1.5:2"], "(frames are whole numbers; seconds have an s)"),
        (["--video", "{0}/clip.mp4", "--range", "all"], "(two numbers are to be parted by a colon)"),
        (["--video", "{0}/clip.mp4", "--size", "17x16"], "width is 17, expected a multiple of"),
        (["--denoise", "0.3"], "range and denoise are of a video of your own; name it with video"),
        (["--range", "1:3"], "range and denoise are of a video of your own; name it with video"),
    ],
)
def test_bad_input_is_one_clear_line(strange, capsys, given, message):
    arguments = [part.format(strange) for part in ["--steps", "25", *given]]
    assert main(["render", *arguments, "--out", str(strange / "out.mp4")]) == 2
    told = capsys.readouterr().err
    assert message in told and told.startswith("wplus_ext render: ") and told.count("\n") == 1
    assert not (strange / "out.mp4").exists()
