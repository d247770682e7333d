"""Videos of one's own: what is taken of them, and what becomes of it."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from clips import SIDE, recorded, shades
from PIL import Image

from wplus_ext.settings import Settings
from wplus_ext.studio import video
from wplus_ext.studio.footage import Footage, own_values
from wplus_ext.studio.frames import read_frames, read_times
from wplus_ext.studio.pipeline import Studio, count_steps
from wplus_ext.studio.shot import Shot
from wplus_ext.studio.windows import windows


def shown(path, **values):
    """Which frames a shot takes."""
    shot = Shot(video=str(path), **values)
    frames = Footage.of(shot).frames(shot, SIDE, SIDE)
    return [round(float(np.asarray(frame).mean()) / 12) for frame in frames]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twenty frames, ten a second, with sound."""
    return recorded(tmp_path_factory.mktemp("clip") / "clip.mp4", sound="aac")


@pytest.fixture(scope="module")
def studio():
    return Studio(device="cpu")


def shot_of(path, **values):
    edit = Settings.from_dict({"enabled": True, **values.pop("edit", {})})
    size = {"width": SIDE, "height": SIDE}
    return Shot(**{**size, "frames": 3, "fps": 10.0, "steps": 4, "guidance": 1.0, **values}, video=str(path), edit=edit)


# Which frames


@pytest.mark.parametrize(
    ("values", "frames"),
    [
        ({"fps": 10.0, "frames": 4}, [0, 1, 2, 3]),
        ({"fps": 10.0, "frames": 3, "range": "5:"}, [5, 6, 7]),
        ({"fps": 10.0, "frames": 3, "range": "0.5s:1s"}, [5, 6, 7]),
        ({"fps": 5.0, "frames": 4, "range": "2:"}, [2, 4, 6, 8]),
        ({"fps": 20.0, "frames": 6}, [0, 0, 1, 1, 2, 2]),
    ],
)
def test_the_speed_stays_at_any_rate(clip, values, frames):
    assert shown(clip, **values) == frames


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.mov", "a.webp", "a.gif", "a"])
def test_every_frame_of_every_kind_is_taken_once(tmp_path, name):
    ordinary = name.endswith(("mkv", "avi", "mov"))
    path = recorded(tmp_path / name, times=range(9), part=Fraction(1001, 30000)) if ordinary else tmp_path / name
    if not ordinary:
        video.save(shades(9), path, 8, '{"shots": []}')
    rate = read_times(path).rate
    assert rate == {True: Fraction(30000, 1001), False: None if name == "a" else 8}[ordinary]
    assert shown(path, fps=float(rate or 1), frames=9) == [*range(9)]


def test_a_variable_rate_is_made_even(tmp_path):
    path = recorded(tmp_path / "a.mkv", times=[0, 1, 2, 6, 7, 8])
    assert shown(path, fps=10.0, frames=9) == [0, 1, 2, 2, 2, 2, 3, 4, 5]


def test_frames_that_were_alike_are_several_again(tmp_path):
    video.save(shades(6)[[0, 1, 1, 2, 3, 3]], tmp_path / "a.gif", 10, '{"shots": []}')
    assert read_times(tmp_path / "a.gif").rate == 10
    assert shown(tmp_path / "a.gif", fps=10.0, frames=6) == [0, 1, 1, 2, 3, 3]


def test_a_turned_video_stands_upright(tmp_path):
    path, frames = tmp_path / "a.mp4", np.zeros((2, 32, 48, 3), np.uint8)
    frames[:, :16, :24] = 250
    video.save(frames, path, 8, "{}")
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    data[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)  # clockwise
    path.write_bytes(data)
    frame = next(read_frames(path))
    assert frame.shape == (48, 32, 3) and frame[8, 24].min() > 200 and frame[8, 8].max() < 50


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.png"])
def test_what_is_transparent_is_white(tmp_path, name):
    pictures = [Image.new("RGBA", (8, 8), colour) for colour in ((200, 0, 0, 0), (0, 0, 200, 255))]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], lossless=True)
    assert next(read_frames(tmp_path / name)).min() == 255


def test_pictures_of_a_folder_are_each_a_frame_at_any_rate(tmp_path):
    video.save(shades(9), tmp_path / "a", 8, '{"shots": []}')
    path = str(tmp_path / "a")
    assert shown(path, fps=24.0, frames=4, range="2:") == shown(path, fps=5.0, frames=4, range="0.4s:") == [2, 3, 4, 5]
    values, notes = own_values(Shot(video=path, fps=24.0), {"video": path, "width": 1}, 16)
    assert (values, notes) == ({"fps": 24.0, "frames": 9}, [])


# What it says of itself


@pytest.mark.parametrize(
    ("size", "expected"), [((48, 64), (64, 48)), ((35, 70), (64, 32)), ((2, 30), (32, 16)), ((48, 4096), (2048, 32))]
)
def test_the_size_is_one_that_the_model_can_have(tmp_path, size, expected):
    video.save(shades(2, *size), tmp_path / "a.webp", 8, '{"shots": []}')
    values, notes = own_values(Shot(video=str(tmp_path / "a.webp")), {"video": ""}, 16)
    assert (values["width"], values["height"]) == expected
    assert len(notes) == (size[::-1] != expected)


