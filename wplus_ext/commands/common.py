"""What several commands have in common, no command itself: options made from fields, and what they say."""

from __future__ import annotations

import argparse
import functools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..fields import Field, fields_of
from ..library.index import Library
from ..library.names import BLANKS
from ..settings import FIELDS, Settings
from ..studio import record
from ..studio.footage import Footage, own_values
from ..studio.models import Choice, weighted
from ..studio.pipeline import Studio, count_steps
from ..studio.shot import Shot
from ..studio.speed import slowed
from ..studio.workers.jobs import Here, Workers

LIBRARY = Path("models", "wplus")  # of the WebUI, seen from its folder
SHOT = [field for field in fields_of(Shot) if field.name not in ("width", "height")]  # they are --size
EDIT = [field for field in FIELDS if field.name != "enabled"]  # of course it is


def add_library(parser: argparse.ArgumentParser) -> None:
    """The option ``--wplus`` of a command that works on a library."""
    parser.add_argument("--wplus", type=Path, default=LIBRARY, metavar="DIR", help="the library (default: %(default)s)")


def library_in(folder: Path) -> Library:
    """The library in a folder. Raises ValueError where there is no such folder."""
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise ValueError(
            f"{folder}: {what}, expected the folder of a library, with adapters, latents and directions; name one "
            "with --wplus"
        )
    return Library([folder])


def add_video(parser: argparse.ArgumentParser, many: Sequence[str] = ()) -> None:
    """The options of a video and its file; those of the fields ``many`` can be given again and again."""
    add_shot(parser, many)
    parser.add_argument("--like", type=Path, metavar="FILE", help="begin with the settings of a file made here")
    parser.add_argument("--out", type=Path, required=True, help=".webp, .gif, .mp4, or no ending: PNG frames")
    add_force(parser)


def add_shot(parser: argparse.ArgumentParser, many: Sequence[str] = (), without: Sequence[str] = ()) -> None:
    """The options of a video but for its file; those of the fields ``many`` can be given again and again."""
    model = parser.add_argument_group("model")
    _add_models(model)
    model.add_argument(
        "--wplus", type=Path, action="append", default=[], metavar="DIR", help="a library; the model's own"
    )
    model.add_argument("--device", default="", help="cpu, cuda, cuda:1 …; default: the GPU where there is one")
    model.add_argument("--precision", default="", choices=["float32", "float16", "bfloat16"], help="of all numbers")
    shot = parser.add_argument_group("video; defaults are the model's own")
    for field in SHOT:
        _add(shot, field, many=field.name in many)
    shot.add_argument("--size", metavar="WIDTHxHEIGHT", default=argparse.SUPPRESS, help="in pixels")
    edit = parser.add_argument_group("edit")
    for field in EDIT:
        if field.name not in without:
            _add(edit, field, many=field.name in many)


def _add_models(group: argparse._ArgumentGroup) -> None:
    """The options of which a `Choice` is made, but for library and device."""
    group.add_argument(
        "--model", type=Path, help="a checkpoint of SD 1.5, or a diffusers pipeline's folder; default: the miniature"
    )
    group.add_argument("--motion", type=Path, help="motion modules, a file or a folder, for a model that has none")
    group.add_argument(
        "--config",
        type=Path,
        metavar="DIR",
        help="a diffusers folder, whose configuration a checkpoint takes; the Hub's",
    )
    group.add_argument("--vae", type=Path, help="in place of the model's own, a file or a folder")
    group.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="FILE[:WEIGHT]",
        help="of SD 1.5, or a MotionLoRA; again for more",
    )
    group.add_argument("--controlnet", type=Path, help="a file or a folder; --control is what it follows")


def add_force(parser: argparse.ArgumentParser) -> None:
    """The option ``--force`` of a command that writes a file."""
    parser.add_argument("--force", action="store_true", help="overwrite what is there and was not made by this command")


