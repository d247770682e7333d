"""A real ComfyUI, and what is asked of it over its API."""

from __future__ import annotations

import itertools
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

FOLDER = Path(os.environ.get("COMFY_DIR", ""))
PYTHON = os.environ.get("COMFY_PYTHON") or str(FOLDER.parent / "venv/bin/python")
PATIENCE = 600  # seconds to wait at most, for the start and for an answer


class Red(Exception):
    """A node that turned red, with the line that it shows."""

    def __init__(self, node, message):
        super().__init__(f"{node}: {message}")
        self.node, self.message = node, message.strip()


class Comfy:
    """A running ComfyUI. `make` samples, `calls` gives the rows of the UNet calls behind it."""

    def __init__(self, url, tmp):
        self.url, self.tmp = url, tmp
        self._count = itertools.count()
        self._plain = {}
        self.picks = {
            "checkpoint": self.choices("CheckpointLoaderSimple", "ckpt_name"),
            "motion module": self.choices("ADE_AnimateDiffLoaderGen1", "model_name"),
            "adapter": self.choices("WPlusLoadAdapter", "adapter"),
            "direction": sorted(self.choices("WPlusDirection", "direction"), key=lambda name: "smile" not in name),
            "latent": self.choices("WPlusLatent", "latent"),
        }
        self.direction = next(iter(self.picks["direction"]), None)

    def missing(self):
        """What cannot be done without and is not there."""
        return ", ".join(what for what in self.picks if what != "latent" and not self.picks[what])

    def choices(self, node, name):
        known = self.get(f"/object_info/{node}").get(node)
        return known["input"]["required"][name][0] if known else []

    def get(self, path):
        return self._send(path, None)

    def post(self, path, body):
        return self._send(path, json.dumps(body).encode())

    def _send(self, path, data):
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise Red("", error.read().decode()) from None

    def run(self, graph):
        """What the nodes of a graph show, by node. Raises `Red` for a node that fails; None where it is interrupted."""
        number = self.post("/prompt", {"prompt": graph})["prompt_id"]
        for _ in range(PATIENCE * 5):
            found = self.get(f"/history/{number}").get(number)
            if found:
                break
            time.sleep(0.2)
        for kind, message in found["status"]["messages"]:
            if kind == "execution_error":
                raise Red(message["node_id"], message["exception_message"])
            if kind == "execution_interrupted":
                return None
        return {node: shown["text"] for node, shown in found["outputs"].items() if "text" in shown}

    def graph(self, edits=(), length=24, window=8, steps=2, cfg=7.0, sampler_name="euler", watch=None, **more):
        """A graph that samples ``length`` frames with AnimateDiff-Evolved, in windows, or without where ``window`` is
        None; ``edits`` are the inputs of Apply W+ nodes in a row, ``more`` are further nodes."""
        text = {"clip": ["checkpoint", 1]}
        latent = {"width": 64, "height": 64, "batch_size": length}
        graph = {
            "checkpoint": node("CheckpointLoaderSimple", ckpt_name=self.picks["checkpoint"][0]),
            "positive": node("CLIPTextEncode", text="a photo of a woman", **text),
            "negative": node("CLIPTextEncode", text="blurry", **text),
            "latent": node("EmptyLatentImage", **latent),
            "adapter": node("WPlusLoadAdapter", adapter=self.picks["adapter"][0]),
        }
        model = ["checkpoint", 0]
        if window:
            motion = {"model_name": self.picks["motion module"][0], "beta_schedule": "autoselect"}
            context = more.pop("context", None) or node(
                "ADE_StandardUniformContextOptions", context_length=window, context_stride=1, context_overlap=4
            )
            graph["context"] = context
            motion |= more.pop("motion", {})
            graph["motion"] = node("ADE_AnimateDiffLoaderGen1", model=model, context_options=["context", 0], **motion)
            model = ["motion", 0]
        before, after = more.pop("before", None), more.pop("after", None)  # nodes that get the MODEL besides
        if before:
            graph["before"], model = {**before, "inputs": {**before["inputs"], "model": model}}, ["before", 0]
        for i, edit in enumerate(edits):
            graph[f"apply {i}"] = node("WPlusApply", model=model, adapter=["adapter", 0], **{**EDIT, **edit})
            model = [f"apply {i}", 0]
        edited = model
        if after:
            graph["after"], model = {**after, "inputs": {**after["inputs"], "model": model}}, ["after", 0]
        if watch:
            graph["probe"] = node("Probe", model=model, **watch)
            model = ["probe", 0]
        sampling = {"seed": 7, "steps": steps, "cfg": cfg, "sampler_name": sampler_name, "scheduler": "normal"}
        conditions = {name: [name, 0] for name in ("positive", "negative")} | {"latent_image": ["latent", 0]}
        graph["sampler"] = node("KSampler", model=model, denoise=1.0, **sampling, **conditions)
        graph["show"] = node("Show", it=["sampler", 0])
        if edits:
            graph["report"] = node("WPlusReport", model=edited, latent=["sampler", 0])
        return {**graph, **more}

    def calls(self, edits=(), shallow=True, fault="", **more):
        """The UNet calls of a sampling, each with the ``frames`` of its rows, and what the nodes showed."""
        file = self.tmp / f"{next(self._count)}.jsonl"
        file.touch()
        shown = self.run(self.graph(edits, watch={"file": str(file), "shallow": shallow, "fault": fault}, **more))
        return _read(file), shown

    def calls_without(self, **more):
        """`calls` without an edit; the answer is kept."""
        key = json.dumps(more, sort_keys=True)
        if key not in self._plain:
            self._plain[key] = self.calls((), **more)[0]
        return self._plain[key]

    def plain(self):
        """The latents of a run with the whole UNet, without any node of ours."""
        return self.calls((), shallow=False, length=4, window=4, steps=1)[1]["show"]

    def only(self, *frames, **more):
        """An edit of these consecutive frames, and of no other."""
        return {"tracks": f"{self.direction} = {only(*frames)}", **more}


