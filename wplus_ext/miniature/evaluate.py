"""Does the edit edit? Measured on the miniature, over seeds and prompts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..curve import evaluate as curve
from ..studio.pipeline import Studio
from ..studio.workers.jobs import Here, Workers
from . import world
from .figure import Figure, correlation, jitter, means, rank_correlation, spread
from .measure import Ruler
from .trial import SMILE, Trial

PROMPTS = (
    "a face with black hair and tan skin on a grey background",
    "a face with blond hair and light skin on a blue background",
    "a face with brown hair and tan skin on a pink background",
)
PEOPLE = ("ada", "eva", "kai")
CURVES = {"-0.7 > 0 > 0.7": 0.95, "0 > 0.7 > 0": 0.85}  # and the correlation that is aimed at
BREAKS = (0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
RANGE = 4.0  # alpha of the factors that are common in training: -1 to 1


def evaluate(studio: Studio, quick: bool = False, workers: Workers | None = None) -> dict[str, object]:
    """All figures, as `Figure.to_dict` gives them, the curves behind them, and how they were measured.

    Args:
        studio: of the miniature.
        quick: fewer videos and values; its figures are rougher.
        workers: who renders with such a studio; this process where none are given.
    """
    ruler = Ruler(studio.folder)
    seeds, prompts = (range(100, 103), PROMPTS[:1]) if quick else (range(100, 108), PROMPTS)
    videos, schedules = list(itertools.product(prompts, seeds)), list(CURVES)[: 1 if quick else None]
    who = workers or Here(studio)
    with tqdm(desc="evaluate", unit="batch", disable=None) as bar:
        few = Trial(studio, ruler, videos, 4, bar, who)
        many = Trial(studio, ruler, videos, 16, bar, who)
        one = Trial(studio, ruler, videos[:: 1 if quick else 3], 2, bar, who)
        lambdas = np.linspace(-0.5, 0.5, 5 if quick else 11).round(3).tolist()
        figures, curves = reader_figures(studio, ruler, 128 if quick else 1024), {}
        for name in ("smile", "age"):
            found, curves[name] = lambda_figures(few, name, lambdas)
            figures += found
        found, curves["identity"] = identity_figures(few, 5 if quick else 9)
        figures += found
        found, curves["dynamic"] = dynamic_figures(many, schedules)
        figures += found + jitter_figures(many, schedules, 32 if quick else 256) + strangeness_figures(few)
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
    error = (ruler.factors(_shown(studio, factors, pose)) - factors).abs()
    return [Figure(f"reader's mean error, {name}", *spread(error[:, i])) for i, name in enumerate(world.FACTORS)]


def lambda_figures(trial: Trial, name: str, lambdas: Sequence[float]) -> tuple[list[Figure], dict]:
    """No identity: does the attribute follow lambda, how far does it go, what else changes?"""
    measured = torch.stack([trial.factors(tracks=f"{name} = {value:g}").mean(1) for value in lambdas])  # (L, V, K)
    index, middle = world.FACTORS.index(name), lambdas.index(0.0)
    wanted = measured[..., index]
    ranks = [rank_correlation(torch.tensor(lambdas), video) for video in wanted.T]
    change = measured - measured[middle]
    others = _others(index)
    leak = change[[0, -1]][..., others].abs().mean() / change[[0, -1]][..., index].abs().mean()
    drift = change[[0, -1]].mean(1)  # (2, K): what all videos have in common
    common = drift[:, others].abs().mean() / drift[:, index].abs().mean()
    figures = [
        Figure(f"{name}: rank correlation with lambda", *spread(ranks), at_least=0.98),
        Figure(f"{name}: change at lambda -0.5", *spread(change[0, :, index]), at_most=-0.4),
        Figure(f"{name}: change at lambda +0.5", *spread(change[-1, :, index]), at_least=0.4),
        Figure(f"{name}: others' change per unit of it, each video by itself", float(leak), at_most=0.1),
        Figure(f"{name}: the same, of the mean over videos", float(common)),
    ]
    return figures, {"lambda": list(lambdas), "measured": wanted.mean(1).tolist()}


def identity_figures(trial: Trial, count: int) -> tuple[list[Figure], dict]:
    """With an identity: does the smile follow alpha, and is the person who they should be?"""
    alphas = np.linspace(-RANGE, RANGE, count).tolist()
    space, others = world.LatentSpace.make(), _others(SMILE)
    curves, ranks, slopes, errors = [], [], [], []
    for person in PEOPLE:
        edits = [{"identity": person, "tracks": f"smile = {alpha:g}", "start": 0.0} for alpha in alphas]
        measured = torch.stack([trial.factors(**edit).mean(1) for edit in edits])
        true = space.factors(trial.studio.library.latent(person)[None])[0]
        errors.append((measured[count // 2] - true)[:, others].abs())
        smiles = measured[..., SMILE]
        ranks += [rank_correlation(torch.tensor(alphas), video) for video in smiles.T]
        slopes += [float(np.polyfit(alphas, video.numpy(), 1)[0]) / world.PER_ALPHA for video in smiles.T]
        curves.append(smiles.mean(1))
    error = torch.cat(errors)
    figures = [
        Figure("identity: smile's rank correlation with alpha", *spread(ranks), at_least=0.99),
        Figure("identity: slope of smile, as part of the true one", *spread(slopes), at_least=0.8),
        Figure("identity: error of the other factors at alpha 0", *spread(error), at_most=0.15),
    ]
    figures += [Figure(f"identity: error of {world.FACTORS[k]}", *spread(error[:, i])) for i, k in enumerate(others)]
    return figures, {"alpha": alphas, "measured": torch.stack(curves).mean(0).tolist()}


def dynamic_figures(trial: Trial, schedules: Sequence[str]) -> tuple[list[Figure], dict]:
    """Does the smile follow a curve from frame to frame, and does all else stay as calm as it was?

    Of the prompts the worst is shown too: a mean over videos can be good where one kind of face does not follow.
    """
    before, others, figures, curves = trial.factors(), _others(SMILE), [], {}
    for text in schedules:
        after = trial.factors(tracks=f"smile = {text}")
        smiles, asked = after[..., SMILE], torch.tensor(curve(text, trial.shot.frames))
        follows = [correlation(asked, video) for video in smiles]
        prompts = means(follows, trial.prompts)
        calm = [x[..., others].diff(dim=1).abs().mean() for x in (after, before)]
        figures += [
            Figure(f"curve {text}: correlation with smile, frame by frame", *spread(follows), at_least=CURVES[text]),
            Figure(f"curve {text}: correlation with smile, worst prompt", min(prompts.values()), at_least=0.7),
            Figure(f"curve {text}: unrest of the other factors", float(calm[0] / calm[1]), at_most=1.2),
        ]
        curves[text] = {"asked": asked.tolist(), "measured": smiles.mean(0).tolist(), "prompts": prompts}
    return figures, curves


def jitter_figures(trial: Trial, schedules: Sequence[str], count: int) -> list[Figure]:
    """Does the smile shake from frame to frame more than in ``count`` drawn clips?

    The clips are shown through the autoencoder and read as the videos are, so that both have its noise and the
    reader's. Their smiles drift, so that the drawn jitter is not zero either.
    """
    frames = trial.shot.frames
    factors, pose = world.clips(count, frames, torch.Generator().manual_seed(987_655))
    shown = _shown(trial.studio, factors.flatten(0, 1), pose.flatten(0, 1))
    drawn = jitter(trial.ruler.factors(shown)[:, SMILE].unflatten(0, (count, frames)))
    figures = [
        Figure("drawn clips: jitter of smile", *spread(drawn)),
        Figure("unedited: jitter of smile, drawn clips = 1", *spread(jitter(trial.smile()) / drawn.mean())),
    ]
    for text in schedules:
        found = jitter(trial.smile(tracks=f"smile = {text}")) / drawn.mean()
        figures.append(Figure(f"curve {text}: jitter of smile, drawn clips = 1", *spread(found), at_most=1.3))
    return figures


def strangeness_figures(trial: Trial) -> list[Figure]:
    """Are the pictures still drawn faces where the edit is strong?"""
    plain, figures = trial.strangeness().mean(), []
    for value in (-0.7, 0.7):
        found = trial.strangeness(tracks=f"smile = {value}").mean(1) / plain
        name = f"smile: strangeness of the pictures at lambda {value:+g}, unedited = 1"
        figures.append(Figure(name, *spread(found), at_most=1.25))
    return figures


def start_figures(trial: Trial, starts: Sequence[float]) -> list[Figure]:
    """What the start costs in effect, and saves in leak and picture."""
    figures = []
    for start in starts:
        low, high = (trial.factors(tracks=f"smile = {value}", start=start).mean(1) for value in (-0.4, 0.4))
        base = trial.factors().mean(1)
        effect = (high - low)[:, SMILE] / 2
        leak = torch.stack([low - base, high - base])[..., _others(SMILE)].abs().mean() / effect.mean()
        strange = trial.strangeness(tracks="smile = 0.4", start=start).mean() / trial.strangeness().mean()
        figures += [
            Figure(f"start {start:g}: smile gained by lambda 0.4", *spread(effect)),
            Figure(f"start {start:g}: others' change per unit", float(leak)),
            Figure(f"start {start:g}: strangeness of the pictures, unedited = 1", float(strange)),
        ]
    return figures


def mode_figures(trial: Trial) -> list[Figure]:
    """Residual against direct: how often does lambda +-0.5 move the smile the right way by 0.1 at least?"""
    base, figures = trial.smile().mean(1), []
    for mode in ("residual", "direct"):
        moved = [sign * (trial.smile(tracks=f"smile = {sign * 0.5}", mode=mode).mean(1) - base) for sign in (-1, 1)]
        share = torch.cat(moved)
        figures.append(
            Figure(f"{mode}: share of clear effects in the right direction", float((share > 0.1).float().mean()))
        )
        figures.append(Figure(f"{mode}: change of smile in the right direction", *spread(share)))
    return figures


def known_range(trial: Trial, name: str) -> list[float]:
    """The lambdas between which most pictures are still drawn faces: less strange than the strangest
    twentieth of the unedited ones, by half."""
    limit = 1.5 * float(trial.strangeness().flatten().quantile(0.95))
    ends = []
    for sign in (-1, 1):
        good = 0.0
        for size in BREAKS:
            strange = trial.strangeness(tracks=f"{name} = {sign * size:g}")
            if float((strange > limit).float().mean()) > 0.5:
                break
            good = sign * size
        ends.append(good)
    return ends


def _others(index: int) -> list[int]:
    """All factors but one."""
    return [i for i in range(len(world.FACTORS)) if i != index]


def _shown(studio: Studio, factors: Tensor, pose: Tensor) -> np.ndarray:
    """Drawings (B, 64, 64, 3) uint8 of (B, K) factors and (B, 4) poses, as the autoencoder shows them."""
    vae, pictures = studio.pipe.vae, []
    for drawn in zip(factors.split(64), pose.split(64)):
        with torch.no_grad():
            shown = vae(world.draw(*drawn).to(vae.device, vae.dtype)).sample.float().cpu()
        pictures.append(((shown + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(pictures)
