"""Random bodies against the API for people: is there one that it answers with status 500, or without a line?

    python benchmarks/api.py [--bodies 4000] [--seed 0]

The WebUI stands in (tests/host.py), and so do the face detector and the encoder: they find what they like, or stumble
as networks do. Prints how many answers there were of each status.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import host

from wplus_ext.photos.faces import Detector, Face
from wplus_ext.weights.encoder import Encoder

ROUTE = "/wplus/v1/identities"
LANDMARKS = np.array([[50.0, 55], [75, 55], [62, 70], [52, 85], [73, 85]])
FAULTS = (RuntimeError("out of\nmemory"), RecursionError(), OverflowError("too large"), ZeroDivisionError(), KeyError())
JUNK = (
    None, True, False, 0, 1, -1, 1.9, 10**30, float("nan"), float("inf"), "", " ", "1", "true", "\ud800", "a\u200db",
    "x" * 300, "\u202ename", "con", "../../etc/passwd", "/etc/passwd", "@a", "a\0b", [], {}, [[]], ["a"], [None],
    {"a": 1}, [1.5], "%%", "data:image/png;base64,AAAA", "data:,", "QUJD",
)  # fmt: skip
BODIES = (b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b'"' + b"x" * 100_000, b"\xff\xfe{\x00}\x00", b"")
FIELDS = ("name", "photos", "aligned", "bare", "face", "replace")


class Encoding(torch.nn.Module):
    """Stands for the encoder: colours as a latent, or a fault."""

    latent_avg = torch.zeros(18, 512)

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.dice = dice

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A latent; now and then NaN, or none."""
        if self.dice.random() < 0.03:
            raise self.dice.choice(FAULTS)
        w = x.mean((2, 3)).repeat(1, 171)[:, None, :512].repeat(1, 18, 1)
        return w * float("nan") if self.dice.random() < 0.03 else w


def found(dice: random.Random) -> list[Face]:
    """What the detector finds in a photo."""
    if dice.random() < 0.05:
        raise dice.choice(FAULTS)
    marks = [LANDMARKS, LANDMARKS, LANDMARKS, LANDMARKS * 0, LANDMARKS * np.nan, LANDMARKS * 20, LANDMARKS - 500]
    return [Face(dice.choice(marks), (30, 30, 90, 100), 0.9) for _ in range(dice.choice((0, 1, 1, 1, 2, 9)))]


def picture(dice: random.Random) -> bytes:
    """A photo, of some kind and size, whole or damaged."""
    size = dice.choice(((120, 140), (120, 140), (16, 16), (15, 40), (1, 1), (700, 20)))
    image = Image.new(dice.choice(("RGB", "RGB", "L", "CMYK", "P", "RGBA", "1", "I;16")), size)
    kind = "PNG" if image.mode != "CMYK" else "JPEG"
    if image.mode in ("RGB", "L"):
        kind = dice.choice(("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"))
    file = io.BytesIO()
    image.save(file, kind)
    data = bytearray(file.getvalue())
    if dice.random() < 0.2:
        for _ in range(dice.randint(1, 30)):
            data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data[: dice.randrange(len(data))] if dice.random() < 0.1 else data)


def fields(dice: random.Random) -> dict[str, object]:
    """A request, nearly as it should be."""
    photos = [base64.b64encode(picture(dice)).decode() for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))]
    body: dict[str, object] = {"name": f"p{dice.randrange(400)}", "photos": photos}
    for name in ("aligned", "bare", "replace"):
        if dice.random() < 0.5:
            body[name] = dice.random() < 0.5
    if dice.random() < 0.3:
        body["face"] = dice.choice((1, 1, 2, 5, None))
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2))):
        name = dice.choice((*FIELDS, *FIELDS, "nmae", "faces", "photo", "\ud800", "x" * 5000))
        if name == "photos" and dice.random() < 0.5:
            body[name] = [*photos, dice.choice(JUNK)] * dice.choice((1, 1, 40))
        elif dice.random() < 0.3:
            body.pop(name, None)
        else:
            body[name] = dice.choice(JUNK)
    return body


def body(dice: random.Random) -> bytes:
    """What is sent: mostly JSON of what is nearly right."""
    kind = dice.random()
    if kind < 0.05:
        return dice.randbytes(dice.randrange(300))
    if kind < 0.08:
        return dice.choice(BODIES)
    if kind < 0.12:
        return json.dumps(dice.choice(JUNK)).encode()
    text = json.dumps(fields(dice)).encode()
    if dice.random() < 0.1:
        cut = dice.randrange(len(text))
        text = text[:cut] + dice.randbytes(2) + text[cut + 2 :]
    return text


def headers(dice: random.Random) -> dict[str, str]:
    """Of a program, or of some page."""
    kinds = ("application/json", "text/plain", "application/json; charset=latin-1", "multipart/form-data", "", "json")
    made = {"content-type": kinds[0] if dice.random() < 0.9 else dice.choice(kinds)}
    if dice.random() < 0.1:
        made["origin"] = dice.choice(("http://testserver", "http://evil.example", "null", "", "http://["))
    return made


def answers(count: int, seed: int, seen: Callable[[int, str], None]) -> Counter[int]:
    """The statuses of some requests; ``seen`` hears of each status with its text."""
    dice, statuses = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as there, pytest.MonkeyPatch.context() as patch:
        for folder in ("adapters", "latents", "directions", "encoders"):
            (Path(there) / "models" / "wplus" / folder).mkdir(parents=True)
        (Path(there) / "models" / "wplus" / "encoders" / "e.pt").write_bytes(b"x")
        shared = host.install(patch, Path(there) / "models")
        patch.setattr(Detector, "__init__", lambda self, device="cpu", folder=None: None)
        patch.setattr(Detector, "find", lambda self, image: found(dice))
        patch.setattr("wplus_ext.photos.faces.without_background", lambda pictures, *rest: list(pictures))
        patch.setattr(Encoder, "load", lambda path: Encoding(dice))
        host.load_script()
        app = FastAPI()
        shared.started[0](None, app)
        client = TestClient(app, raise_server_exceptions=False)
        for number in range(count):
            answer = client.get(ROUTE) if number % 50 == 49 else client.post(
                ROUTE, content=body(dice), headers=headers(dice)
            )  # fmt: skip
            statuses[answer.status_code] += 1
            seen(answer.status_code, answer.text)
            if there in answer.text:
                seen(500, f"a folder of the server: {answer.text}")
    return statuses


def is_a_line(status: int, text: str) -> bool:
    """Whether a fault is told as it should be."""
    if status == 200:
        return True
    detail = json.loads(text).get("detail") if status != 500 else None
    return isinstance(detail, str) and bool(detail) and "\n" not in detail and len(detail) < 700


def main() -> int:
    """Print the statuses; the exit status is 1 where there was a 500, or a fault without a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable()  # it has each fault of the stand-ins at length
    bad: list[str] = []
    start = time.monotonic()
    statuses = answers(
        options.bodies, options.seed, lambda status, text: None if is_a_line(status, text) else bad.append(text)
    )
    print(", ".join(f"{count} of status {status}" for status, count in sorted(statuses.items())))
    print(f"{statuses[500]} of status 500, {len(bad)} faults without a line; {time.monotonic() - start:.0f} s")
    for text in bad[:5]:
        print(text[:300])
    return int(bool(bad or statuses[500]))


if __name__ == "__main__":
    sys.exit(main())
