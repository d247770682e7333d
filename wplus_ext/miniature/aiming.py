"""Does aiming reach what is asked? Measured on the miniature, over seeds and prompts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..curve import evaluate as curve
from ..measure import fit
from ..measure.aim import Aim, Goal
from ..studio.pipeline import Studio
from ..studio.workers.jobs import Here, Workers
from ..tracks import Schedule, Track, format
from . import world
from .evaluate import PROMPTS
from .figure import Figure, correlation, spread
from .measure import Ruler
from .trial import SMILE, Trial, prepare

FRAMES = 16
HOLDS = 1.25  # lambda: as far as its pictures hold, by `evaluate`
TARGETS = {"-0.7 > 0 > 0.7": 0.97, "0 > 0.7 > 0": 0.93}  # and the correlation that is aimed at
AGE = world.FACTORS.index("age")


class Aimed:
    """A video whose smile is aimed at, with what came of it."""

    def __init__(self, trial: Trial, asked: np.ndarray, hold: bool = False) -> None:
        self.trial, self.asked = trial, torch.from_numpy(asked)
        bounds = {"low": -HOLDS, "high": HOLDS}
        goals = [Goal("smile", "smile", asked, **bounds), *([Goal("age", "age", **bounds)] * hold)]
        self.search = Aim(goals, FRAMES)

    def tell(self, tracks: Mapping[str, Schedule]) -> None:
        """Go on, with what these tracks give."""
        places = [SMILE, AGE][: len(self.search.goals)]
        self.search.tell(self._factors(tracks)[:, places].T.double().numpy())

    @property
    def before(self) -> Tensor:
        """The factors (F, K) as they are."""
        return self._factors({})

    @property
    def after(self) -> Tensor:
        """The factors (F, K) in the best round."""
        return self._factors(self.search.best.tracks)

    @property
    def follows(self) -> float:
        """The correlation of asked and measured."""
        return correlation(self.asked, self.after[:, SMILE])

    @property
    def error(self) -> float:
        """The mean difference of asked and measured."""
        return float((self.asked - self.after[:, SMILE]).abs().mean())

    @property
    def aged(self) -> float:
        """The mean change of the age."""
        return float((self.after - self.before)[:, AGE].abs().mean())

    def _factors(self, tracks: Mapping[str, Schedule]) -> Tensor:
        return self.trial.factors(tracks=_text(tracks))[0]


def reached(trials: Sequence[Trial], asked: Sequence[np.ndarray], hold: bool = False) -> list[Aimed]:
    """Each trial's video, aimed at a curve of its own; a round of all is rendered at once."""
    aimed = [Aimed(trial, curve, hold) for trial, curve in zip(trials, asked)]
    while asking := [(each, tracks) for each in aimed if (tracks := each.search.ask()) is not None]:
        prepare([(each.trial, {"tracks": _text(tracks)}) for each, tracks in asking])
        for each, tracks in asking:
            each.tell(tracks)
    return aimed


def _text(tracks: Mapping[str, Schedule]) -> str:
    return format([Track(name, schedule) for name, schedule in tracks.items()])


def evaluate_aim(studio: Studio, quick: bool = False, workers: Workers | None = None) -> list[Figure]:
    """The figures of two curves; of the first of them with the age held; and of one that is taken from a video, for
    another one. ``quick``: fewer videos; ``workers``: as of `evaluate`."""
    videos = list(itertools.product(PROMPTS[: 1 if quick else None], range(100, 102 if quick else 104)))
    with tqdm(desc="aim", unit="render", disable=None) as bar:
        who = workers or Here(studio)
        trials = [Trial(studio, Ruler(studio.folder), [video], FRAMES, bar, who) for video in videos]
        curves = {text: [np.array(curve(text, FRAMES))] * len(trials) for text in TARGETS}
        found = {text: reached(trials, asked) for text, asked in curves.items()}
        plain, *_ = found.values()
        held = reached(trials, [each.asked.numpy() for each in plain], hold=True)
        figures = [figure for text, aimed in found.items() for figure in _curve_figures(text, aimed)]
        return [*figures, *_held_figures(plain, held), _follow_figure(plain)]


def _curve_figures(text: str, aimed: Sequence[Aimed]) -> list[Figure]:
    plain = [correlation(each.asked, each.trial.smile(tracks=f"smile = {text}")[0]) for each in aimed]
    follows, errors = [each.follows for each in aimed], [each.error for each in aimed]
    return [
        Figure(f"aim {text}: correlation with smile, frame by frame", *spread(follows), at_least=TARGETS[text]),
        Figure(f"aim {text}: the same where the curve is lambda", *spread(plain)),
        Figure(f"aim {text}: mean error", *spread(errors), at_most=0.08),
        Figure(f"aim {text}: renders, the most", max(len(each.search.rounds) for each in aimed), at_most=8),
    ]


def _held_figures(plain: Sequence[Aimed], held: Sequence[Aimed]) -> list[Figure]:
    share = np.mean([each.aged for each in held]) / np.mean([each.aged for each in plain])
    return [
        Figure("aim, age held: correlation with smile", *spread([each.follows for each in held])),
        Figure("aim, age held: change of age, without = 1", float(share), at_most=1 / 3),
    ]


def _follow_figure(plain: Sequence[Aimed]) -> Figure:
    """Each video's smile as a curve, as `follow` takes it, aimed at in the next one."""
    taken = [fit.calmed(each.after[:, SMILE].double().numpy(), 1.0) for each in plain]
    asked = [np.array(curve(fit.schedule(shown, 0.05), FRAMES)) for shown in (*taken[1:], taken[0])]
    again = reached([each.trial for each in plain], asked)
    follows = [correlation(a.after[:, SMILE], b.after[:, SMILE]) for a, b in zip(again, (*plain[1:], plain[0]))]
    return Figure("follow: correlation of a video and the one it is taken from", *spread(follows), at_least=0.9)
