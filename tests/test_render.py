"""Shots to videos, on the miniature: the loop, its shared steps, windows, and the commands."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from wplus_ext import Branch, Plan, attach
from wplus_ext.__main__ import main
from wplus_ext.library.directions import load
from wplus_ext.settings import Settings
from wplus_ext.studio import video
from wplus_ext.studio.pipeline import MINIATURE, Studio, count_steps
from wplus_ext.studio.shot import Shot

SHORT = ["--steps", "3", "--frames", "4"]


@pytest.fixture(scope="module")
def studio():
    return Studio(device="cpu")


def shot(**values):
    edit = Settings.from_dict({"enabled": True, **values.pop("edit", {})})
    return Shot(prompt="a face with blond hair", frames=4, steps=5, guidance=2.0, seed=7, edit=edit, **values)


def frames(studio, *shots):
    return [video for video, _ in studio.render(shots)]


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_loop_is_the_pipelines_own(studio, guidance):
    ours = replace(shot(), guidance=guidance, negative_prompt="a face on a blue background")
    theirs = studio.pipe(
        ours.prompt, ours.frames, num_inference_steps=ours.steps, guidance_scale=guidance, output_type="np",
        negative_prompt=ours.negative_prompt, generator=torch.Generator().manual_seed(ours.seed),
    ).frames[0]  # fmt: skip
    assert np.array_equal((theirs * 255).round().astype(np.uint8), frames(studio, ours)[0])


def test_the_edit_is_the_librarys_own(studio):
    edited = shot(edit={"tracks": "smile = -0.7 > 0 > 0.7", "start": 0.4})
    direction = load(studio.library.find("directions", "smile")).vector
    plan = Plan([Branch(direction, [-0.7, -0.7 / 3, 0.7 / 3, 0.7])], start=0.4)

    def follow(pipe, i, t, kwargs):
        live.step(i + 1, edited.steps)
        return kwargs

    with attach(studio.pipe.unet, studio.library.adapter(), plan) as live:
        live.step(0, edited.steps)
        live.rows([*range(4)] * 2, [True] * 4 + [False] * 4)
        theirs = studio.pipe(
            edited.prompt, 4, num_inference_steps=5, guidance_scale=2.0, output_type="np", negative_prompt="",
            generator=torch.Generator().manual_seed(7), callback_on_step_end=follow,
        ).frames[0]  # fmt: skip
    ((ours, report),) = studio.render([edited])
    assert np.abs((theirs * 255).round() - ours).max() <= 1  # the curve's thirds are rounded
    assert not np.array_equal(ours, frames(studio, shot())[0])
    assert (report.calls, report.edited) == (5, 3)


def test_shared_steps_change_nothing(studio):
    shots = [shot(edit={"tracks": f"smile = {x}", "start": 0.6}) for x in (-0.5, 0.5)]
    shots += [shot(), shot(edit={"identity": "ada"})]
    ticks = []
    together = [video for video, _ in studio.render(shots, tick=lambda: ticks.append(1))]
    alone = [frames(studio, one)[0] for one in shots]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone))
    assert len(ticks) == count_steps(shots) == (3 + 2 + 2) + (1 + 4 + 4)
    assert len({video.tobytes() for video in alone}) == 4


def test_all_calls_of_an_unedited_video_are_counted(studio):
    ((_, report),) = studio.render([shot()])
    assert (report.calls, report.edited) == (5, 0)
    assert "0 of 5 UNet calls edited" in report.summary()


def test_windows_give_every_frame_its_scale(studio):
    long = replace(shot(edit={"tracks": "smile = 0:(0):hold, 17:(1):hold, 18:(0)", "start": 0.0}), frames=21, context=8)
    ((edited, report),) = studio.render([long])
    residual = report.to_dict()["residual"]
    assert len(edited) == 21
    assert [frame for frame, value in enumerate(residual) if value > 0] == [17]
    plain = frames(studio, shot())[0]
    assert np.array_equal(plain, frames(studio, shot())[0])  # the windows are gone again
    assert not hasattr(studio.pipe.unet.mid_block, "motion_modules")


@pytest.mark.parametrize(
    "values, message",
    [
        ({"frames": 0}, "frames is 0, expected 1 to 1024"),
        ({"frames": 10_000}, "frames is 10000, expected 1 to 1024"),
        ({"frames": 2.5}, "frames is 2.5 \\(float\\), expected a whole number"),
        ({"steps": 0}, "steps is 0"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"guidance": "7"}, "guidance is '7' \\(str\\), expected a number"),
        ({"seed": -1}, "seed is -1"),
        ({"prompt": None}, "prompt is None .* expected a text"),
        ({"edit": []}, "expected a dict"),
        ({"edit": {"start": 0.9, "end": 0.95}, "steps": 3}, "none of the 3 steps lies between start 0.9 and end 0.95"),
        ({"colour": 1}, "unknown field 'colour'; expected prompt, "),
    ],
)
def test_shots_that_cannot_be(values, message):
    with pytest.raises(ValueError, match=message):
        Shot.from_dict(values)


def test_a_file_makes_its_video_again(tmp_path, capsys):
    first, second = tmp_path / "first.webp", tmp_path / "second.webp"
    given = ["--tracks", "smile = 0 > 0.7; age = 0.2", "--identity", "ada", "--seed", "5", "--guidance", "3"]
    assert main(["render", *SHORT, *given, "--size", "48x64", "--out", str(first)]) == 0
    assert "4 frames of 48x64; 7 layers, 2 of 3 UNet calls edited" in capsys.readouterr().out
    assert main(["render", "--like", str(first), "--out", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    content = json.loads(video.load_settings(second))
    assert content["model"] == "miniature"
    assert set(content["files"]) == {"WPlus adapter hash", "WPlus identity hash", "WPlus direction hashes"}
    assert content["shots"][0]["edit"]["tracks"] == "smile = 0 > 0.7\nage = 0.2"
    assert capsys.readouterr().err == ""


def test_a_file_made_with_other_files_is_told(tmp_path, capsys):
    path, model = tmp_path / "a.gif", tmp_path / "other"
    assert main(["render", *SHORT, "--tracks", "smile = 0.5", "--out", str(path)]) == 0
    shutil.copytree(MINIATURE, model)
    shutil.copy(model / "wplus/directions/age.safetensors", model / "wplus/directions/smile.safetensors")
    assert main(["render", "--model", str(model), "--like", str(path), "--out", str(path)]) == 0
    told = capsys.readouterr().err
    assert "made with the model miniature, this is other" in told
    assert "WPlus direction hashes was smile: " in told


def test_a_sweep_is_a_table_of_what_render_makes(tmp_path, capsys):
    path, again, one = tmp_path / "table", tmp_path / "again", tmp_path / "one"
    edits = ["--tracks", "smile = 1", "--tracks", "age = 1", "--strength", "-0.5", "--strength", "0.5"]
    assert main(["sweep", *SHORT, *edits, "--out", str(path)]) == 0
    assert "2 x 2 videos of 4 frames, tracks and strength varied" in capsys.readouterr().out
    assert main(["sweep", "--like", str(path), "--out", str(again)]) == 0
    assert (path / "00003.png").read_bytes() == (again / "00003.png").read_bytes()
    assert main(["render", *SHORT, "--tracks", "age = 1", "--strength", "0.5", "--out", str(one)]) == 0
    cell = Image.open(one / "00002.png").resize((128, 128), Image.Resampling.BICUBIC)
    table = np.asarray(Image.open(path / "00002.png"))
    height, width = table.shape[:2]
    found = [
        (y, x)
        for y in range(height - 140, height - 120)
        for x in range(width - 140, width - 120)
        if np.array_equal(table[y : y + 128, x : x + 128], np.asarray(cell))
    ]
    assert len(found) == 1  # the last cell
    assert main(["render", "--like", str(path), "--out", str(one)]) == 2
    assert "a table of 4 videos; use sweep --like" in capsys.readouterr().err


def pipeline(folder, **index):
    folder.mkdir()
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.parametrize(
    "given, message",
    [
        (["--model", "{tmp}/nowhere"], "nowhere: no such folder; expected the folder of a diffusers AnimateDiff"),
        (["--model", "{tmp}"], "no model_index.json in it"),
        (["--model", "{tmp}/xl"], "a StableDiffusionXLPipeline; expected AnimateDiffPipeline or StableDiffusion"),
        (["--model", "{tmp}/sd"], "which has no motion modules; name the folder of some with --motion"),
        (["--model", "{tmp}/empty"], "empty: cannot be loaded"),
        (["--model", "{tmp}/holed"], "weights are missing; expected a whole pipeline"),
        (["--wplus", "{tmp}"], "there is no "),
        (["--wplus", "{tmp}/wide"], "does not fit this checkpoint"),
        (["--tracks", "smlie = 1"], "there is no direction 'smlie'"),
        (["--tracks", "smile = up"], "expected"),
        (["--identity", "../../etc"], "leaves the folder"),
        (["--frames", "0"], "frames is 0, expected 1 to 1024"),
        (["--frames", "10000"], "frames is 10000, expected 1 to 1024"),
        (["--frames", "40", "--context", "36"], "context is 36, expected at most 32"),
        (["--size", "63x64"], "width is 63, expected a multiple of"),
        (["--size", "big"], "expected WIDTHxHEIGHT"),
        (["--like", "{tmp}/nothing.gif"], "no such file"),
        (["--like", "{tmp}/plain.png"], "no settings in its metadata"),
        (["--like", "{tmp}/stranger.png"], "unknown field 'evil'"),
        (["--out", "{tmp}/nowhere/a.gif"], "no such folder"),
        (["--out", "{tmp}/a.avi"], "expected .gif, .webp, .mp4"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, state, given, message):
    pipeline(tmp_path / "xl", _class_name="StableDiffusionXLPipeline")
    pipeline(tmp_path / "sd", _class_name="StableDiffusionPipeline")
    pipeline(tmp_path / "empty", _class_name="AnimateDiffPipeline", unet=["diffusers", "UNet2DConditionModel"])
    holed = shutil.copytree(MINIATURE, tmp_path / "holed") / "text_encoder" / "model.safetensors"
    save_file(dict(list(load_file(holed).items())[1:]), holed, {"format": "pt"})
    shutil.copytree(MINIATURE / "wplus", tmp_path / "wide")
    (tmp_path / "wide/adapters/wplus_adapter.safetensors").unlink()
    torch.save(state, tmp_path / "wide/adapters/wplus_adapter.bin")  # widths of another UNet
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    video.save(np.zeros((1, 8, 8, 3), np.uint8), tmp_path / "stranger", 8, '{"shots": [{"evil": 1}]}')
    (tmp_path / "stranger" / "00000.png").rename(tmp_path / "stranger.png")
    arguments = [part.format(tmp=tmp_path) for part in ["--tracks", "smile = 0.5", *SHORT, *given]]
    out = [] if "--out" in given else ["--out", str(tmp_path / "out.webp")]
    assert main(["render", *arguments, *out]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.startswith("wplus_ext render: ")
    assert printed.err.count("\n") == 1 and printed.out == ""
    assert not (tmp_path / "out.webp").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter on Windows")
def test_ctrl_c_leaves_nothing_half_made(tmp_path):
    out = tmp_path / "a.webp"
    command = [sys.executable, "-m", "wplus_ext", "render", "--steps", "500", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1], text=True) as process:
        time.sleep(8)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert told.splitlines()[-1] == "wplus_ext render: stopped; files that were finished are whole"
    assert list(tmp_path.iterdir()) == []
