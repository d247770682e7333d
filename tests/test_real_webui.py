"""The extension in a real WebUI v1.10.1 with sd-webui-animatediff, over its API.

Skipped unless the environment says where that WebUI is; this extension must be in its extensions folder:

    WEBUI_DIR            the WebUI's folder, with an adapter and directions in models/wplus
    WEBUI_PYTHON         the python that runs it, WEBUI_DIR/venv/bin/python if absent
    WEBUI_ARGS           arguments of launch.py, those for a CPU if absent
    WEBUI_MOTION_MODULE  the first one in AnimateDiff's model folder if absent

Any checkpoint of SD 1.5 will do, one with random weights too: pictures are only compared with each other.
The WebUI runs with copies of its settings files. The central check is `touches_exactly`: with a scale
that is 1 at some frames and 0 at all others, exactly these frames' rows differ in the first cross-attention.
It sees rows through the extension in tests/probe, linked into the WebUI while this runs.
"""

import base64
import contextlib
import hashlib
import json
import os
import shlex
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("WEBUI_DIR", ""))
ARGS = "--skip-prepare-environment --skip-torch-cuda-test --use-cpu all --no-half --precision full"
ENDINGS = (".pt", ".pth", ".npy", ".safetensors")
SETTINGS = {  # over those of the WebUI's own settings file
    "samples_format": "png",
    "enable_pnginfo": False,  # equal pictures are equal files
    "animatediff_save_to_custom": False,
    "live_previews_enable": False,
    "grid_save": False,
    # What requests override: the WebUI puts back only what its settings file names.
    "batch_cond_uncond": True,
    "pad_cond_uncond": False,
    "pad_cond_uncond_v0": False,
    "s_min_uncond": 0.0,
    "s_min_uncond_all": False,
    "skip_early_cond": 0.0,
    "sd_vae_decode_method": "Full",
    "cross_attention_optimization": "Automatic",
}
REQUEST = {
    "prompt": "a photo of a woman",
    "negative_prompt": "blurry",
    "seed": 7,
    "steps": 2,
    "width": 64,
    "height": 64,
    "cfg_scale": 7,
    "sampler_name": "Euler",
}
ANIMATE = {"enable": True, "video_length": 24, "batch_size": 8, "closed_loop": "N", "format": ["PNG"]}
PATIENCE = 600  # seconds to wait at most, for the start and for an answer

if not os.environ.get("WEBUI_DIR"):
    pytest.skip("WEBUI_DIR is not set: no WebUI to test in", allow_module_level=True)


# The WebUI, and what is asked of it


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.message = status, body.get("errors") or str(body.get("detail"))


class Result:
    """Pictures, as hashes of their files, and the job's info."""

    def __init__(self, answer):
        self.images = [hashlib.sha1(image.encode()).hexdigest()[:12] for image in answer["images"]]
        self.info = json.loads(answer["info"])

    @property
    def report(self):
        return self.info["extra_generation_params"]["WPlus report"]


