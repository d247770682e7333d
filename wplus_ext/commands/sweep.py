"""Render the same video with several edits into one labelled table."""

from __future__ import annotations

import argparse
import itertools

from ..studio import record, video
from ..studio.sheet import Sheet
from . import common
from .faces import came_out

AXES = ("identity", "tracks", "strength")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``sweep``."""
    common.add_video(parser, AXES)


def run(options: argparse.Namespace) -> None:
    """Render a table of videos."""
    video.check(options.out, options.force)
    studio = common.studio(options)
    like, values = common.shots_like(options, studio), common.given(options)
    axes = {}
    for name in AXES:
        axes[name] = values.pop(name, None) or list(dict.fromkeys(getattr(shot.edit, name) for shot in like))
    base = common.begun(options, studio, like[0], values)
    shots = [common.changed(base, dict(zip(AXES, cell))) for cell in itertools.product(*axes.values())]
    varied = [name for name in AXES if len(axes[name]) > 1] or ["strength"]
    columns = axes[varied[-1]]
    rows = list(itertools.product(*(axes[name] for name in varied[:-1])))
    labels = ["\n".join(_label(name, value) for name, value in zip(varied, row)) for row in rows]
    heads = [_label(varied[-1], value) for value in columns]
    sheet = Sheet.of(heads, labels if len(varied) > 1 else [""], *studio.size(base))
    video.check_size(options.out, *sheet.size)
    rendered = [frames for frames, _ in common.rendered(studio, shots)]
    table = sheet.fill([rendered[i : i + len(columns)] for i in range(0, len(rendered), len(columns))])
    record.save(options.out, table, studio, shots, options.force)
    print(f"{options.out}: {len(rows)} x {len(columns)} videos of {len(table)} frames, {' and '.join(varied)} varied")
    for shot, lines in zip(shots, came_out(studio, shots, rendered)):
        cell = ", ".join(_label(name, getattr(shot.edit, name)) for name in varied)
        for line in lines:
            print(f"{cell}: {line}")


def _label(name: str, value: object) -> str:
    return str(value) if name == "tracks" else f"{name} {value}"