EDIT = {
    "tracks": "", "strength": "1", "start": 0.0, "end": 1.0, "negative": True, "regions": "", "mode": "residual",
    "frames": 24,
}  # fmt: skip


def node(kind, /, **inputs):
    return {"class_type": kind, "inputs": inputs}


def only(*frames):
    """A schedule that is 1 at these consecutive frames, and 0 at all others."""
    before = "" if frames[0] == 0 else "0:(0):hold, "
    return f"{before}{frames[0]}:(1):hold, {frames[-1] + 1}:(0)"


def _read(file):
    """UNet calls from the probe's events; rows are recognised by their latents, whatever the host says of them."""
    known, calls = {}, []
    for event in map(json.loads, file.read_text().splitlines()):
        if "signs" in event:
            calls.append({**event, "frames": [known[sign] for sign in event["signs"]]})
        else:
            known = {sign: frame for frame, sign in enumerate(event["frames"])}
    return calls


def touches_exactly(comfy, frames, edits=None, only_positive=False, **more):
    """With a scale that is 1 at some frames and 0 at all others, exactly these frames' rows differ."""
    edits = [comfy.only(*frames, negative=not only_positive)] if edits is None else edits
    before = comfy.calls_without(**more)
    after, shown = comfy.calls(edits, **more)
    assert [call["frames"] for call in after] == [call["frames"] for call in before]
    assert any(set(call["frames"]) & set(frames) for call in after)
    for old, new in zip(before, after):
        per = len(new["f"]) // len(new["parts"])
        for row, (frame, was, now) in enumerate(zip(new["frames"], old["f"], new["f"])):
            is_edited = frame in frames and not (only_positive and new["parts"][row // per] == 1)
            assert (was != now) == is_edited, f"row {row} of frame {frame}"
    return after, shown