def check_bounds(options: argparse.Namespace, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Raise ValueError for a number of these options that is out of its bounds; one that is not given is in them."""
    for option, (low, high) in bounds.items():
        value = getattr(options, option)
        if value is not None and not low <= value <= high:
            raise ValueError(f"--{option} is {value:g}, expected {low} to {high}")


def counted(count: int, what: str) -> str:
    """So many of something, in words."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def studio(options: argparse.Namespace) -> Studio:
    """The pipeline that the options name; where others render, not loaded, and of this machine's own device. Says what
    a person should know of it. Raises as `choice` and `Studio`."""
    if elsewhere(options):
        return Studio(replace(choice(options), device=""), loaded=False)
    made = Studio(choice(options))
    tell(made.models.notes)
    return made


def choice(options: argparse.Namespace) -> Choice:
    """The models that the options name. Raises ValueError for a library or a LoRA's weight that is none."""
    for folder in options.wplus:
        library_in(folder)
    return Choice(
        model=options.model,
        motion=options.motion,
        config=options.config,
        vae=options.vae,
        controlnet=options.controlnet,
        loras=tuple(map(weighted, options.lora)),
        library=tuple(options.wplus),
        device=options.device,
        precision=options.precision,
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """The options of a command that can have others render."""
    who = parser.add_argument_group("workers", 'on Ray: pip install "wplus-ext[ray]"; default: this process alone')
    who.add_argument("--workers", type=_count, metavar="N", help="so many processes, each with a device of its own")
    who.add_argument(
        "--ray", default="", metavar="ADDRESS", help="HOST:PORT of a cluster, or auto; default: this machine"
    )


def elsewhere(options: argparse.Namespace) -> bool:
    """Whether others render than this process."""
    return bool(getattr(options, "workers", None) or getattr(options, "ray", ""))


@contextmanager
def workers(options: argparse.Namespace, studio: Studio, choice: Choice) -> Iterator[Workers]:
    """Who renders: this process with the studio, or others with such a one. Raises ValueError as `cluster.joined`."""
    if not elsewhere(options):
        yield Here(studio)
        return
    from ..studio.workers.cluster import joined

    with joined(choice, options.workers or 0, options.ray) as found:
        yield found


def shots_like(options: argparse.Namespace, studio: Studio) -> list[Shot]:
    """The shots of the file named by --like, or the model's defaults. Says what was another model or file then."""
    if options.like is None:
        return [Shot.from_dict(studio.defaults())]
    shots, notes = record.load(options.like, studio)
    tell(notes)
    return shots


def one_shot(options: argparse.Namespace, studio: Studio) -> Shot:
    """The one shot of the options. Raises ValueError where --like names a table of several."""
    shots = shots_like(options, studio)
    if len(shots) > 1:
        raise ValueError(f"{options.like}: a table of {len(shots)} videos; use sweep --like")
    return begun(options, studio, shots[0], given(options))


def begun(options: argparse.Namespace, studio: Studio, shot: Shot, values: Mapping[str, object]) -> Shot:
    """The shot with values that were given, and of its video what was not. Says what is otherwise than it seems."""
    notes, name = [], values.get("video", shot.video)
    if not name and shot.video:  # what is its own goes with it
        values = {"range": Shot.range, "denoise": Shot.denoise, **values}
    if name and {"video", "range", "fps"} & values.keys():
        parts = {key: values.get(key, getattr(shot, key)) for key in ("range", "fps")}
        own, notes = own_values(Shot(video=name, **parts), values, studio.multiple)
        values = {**values, **own}
    shot, out = changed(shot, values), getattr(options, "out", None)
    if elsewhere(options):  # in other folders
        files = {key: getattr(shot, key) for key in ("video", "control")}
        shot = replace(shot, **{key: str(Path(path).absolute()) for key, path in files.items() if path})
    if out:
        for path, what in ((shot.video, "begin with"), (shot.control, "follow")):
            if path and out.exists() and Path(path).exists() and out.samefile(path):
                raise ValueError(f"{out} is the video to {what}; choose another name")
        notes.append(slowed(out.suffix.lower(), shot.fps))
        if shot.video and out.suffix.lower() != ".mp4" and Footage.of(shot).times.has_sound:
            notes.append(f"{out} holds no sound, so that of {shot.video} is left out; write .mp4")
    tell(filter(None, notes))
    return shot


def given(options: argparse.Namespace) -> dict[str, object]:
    """The settings that were given as options."""
    names = {field.name for field in (*SHOT, *EDIT)}
    values = {name: value for name, value in vars(options).items() if name in names}
    if "size" in options:
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", options.size)
        if not match:
            raise ValueError(f"--size is {options.size!r}, expected WIDTHxHEIGHT, such as 512x512")
        values |= {"width": int(match[1]), "height": int(match[2])}
    for name in {"tracks", "regions"} & values.keys():  # here alone: one that stands in a file's tracks parts nothing
        text = values[name]
        values[name] = parted(text) if isinstance(text, str) else [parted(each) for each in text]
    return values


def parted(text: str) -> str:
    """Tracks or regions as an option gives them, one a line: a ``;``, wide or not, parts them, but for one in a
    comment, which ends its line."""
    lines = []
    for line in re.split(r"\r\n|\r|\n", text):
        parts = [line]
        while not parts[-1].lstrip().startswith("#") and (more := re.split("[;；]", parts[-1], maxsplit=1))[1:]:
            parts[-1:] = more
        lines += [part.strip() for part in parts]
    return "\n".join(lines)


def changed(shot: Shot, values: Mapping[str, object]) -> Shot:
    """The shot with other values, for itself and for its edit."""
    edit = {**asdict(shot.edit), **{name: value for name, value in values.items() if hasattr(shot.edit, name)}}
    own = {name: value for name, value in values.items() if not hasattr(shot.edit, name)}
    return replace(shot, **own, edit=Settings.from_dict(edit))


def save(options: argparse.Namespace, frames: np.ndarray, studio: Studio, shots: Sequence[Shot]) -> None:
    """Write the video that was asked for, and say what is not in it. Raises as `record.save`."""
    tell(record.save(options.out, frames, studio, shots, options.force))


def tell(notes: Iterable[str]) -> None:
    """What a person should know, a line for each."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def rendered(studio: Studio, shots: Sequence[Shot]) -> list:
    """The frames and the report of each shot; shows a bar."""
    with tqdm(total=count_steps(shots), unit="step", disable=None) as bar:
        return list(studio.render(shots, tick=bar.update))


def _add(group: argparse._ArgumentGroup, field: Field, many: bool = False) -> None:
    """An option of the field's name."""
    name, words = f"--{field.name.replace('_', '-')}", _help(field) + "; again for more" * many
    options = {"default": argparse.SUPPRESS, "help": words}
    if field.kind is bool:
        group.add_argument(name, action=argparse.BooleanOptionalAction, **options)
        return
    if field.choices:
        options["choices"] = field.choices
    kind = field.kind if field.kind is str else _number(field.kind)
    group.add_argument(name, type=kind, **options, **({"action": "append"} if many else {}))


def _number(kind: type[int] | type[float]) -> Callable[[str], int | float]:
    """What reads a number, also in the wide signs of some keyboards, and with what pages put around it."""

    @functools.wraps(kind, updated=())  # argparse names what it expected
    def read(text: str) -> int | float:
        return kind(unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").strip(BLANKS))

    return read


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:6]) <= 1000:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from 1 to 1000")
    return int(text)


def _help(field: Field) -> str:
    limits = f", {field.limits}" if field.limits else ""
    lines = "; a newline or ; parts them" if field.name in ("tracks", "regions") else ""
    return f"{field.help}{limits}{lines}".replace("%", "%%")