class WebUI:
    """A running WebUI. `make` makes pictures, `calls` gives the rows of the UNet calls behind them."""

    def __init__(self, url, tmp, motion, direction, latent):
        self.url, self.tmp, self.motion, self.direction, self.latent = url, tmp, motion, direction, latent
        self.options = self.get("/sdapi/v1/options")
        self._calls = {}

    def get(self, path):
        return self._send(path, None)

    def post(self, path, body):
        return self._send(path, json.dumps(body).encode())

    def _send(self, path, data):
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            try:
                raise Refused(error.code, json.loads(text)) from None
            except json.JSONDecodeError:
                raise Refused(error.code, {"detail": text}) from None

    def body(self, payload, edit=None, watch=None):
        """A request: ``payload`` over the defaults; ``animate`` in it are AnimateDiff's settings, None without."""
        body = {**REQUEST, **payload}
        body.pop("page", None)
        animate, scripts = body.pop("animate", {}), dict(body.get("alwayson_scripts", {}))
        if animate is not None:
            scripts["AnimateDiff"] = {"args": [{**ANIMATE, "model": self.motion, **animate}]}
        if edit is not None:
            scripts["W+ Adapter"] = {"args": [{"enabled": True, "start": 0, **edit}]}
        if watch is not None:
            scripts["wplus probe"] = {"args": [watch]}
        return {**body, "alwayson_scripts": scripts}

    def make(self, payload, edit=None, watch=None):
        page = payload.get("page", "txt2img")
        return Result(self.post(f"/sdapi/v1/{page}", self.body(payload, edit, watch)))

    def calls(self, payload, edit=None, shallow=True):
        """The UNet calls of a job, each with its rows' frames and signs, and the job's result."""
        file = self.tmp / f"{time.monotonic_ns()}.jsonl"
        if shallow:  # nobody looks at these pictures
            settings = {"sd_vae_decode_method": "Approx cheap", **payload.get("override_settings", {})}
            payload = {**payload, "override_settings": settings}
        result = self.make(payload, edit, {"file": str(file), "shallow": shallow})
        return read_calls(file), result

    def calls_without(self, payload, shallow=True):
        """`calls` without an edit; the answer is kept."""
        key = json.dumps([payload, shallow], sort_keys=True)
        if key not in self._calls:
            self._calls[key] = self.calls(payload, None, shallow)[0]
        return self._calls[key]

    def left_over(self):
        return self.get("/wplus-probe")["left"]

    def only(self, *frames):
        """An edit of these consecutive frames, and of no other."""
        return {"tracks": f"{self.direction} = {only(*frames)}"}

    @contextlib.contextmanager
    def option(self, **options):
        """Set options of the WebUI, and set them back."""
        self.post("/sdapi/v1/options", options)
        try:
            yield
        finally:
            self.post("/sdapi/v1/options", {name: self.options.get(name, "") for name in options})


def only(*frames):
    """A schedule that is 1 at these consecutive frames, and 0 at all others."""
    before = "" if frames[0] == 0 else "0:(0):hold, "
    return f"{before}{frames[0]}:(1):hold, {frames[-1] + 1}:(0)"


def read_calls(file):
    """UNet calls from the probe's events, each with ``frames`` and ``negative`` of its rows, and its step."""
    calls, step = [], None
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        event = json.loads(line)
        if "step" in event:
            assert len(set(event["frames"])) == len(event["frames"]), "two frames look alike"
            step = event
        else:
            event["frames"] = [step["frames"].index(signs) for signs in event["signs"]]
            event["negative"] = [text in step["negative"] for text in event["text"]]
            event["step"], event["images"] = step["step"], len(step["frames"])
            event["pass"] = calls[-1]["pass"] + (step is not calls[-1]["of"] and step["step"] == 0) if calls else 0
            calls.append({**event, "of": step})
    return calls


def touches_exactly(webui, payload, frames, edit=None, negative=True, both=True, shallow=True, passes=None):
    """Make the same pictures without and with an edit of some frames: exactly these frames' rows differ.

    Args:
        payload: the request.
        frames: those that are edited.
        edit: how, if not with one track that is 1 there.
        negative: whether the negative rows are to be edited too.
        both: whether rows of both signs must have been seen.
        shallow: end each UNet call after the first cross-attention, and compare all steps; else the first one.
        passes: how many times the sampler must have begun.

    Gives the calls of the edited job and its result.
    """
    edit = {**(edit or webui.only(*frames)), "negative": negative}
    without = webui.calls_without(payload, shallow)
    calls, result = webui.calls(payload, edit, shallow)
    assert webui.left_over() == []
    assert calls and len(calls) == len(without)
    seen = set()
    for a, b in zip(without, calls):
        if not shallow and (b["step"], b["pass"]) != (0, 0):
            break
        assert (a["x"], a["text"], a["tokens"]) == (b["x"], b["text"], b["tokens"]), "the runs are not comparable"
        for row, (frame, is_negative) in enumerate(rows(b)):
            differs = a["f"][row] != b["f"][row]
            expected = frame in frames and (negative or not is_negative)
            assert differs == expected, f"row {row}: frame {frame}, {'negative' if is_negative else 'positive'}"
            if frame in frames:
                seen.add(is_negative)
    assert seen == ({False, True} if both else {False})
    if passes is not None:
        assert calls[-1]["pass"] + 1 == passes
    with_edit = [call for call in calls if any(f in frames and (negative or not n) for f, n in rows(call))]
    assert (result.report["unet_calls"], result.report["edited_calls"]) == (len(calls), len(with_edit))
    return calls, result


