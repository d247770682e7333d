"""Measure how much of which attribute directions give on a model, and from where faces break."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from .. import tracks
from ..curve import evaluate
from ..library import calibration
from ..library.calibration import NUMBERS, Calibration
from ..library.index import Entry
from ..measure.calibrate import calibrate
from ..measure.follow import Faces, measure
from ..measure.goals import moved_by
from ..measure.moves import moved
from ..measure.reader import Reads
from ..settings import Settings
from ..studio.pipeline import Studio, count_steps
from ..studio.shot import Shot
from ..studio.workers.jobs import Video, Workers
from ..tracks import Track, parse_schedule
from . import common
from .faces import add_by, reader_for

SEEDS = 4  # where none are named
VALUES = {False: "-1 > -0.75 > -0.5 > -0.25 > 0.25 > 0.5 > 0.75 > 1", True: "-8 > -6 > -4 > -2 > 2 > 4 > 6 > 8"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calibrate``."""
    parser.add_argument("directions", nargs="*", metavar="DIRECTION", help="of the library; default: all")
    what = parser.add_argument_group("calibrate")
    what.add_argument(
        "--values", metavar='"NUMBER > NUMBER"',
        help=f"of the direction, that are tried; default: {VALUES[False]}; with an identity eight times as much",
    )  # fmt: skip
    add_by(what)
    common.add_shot(parser, many=("prompt", "seed"), without=("tracks", "strength", "mode", "regions"))
    common.add_workers(parser)


def run(options: argparse.Namespace) -> None:
    """Render, measure, and write what was found beside each direction as soon as it is done."""
    studio = common.studio(options)
    shots, by, reader = _shots(options, studio), {}, reader_for(studio)
    is_alpha = shots[0].edit.identity is not None
    numbers = _numbers(options.values or VALUES[is_alpha])
    for attribute, direction in moved_by(options.by, "--").items():
        by[studio.library.find("directions", direction).name] = attribute
    names = options.directions or studio.library.names("directions")
    entries = [studio.library.find("directions", name) for name in names]
    if not entries:
        studio.library.find("directions")  # which says what to do
    for entry in entries:
        calibration.check(entry)
    edit = shots[0].edit
    usual = (edit.start, edit.end, edit.negative) == (Settings.start, Settings.end, Settings.negative)
    how = "" if usual else f" from {edit.start:g} to {edit.end:g}{'' if edit.negative else ', positive rows alone'}"
    how += f", {shots[0].denoise:g} of the steps on {shots[0].video}" if shots[0].video else ""
    about = {"model": f"{studio.name}{how}", "adapter": studio.library.find("adapters", shots[0].edit.adapter).name}
    sets = [[_with(shot, entry, number) for shot in shots for number in numbers] for entry in entries]
    with (
        common.workers(options, studio, common.choice(options)) as workers,
        tqdm(total=sum(map(count_steps, [shots, *sets])), desc="calibrate", unit="step", disable=None) as bar,
    ):
        workers.check([shot for each in sets for shot in each])
        unedited = _measured(workers, shots, reader, bar)
        for entry, edited in zip(entries, sets):
            each = _measured(workers, edited, reader, bar)
            found = calibrate(
                unedited,
                {number: each[i :: len(numbers)] for i, number in enumerate(numbers)},
                reader.units,
                by.get(entry.name) or moved(entry.name),
                **about,
            )
            calibration.write(studio.library, entry, NUMBERS[is_alpha], found)
            bar.clear()
            _tell(entry, found, NUMBERS[is_alpha])


def _shots(options: argparse.Namespace, studio: Studio) -> list[Shot]:
    """The videos as they are: each prompt with each seed."""
    values = common.given(options)
    base = Shot.from_dict(studio.defaults())
    prompts = values.pop("prompt", [base.prompt])
    seeds = values.pop("seed", [base.seed + i for i in range(SEEDS)])
    base = common.begun(options, studio, base, {**values, "tracks": "", "strength": "1"})
    return [common.changed(base, {"prompt": prompt, "seed": seed}) for prompt in prompts for seed in seeds]


def _numbers(text: str) -> list[float]:
    """The numbers to try. Raises ValueError for fewer than two, or such that are no schedule's values."""
    schedule = parse_schedule(text)
    numbers = sorted({value for value in evaluate(schedule, len(schedule.keys)) if value})
    if len(numbers) < 2 or any(key.unit != "spread" for key in schedule.keys) or schedule.loop:
        raise ValueError(f"--values is {text!r}, expected two or more numbers but 0, such as {VALUES[False]!r}")
    return numbers


def _with(shot: Shot, entry: Entry, number: float) -> Shot:
    track = Track(entry.name, parse_schedule(f"{number:.4f}"))
    return common.changed(shot, {"tracks": tracks.format([track])})


def _measured(workers: Workers, shots: Sequence[Shot], reader: Reads, bar: tqdm) -> list[Faces]:
    """The faces of each of some shots. Raises Lost where one could not be rendered."""
    jobs = [Video(shot, shot.edit.tracks or "unedited") for shot in shots]
    found = {i: measure(np.asarray(frames), reader) for i, (frames, _) in workers.render(jobs, bar)}
    return [found[i] for i in range(len(jobs))]


def _tell(entry: Entry, found: Calibration, number: str) -> None:
    """What was found, as a table, and where it is kept."""
    print(f"{entry.name}: 1 of {number} gives {found}; {common.counted(found.videos, 'video')} each")
    for step in found.steps:
        change = "-" if step.change is None else f"{step.change:+.2f}"
        who = "" if step.unlike is None else f", {step.unlike:.2f} from who it was"
        print(f"  {step.number:+.2f}: {change}, {100 * step.seen:.0f} % of the faces seen{who}")
    rest = [f"{name} {slope:+.2f}" for name, slope in found.gives.items() if name != found.attribute]
    if rest:
        print(f"  beside it: {', '.join(rest)}")
    print(f"  {calibration.place_of(entry)}")
