"""What is handed out to whom, and what is kept, without any other process."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from wplus_ext.__main__ import main
from wplus_ext.settings import Settings
from wplus_ext.studio.control import Control
from wplus_ext.studio.kept import Kept
from wplus_ext.studio.pipeline import MINIATURE, Studio, count_steps
from wplus_ext.studio.shot import Shot
from wplus_ext.studio.workers.actor import Worker
from wplus_ext.studio.workers.crew import Crew, _Hand
from wplus_ext.studio.workers.jobs import Drafts, Here, Lost, Video, Waiting, tqdm
from wplus_ext.version import VERSION


def video(tracks="smile = 1", seed=0, **more):
    return Video(Shot(frames=2, steps=5, seed=seed, edit=Settings(enabled=True, tracks=tracks, **more)), tracks)


@pytest.fixture(scope="module")
def studio():
    return Studio(device="cpu")


# Who gets what


def test_a_worker_goes_on_with_what_it_has_begun():
    a, b = video(seed=1), video(seed=2)
    waiting = Waiting([a, b, b, a])
    assert [waiting.take({b.base}, {a.base}) for _ in range(2)] == [1, 2]


def test_who_is_new_begins_what_nobody_works_on():
    a, b = video(seed=1), video(seed=2)
    assert Waiting([a, a, a, b]).take((), {a.base}) == 3


def test_who_has_nothing_else_helps_where_the_most_is_left():
    a, b = video(seed=1), video(seed=2)
    assert Waiting([a, b, b]).take((), {a.base, b.base}) == 1


def test_what_is_put_back_comes_first_but_not_to_who_failed():
    waiting = Waiting([video(), video("age = 1"), video("turn = 1")])
    assert [waiting.take((), ()), waiting.take((), ())] == [0, 1]
    waiting.put_back(1)
    assert (waiting.take((), (), without={1}), waiting.take((), ()), waiting.take((), ()), len(waiting)) == (
        2,
        1,
        None,
        0,
    )


# This process


def test_what_cannot_be_rendered_is_told_after_all_others(studio):
    done = []
    with pytest.raises(Lost, match=r"1 of 3 videos are missing; grin = 1: .*there is no direction 'grin'") as told:
        done += (i for i, _ in Here(studio).render([video(), video("grin = 1"), video("age = 1")]))
        pytest.fail("nothing was told")
    assert [*told.value.reasons] == [1]


def test_the_bar_ends_where_it_should_also_where_early_steps_are_known(studio):
    here, jobs = Here(studio), [video(seed=1), video(seed=2), video("age = 1", seed=1)]
    totals = []
    for _ in range(2):
        with tqdm(total=count_steps([job.shot for job in jobs]), file=open("/dev/null", "w")) as bar:
            assert len([*here.render(jobs, bar)]) == 3
            totals.append((bar.n, bar.total))
    assert totals == [(14, 14), (12, 12)]  # each has 5 steps, the first of which is early


def test_early_steps_are_shared_and_change_nothing(studio):
    jobs = [video(), video("age = 1")]
    shared = [frames for _, (frames, _) in Here(studio).render(jobs)]
    assert all(np.array_equal(shared[i], next(studio.render([job.shot]))[0]) for i, job in enumerate(jobs))


def test_the_early_steps_that_are_kept_are_not_too_many(studio, monkeypatch):
    drafts, draft = Drafts(), studio.begin(video().shot)
    large = replace(draft, control=Control(None, torch.zeros(2, 3, 64, 64), 1.0))
    monkeypatch.setattr("wplus_ext.studio.workers.jobs.ROOM", 2 * (draft.latents.nbytes + draft.text.nbytes))
    for place in range(3):
        drafts[place] = draft
    assert [*drafts] == [1, 2]
    drafts[3] = large  # with the frames that a ControlNet looks at
    assert [*drafts] == [3]


def test_sizes_are_known_before_anything_is_loaded(studio):
    unloaded, config = Studio(studio.choice, loaded=False), studio.pipe.unet.config
    assert unloaded.multiple == studio.pipe.vae_scale_factor * 2 ** (len(config.block_out_channels) - 1)
    assert "models" not in vars(unloaded)


def test_notes_on_models_are_told_once(studio, monkeypatch, capsys):
    models = replace(studio.models, notes=["its betas are others"])
    monkeypatch.setattr("wplus_ext.studio.pipeline.load", lambda *given: models)
    about = Worker().open(studio.choice, VERSION, 0)
    crew = Crew(SimpleNamespace(get=lambda waits: about), 0, {}, ())
    for number in (1, 2):
        crew._opened(_Hand(number))
    assert capsys.readouterr().err == "note: its betas are others\n"


# What is kept


@pytest.fixture
def kept(tmp_path, studio):
    return Kept(tmp_path / "kept", studio, "float32")


def noise(frames=4):
    return np.random.default_rng(0).integers(0, 256, (frames, 16, 24, 3)).astype(np.uint8)


def test_what_is_kept_comes_back_bit_for_bit(kept):
    shot = replace(video().shot, frames=4)
    assert kept.find(shot) is None
    kept.keep(shot, noise())
    assert np.array_equal(kept.find(shot), noise())
    assert kept.find(replace(shot, seed=3)) is None and kept.find(replace(shot, guidance=3.0)) is None


@pytest.mark.parametrize("order", [[0, 0, 1, 1, 1, 2], [0, 1, 1, 0], [0, 0, 0], [0]], ids=str)
@pytest.mark.parametrize("fps", [8.0, 29.97, 100.0, 0.3])
def test_frames_that_are_alike_come_back_too(kept, order, fps):
    shot = replace(video().shot, frames=len(order), fps=fps)
    kept.keep(shot, noise()[order])
    assert np.array_equal(kept.find(shot), noise()[order])


def test_what_is_kept_is_found_by_the_file_however_its_path_is_written(kept, tmp_path, monkeypatch):
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    (tmp_path / "other.mp4").write_bytes(b"another one")
    monkeypatch.chdir(tmp_path)
    shots = [replace(video().shot, video=str(path)) for path in ("clip.mp4", tmp_path / "clip.mp4", "other.mp4")]
    places = [kept.place(shot) for shot in shots]
    assert places[0] == places[1] != places[2]


def test_a_rate_makes_another_video_of_footage_alone(kept, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    for name, count in (("", 1), (str(tmp_path / "clip.mp4"), 2)):
        assert len({kept.place(replace(video().shot, video=name, fps=fps)) for fps in (8.0, 12.0)}) == count


def test_a_name_says_the_settings(kept):
    name = kept.place(video("smile = 0 > 1\nage = 0:(1)", seed=7, identity="ada", strength="0.6").shot).name
    assert name.startswith("ada, smile = 0 - 1; age = 0-1-, strength 0.6, seed 7 [") and name.endswith("].webp")


def test_a_long_name_can_be_written(kept):
    shot = video("# " + "ä" * 500, seed=7).shot
    kept.keep(shot, noise(2))
    assert np.array_equal(kept.find(shot), noise(2))


def test_somebodys_file_is_not_overwritten(kept):
    shot = video().shot
    kept.folder.mkdir()
    Image.new("RGB", (4, 4)).save(kept.place(shot))
    before = kept.place(shot).read_bytes()
    with pytest.raises(ValueError, match="exists and was not made here"):
        kept.check([shot])
    assert kept.find(shot) is None and kept.place(shot).read_bytes() == before


# A sweep

SWEEP = ["sweep", "--steps", "3", "--frames", "2", "--device", "cpu", "--tracks", "smile = 1", "--strength", "0.5"]


@pytest.fixture
def counted(monkeypatch):
    """The tracks and strengths of all that is rendered."""
    seen, render = [], Studio.render

    def counting(self, shots, *more):
        seen.extend((shot.edit.tracks, shot.edit.strength) for shot in shots)
        return render(self, shots, *more)

    monkeypatch.setattr(Studio, "render", counting)
    return seen


def test_a_second_sweep_renders_what_is_missing(tmp_path, counted, capsys):
    assert main([*SWEEP, "--out", str(tmp_path / "a")]) == 0
    assert main([*SWEEP, "--strength", "1", "--out", str(tmp_path / "a")]) == 0
    assert counted == [("smile = 1", "0.5"), ("smile = 1", "1")]
    assert "a.videos: 1 video of before, not rendered again" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "a.videos")
    assert main([*SWEEP, "--strength", "1", "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a/00001.png").read_bytes() == (tmp_path / "b/00001.png").read_bytes()


def test_another_file_of_the_same_name_is_another_video(tmp_path, counted):
    model = shutil.copytree(MINIATURE, tmp_path / "m")
    given = [*SWEEP, "--model", str(model), "--keep", str(tmp_path / "kept"), "--out", str(tmp_path / "a")]
    assert main(given) == main(given) == 0 and len(counted) == 1
    shutil.copy(model / "wplus/directions/age.safetensors", model / "wplus/directions/smile.safetensors")
    assert main(given) == 0 and len(counted) == 2
    (model / "vae/diffusion_pytorch_model.safetensors").touch()
    assert main(given) == 0 and len(counted) == 3
    assert len([*(tmp_path / "kept").iterdir()]) == 3


def test_a_table_without_one_of_its_videos_is_made_and_says_so(tmp_path, monkeypatch, capsys):
    render = Video.render

    def failing(self, *more):
        if self.shot.edit.strength == "1":
            raise ValueError("the pictures hold NaN")
        return render(self, *more)

    monkeypatch.setattr(Video, "render", failing)
    assert main([*SWEEP, "--strength", "1", "--out", str(tmp_path / "a")]) == 2
    told = capsys.readouterr()
    assert "1 of 2 videos are missing; strength 1: the pictures hold NaN; the same command renders" in told.err
    picture = np.asarray(Image.open(tmp_path / "a/00000.png"))
    assert (picture[-100:-20, -100:-20] == 255).all() and (picture[-100:-20, -250:-170] < 255).any()


@pytest.mark.parametrize("keep", ["a", "a/kept", "../here/a"])
def test_what_is_kept_may_not_lie_where_the_table_will(tmp_path, monkeypatch, counted, capsys, keep):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main([*SWEEP, "--out", "a", "--keep", keep]) == 2
    assert f"--keep is {keep}, the place of --out or in it" in capsys.readouterr().err and not counted


def test_workers_are_a_number(capsys):
    with pytest.raises(SystemExit):
        main([*SWEEP, "--workers", "0", "--out", "a"])
    assert "'0' is no whole number from 1 to 1000" in capsys.readouterr().err
