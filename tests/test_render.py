"""The commands that make videos, on the miniature."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from wplus_ext.__main__ import main
from wplus_ext.studio import video
from wplus_ext.studio.pipeline import MINIATURE

SHORT = ["--steps", "3", "--frames", "4"]


# A video, and the same again


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A video with an edit in each of its parts."""
    path = tmp_path_factory.mktemp("first") / "first.webp"
    given = ["--tracks", "smile = 0 > 0.7; age = 0.2", "--identity", "ada", "--seed", "5", "--guidance", "3"]
    assert main(["render", *SHORT, *given, "--size", "48x64", "--out", str(path)]) == 0
    return path


def test_what_was_made_is_said(tmp_path, capsys):
    assert main(["render", *SHORT, "--tracks", "smile = 1", "--size", "48x64", "--out", str(tmp_path / "a.gif")]) == 0
    assert "4 frames of 48x64; edited in 2 of 3 steps" in capsys.readouterr().out


def test_a_file_makes_its_video_again(first, tmp_path, capsys):
    assert main(["render", "--like", str(first), "--out", str(tmp_path / "second.webp")]) == 0
    assert first.read_bytes() == (tmp_path / "second.webp").read_bytes()
    assert capsys.readouterr().err == ""


def test_a_file_says_how_it_was_made(first):
    content = json.loads(video.load_settings(first))
    assert content["model"] == "miniature"
    assert set(content["files"]) == {"WPlus adapter hash", "WPlus identity hash", "WPlus direction hashes"}
    assert content["shots"][0]["edit"]["tracks"] == "smile = 0 > 0.7\nage = 0.2"


def test_a_file_made_with_other_files_is_told(tmp_path, capsys):
    path, model = tmp_path / "a.gif", tmp_path / "other"
    assert main(["render", *SHORT, "--tracks", "smile = 0.5", "--out", str(path)]) == 0
    shutil.copytree(MINIATURE, model)
    shutil.copy(model / "wplus/directions/age.safetensors", model / "wplus/directions/smile.safetensors")
    assert main(["render", "--model", str(model), "--like", str(path), "--out", str(path)]) == 0
    told = capsys.readouterr().err
    assert "made with the model miniature, this is other" in told
    assert "WPlus direction hashes was smile: " in told


def test_other_files_may_be_named_in_place_of_those_that_are_gone(tmp_path, capsys):
    model = shutil.copytree(MINIATURE, tmp_path / "m")
    given = ["render", *SHORT, "--model", str(model)]
    assert main([*given, "--identity", "ada", "--out", str(tmp_path / "a.gif")]) == 0
    (model / "wplus/latents/ada.safetensors").rename(model / "wplus/latents/ann.safetensors")
    like = ["render", "--model", str(model), "--like", str(tmp_path / "a.gif"), "--out", str(tmp_path / "b.gif")]
    assert main([*like, "--identity", "ann"]) == 0
    assert "cannot be compared: there is no latent 'ada'" in capsys.readouterr().err
    assert main(like) == 2


@pytest.mark.parametrize("strength", ["-0.7>0>0.7", "-0.7 > 0", "-.5", "-1"])
def test_a_strength_may_begin_with_a_minus(tmp_path, strength):
    out = tmp_path / "a.gif"
    given = ["--tracks", "smile = 1", "--strength", strength, "--guidance", "\ufeff３．５", "--seed", "１２"]
    assert main(["render", *SHORT, *given, "--out", str(out)]) == 0
    (shot,) = json.loads(video.load_settings(out))["shots"]
    assert (shot["edit"]["strength"], shot["guidance"], shot["seed"]) == (strength, 3.5, 12)


# A table


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "table"
    edits = ["--tracks", "smile = 1", "--tracks", "age = 1", "--strength", "-0.5", "--strength", "0.5"]
    assert main(["sweep", *SHORT, *edits, "--out", str(path)]) == 0
    return path


def test_what_varies_is_said(tmp_path, capsys):
    edits = ["--tracks", "smile = 1", "--tracks", "age = 1", "--strength", "-0.5", "--strength", "0.5"]
    assert main(["sweep", "--steps", "2", "--frames", "2", *edits, "--out", str(tmp_path / "a")]) == 0
    assert "2 x 2 videos of 2 frames, tracks and strength varied" in capsys.readouterr().out


def test_a_sweep_makes_itself_again(table, tmp_path):
    assert main(["sweep", "--like", str(table), "--out", str(tmp_path / "again")]) == 0
    assert (table / "00003.png").read_bytes() == (tmp_path / "again" / "00003.png").read_bytes()