def test_rate_and_frames_are_its_own(clip):
    assert own_values(Shot(video=str(clip), range="5:"), {"video": "", "width": 1}, 16) == (
        {"fps": 10, "frames": 15},
        [],
    )
    assert own_values(Shot(video=str(clip), fps=5.0), {"fps": 5.0}, 16) == ({"frames": 10}, [])


def test_a_rate_that_no_shot_can_have_is_told(tmp_path):
    path = recorded(tmp_path / "a.mp4", part=Fraction(1, 240))
    values, (note,) = own_values(Shot(video=str(path)), {"video": "", "width": 1}, 16)
    assert values == {"fps": 100, "frames": 8} and note == f"{path} has 240 frames a second; 100 are taken"


def test_too_many_frames_are_told(clip, monkeypatch):
    monkeypatch.setattr("wplus_ext.studio.footage.MOST_FRAMES", 12)
    with pytest.raises(
        ValueError, match="20 frames at 10 a second, expected at most 12; take a part of it with --range"
    ):
        own_values(Shot(video=str(clip)), {"video": "", "width": 1}, 16)


# What becomes of it


SCHEDULERS = ["DDIMScheduler", "EulerDiscreteScheduler", "LCMScheduler", "HeunDiscreteScheduler", "PNDMScheduler"]


@pytest.fixture
def pipes(studio, request, monkeypatch):
    """The studio, and diffusers' own pipeline of the same parts, with another scheduler."""
    import diffusers

    scheduler = getattr(diffusers, request.param).from_config(studio.pipe.scheduler.config)
    monkeypatch.setattr(studio.models, "scheduler", scheduler)
    monkeypatch.setattr(studio.pipe, "scheduler", scheduler)
    return studio, diffusers.AnimateDiffVideoToVideoPipeline(**studio.pipe.components)


@pytest.mark.parametrize("pipes", SCHEDULERS, indirect=True)
@pytest.mark.parametrize(("frames", "context"), [(3, 16), (18, 32), (18, 8)])
def test_it_is_what_diffusers_makes_of_it(pipes, clip, frames, context):
    studio, theirs = pipes
    shot = shot_of(clip, frames=frames, context=context, guidance=2.0, seed=5, steps=5, denoise=0.6)
    given = [Image.fromarray(frame) for frame in [*read_frames(clip)][:frames]]
    with windows(theirs, shot):
        latents = theirs(
            [given], shot.prompt, SIDE, SIDE, shot.steps, guidance_scale=2.0, strength=shot.denoise,
            output_type="latent", generator=torch.Generator().manual_seed(5),
        ).frames  # fmt: skip
    with windows(studio.pipe, shot):
        ours = studio.advance(studio.begin(shot)).latents
    assert ours.shape == latents.shape and (ours - latents).abs().max() <= 1e-5 * latents.abs().max()


@pytest.mark.parametrize(("denoise", "steps"), [(0.25, 1), (0.5, 2), (1.0, 4)])
def test_so_many_steps_are_taken(studio, clip, denoise, steps):
    ticks, shot = [], shot_of(clip, denoise=denoise, edit={"tracks": "smile = 1", "start": 0})
    ((_, report),) = studio.render([shot], lambda: ticks.append(1))
    assert len(ticks) == count_steps([shot]) == report.steps == report.edited == steps


@pytest.mark.parametrize("pipes", SCHEDULERS, indirect=True)
def test_steps_of_several_calls_are_counted_as_steps(pipes, clip):
    ticks, shot = [], shot_of(clip, steps=8, denoise=0.5, edit={"tracks": "smile = 1", "start": 0.5})
    ((_, report),) = pipes[0].render([shot], lambda: ticks.append(1))
    assert (len(ticks), count_steps([shot]), report.steps, report.edited_steps) == (4, 4, 4, 2)


def test_the_less_is_made_anew_the_more_it_stays(studio, clip):
    shots = [shot_of(clip, steps=8, denoise=denoise, edit={"start": 0}) for denoise in (0.125, 0.5, 1)]
    clean = studio.pipe.vae.encode(torch.zeros(1, 3, SIDE, SIDE) - 1).latent_dist.mean
    far = [(studio.advance(studio.begin(shot)).latents[:, :, 0] - clean).norm().item() for shot in shots]
    assert far == sorted(far) and far[0] < far[2] / 2


def test_shared_steps_change_nothing(studio, clip):
    shots = [shot_of(clip, denoise=0.75, edit={"tracks": f"smile = {x}", "start": 0.5}) for x in (-1, 1)]
    shots.append(replace(shots[0], fps=5.0))
    alone = [next(studio.render([shot]))[0] for shot in shots]
    assert [np.array_equal(a, b) for a, (b, _) in zip(alone, studio.render(shots))] == [True] * 3
    assert len({frames.tobytes() for frames in alone}) == 3
    for shot, frames in studio.together(shots, 2):
        assert np.abs(frames.astype(int) - alone[shots.index(shot)]).max() <= 1


def test_a_long_one_goes_in_windows(studio, clip):
    ((frames, _),) = studio.render([shot_of(clip, frames=12, context=4, steps=2, edit={"start": 0})])
    assert len(frames) == 12