def rows(call):
    """The frame and the sign of each row."""
    return list(zip(call["frames"], call["negative"]))


@pytest.fixture(scope="session")
def webui(tmp_path_factory):
    """Starts the WebUI with the probe; stops it and takes the probe out again, whatever happens."""
    tmp = tmp_path_factory.mktemp("webui")
    adapters = [*FOLDER.glob("models/wplus/adapters/**/*.*")]
    directions = names(FOLDER / "models/wplus/directions")
    motion = [
        file.name
        for file in FOLDER.glob("extensions/*animatediff*/model/*")
        if file.suffix in (".safetensors", ".ckpt")
    ]
    motion = os.environ.get("WEBUI_MOTION_MODULE") or next(iter(sorted(motion)), None)
    for what, found in (("adapter", adapters), ("direction", directions), ("motion module", motion)):
        if not found:
            pytest.skip(f"{FOLDER} has no {what}: see this file's first lines")
    latents = names(FOLDER / "models/wplus/latents")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [os.environ.get("WEBUI_PYTHON") or str(FOLDER / "venv/bin/python"), "launch.py"]
    command += [*shlex.split(os.environ.get("WEBUI_ARGS", ARGS)), "--api", "--port", str(port), "--no-prompt-history"]
    command += ["--ui-settings-file", str(copy_settings(command, tmp)), "--ui-config-file", str(tmp / "ui-config.json")]
    link = FOLDER / "extensions" / "wplus-probe"
    with contextlib.ExitStack() as stack:
        if link.is_symlink():  # left by a run that was killed
            link.unlink()
        link.symlink_to(Path(__file__).resolve().parent / "probe", target_is_directory=True)
        stack.callback(link.unlink)
        log = stack.enter_context(open(tmp / "log.txt", "w"))
        server = subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(stop, server)
        url = f"http://127.0.0.1:{port}"
        wait(server, url, tmp / "log.txt")
        yield WebUI(url, tmp, motion, directions[0], next(iter(latents), None))


def names(folder):
    """The files of a library folder as names; a smile first, no tables of components."""
    files = [file for file in folder.glob("**/*") if file.suffix in ENDINGS and not [*file.parent.glob("*.csv")]]
    found = sorted(file.relative_to(folder).as_posix() for file in files)
    return sorted(found, key=lambda name: "smile" not in name)


def copy_settings(command, tmp):
    """The WebUI's settings file, changed; the copy's path."""
    given = command.index("--ui-settings-file") + 1 if "--ui-settings-file" in command else None
    own = FOLDER / (command[given] if given else "config.json")
    settings = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
    copy = tmp / "config.json"
    copy.write_text(
        json.dumps({**settings, **SETTINGS, "outdir_txt2img_samples": str(tmp), "outdir_img2img_samples": str(tmp)})
    )
    return copy