def test_a_table_that_a_file_cannot_hold_is_told_first(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("wplus_ext.studio.pipeline.Studio.render", lambda *_, **__: pytest.fail("it is rendered"))
    edits = [part for i in range(130) for part in ("--strength", f"{i / 130}")]
    assert main(["sweep", *SHORT, "--tracks", "smile = 1", *edits, "--out", str(tmp_path / "a.webp")]) == 2
    told = capsys.readouterr().err
    assert "a.webp: 174" in told and "and .webp holds 16383 a side; ask for fewer values" in told
    assert list(tmp_path.iterdir()) == []


def places(picture, part):
    """Where in the last corner of a picture a part of 128 x 128 pixels is."""
    height, width = picture.shape[:2]
    return [
        (y, x)
        for y in range(height - 140, height - 120)
        for x in range(width - 140, width - 120)
        if np.array_equal(picture[y : y + 128, x : x + 128], part)
    ]


def test_a_sweep_is_a_table_of_what_render_makes(table, tmp_path):
    one = tmp_path / "one"
    assert main(["render", *SHORT, "--tracks", "age = 1", "--strength", "0.5", "--out", str(one)]) == 0
    cell = Image.open(one / "00002.png").resize((128, 128), Image.Resampling.BICUBIC)
    assert len(places(np.asarray(Image.open(table / "00002.png")), np.asarray(cell))) == 1  # the last cell


def test_a_table_is_no_video(table, tmp_path, capsys):
    assert main(["render", "--like", str(table), "--out", str(tmp_path / "one")]) == 2
    assert "a table of 4 videos; use sweep --like" in capsys.readouterr().err


# Bad input


def pipeline(folder, **index):
    folder.mkdir()
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def models(tmp_path, state):
    """Pipelines, libraries and pictures that cannot be used."""
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
    return tmp_path


@pytest.mark.parametrize(
    "given, message",
    [
        (["--model", "{models}/nowhere"], "nowhere: no such file or folder; expected the folder of a"),
        (["--model", "{models}"], "no model_index.json in it"),
        (["--model", "{models}/xl"], "a StableDiffusionXLPipeline; expected AnimateDiffPipeline or StableDiffusion"),
        (["--model", "{models}/sd"], "which has no motion modules; name some with --motion"),
        (["--model", "{models}/empty"], "empty/model_index.json: names no vae with its library and class"),
        (["--model", "{models}/holed"], "weights are missing; expected a whole pipeline"),
        (["--model", "{models}/sd", "--motion", "{models}/typo"], "typo: no such file or folder; expected a motion"),
        (["--wplus", "{models}"], "there is no "),
        (["--wplus", "{models}/wide"], "does not fit this checkpoint"),
        (["--tracks", "smlie = 1"], "there is no direction 'smlie'"),
        (["--tracks", "smile = up"], "expected"),
        (["--identity", "../../etc"], "leaves the folder"),
        (["--frames", "0"], "frames is 0, expected 1 to 1024"),
        (["--frames", "10000"], "frames is 10000, expected 1 to 1024"),
        (["--frames", "40", "--context", "36"], "context is 36, expected at most 32"),
        (["--size", "63x64"], "width is 63, expected a multiple of"),
        (["--size", "big"], "expected WIDTHxHEIGHT"),
        (["--like", "{models}/nothing.gif"], "no such file"),
        (["--like", "{models}/sd"], "sd: a folder without PNG frames; expected a file that render or sweep wrote"),
        (["--guidance", "-1"], "guidance is -1, expected 0 to 100"),
        (["--guidance", "−１．５"], "guidance is -1.5, expected 0 to 100"),
        (["--strength", "up"], "expected"),
        (["--strength", "-0.7 > up"], "expected a"),
        (["--tracks", "-1"], "expected"),
        (["--like", "{models}/plain.png"], "no settings in its metadata"),
        (["--like", "{models}/stranger.png"], "unknown field 'evil'"),
        (["--out", "{models}/nowhere/a.gif"], "no such folder"),
        (["--out", "{models}/a.avi"], "expected .gif, .webp, .mp4"),
    ],
)
def test_bad_input_is_one_clear_line(models, capsys, given, message):
    arguments = [part.format(models=models) for part in ["--tracks", "smile = 0.5", *SHORT, *given]]
    out = [] if "--out" in given else ["--out", str(models / "out.webp")]
    assert main(["render", *arguments, *out]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and printed.err.startswith("wplus_ext render: ")
    assert printed.err.count("\n") == 1 and printed.out == ""
    assert not (models / "out.webp").exists()


# Stopped


CHILD = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
CHILD += "from wplus_ext.__main__ import main; sys.exit(main())"  # a shell's background jobs inherit an ignored SIGINT


class Screen:
    """A terminal, on which a process shows its bar."""

    def __init__(self):
        import fcntl  # these are not on Windows
        import pty
        import termios

        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # room for a bar
        self.text = ""

    def wait_for(self, words, seconds=120):
        """Read until the words are there; False where they do not come in time."""
        until = time.monotonic() + seconds
        while words not in self.text and time.monotonic() < until:
            if select.select([self.ours], [], [], 0.1)[0]:
                self.text += os.read(self.ours, 1 << 12).decode()
        return words in self.text


@pytest.fixture
def rendering(tmp_path):
    """A process that renders a video, which would take minutes; its terminal."""
    command = [sys.executable, "-c", CHILD, "render", "--steps", "500", "--out", str(tmp_path / "a.webp")]
    screen = Screen()
    with subprocess.Popen(command, stderr=screen.theirs, cwd=Path(__file__).parents[1]) as process:
        try:
            yield process, screen
        finally:
            process.kill()
            for end in (screen.ours, screen.theirs):
                os.close(end)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter on Windows")
def test_ctrl_c_leaves_nothing_half_made(rendering, tmp_path):
    process, screen = rendering
    assert screen.wait_for(" 1/500 ["), screen.text
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 2
    assert screen.wait_for("\nwplus_ext render: stopped; files that were finished are whole\r\n", 10), screen.text
    assert list(tmp_path.iterdir()) == []
