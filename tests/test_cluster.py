"""Two real workers on Ray, and what can happen to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import odd_workers
import pytest
import torch

from wplus_ext.miniature.evaluate import PROMPTS, Ruler, Trial, tqdm
from wplus_ext.settings import Settings
from wplus_ext.studio.models import Choice
from wplus_ext.studio.pipeline import Studio
from wplus_ext.studio.shot import Shot
from wplus_ext.studio.workers import cluster as on_ray
from wplus_ext.studio.workers.crew import Crew
from wplus_ext.studio.workers.jobs import Here, Lost, Video
from wplus_ext.version import VERSION

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.once, pytest.mark.timeout(900)]
HERE = Path(__file__).parent
CPU = Choice(device="cpu")


def video(tracks="smile = 1", strength="1", kind=Video, **more):
    edit = Settings(enabled=True, tracks=tracks, strength=strength)
    return kind(Shot(frames=3, steps=6, edit=edit), f"{tracks}, {strength}", **more)


TWELVE = [video(*each) for each in product(["smile = 1", "age = 1"], ["-1", "-0.6", "-0.3", "0.3", "0.6", "1"])]


@pytest.fixture(scope="module")
def alone():
    """This process as the only worker, with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Here(Studio(device="cpu"))
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def expected(alone):
    return [frames for _, (frames, _) in alone.render(TWELVE)]


