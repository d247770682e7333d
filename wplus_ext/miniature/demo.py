"""The tables of the research in small, on the miniature, with what was measured."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..curve import evaluate as curve
from ..settings import Settings
from ..studio import record, video
from ..studio.pipeline import Studio, count_steps
from ..studio.sheet import Sheet
from ..studio.shot import Shot
from ..weights.regular import read_regular
from ..weights.swap import check_place, replacing
from . import page, world
from .evaluate import PEOPLE
from .measure import Ruler

PAGE = "index.html"
LARGEST = 1 << 24  # bytes of a page, which has some thousand
BASE = {"frames": 8, "seed": 3, "steps": 12}  # of all videos; for the rest the miniature's own
TOGETHER = 2  # videos in a batch: for larger ones the memory comes from the system anew at each step, which costs more
STORY = ({"seed": 4}, {"seed": 4, "tracks": "smile = -0.7 > 0 > 0.7"})
STORY_NAME = "story"
STORY_WORDS = (
    "The same video, unedited and with a curve of the smile: sad in the first frame, hardly touched in the middle, "
    "happy in the last. The prompt does not say a word of it."
)


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
    alphas = (-2, 0, 2, 4)
    persons = tuple(tuple({"identity": p, "tracks": f"smile = {a}", "start": 0.0} for a in alphas) for p in PEOPLE)
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
            tuple((person, "smile") for person in PEOPLE),
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
    wanted = tables()
    for name in (STORY_NAME, *(table.name for table in wanted)):
        video.check(out / f"{name}.webp", force)
    check = partial(check_place, out / PAGE, _is_ours, force)
    check()
    studio = Studio(device="cpu", precision="float32")
    base = replace(Shot.from_dict(studio.defaults()), **BASE)
    edits = [*STORY, *(edit for table in wanted for row in table.edits for edit in row)]
    shots = list(dict.fromkeys(_shot(base, edit) for edit in edits))
    shots.sort(key=lambda shot: (shot.seed, shot.edit.start))  # those that begin alike follow each other
    # Decoding a video takes as long as a step, and so does writing one of its files.
    with tqdm(total=count_steps(shots) + len(shots) + 1 + len(wanted), desc="demo", unit="step", disable=None) as bar:
        scene = Scene(out, force, studio, base, Ruler(studio.folder))
        for shot, frames in studio.together(shots, TOGETHER, bar.update):
            scene.found[shot] = frames
            bar.update()
        parts = []
        for part in (scene.story, *(partial(scene.table, table) for table in wanted)):
            parts.append(part())
            bar.update()
        with replacing(out / PAGE, check) as file:
            file.write_text(page.page(parts), encoding="utf-8")
    return len(shots), len(wanted)


@dataclass(frozen=True)
class Scene:
    """The videos that were found, by shot, and where to write what is made of them."""

    out: Path
    force: bool
    studio: Studio
    base: Shot
    ruler: Ruler
    found: dict[Shot, np.ndarray] = field(default_factory=dict)

    def story(self) -> str:
        """One video before and after, frame by frame: the file, and its part of the page."""
        shots = [_shot(self.base, edit) for edit in STORY]
        cells = [self.found[shot][:, None] for shot in shots]  # each frame is a video of its own
        labels = ("unedited", str(STORY[1]["tracks"]))
        grid = self._save(STORY_NAME, [f"frame {i}" for i in range(self.base.frames)], labels, cells, shots)
        before, after = (self._curve(shot, "smile") for shot in shots)
        return page.story(grid, "One curve, frame by frame", STORY_WORDS, labels, before, after)

    def table(self, table: Table) -> str:
        """A table: the file, and its part of the page."""
        shots = [[_shot(self.base, edit) for edit in row] for row in table.edits]
        cells = [[self.found[shot] for shot in row] for row in shots]
        grid = self._save(table.name, table.columns, [label for label, _ in table.rows], cells, [*chain(*shots)])
        rows = [(label, [self._curve(shot, factor) for shot in row]) for (label, factor), row in zip(table.rows, shots)]
        command = _command(shots[-1][-1], Shot.from_dict(self.studio.defaults()))
        return page.table(grid, table.title, table.words, table.columns, rows, command)

    def _save(
        self, name: str, columns: Sequence[str], rows: Sequence[str], cells: Sequence, shots: Sequence[Shot]
    ) -> page.Grid:
        sheet, path = Sheet.of(columns, rows, *self.studio.size(self.base)), self.out / f"{name}.webp"
        record.save(path, sheet.fill(cells), self.studio, shots, self.force)
        return page.Grid(path.name, sheet)

    def _curve(self, shot: Shot, factor: str) -> page.Curve:
        measured = self.ruler.factors(self.found[shot])[:, world.FACTORS.index(factor)]
        return page.Curve(factor, _asked(shot, factor), measured.tolist())


def _is_ours(path: Path) -> bool:
    try:
        return page.MARK.encode() in read_regular(path, LARGEST)
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


def _command(shot: Shot, default: Shot) -> str:
    """What renders a shot, where ``default`` is what is rendered without any options."""
    values = {**asdict(shot), **asdict(shot.edit)}
    known = {**asdict(default), **asdict(Settings(enabled=True))}
    given = [(name, value) for name, value in values.items() if name != "edit" and value != known[name]]
    options = " ".join(f"--{name.replace('_', '-')} {shlex.quote(f'{value}')}" for name, value in given)
    return f"python -m wplus_ext render {options} --out face.webp"


def _asked(shot: Shot, factor: str) -> list[float]:
    """The curve that was asked for: lambda, or what alpha stands for."""
    scale = world.PER_ALPHA if shot.edit.identity else 1.0
    for track in shot.edit.parsed:
        if track.name == factor:
            return [scale * value for value in curve(track.schedule, shot.frames)]
    return [0.0] * shot.frames
