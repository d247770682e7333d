"""The tables of the research in small, on the miniature, with what was measured."""

from __future__ import annotations

import html
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from ..curve import evaluate as curve
from ..settings import Settings
from ..studio import record, video
from ..studio.pipeline import Studio, count_steps
from ..studio.sheet import Sheet
from ..studio.shot import Shot
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing
from . import world
from .measure import Ruler

PAGE = "index.html"
MARK = '<meta name="generator" content="wplus_ext demo">'  # by which our page is known
LARGEST = 1 << 24  # bytes of a page, which has some thousand
CHART = (150, 74)  # width and height
LIMIT = 1.3  # of the charts' scale


@dataclass(frozen=True)
class Table:
    """One labelled table: rows and columns of edits, and the factor that is measured in each row."""

    name: str
    title: str
    words: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]  # label, factor
    edits: tuple[tuple[dict[str, object], ...], ...]


def tables() -> list[Table]:
    """What the demo shows."""
    signs = (-0.5, 0.0, 0.5)
    modes = tuple(tuple({"mode": mode, "tracks": _track("smile", x)} for x in signs) for mode in ("direct", "residual"))
    alphas, people = (-2, 0, 2, 4), ("ada", "eva", "kai")
    persons = tuple(tuple({"identity": p, "tracks": f"smile = {a}", "start": 0.0} for a in alphas) for p in people)
    lambdas = (-0.5, -0.25, 0.0, 0.25, 0.5)
    attributes = tuple(tuple({"tracks": _track(name, x)} for x in lambdas) for name in ("smile", "age"))
    curves = ("-0.7 > 0 > 0.7", "0 > 0.7 > 0")
    return [
        Table(
            "modes",
            "Direct embedding against residual cross-attention",
            "The same direction, appended to the text tokens or added as a residual. No identity.",
            tuple(f"smile = {x:g}" for x in signs),
            (("direct", "smile"), ("residual", "smile")),
            modes,
        ),
        Table(
            "identity",
            "Three people, and alpha of the smile",
            "w = w_id + alpha * smile, lambda 1, from the first step on.",
            tuple(f"alpha {a}" for a in alphas),
            tuple((person, "smile") for person in people),
            persons,
        ),
        Table(
            "lambda",
            "No identity: lambda of both signs",
            "Keys and values come from the edit direction alone, which the adapter never saw in training.",
            tuple(f"lambda {x:g}" for x in lambdas),
            (("smile", "smile"), ("age", "age")),
            attributes,
        ),
        Table(
            "dynamic",
            "Lambda frame by frame",
            "The same video unedited, and with a curve.",
            ("unedited", "smile = -0.7 > 0 > 0.7", "smile = 0 > 0.7 > 0"),
            (("smile", "smile"), ("smile, another seed", "smile")),
            tuple(({"seed": s}, *({"seed": s, "tracks": f"smile = {text}"} for text in curves)) for s in (3, 4)),
        ),
    ]