@pytest.fixture(scope="module")
def workers():
    """Two processes with one thread each, which have loaded their pipelines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", str(HERE))
        with on_ray.joined(CPU, 2) as made:
            wait_for(made._crew)
            yield made


def wait_for(crew):
    while not all(hand.is_free for hand in crew._hands):
        for hand in crew._heard():
            crew._opened(hand)


def rendered(workers, jobs):
    """What came of each job, each once, and who was lost."""
    found, lost = {}, {}
    try:
        for i, (frames, _) in workers.render(jobs):
            assert i not in found
            found[i] = frames
    except Lost as error:
        lost = error.reasons
    return found, lost


def test_a_sweep_whose_worker_is_killed_is_that_of_one_process(workers, expected, tmp_path, capsys):
    jobs = [*TWELVE]
    jobs[3] = video("smile = 1", "0.3", odd_workers.Fatal, place=str(tmp_path / "killed"))
    found, lost = rendered(workers, jobs)
    assert (sorted(found), lost, (tmp_path / "killed").exists()) == ([*range(12)], {}, True)
    assert all(np.array_equal(found[i], frames) for i, frames in enumerate(expected))
    assert capsys.readouterr().err.count("smile = 1, 0.3: its worker died, worker ") == 1


def test_a_video_that_kills_its_workers_is_given_up_and_the_others_are_there(workers, expected, capsys, monkeypatch):
    monkeypatch.setattr("wplus_ext.studio.workers.crew.TRIES", 2)
    found, lost = rendered(workers, [video("age = 1", "2", odd_workers.Fatal), *TWELVE[:3]])
    assert (sorted(found), lost) == ([1, 2, 3], {0: "its worker died, 2 times"})
    assert all(np.array_equal(found[i + 1], expected[i]) for i in range(3))


def test_a_video_that_cannot_be_is_named_at_once(workers, expected, capsys):
    found, lost = rendered(workers, [video("grin = 1"), TWELVE[0]])
    assert np.array_equal(found[1], expected[0]) and "there is no direction 'grin'" in lost[0]
    assert "grin = 1, 1: tracks, line 1: there is no direction 'grin'" in capsys.readouterr().err


def test_what_cannot_be_is_known_before_anything_is_rendered(workers):
    assert workers.check([TWELVE[0].shot]).width == 64
    with pytest.raises(ValueError, match="there is no direction 'grin'"):
        workers.check([TWELVE[0].shot, video("grin = 1").shot])


def test_what_was_not_waited_for_is_not_taken_for_something_else(workers, expected):
    next(workers.render(TWELVE))
    found, _ = rendered(workers, [TWELVE[7]])
    assert np.array_equal(found[0], expected[7])


def test_a_batch_is_parted_among_the_workers(workers, alone):
    studio, videos = alone.desk.studio, [(PROMPTS[0], seed) for seed in (1, 2, 3)]
    one, two = (Trial(studio, Ruler(studio.folder), videos, 2, tqdm(disable=True), who) for who in (alone, workers))
    assert [len(batch.seeds) for batch in two.batches(Settings())] == [1, 2]
    pictures = [trial.pictures(tracks="smile = 0.5").astype(int) for trial in (one, two)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1  # a batch of another size is added up in another order


class OddCrew(Crew):
    actor = odd_workers.Odd


def test_workers_that_are_not_well_are_named_and_the_others_go_on(workers, expected, tmp_path, capsys):
    crew = OddCrew(ray, 4, {"num_cpus": 0}, ((CPU, tmp_path), VERSION, 1))
    while len(crew._hands) > 2 or not all(hand.is_free for hand in crew._hands):
        for hand in crew._heard():
            crew._opened(hand)
    found = {i: frames for i, (frames, _) in crew.render(TWELVE[:4], None)}
    assert all(np.array_equal(found[i], expected[i]) for i in range(4))
    told = capsys.readouterr().err
    assert f"it has wplus_ext {VERSION}, expected 0.0.1; install the same everywhere; the others go on" in told
    assert f"{tmp_path}/nowhere: no such file or folder; expected " in told
    assert "the memory does not suffice (RuntimeError: CUDA out of memory." in told


def test_where_nobody_is_well_it_is_said(workers, tmp_path):
    crew = Crew(ray, 1, {"num_cpus": 0}, (replace(CPU, library=(tmp_path / "none",)), VERSION, 1))
    with pytest.raises(ValueError, match=r"no worker is left; worker 1 \(process .*none: no such folder there"):
        crew.ask("check", [TWELVE[0].shot])


@pytest.mark.parametrize(
    "count, device, words",
    [(9999, "cpu", "--workers is 9999, and Ray has "), (1, "cuda:1", "each worker has a device of its own"),
     (9, "cuda", "GPUs; ask for fewer, or for --device cpu")],
)  # fmt: skip
def test_more_workers_than_devices_are_refused(workers, count, device, words):
    with pytest.raises(ValueError, match=words):
        on_ray._shares(ray, count, device)


# The command


def sweep(folder, *more):
    """The command, as a process whose children are known by a variable."""
    given = ["--frames", "2", "--tracks", "smile = 1", "--strength", "0.5", "--strength", "1", "--workers", "2"]
    command = [sys.executable, "-m", "wplus_ext", "sweep", *given, "--device", "cpu", "--out", str(folder / "a.gif")]
    marked = {**os.environ, "WPLUS_TEST": str(folder)}
    return subprocess.Popen(
        [*command, *more], cwd=HERE.parent, env=marked, stdout=-1, stderr=-1, text=True, start_new_session=True
    )


def left_of(folder):
    """The processes that a command has left behind."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if f"WPLUS_TEST={folder}\0".encode() in (each / "environ").read_bytes():
                found.append((each / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_the_command_goes_on_where_it_was_and_leaves_nothing(tmp_path):
    said, told = sweep(tmp_path, "--steps", "3").communicate()
    assert "1 x 2 videos of 2 frames" in said and told.count("Traceback") == 0
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "a.videos").iterdir()}
    said, told = sweep(tmp_path, "--steps", "3", "--strength", "-1").communicate()
    assert "a.videos: 2 videos of before, not rendered again" in said and "1 x 3 videos of 2 frames" in said
    assert len(kept) == 2 and kept == {path: path.stat().st_mtime_ns for path in kept}
    assert left_of(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="processes are listed in another way elsewhere")
def test_ctrl_c_ends_the_workers(tmp_path):
    process = sweep(tmp_path, "--steps", "500")
    while not any("ray::Worker" in each for each in left_of(tmp_path)) and process.poll() is None:
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate()[1]
    assert process.returncode == 2 and told.endswith("stopped; files that were finished are whole\n")
    assert left_of(tmp_path) == [] and list(tmp_path.iterdir()) == []


def test_no_cluster_there_is_said():
    child = "from wplus_ext.__main__ import main; import sys; sys.exit(main(sys.argv[1:]))"
    given = ["sweep", "--steps", "3", "--tracks", "smile = 1", "--ray", "127.0.0.1:1", "--out", "/tmp/never.gif"]
    done = subprocess.run([sys.executable, "-c", child, *given], cwd=HERE.parent, capture_output=True, text=True)
    assert done.returncode == 2 and "--ray is '127.0.0.1:1', and no Ray answers there" in done.stderr