def wait(server, url, log):
    for _ in range(PATIENCE):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/wplus-probe", timeout=5).close()
            return
        if server.poll() is not None:
            break
        time.sleep(1)
    pytest.fail("the WebUI did not start:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-30:]))


def stop(server):
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


# The central check, in all the ways in which rows come

STILL = {"animate": None, "batch_size": 4}
LONG = ", ".join(["a photo of a woman in a red coat in the rain"] * 10)
TRAVEL = "a photo\n0: of a woman\n12: of a man\nin the rain"


def settings(**options):
    return {"override_settings": options}


def png(size):
    """A picture of a gradient, as base64."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(v for x in range(size) for v in (4 * x % 256, 4 * y % 256, 90)) for y in range(size))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)).decode()


# AnimateDiff by itself fails where a UNet call has fewer rows than it expects while batch_cond_uncond is on:
# with skip_early_cond, NGMS, AND and prompts of unequal length. These are tried with it off, and without AnimateDiff.
SINGLE = settings(batch_cond_uncond=False)
CASES = {
    "plain windows": {},
    "first frame": {"frames": [0]},
    "last frame": {"frames": [23]},
    "stride 2": {"payload": {"animate": {"stride": 2}}},
    "overlap 2": {"payload": {"animate": {"overlap": 2}}},
    "overlap 6": {"payload": {"animate": {"overlap": 6}}},
    "closed loop R-P": {"payload": {"animate": {"closed_loop": "R-P"}}},
    "closed loop R+P": {"payload": {"animate": {"closed_loop": "R+P"}}},
    "closed loop A": {"payload": {"animate": {"closed_loop": "A"}}},
    "only positive": {"negative": False},
    "batch_cond_uncond off": {"payload": SINGLE},
    "only positive, batch_cond_uncond off": {"payload": SINGLE, "negative": False},
    "unequal prompts": {"payload": {"prompt": LONG, **SINGLE}},
    "unequal prompts, negative": {"payload": {"negative_prompt": LONG, **SINGLE}},
    "unequal prompts, padded": {"payload": {"prompt": LONG, **settings(pad_cond_uncond=True)}},
    "unequal prompts, padded v0": {"payload": {"prompt": LONG, **settings(pad_cond_uncond_v0=True)}},
    "prompt travel": {"payload": {"prompt": TRAVEL}},
    "prompt travel, closed loop A": {"payload": {"prompt": TRAVEL, "animate": {"closed_loop": "A"}}},
    "AND": {"payload": {"prompt": "a woman AND a dog:0.5", **SINGLE}},
    "NGMS": {"payload": settings(batch_cond_uncond=False, s_min_uncond=30.0)},
    "NGMS, all": {
        "payload": settings(batch_cond_uncond=False, s_min_uncond=30.0, s_min_uncond_all=True),
        "both": False,
    },
    "skip_early_cond": {"payload": settings(batch_cond_uncond=False, skip_early_cond=0.4)},
    "img2img": {"payload": {"page": "img2img", "init_images": [png(64)], "denoising_strength": 0.8, "steps": 3}},
    "hires fix": {
        "payload": {"enable_hr": True, "hr_scale": 2, "hr_upscaler": "Latent", "denoising_strength": 0.7},
        "passes": 2,
    },
    "FreeInit": {"payload": {"animate": {"freeinit_enable": True, "freeinit_iters": 2}}, "passes": 2},
    "batch count 2": {"payload": {"n_iter": 2}, "passes": 2},
    "video of 5": {"payload": {"animate": {"video_length": 5}}, "frames": [2]},
    "video of 0": {"payload": {"animate": {"video_length": 0}}, "frames": [2]},
    "still": {"payload": STILL, "frames": [2]},
    "still, batch_cond_uncond off": {"payload": {**STILL, **SINGLE}, "frames": [2]},
    "still, unequal prompts": {"payload": {**STILL, "prompt": LONG}, "frames": [2]},
    "still, unequal prompts, negative": {"payload": {**STILL, "negative_prompt": LONG}, "frames": [2]},
    "still, AND": {"payload": {**STILL, "prompt": "a woman AND a dog:0.5 AND a cat"}, "frames": [2]},
    "still, unequal AND": {"payload": {**STILL, "prompt": f"a woman AND {LONG}:0.5"}, "frames": [2]},
    "still, NGMS": {
        "payload": {**STILL, **settings(s_min_uncond=30.0, s_min_uncond_all=True)},
        "frames": [2],
        "both": False,
    },
    "still, skip_early_cond": {"payload": {**STILL, **settings(skip_early_cond=0.4)}, "frames": [2]},
    "still, hires fix": {
        "payload": {**STILL, "enable_hr": True, "hr_scale": 2, "hr_upscaler": "Latent", "denoising_strength": 0.7},
        "frames": [2],
        "passes": 2,
    },
    "still, batch count 2": {"payload": {**STILL, "n_iter": 2}, "frames": [2], "passes": 2},
}


@pytest.mark.parametrize("case", CASES)
def test_touches_exactly_the_edited_frame(webui, case):
    touches_exactly(webui, **{"payload": {}, "frames": [13], **CASES[case]})


@pytest.mark.parametrize(
    "sampler",
    ["Euler a", "DPM++ 2M", "DPM++ SDE", "Heun", "DDIM", "PLMS", "UniPC", "LCM"],
)
def test_samplers(webui, sampler):
    steps = 4 if sampler == "UniPC" else 2  # more than its order
    touches_exactly(webui, {"sampler_name": sampler, "steps": steps, "animate": {"video_length": 12}}, [9])


@pytest.mark.parametrize(
    "name",
    ["Automatic", "xformers", "sdp", "sdp-no-mem", "sub-quadratic", "V1", "InvokeAI", "Doggettx", "None"],
)
def test_attention_optimizations(webui, name):
    titles = [title for title in webui.get("/wplus-probe")["attention"] if title.split(" - ")[0] == name]
    if not titles:
        pytest.skip(f"this machine has no {name}")
    with webui.option(cross_attention_optimization=titles[0]):
        touches_exactly(webui, {"animate": {"video_length": 12}, "seed": 8 + len(name)}, [9])


def test_lora(webui):
    loras = webui.get("/sdapi/v1/loras")
    if not loras:
        pytest.skip("the WebUI has no LoRA")
    with_lora = {"prompt": f"a woman <lora:{loras[0]['name']}:1>"}
    touches_exactly(webui, with_lora, [13])
    assert webui.calls_without(with_lora)[0]["f"] != webui.calls_without({"prompt": "a woman"})[0]["f"]


def test_windows_with_the_whole_unet(webui):
    touches_exactly(webui, {"steps": 1, "animate": {"video_length": 12}}, [9], shallow=False)


def test_identity(webui):
    if webui.latent is None:
        pytest.skip("models/wplus has no latent")
    edit = {"identity": webui.latent, "strength": only(13), "tracks": f"{webui.direction} = 0 > 2"}
    touches_exactly(webui, {}, [13], edit)


@pytest.mark.parametrize("length, frames", [(5, 5), (0, 8), (12, 12)])
def test_curve_spans_the_video(webui, length, frames):
    """100 % is the video's last frame; those that AnimateDiff renders beyond it, and drops, are like it."""
    edited = list(range(frames - 1, max(frames, 8)))
    edit = {"tracks": f"{webui.direction} = 0%:(0):hold, 100%:(1)"}
    _, result = touches_exactly(webui, {"animate": {"video_length": length}}, edited, edit)
    assert result.report["frames"] == frames


def test_direct_mode_appends_four_tokens(webui):
    calls, _ = webui.calls({}, {**webui.only(13), "mode": "direct"})
    assert {call["tokens"] for call in webui.calls_without({})} == {77}
    assert {call["tokens"] for call in calls} == {81}
    assert webui.left_over() == []


# Whole jobs

VIDEO = {"animate": {"video_length": 4, "batch_size": 4}, "steps": 1}  # one window
PICTURE = {"animate": None, "steps": 1}


@pytest.fixture(scope="session")
def untouched(webui):
    """Checks that plain jobs give what they gave at the beginning; `untouched(video=False)` does so quickly."""
    webui.make(VIDEO)
    before = {True: webui.make(VIDEO).images, False: webui.make(PICTURE).images}

    def check(video=True):
        assert webui.left_over() == []
        assert webui.make(VIDEO if video else PICTURE).images == before[video]

    check()
    check(video=False)
    return check


@pytest.mark.parametrize("tracks", ["", "{} = 0", "{} = 0 > 0"])
def test_no_scale_changes_nothing(webui, untouched, tracks):
    edit = {"tracks": tracks.format(webui.direction)}
    assert webui.make(VIDEO, edit).images == webui.make(VIDEO).images


def test_report(webui, untouched):
    edit = {"tracks": f"{webui.direction} = 0:(0):hold, 1:(0.5):hold, 3:(0)"}
    edited = webui.make(VIDEO, edit)
    report = edited.report
    assert (report["layers"], report["frames"], report["mode"]) == (16, 4, "residual")
    assert report["unet_calls"] == report["edited_calls"] > 0
    assert report["scales"] == [[0.5] if frame in (1, 2) else [0.0] for frame in range(4)]
    assert [ratio > 0 for ratio in report["residual"]] == [frame in (1, 2) for frame in range(4)]
    assert set(edited.images).isdisjoint(webui.make(VIDEO).images)  # motion modules carry it to all frames
    untouched()


def test_interrupt(webui, untouched):
    file, steps = webui.tmp / "interrupted.jsonl", 20

    def interrupt():
        while not read_calls(file):
            time.sleep(0.2)
        webui.post("/sdapi/v1/interrupt", {})

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    webui.make({**VIDEO, "steps": steps}, webui.only(3), {"file": str(file)})
    thread.join()
    assert 0 < len(read_calls(file)) < steps
    untouched()


def test_exception_while_sampling(webui, untouched):
    file = webui.tmp / "failed.jsonl"
    with pytest.raises(Refused, match="the probe fails"):
        webui.make({**VIDEO, "steps": 3}, webui.only(3), {"file": str(file), "fail_at_step": 1})
    assert len(read_calls(file)) == 1
    untouched()


@pytest.mark.parametrize(
    "edit, words",
    [
        ({"tracks": "no_such_direction = 1"}, ["no_such_direction", "line 1"]),
        ({"adapter": "no_such_adapter"}, ["no_such_adapter"]),
        ({"no_such_field": 1}, ["no_such_field"]),
        ({"tracks": "smile = 0 >"}, ["line 1", "column"]),
        ({"identity": "../x"}, ["../x"]),
        ({"start": 0.8, "end": 0.4}, ["start", "0.8", "0.4"]),
        ({"strength": "much"}, ["strength", "much"]),
        ({"mode": "both"}, ["both", "residual", "direct"]),
    ],
)
def test_errors_are_shown_and_give_no_picture(webui, untouched, edit, words):
    with pytest.raises(Refused) as refused:
        webui.make(VIDEO, edit)
    assert refused.value.status == 500
    assert refused.value.message.startswith("W+ Adapter: ")
    assert [word for word in words if word not in refused.value.message] == []
    untouched(video=False)


def test_infotext_makes_the_same_again(webui, untouched):
    edited = webui.make(VIDEO, {"tracks": f"{webui.direction} = 0:(0), 2:(0.75):smooth, 3:(0)", "end": 0.9})
    again = {"alwayson_scripts": webui.body(VIDEO)["alwayson_scripts"], "infotext": edited.info["infotexts"][0]}
    assert Result(webui.post("/sdapi/v1/txt2img", again)).images == edited.images


def test_xyz_plot(webui, untouched):
    axes = axis_labels(webui)
    tracks = [f"{webui.direction} = {value}" for value in ("0.5", "-0.5")]
    strengths = ["1", "0.5"]
    plot = {
        **PICTURE,
        "script_name": "x/y/z plot",
        "script_args": [
            axes.index("[W+] Tracks"), ", ".join(tracks), [], axes.index("[W+] Strength"), ", ".join(strengths), [],
            axes.index("Nothing"), "", [], False, True, False, False, False, False, False, 0, False,
        ],
    }  # fmt: skip
    # The axes switch the edit on, over what the page says; the start is still the page's.
    grid, *cells = webui.make(plot, {"enabled": False}).images
    direct = [
        webui.make(PICTURE, {"tracks": track, "strength": strength}).images[0]
        for strength in strengths
        for track in tracks
    ]
    assert cells == direct
    assert len(set(cells)) == 4 and webui.make(PICTURE).images[0] not in cells
    untouched()


def axis_labels(webui):
    """Those of the X/Y/Z plot, in the order in which the API counts them."""
    scripts = [script for script in webui.get("/sdapi/v1/script-info") if script["name"] == "x/y/z plot"]
    return next(script["args"][0]["choices"] for script in scripts if not script["is_img2img"])


@pytest.fixture
def second_checkpoint(webui):
    used = webui.options["sd_model_checkpoint"]
    found = [model["title"] for model in webui.get("/sdapi/v1/sd-models")]
    others = [title for title in found if not title.startswith(used.split(" [")[0])]
    if not others:
        pytest.skip("the WebUI has one checkpoint")
    return others[0]


def test_second_checkpoint(webui, untouched, second_checkpoint):
    other = {**VIDEO, **settings(sd_model_checkpoint=second_checkpoint)}
    webui.make(other)  # the first job after a change of the checkpoint differs by itself
    touches_exactly(webui, {**other, "animate": {"video_length": 12}}, [9])
    plain = webui.make(other).images
    assert webui.make(other, webui.only(3)).images != plain
    assert webui.make(other).images == plain
    webui.make(VIDEO)
    untouched()


def test_refiner(webui, untouched, second_checkpoint):
    refined = {"refiner_checkpoint": second_checkpoint, "refiner_switch_at": 0.5, "animate": {"video_length": 12}}
    webui.make({**VIDEO, **refined, "steps": 2})
    calls, _ = touches_exactly(webui, refined, [9])
    assert {call["step"] for call in calls} == {0, 1}
    webui.make(VIDEO)
    untouched()


# Other extensions, where they are active


def need(webui, script):
    if script not in webui.get("/sdapi/v1/scripts")["txt2img"]:
        pytest.skip(f"{script} is not active in the WebUI")


def test_controlnet(webui):
    need(webui, "controlnet")
    models = [model for model in webui.get("/controlnet/model_list")["model_list"] if "ip-adapter" not in model]
    if not models:
        pytest.skip("ControlNet has no model")
    unit = {"enabled": True, "module": "none", "model": models[0], "image": png(64), "weight": 1.0}
    units = {"alwayson_scripts": {"ControlNet": {"args": [unit]}}}
    touches_exactly(webui, {**STILL, **units}, [2])
    try:
        webui.calls_without(units)
    except Refused as refused:
        pytest.skip(f"AnimateDiff with ControlNet fails without us: {refused}")
    touches_exactly(webui, units, [13])


@pytest.mark.parametrize("animate, count", [(None, 2), ({"video_length": 4, "batch_size": 4}, 4)])
def test_adetailer_redraws_each_image_with_its_own_scale(webui, animate, count):
    need(webui, "adetailer")
    known = {path.name for path in FOLDER.glob("models/adetailer/*.pt")}
    models = [model for model in webui.get("/adetailer/v1/ad_model")["ad_model"] if model in known]
    if not models:
        pytest.skip("ADetailer has no model")
    detail = {"ad_model": models[0], "ad_confidence": 0.0001, "ad_mask_k": 1}
    scripts = {"ADetailer": {"args": [True, False, detail]}}
    payload = {"animate": animate, "batch_size": count, "alwayson_scripts": scripts}
    full = {**payload, **settings(sd_vae_decode_method="Full")}  # it looks for faces in the pictures
    with webui.option(ad_script_names=f"{webui.options.get('ad_script_names', '')},wplus"):
        webui.calls(full)  # its detector changes torch's number of threads, and so the last bits of all that follows
        plain = webui.make(PICTURE).images
        without, (calls, _) = webui.calls_without(full), webui.calls(full, webui.only(1))
    assert webui.left_over() == []
    inner = [(a, b) for a, b in zip(without, calls) if b["images"] == 1]
    jobs = sorted({b["pass"] for _, b in inner})
    if len(jobs) != count:
        pytest.skip(f"ADetailer redrew {len(jobs)} of {count} images")
    differs = [{x != y for a, b in inner if b["pass"] == job for x, y in zip(a["f"], b["f"])} for job in jobs]
    assert differs == [{image == 1} for image in range(count)]
    assert webui.make(PICTURE).images == plain