def write(out: Path, force: bool = False) -> tuple[int, int]:
    """Write the tables and the page into a folder; gives the numbers of videos and tables.

    Raises:
        ValueError: a file of that name that was not made here, unless ``force``; a file in the folder's place.
        OSError: the disk does not let us write.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file, expected a folder to write to; choose another name")
    out.mkdir(parents=True, exist_ok=True)
    for table in tables():
        video.check(out / f"{table.name}.webp", force)
    check = partial(check_place, out / PAGE, _is_ours, force)
    check()
    studio = Studio(device="cpu", precision="float32")
    base = replace(Shot.from_dict(studio.defaults()), frames=8, seed=3)
    found, wanted = {}, tables()
    shots = list(dict.fromkeys(_shot(base, edit) for table in wanted for row in table.edits for edit in row))
    # Those that begin alike follow each other, and share the steps before their start.
    shots.sort(key=lambda shot: (shot.seed, shot.edit.start))
    with tqdm(total=count_steps(shots), desc="demo", unit="step", disable=None) as bar:
        for shot, (frames, _) in zip(shots, studio.render(shots, tick=bar.update)):
            found[shot] = frames
    ruler, parts = Ruler(studio.folder), []
    for table in wanted:
        rows = [[_shot(base, edit) for edit in row] for row in table.edits]
        cells = [[found[shot] for shot in row] for row in rows]
        sheet = Sheet.of(table.columns, [label for label, _ in table.rows], *studio.size(base)).fill(cells)
        record.save(out / f"{table.name}.webp", sheet, studio, [shot for row in rows for shot in row], force)
        parts.append(_section(table, rows, [[ruler.factors(cell) for cell in row] for row in cells]))
    with replacing(out / PAGE, check) as part:
        part.write_text(_page(parts), encoding="utf-8")
    return len(shots), len(wanted)


def _is_ours(path: Path) -> bool:
    try:
        return MARK.encode() in read_regular(path, LARGEST)
    except ValueError:  # far larger than a page
        return False


def _track(name: str, value: float) -> str:
    return f"{name} = {value:g}" if value else ""


def _shot(base: Shot, edit: dict[str, object]) -> Shot:
    """The base with an edit; without tracks and identity all modes are the same video."""
    edit = dict(edit)
    base = replace(base, seed=edit.pop("seed", base.seed))
    if not edit.get("tracks") and not edit.get("identity"):
        edit.pop("mode", None)
    return replace(base, edit=Settings.from_dict({"enabled": True, **edit}))


def _section(table: Table, shots: Sequence[Sequence[Shot]], measured: Sequence[Sequence[Tensor]]) -> str:
    rows = []
    for (label, factor), row, readings in zip(table.rows, shots, measured):
        cells = "".join(
            f"<td>{_chart(_asked(shot, factor), reading[:, world.FACTORS.index(factor)].tolist(), factor)}</td>"
            for shot, reading in zip(row, readings)
        )
        rows.append(f"<tr><th>{html.escape(label)}</th>{cells}</tr>")
    head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    last = shots[-1][-1]
    options = {"seed": last.seed, "frames": last.frames, "identity": last.edit.identity, "tracks": last.edit.tracks}
    given = " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value)
    return (
        f'<section id="{table.name}"><h2>{html.escape(table.title)}</h2><p>{html.escape(table.words)}</p>'
        f'<img src="{table.name}.webp" alt="{html.escape(table.title)}">'
        f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"
        f"<p>The last of them: <code>python -m wplus_ext render {html.escape(given)} "
        f"--start {last.edit.start:g} --out face.webp</code></p></section>"
    )


def _asked(shot: Shot, factor: str) -> list[float]:
    """The curve that was asked for: lambda, or what alpha stands for."""
    scale = world.PER_ALPHA if shot.edit.identity else 1.0
    for track in shot.edit.parsed:
        if track.name == factor:
            return [scale * value for value in curve(track.schedule, shot.frames)]
    return [0.0] * shot.frames


def _chart(asked: Sequence[float], measured: Sequence[float], factor: str) -> str:
    width, height = CHART

    def points(values: Sequence[float]) -> str:
        step = (width - 8) / max(len(values) - 1, 1)
        middle = height / 2
        return " ".join(
            f"{4 + i * step:.1f},{middle - max(min(value, LIMIT), -LIMIT) / LIMIT * (middle - 4):.1f}"
            for i, value in enumerate(values)
        )

    mean = sum(measured) / len(measured)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{factor}: measured {mean:.2f} on average">'
        f'<polyline class="zero" points="{points([0.0, 0.0])}"/><polyline class="asked" points="{points(asked)}"/>'
        f'<polyline class="measured" points="{points(measured)}"/></svg><small>{factor} {mean:+.2f}</small>'
    )


def _page(sections: Sequence[str]) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
{MARK}
<title>W+ Adapter for AnimateDiff: the miniature's demo</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
img {{ max-width: 100%; background: white; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th {{ font-weight: 600; font-size: .85rem; padding: .2rem .6rem; text-align: center; }}
td {{ text-align: center; padding: .2rem .4rem; }}
td small {{ display: block; opacity: .8; }}
svg {{ width: {CHART[0]}px; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 4px; }}
polyline {{ fill: none; stroke-width: 2; }}
.zero {{ stroke: currentColor; opacity: .25; stroke-width: 1; }}
.asked, .key-asked {{ stroke: #888; stroke-dasharray: 4 3; }}
.measured, .key-measured {{ stroke: #e06020; }}
svg.key {{ width: 2.2rem; height: .7rem; border: 0; }}
</style></head><body>
<h1>W+ Adapter for AnimateDiff: the miniature's demo</h1>
<p>Drawn faces from a miniature model: a text-to-video diffusion model of 64x64 pixels that comes with the library,
edited by exactly the code that edits Stable Diffusion 1.5. It shows that the edit edits, not what photographs look
like.</p>
<p><svg class="key" viewBox="0 0 35 10"><polyline class="key-asked" points="0,5 35,5"/></svg> asked for: lambda, or with
an identity the smile that alpha stands for; <svg class="key" viewBox="0 0 35 10"><polyline class="key-measured"
points="0,5 35,5"/></svg> measured in each frame, on the scale of the drawings, where -1 to 1 is the usual range.</p>
{"".join(sections)}
</body></html>
"""
