"""The track language in Python and in JavaScript: one file of golden vectors, and agreement to the last bit."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from wplus_ext import regions, tracks
from wplus_ext.curve import evaluate

TESTS = Path(__file__).parent
VECTORS = json.loads((TESTS / "vectors.json").read_text(encoding="utf-8"))
NODE = shutil.which("node")
node = pytest.mark.skipif(NODE is None, reason="node is not installed: the page's JavaScript is not tested")


def ask(tasks):
    """The answers of the page's JavaScript, in Node."""
    done = subprocess.run(
        [NODE, str(TESTS / "curve.mjs")], input=json.dumps(tasks), capture_output=True, text=True, encoding="utf-8",
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def hexes(values):
    return [float(value).hex() for value in values]


def attempt(act, *args):
    """The result, or the fault as the vectors have it."""
    try:
        return act(*args)
    except tracks.TrackError as fault:
        return {"line": fault.line, "column": fault.column, "message": fault.message}


def plain_keys(schedule):
    return [[k.position, k.value, k.unit, k.easing, list(k.bezier) if k.bezier else None] for k in schedule.keys]


def plain_tracks(text):
    return [
        [track.name, list(track.layers), track.region, track.line, track.schedule.loop, plain_keys(track.schedule)]
        for track in tracks.parse(text)
    ]


def plain_regions(text):
    return [
        [region.name, region.line, [[part.loop, plain_keys(part)] for part in region.parts]]
        for region in regions.parse_regions(text)
    ]


def ellipses(text, frames):
    return [[list(ellipse) for ellipse in region.ellipses(frames)] for region in regions.parse_regions(text)]


def test_the_vectors_hold_in_python():
    for row in VECTORS["values"]:
        assert hexes(evaluate(row["schedule"], row["frames"])) == hexes(row["values"]), row["schedule"]
        assert tracks.format_schedule(tracks.parse_schedule(row["schedule"])) == row["format"]
        assert hexes(evaluate(row["format"], row["frames"])) == hexes(row["values"])
    for row in VECTORS["tracks"]:
        assert plain_tracks(row["text"]) == row["tracks"] and tracks.format(tracks.parse(row["text"])) == row["format"]
    for row in VECTORS["runs"]:
        assert attempt(evaluate, row["schedule"], row["frames"]) == fault(row)
    for row in VECTORS["regions"]:
        assert plain_regions(row["text"]) == row["regions"] and ellipses(row["text"], row["frames"]) == row["ellipses"]
        assert regions.format_regions(regions.parse_regions(row["text"])) == row["format"]
    for row in VECTORS["region_faults"]:
        assert attempt(regions.parse_regions, row["text"]) == fault(row), row["text"]
    for row in VECTORS["faults"]:
        assert attempt(tracks.parse, row["text"]) == fault(row), row["text"]


def fault(row):
    return {key: row[key] for key in ("line", "column", "message")}


@node
def test_the_vectors_hold_in_javascript():
    values, runs = VECTORS["values"], VECTORS["runs"]
    for row, got in zip(values, ask([["evaluate", row] for row in values]), strict=True):
        assert hexes(got) == hexes(row["values"]), row["schedule"]
    assert ask([["formatSchedule", row] for row in values]) == [row["format"] for row in values]
    assert ask([["evaluate", row] for row in runs]) == [fault(row) for row in runs]
    assert ask([["parse", row] for row in VECTORS["tracks"]]) == [row["tracks"] for row in VECTORS["tracks"]]
    assert ask([["format", row] for row in VECTORS["tracks"]]) == [row["format"] for row in VECTORS["tracks"]]
    rows = VECTORS["regions"]
    assert ask([["parseRegions", row] for row in rows]) == [row["regions"] for row in rows]
    assert ask([["formatRegions", row] for row in rows]) == [row["format"] for row in rows]
    assert ask([["ellipses", row] for row in rows]) == [row["ellipses"] for row in rows]
    got = ask([["parseRegions", row] for row in VECTORS["region_faults"]])
    assert got == [fault(row) for row in VECTORS["region_faults"]]
    for row, got in zip(VECTORS["faults"], ask([["parse", row] for row in VECTORS["faults"]]), strict=True):
        assert got == fault(row), row["text"]


def random_schedule(rng):
    def number(size=20.0):
        return tracks.plain(round(rng.uniform(-size, size), rng.randrange(5)))

    loop = "loop " if rng.random() < 0.3 else ""
    if rng.random() < 0.3:
        return loop + " > ".join(number(2) for _ in range(rng.randint(1, 9)))
    keys = {}
    for _ in range(rng.randint(1, 12)):
        at = f"{round(rng.uniform(0, 100), rng.randrange(5)):g}%" if rng.random() < 0.3 else str(rng.randrange(400))
        bezier = f"bez/{round(rng.random(), 3)}/{number(3)}/{round(rng.random(), 3)}/{number(3)}"
        keys[at] = rng.choice(["", "", ":linear", ":smooth", ":smooth", ":hold", f":{bezier}"])
    return loop + ", ".join(f"{at}:({number(2)}){easing}" for at, easing in keys.items())


@node
def test_python_and_javascript_agree_to_the_last_bit():
    rng = random.Random(20)
    tasks = [{"schedule": random_schedule(rng), "frames": rng.randint(1, 300)} for _ in range(2500)]
    evaluations = 0
    for task, got in zip(tasks, ask([["bits", task] for task in tasks]), strict=True):
        own = attempt(evaluate, task["schedule"], task["frames"])
        if isinstance(own, list):
            evaluations += len(own)
            own = hashlib.sha1(struct.pack(f"<{len(own)}d", *own)).hexdigest()
        assert got == own, task
    assert evaluations >= 100_000


def random_region(rng):
    def inside():
        numbers = [rng.uniform(low, high) for _, low, high in regions.PARTS]
        return "(" + " ".join(f"{x:.{rng.randrange(1, 6)}f}" for x in numbers) + ")"

    loop = "loop " if rng.random() < 0.3 else ""
    if rng.random() < 0.2:
        return loop + inside()
    text = random_schedule(rng).removeprefix("loop ")
    while " > " in text or ":" not in text:
        text = random_schedule(rng).removeprefix("loop ")
    return loop + re.sub(r"\([^)]*\)", lambda _: inside(), text)


@node
def test_regions_agree_to_the_last_bit():
    rng = random.Random(24)
    tasks = [{"text": f"a = {random_region(rng)}", "frames": rng.randint(1, 200)} for _ in range(1500)]
    evaluations = 0
    for task, got in zip(tasks, ask([["regionBits", task] for task in tasks]), strict=True):
        own = attempt(ellipses, task["text"], task["frames"])
        if isinstance(own, list):
            numbers = [number for ellipse in own[0] for number in ellipse]
            evaluations += len(numbers)
            own = hashlib.sha1(struct.pack(f"<{len(numbers)}d", *numbers)).hexdigest()
        assert got == own, task
    assert evaluations >= 100_000


@node
def test_regions_that_are_formatted_parse_to_the_same():
    rng = random.Random(25)
    texts = [f"a{i} = {random_region(rng)}" for i in range(300)]
    formatted = ask([["formatRegions", {"text": text}] for text in texts])
    assert formatted == [regions.format_regions(regions.parse_regions(text)) for text in texts]
    assert [plain_regions(text) for text in formatted] == [plain_regions(text) for text in texts]


@node
def test_garbage_is_a_fault_of_regions_in_both():
    rng = random.Random(26)
    letters = "left=0123456789.:()[]>,%#/-+ \t\nlopbezhd*😀é\u00a0\u3000\ufeff'，：（）＝０．％−"
    texts = [mutated(rng, rng.choice(VECTORS["regions"])["text"], letters) for _ in range(3000)]
    texts += [mutated(rng, rng.choice(VECTORS["regions"])["text"], TYPED) for _ in range(2000)]
    for text, got in zip(texts, ask([["parseRegions", {"text": text}] for text in texts]), strict=True):
        assert got == attempt(plain_regions, text), text


@node
def test_what_is_formatted_parses_to_the_same_in_javascript():
    rng = random.Random(21)
    limits = ["{}:{}", "left", "{}:{}, the right one"]
    texts = [f"a{i}[{limits[i % 3].format(i % 9, 9 + i % 10)}] = {random_schedule(rng)}" for i in range(500)]
    formatted = ask([["format", {"text": text}] for text in texts])
    faults = [text for text, got in zip(texts, formatted) if isinstance(got, dict)]
    assert not faults
    assert ask([["parse", {"text": text}] for text in formatted]) == ask([["parse", {"text": text}] for text in texts])
    assert formatted == [tracks.format(tracks.parse(text)) for text in texts]


@node
def test_garbage_is_a_fault_with_a_place_in_both():
    rng = random.Random(22)
    letters = (
        "smile=0123456789.:()[]>,%#/-+ \t\n\rloopbezhdft*^😀é\u00a0\u2028\u3000\ufeff\x00\"'\\，：（）＝＞＋－０９．％−"
    )
    texts = ["".join(rng.choice(letters) for _ in range(rng.randrange(40))) for _ in range(3000)]
    texts += [mutated(rng, rng.choice(VECTORS["tracks"])["text"], letters) for _ in range(3000)]
    texts += [mutated(rng, rng.choice(VECTORS["tracks"])["text"], TYPED) for _ in range(3000)]
    faults = 0
    for text, got in zip(texts, ask([["parse", {"text": text}] for text in texts]), strict=True):
        own = attempt(plain_tracks, text)
        if isinstance(own, dict):
            faults += 1
        assert got == own, text
    assert 1000 < faults < len(texts)


@node
def test_every_character_is_quoted_alike():
    """Also those that are newer than one side's tables of Unicode, and halves of characters."""
    letters = [*map(chr, range(0x3200)), *map(chr, range(0x3200, 0x110000, 61)), "\ud800", "\udfff", "\U0001fae9"]
    texts = [f"a = 1 ;{letter}" for letter in letters if letter not in "\r\n"]
    got = ask([["parse", {"text": text}] for text in texts])
    assert got == [attempt(plain_tracks, text) for text in texts]


# What people type or paste: other decimals, signs and blanks, and expressions.
TYPED = [
    "0,5",
    "1e-3",
    "sin(2*t)",
    "0.0:(1)",
    "max_f",
    "0.12345",
    "：（",
    "−１",
    "(1+2)",
    "t/10",
    "1e999",
    "0.03125",
    ", ",
]


@node
def test_numbers_are_read_alike_to_the_last_bit():
    rng = random.Random(23)
    texts = [f"{rng.uniform(-20, 20):.{rng.randrange(18)}f}" for _ in range(2000)]
    texts += [f"{rng.uniform(-20, 20):.{rng.randrange(18)}e}" for _ in range(1000)]
    texts += [str(n / 32) for n in range(-640, 641)] + [f"{n}5e-5" for n in range(-2000, 2000)]
    got = ask([["evaluate", {"schedule": text, "frames": 1}] for text in texts])
    assert [hexes(values) for values in got] == [hexes(evaluate(text, 1)) for text in texts]
    assert ask([["formatSchedule", {"schedule": text}] for text in texts]) == [
        tracks.format_schedule(tracks.parse_schedule(text)) for text in texts
    ]


def mutated(rng, text, letters):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(letters) + text[at + rng.randrange(2) :]
