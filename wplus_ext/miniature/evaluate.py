"""Does the edit edit? Measured on the miniature, over seeds and prompts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..curve import evaluate as curve
from ..library.resolve import resolve
from ..settings import Settings
from ..studio.pipeline import Draft, Studio
from ..studio.shot import Shot
from . import world
from .figure import Figure, correlation, rank_correlation, spread
from .measure import Ruler

PROMPTS = (
    "a face with black hair and tan skin on a grey background",
    "a face with blond hair and light skin on a blue background",
    "a face with brown hair and tan skin on a pink background",
)
PEOPLE = ("ada", "eva", "kai")
CURVES = ("-0.7 > 0 > 0.7", "0 > 0.7 > 0")
BREAKS = (0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
RANGE = 4.0  # alpha of the factors that are common in training: -1 to 1


class Trial:
    """The same videos again and again, each time with another edit.

    All videos are one batch; the steps before the edit's start are taken once.
    """

    def __init__(self, studio: Studio, ruler: Ruler, videos: Sequence[tuple[str, int]], frames: int, bar: tqdm) -> None:
        self.studio, self.ruler, self.bar = studio, ruler, bar
        self.prompts, self.seeds = zip(*videos)
        self.shot = replace(Shot.from_dict(studio.defaults()), frames=frames)
        self._drafts: dict[float, Draft] = {}
        self._pictures: dict[Settings, np.ndarray] = {}

    def pictures(self, **edit: object) -> np.ndarray:
        """The videos (V, F, 64, 64, 3) uint8 with an edit."""
        settings = Settings.from_dict({"enabled": True, **edit})
        if settings not in self._pictures:
            studio, shot = self.studio, self.shot
            plan = resolve(settings, studio.library).plan(shot.frames)
            adapter = None if plan.is_empty else studio.library.adapter()
            first = replace(shot, edit=settings).first_edited
            if first not in self._drafts:
                self._drafts[first] = studio.advance(studio.begin(shot, self.prompts, self.seeds), first)
            self._pictures[settings] = studio.finish(studio.advance(self._drafts[first], None, adapter, plan))
            self.bar.update()
        return self._pictures[settings]

    def factors(self, **edit: object) -> Tensor:
        """The measured factors (V, F, 7) with an edit."""
        return self.ruler.factors(self.pictures(**edit))


def evaluate(studio: Studio, quick: bool = False) -> dict[str, object]:
    """All figures, as `Figure.to_dict` gives them, the curves behind them, and how they were measured.

    Args:
        studio: of the miniature.
        quick: fewer videos and values; its figures are rougher.
    """
    ruler = Ruler(studio.folder)
    seeds, prompts = (range(100, 103), PROMPTS[:1]) if quick else (range(100, 108), PROMPTS)
    videos = list(itertools.product(prompts, seeds))
    with tqdm(desc="evaluate", unit="batch", disable=None) as bar:
        few = Trial(studio, ruler, videos, 4, bar)
        many = Trial(studio, ruler, videos, 16, bar)
        one = Trial(studio, ruler, videos[:: 1 if quick else 3], 2, bar)
        lambdas = np.linspace(-0.5, 0.5, 5 if quick else 11).round(3).tolist()
        figures, curves = reader_figures(studio, ruler, 128 if quick else 1024), {}
        for name, target in (("smile", 0.98), ("age", 0.95)):
            found, curves[name] = lambda_figures(few, name, lambdas, target)
            figures += found
        found, curves["identity"] = identity_figures(few, 5 if quick else 9)
        figures += found + dynamic_figures(many, CURVES[:1] if quick else CURVES)
        figures += start_figures(few, (0.0, 0.2) if quick else (0.0, 0.2, 0.4)) + mode_figures(few)
        ranges = {}
        if not quick:
            ranges = {name: known_range(one, name) for name in world.FACTORS}
    return {
        "videos": len(videos),
        "seeds": len(seeds),
        "prompts": len(prompts),
        "steps": few.shot.steps,
        "guidance": few.shot.guidance,
        "figures": [figure.to_dict() for figure in figures],
        "curves": curves,
        "ranges": ranges,
        "table": [figure.line() for figure in figures],
    }


def reader_figures(studio: Studio, ruler: Ruler, count: int) -> list[Figure]:
    """The reader's own error, on drawings that it has never seen, as the autoencoder shows them."""
    factors, pose = world.faces(count, torch.Generator().manual_seed(987_654))
    vae, pictures = studio.pipe.vae, []
    for part in world.draw(factors, pose).split(64):
        with torch.no_grad():
            shown = vae(part.to(vae.device, vae.dtype)).sample.float().cpu()
        pictures.append(((shown + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy())
    error = (ruler.factors(np.concatenate(pictures)) - factors).abs()
    return [Figure(f"reader's mean error, {name}", *spread(error[:, i])) for i, name in enumerate(world.FACTORS)]


def lambda_figures(trial: Trial, name: str, lambdas: Sequence[float], target: float) -> tuple[list[Figure], dict]:
    """No identity: does the attribute follow lambda, how far does it go, what else changes?"""
    measured = torch.stack([trial.factors(tracks=f"{name} = {value:g}").mean(1) for value in lambdas])  # (L, V, 7)
    index, middle = world.FACTORS.index(name), lambdas.index(0.0)
    wanted = measured[..., index]
    ranks = [rank_correlation(torch.tensor(lambdas), video) for video in wanted.T]
    change = measured - measured[middle]
    others = [i for i in range(len(world.FACTORS)) if i != index]
    leak = change[[0, -1]][..., others].abs().mean() / change[[0, -1]][..., index].abs().mean()
    drift = change[[0, -1]].mean(1)  # (2, 7): what all videos have in common
    common = drift[:, others].abs().mean() / drift[:, index].abs().mean()
    figures = [
        Figure(f"{name}: rank correlation with lambda", *spread(ranks), at_least=target),
        Figure(f"{name}: change at lambda -0.5", *spread(change[0, :, index]), at_most=-0.3),
        Figure(f"{name}: change at lambda +0.5", *spread(change[-1, :, index]), at_least=0.3),
        Figure(f"{name}: others' change per unit of it, each video by itself", float(leak), at_most=0.15),
        Figure(f"{name}: the same, of the mean over videos", float(common)),
    ]
    return figures, {"lambda": list(lambdas), "measured": wanted.mean(1).tolist()}


def identity_figures(trial: Trial, count: int) -> tuple[list[Figure], dict]:
    """With an identity: does the smile follow alpha, and is the person who they should be?"""
    alphas = np.linspace(-RANGE, RANGE, count).tolist()
    space, curves, ranks, slopes, errors = world.LatentSpace.make(), [], [], [], []
    for person in PEOPLE:
        edits = [{"identity": person, "tracks": f"smile = {alpha:g}", "start": 0.0} for alpha in alphas]
        measured = torch.stack([trial.factors(**edit).mean(1) for edit in edits])
        true = space.factors(trial.studio.library.latent(person)[None])[0]
        errors.append((measured[count // 2] - true)[:, 1:].abs())
        smiles = measured[..., 0]
        ranks += [rank_correlation(torch.tensor(alphas), video) for video in smiles.T]
        slopes += [float(np.polyfit(alphas, video.numpy(), 1)[0]) / world.PER_ALPHA for video in smiles.T]
        curves.append(smiles.mean(1))
    error = torch.cat(errors)
    figures = [
        Figure("identity: smile's rank correlation with alpha", *spread(ranks), at_least=0.98),
        Figure("identity: slope of smile, as part of the true one", *spread(slopes), at_least=0.7),
        Figure("identity: error of the other factors at alpha 0", *spread(error), at_most=0.15),
    ]
    figures += [Figure(f"identity: error of {name}", *spread(error[:, i])) for i, name in enumerate(world.FACTORS[1:])]
    return figures, {"alpha": alphas, "measured": torch.stack(curves).mean(0).tolist()}


def dynamic_figures(trial: Trial, schedules: Sequence[str]) -> list[Figure]:
    """Does the smile follow a curve from frame to frame, and does all else stay as calm as it was?"""
    before, figures = trial.factors(), []
    for text in schedules:
        after = trial.factors(tracks=f"smile = {text}")
        asked = torch.tensor(curve(text, trial.shot.frames))
        follows = [correlation(asked, video) for video in after[..., 0]]
        calm = [x[..., 1:].diff(dim=1).abs().mean() for x in (after, before)]
        figures += [
            Figure(f"curve {text}: correlation with smile, frame by frame", *spread(follows), at_least=0.95),
            Figure(f"curve {text}: unrest of the other factors", float(calm[0] / calm[1]), at_most=1.2),
        ]
    return figures


def start_figures(trial: Trial, starts: Sequence[float]) -> list[Figure]:
    """What the start costs in effect, and saves in leak and picture."""
    figures = []
    for start in starts:
        low, high = (trial.factors(tracks=f"smile = {value}", start=start).mean(1) for value in (-0.4, 0.4))
        base = trial.factors().mean(1)
        effect = (high - low)[:, 0] / 2
        leak = torch.stack([low - base, high - base])[..., 1:].abs().mean() / effect.mean()
        strange = trial.ruler.strangeness(trial.pictures(tracks="smile = 0.4", start=start)).mean()
        plain = trial.ruler.strangeness(trial.pictures()).mean()
        figures += [
            Figure(f"start {start:g}: smile gained by lambda 0.4", *spread(effect)),
            Figure(f"start {start:g}: others' change per unit", float(leak)),
            Figure(f"start {start:g}: strangeness of the pictures, unedited = 1", float(strange / plain)),
        ]
    return figures


def mode_figures(trial: Trial) -> list[Figure]:
    """Residual against direct: how often does lambda +-0.5 move the smile the right way by 0.1 at least?"""
    base, figures = trial.factors()[..., 0].mean(1), []
    for mode in ("residual", "direct"):
        moved = [
            sign * (trial.factors(tracks=f"smile = {sign * 0.5}", mode=mode)[..., 0].mean(1) - base) for sign in (-1, 1)
        ]
        share = torch.cat(moved)
        figures.append(
            Figure(f"{mode}: share of clear effects in the right direction", float((share > 0.1).float().mean()))
        )
        figures.append(Figure(f"{mode}: change of smile in the right direction", *spread(share)))
    return figures


def known_range(trial: Trial, name: str) -> list[float]:
    """The lambdas between which most pictures are still drawn faces: less strange than the strangest
    twentieth of the unedited ones, by half."""
    limit = 1.5 * float(trial.ruler.strangeness(trial.pictures()).flatten().quantile(0.95))
    ends = []
    for sign in (-1, 1):
        good = 0.0
        for size in BREAKS:
            strange = trial.ruler.strangeness(trial.pictures(tracks=f"{name} = {sign * size:g}"))
            if float((strange > limit).float().mean()) > 0.5:
                break
            good = sign * size
        ends.append(good)
    return ends
