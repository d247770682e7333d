"""A real WebUI v1.10.1, and what is asked of it over its API."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import struct
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

FOLDER = Path(os.environ.get("WEBUI_DIR", ""))
PATIENCE = 600  # seconds to wait at most, for the start and for an answer
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
STILL = {"animate": None, "batch_size": 4}
LONG = ", ".join(["a photo of a woman in a red coat in the rain"] * 10)
TRAVEL = "a photo\n0: of a woman\n12: of a man\nin the rain"
VIDEO = {"animate": {"video_length": 4, "batch_size": 4}, "steps": 1}  # one window
PICTURE = {"animate": None, "steps": 1}


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


def differing(a, b, frames, negative):
    """The signs of the edited frames' rows in a call; checks that exactly these rows differ from a plain call's."""
    assert (a["x"], a["text"], a["tokens"]) == (b["x"], b["text"], b["tokens"]), "the runs are not comparable"
    seen = set()
    for row, (frame, is_negative) in enumerate(rows(b)):
        differs = a["f"][row] != b["f"][row]
        expected = frame in frames and (negative or not is_negative)
        assert differs == expected, f"row {row}: frame {frame}, {'negative' if is_negative else 'positive'}"
        if frame in frames:
            seen.add(is_negative)
    return seen


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
    compared = [
        differing(a, b, frames, negative)
        for a, b in zip(without, calls)
        if shallow or (b["step"], b["pass"]) == (0, 0)  # the first step's calls come first
    ]
    seen = set().union(*compared)
    assert seen == ({False, True} if both else {False})
    if passes is not None:
        assert calls[-1]["pass"] + 1 == passes
    with_edit = [call for call in calls if any(f in frames and (negative or not n) for f, n in rows(call))]
    assert (result.report["unet_calls"], result.report["edited_calls"]) == (len(calls), len(with_edit))
    return calls, result


def rows(call):
    """The frame and the sign of each row."""
    return list(zip(call["frames"], call["negative"]))


def settings(**options):
    return {"override_settings": options}


def picture(size):
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
