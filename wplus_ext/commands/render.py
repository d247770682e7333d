"""The commands ``render`` and ``sweep``: arguments to shots, shots to a file."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..edit.plan import fingerprints
from ..settings import MODES, Settings
from ..studio import video
from ..studio.pipeline import Studio, count_steps
from ..studio.shot import Shot

AXES = ("identity", "tracks", "strength")


def add_arguments(parser: argparse.ArgumentParser, many: bool) -> None:
    """The options of a video; where there are ``many``, those of `AXES` can be given again and again."""
    model = parser.add_argument_group("model")
    model.add_argument("--model", type=Path, help="a diffusers AnimateDiff pipeline folder; default: the miniature")
    model.add_argument("--motion", type=Path, help="a motion adapter's folder, for a pipeline that has none")
    model.add_argument("--wplus", type=Path, action="append", default=[], metavar="DIR")
    model.add_argument("--device", default="", help="cpu, cuda, cuda:1 …; default: the GPU where there is one")
    model.add_argument("--precision", default="", choices=["float32", "float16", "bfloat16"])
    text = {"default": argparse.SUPPRESS}
    shot = parser.add_argument_group("video; defaults are the model's own")
    shot.add_argument("--prompt", **text)
    shot.add_argument("--negative-prompt", **text)
    for name in ("seed", "frames", "steps", "context"):
        shot.add_argument(f"--{name}", type=int, **text)
    for name in ("guidance", "fps"):
        shot.add_argument(f"--{name}", type=float, **text)
    shot.add_argument("--size", metavar="WIDTHxHEIGHT", **text)
    edit = parser.add_argument_group("edit" + (f"; {', '.join(AXES)}: again and again for a table" if many else ""))
    again = {"action": "append"} if many else {}
    edit.add_argument("--adapter", help="by its name in the library", **text)
    edit.add_argument("--mode", choices=MODES, **text)
    edit.add_argument("--identity", help="a latent of the library", **text, **again)
    edit.add_argument("--tracks", help='such as "smile = -0.7 > 0 > 0.7"; a newline or ; parts them', **text, **again)
    edit.add_argument("--strength", help='a number, or a schedule such as "0 > 1"', **text, **again)
    edit.add_argument("--start", type=float, **text)
    edit.add_argument("--end", type=float, **text)
    edit.add_argument("--negative", action=argparse.BooleanOptionalAction, help="edit the negative rows too", **text)
    parser.add_argument("--like", type=Path, metavar="FILE", help="begin with the settings of a file made here")
    parser.add_argument("--out", type=Path, required=True, help=".webp, .gif, .mp4, or no ending: PNG frames")


def render(options: argparse.Namespace) -> None:
    """Render one video."""
    video.check(options.out)
    studio = _studio(options)
    shots = _like(options, studio)
    if len(shots) > 1:
        raise ValueError(f"{options.like}: a table of {len(shots)} videos; use sweep --like")
    shot = _changed(shots[0], _values(options))
    ((frames, report),) = _rendered(studio, [shot])
    _save(options.out, frames, studio, [shot])
    print(f"{options.out}: {len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}; {report.summary()}")


def sweep(options: argparse.Namespace) -> None:
    """Render a table of videos."""
    video.check(options.out)
    studio = _studio(options)
    like, values = _like(options, studio), _values(options)
    axes = {}
    for name in AXES:
        given = values.pop(name, None) or list(dict.fromkeys(getattr(shot.edit, name) for shot in like))
        axes[name] = given
    base = _changed(like[0], values)
    shots = [_changed(base, dict(zip(AXES, cell))) for cell in itertools.product(*axes.values())]
    rendered = [frames for frames, _ in _rendered(studio, shots)]
    varied = [name for name in AXES if len(axes[name]) > 1] or ["strength"]
    columns = axes[varied[-1]]
    rows = list(itertools.product(*(axes[name] for name in varied[:-1])))
    cells = [rendered[i : i + len(columns)] for i in range(0, len(rendered), len(columns))]
    labels = ["\n".join(_label(name, value) for name, value in zip(varied, row)) for row in rows]
    sheet = video.table(cells, [_label(varied[-1], value) for value in columns], labels if len(varied) > 1 else [""])
    _save(options.out, sheet, studio, shots)
    print(f"{options.out}: {len(rows)} x {len(columns)} videos of {len(sheet)} frames, {' and '.join(varied)} varied")


def _studio(options: argparse.Namespace) -> Studio:
    return Studio(options.model, options.wplus, options.motion, options.device, options.precision)


def _like(options: argparse.Namespace, studio: Studio) -> list[Shot]:
    """The shots of the file named by --like, or the model's defaults. Says what was another model or file then."""
    if options.like is None:
        return [Shot.from_dict(studio.defaults())]
    if not options.like.exists():
        raise ValueError(f"{options.like}: no such file; expected one that render or sweep wrote")
    try:
        content = json.loads(video.load_settings(options.like))
        shots = [Shot.from_dict(values) for values in content["shots"]]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{options.like}: its settings are not those of render or sweep ({error})") from error
    if content.get("model") != studio.name:
        _note(f"{options.like} was made with the model {content.get('model')}, this is {studio.name}")
    before = dict(content.get("files") or {})
    now = _files(studio, shots) if before else {}
    for key, then in before.items():
        if now.get(key) != then:
            _note(f"{key} was {then} when {options.like} was made, and is {now.get(key)}")
    return shots


def _values(options: argparse.Namespace) -> dict[str, object]:
    """The settings that were given as options."""
    names = {field.name for kind in (Shot, Settings) for field in fields(kind)}
    values = {name: value for name, value in vars(options).items() if name in names}
    if "size" in options:
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", options.size)
        if not match:
            raise ValueError(f"--size is {options.size!r}, expected WIDTHxHEIGHT, such as 512x512")
        values |= {"width": int(match[1]), "height": int(match[2])}
    return values


def _changed(shot: Shot, values: dict[str, object]) -> Shot:
    """The shot with other values, for itself and for its edit."""
    edit = {**asdict(shot.edit), **{name: value for name, value in values.items() if hasattr(shot.edit, name)}}
    edit["tracks"] = "\n".join(line.strip() for line in edit["tracks"].split(";"))
    own = {name: value for name, value in values.items() if not hasattr(shot.edit, name)}
    return replace(shot, **own, edit=Settings.from_dict(edit))


def _rendered(studio: Studio, shots: Sequence[Shot]) -> list:
    with tqdm(total=count_steps(shots), unit="step", disable=None) as bar:
        return list(studio.render(shots, tick=bar.update))


def _save(path: Path, frames: np.ndarray, studio: Studio, shots: Sequence[Shot]) -> None:
    content = {"model": studio.name, "files": _files(studio, shots), "shots": [asdict(shot) for shot in shots]}
    video.save(frames, path, shots[0].fps, json.dumps(content, sort_keys=True))


def _files(studio: Studio, shots: Sequence[Shot]) -> dict[str, str]:
    """Short hashes of the W+ files that the shots name."""
    entries = {}
    for shot in shots:
        if shot.edit.identity or shot.edit.tracks.strip():
            entries |= fingerprints(shot.edit, studio.library)
    return entries


def _label(name: str, value: object) -> str:
    return str(value) if name == "tracks" else f"{name} {value}"


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
