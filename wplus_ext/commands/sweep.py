"""Render the same video with several edits into one labelled table."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..studio import video
from ..studio.kept import Kept
from ..studio.pipeline import Studio, count_steps
from ..studio.sheet import Sheet
from ..studio.shot import Shot
from ..studio.workers.jobs import Lost, Video, Workers
from . import common
from .faces import came_out

AXES = ("identity", "tracks", "strength")
KEPT = ".videos"  # ending of the folder of the single ones, beside the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``sweep``."""
    common.add_video(parser, AXES)
    parser.add_argument(
        "--keep", type=Path, metavar="DIR",
        help=f"where each single video is kept as it is done, and found again; default: --out with {KEPT}",
    )  # fmt: skip
    common.add_workers(parser)


def run(options: argparse.Namespace) -> None:
    """Render a table of videos."""
    video.check(options.out, options.force)
    keep = options.keep or options.out.with_suffix(KEPT)
    if options.out.resolve() in (keep.resolve(), *keep.resolve().parents):  # its pictures would be in the table's place
        raise ValueError(f"--keep is {keep}, the place of --out or in it; name another folder")
    studio = common.studio(options)
    like, values = common.shots_like(options, studio), common.given(options)
    axes = {}
    for name in AXES:
        axes[name] = values.pop(name, None) or list(dict.fromkeys(getattr(shot.edit, name) for shot in like))
    base = common.begun(options, studio, like[0], values)
    shots = [common.changed(base, dict(zip(AXES, cell))) for cell in itertools.product(*axes.values())]
    varied = [name for name in AXES if len(axes[name]) > 1] or ["strength"]
    names = [", ".join(_label(name, getattr(shot.edit, name)) for name in varied) for shot in shots]
    columns = axes[varied[-1]]
    rows = list(itertools.product(*(axes[name] for name in varied[:-1])))
    labels = ["\n".join(_label(name, value) for name, value in zip(varied, row)) for row in rows]
    heads = [_label(varied[-1], value) for value in columns]
    with common.workers(options, studio, common.choice(options)) as workers:
        facts = workers.check(shots)
        sheet = Sheet.of(heads, labels if len(varied) > 1 else [""], facts.width, facts.height)
        video.check_size(options.out, *sheet.size)
        kept = Kept(keep, studio, facts.dtype, options.force)
        rendered, lost = _rendered(workers, kept, [Video(*each) for each in zip(shots, names)])
    table = sheet.fill([rendered[i : i + len(columns)] for i in range(0, len(rendered), len(columns))])
    common.save(options, table, studio, shots)
    print(f"{options.out}: {len(rows)} x {len(columns)} videos of {len(table)} frames, {' and '.join(varied)} varied")
    _tell(studio, shots, names, rendered)
    if lost:
        raise ValueError(f"{lost}; the same command renders them alone")


def _rendered(workers: Workers, kept: Kept, jobs: Sequence[Video]) -> tuple[list[np.ndarray | None], Lost | None]:
    """The frames of each video, of those that are kept without rendering them; who is lost has none.

    Raises Lost where that are all, and ValueError as `Workers.render`.
    """
    shots = [job.shot for job in jobs]
    kept.check(shots)
    found = [kept.find(shot) for shot in shots]
    missing = [i for i, frames in enumerate(found) if frames is None]
    if len(missing) < len(jobs):
        print(f"{kept.folder}: {common.counted(len(jobs) - len(missing), 'video')} of before, not rendered again")
    left, lost = [jobs[i] for i in missing], None
    with tqdm(total=count_steps([job.shot for job in left]), unit="step", disable=None) as bar:
        try:
            for i, (frames, _) in workers.render(left, bar):
                kept.keep(left[i].shot, frames)
                found[missing[i]] = frames
        except Lost as error:
            lost = error
    if lost and not any(frames is not None for frames in found):
        raise lost
    return found, lost


def _tell(studio: Studio, shots: Sequence[Shot], names: Sequence[str], rendered: Sequence[np.ndarray | None]) -> None:
    """What came out in each video that is there."""
    there = [i for i, frames in enumerate(rendered) if frames is not None]
    found = came_out(studio, [shots[i] for i in there], [rendered[i] for i in there])
    for i, lines in zip(there, found):
        for line in lines:
            print(f"{names[i]}: {line}")


def _label(name: str, value: object) -> str:
    return str(value) if name == "tracks" else f"{name} {value}"
