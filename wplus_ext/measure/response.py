"""What tracks do to attributes, learnt from a few renders of one video, and the tracks that do what is asked.

All numbers are in units: a track's of its range, an attribute's of what counts 1. A response is piecewise straight: in
each frame, each track moves each attribute by so much a unit upwards, and by so much downwards, where a frame also
feels the tracks of its neighbours, since motion modules let frames see each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

PULLS = (0.0, 0.75, 1.5, 3.0)  # frames, a deviation: how far a frame may feel its neighbours' tracks
BETTER = 0.95  # of the error that is left: what a farther pull has to gain
ALIKE = 1.5  # frames, a deviation: so far neighbours are moved alike
NEAR, FAR = 0.4, 0.1  # a try counts e^-0.5 where its tracks are so far from the nearest, and never less than this
COMMON = 0.05  # how much a frame is taken to be like all others: counts where it was hardly moved
EXPECTED = 0.01  # the same for what is expected before anything is seen: a unit of a track gives a unit of its goal
ROUGH = 0.002  # how much smooth tracks are preferred
LIKE = 0.15  # of a track's range, a deviation: so near, frames answer alike
NOISE = 0.02  # of what is measured, by its variance about the slopes: how little a single try is believed
PASSES = 20  # of the solver


class Try(NamedTuple):
    """Tracks (G, F), and what was measured with them (G, F); NaN where no face was seen."""

    tracks: np.ndarray
    measured: np.ndarray


@dataclass(frozen=True, eq=False)
class Response:
    """How a video answers to tracks that are near some that were tried, ``near`` (G, F).

    ``slopes`` (2, F, G, G): by way, up or down, frame, goal and track, the change of the goal for a unit of the track.
    ``base`` (G, F) is what there is without tracks, ``pull`` how far a frame feels its neighbours. What was measured
    beyond that is told by ``weights`` (T, G, F) of what each frame felt in the tries, ``felt`` (T, G, F): it counts
    where a frame feels the like again (a Gaussian process's mean), so that a response may also have steps.
    """

    near: np.ndarray
    base: np.ndarray = field(repr=False)
    slopes: np.ndarray = field(repr=False)
    pull: float
    felt: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)

    @classmethod
    def learn(cls, tries: Sequence[Try], asked: np.ndarray, best: Try | None = None) -> Response:
        """From tries, the first of which has no tracks: all zero; near the ``best`` one, or in each frame near the one
        that came nearest there to ``asked`` (G, F)."""
        tracks, measured = (np.stack(parts) for parts in zip(*tries))  # (T, G, F)
        off = np.nan_to_num(np.abs(measured - asked), nan=np.inf).sum(1)
        near = best.tracks if best else np.take_along_axis(tracks, off.argmin(0)[None, None], 0)[0]
        base, chosen, least = filled(measured[0]), None, np.inf
        for pull in PULLS:
            felt = tracks @ _blur(tracks.shape[2], pull).T
            slopes, error = _slopes(felt, tracks - near, measured, base)
            if error < BETTER * least:
                chosen, least = cls(near, base, slopes, pull, felt, np.zeros_like(felt)), error
        rest = measured - np.stack([chosen.expected(each) for each in tracks])
        return replace(chosen, weights=_weights(chosen.felt, rest))

    def expected(self, tracks: np.ndarray) -> np.ndarray:
        """What will be measured with tracks (G, F), by what was learnt: (G, F)."""
        felt = tracks @ _blur(tracks.shape[1], self.pull).T
        like = _alike(self.felt, felt)  # (T, F)
        return self.base + np.einsum("wfgt,wtf->gf", self.slopes, _ways(felt)) + (self.weights * like[:, None]).sum(0)

    def solve(self, asked: np.ndarray, low: np.ndarray, high: np.ndarray, damping: float) -> np.ndarray:
        """The tracks (G, F), within bounds by track, (G,) each, that bring what is expected nearest to ``asked``
        (G, F): least squares, drawn by ``damping`` towards the nearest so far. Frames of NaN are left to their
        neighbours.
        """
        goals, frames = asked.shape
        blur, seen = _blur(frames, self.pull), np.isfinite(asked)
        bend = np.diff(np.eye(frames), 2, axis=0) if frames > 2 else np.zeros((1, frames))
        rough = np.kron(np.eye(goals), ROUGH * bend.T @ bend)
        bounds, start = (np.repeat(low, frames), np.repeat(high, frames)), self.near.ravel()

        def wrong(x: np.ndarray) -> np.ndarray:
            return np.where(seen, asked - self.expected(x.reshape(goals, frames)), 0).ravel()

        def cost(x: np.ndarray) -> float:
            return float(np.square(wrong(x)).sum() + x @ rough @ x + damping * np.square(x - start).sum())

        x, careful = start, 1e-3
        for _ in range(PASSES):
            slopes = self._slopes_at(x.reshape(goals, frames) @ blur.T)
            moved = np.einsum("gf,fgt,fk->gftk", seen, slopes, blur).reshape(goals * frames, -1)
            left = moved.T @ moved + rough + (damping + careful) * np.eye(len(x))
            found = _bounded(left, moved.T @ (wrong(x) + moved @ x) + damping * start + careful * x, *bounds)
            is_better = cost(found) < cost(x)
            step, careful = np.abs(found - x).max(), careful * (0.3 if is_better else 5)
            x = found if is_better else x
            if step < 1e-3:
                break
        return x.reshape(goals, frames)

    def _slopes_at(self, felt: np.ndarray) -> np.ndarray:
        """How much each goal moves for a unit of each track where frames feel this, (F, G, G)."""
        slopes = np.where((felt < 0).T[:, None], self.slopes[1], self.slopes[0])
        away, like = felt - self.felt, _alike(self.felt, felt)
        return slopes - np.einsum("ngf,nf,ntf->fgt", self.weights, like, away) / LIKE**2


def filled(values: np.ndarray) -> np.ndarray:
    """Curves (G, F) without their gaps: straight across them, and zero where there is nothing else."""
    made = np.zeros_like(values)
    for curve, out in zip(values, made):
        at = np.flatnonzero(np.isfinite(curve))
        if len(at):
            out[:] = np.interp(np.arange(len(curve)), at, curve[at])
    return made


def _slopes(felt: np.ndarray, away: np.ndarray, measured: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, float]:
    """Slopes (2, F, G, G) by tries (T, G, F) that are so far ``away``, and the error that these leave.

    A regression for each frame, in which its neighbours count, and tries the more the nearer they are; drawn towards
    that of all frames together, as this is towards what is expected (ridge regression).
    """
    goals, frames = base.shape
    ways = np.stack([_ways(each).reshape(2 * goals, frames) for each in felt])
    weight = np.maximum(np.exp(-0.5 * np.square(away).sum(1, keepdims=True) / NEAR**2), FAR) * np.isfinite(measured)
    change = np.where(weight > 0, measured - base, 0)
    squares = np.einsum("ngf,nsf,ntf->fgst", weight, ways, ways)
    products = np.einsum("ngf,ngf,ntf->fgt", weight, change, ways)
    common = _ridge(squares.sum(0), products.sum(0), EXPECTED, np.concatenate([np.eye(goals)] * 2, 1))
    near = _blur(frames, ALIKE)
    found = _ridge(np.einsum("fk,kgst->fgst", near, squares), np.einsum("fk,kgt->fgt", near, products), COMMON, common)
    error = (weight * np.square(change - np.einsum("fgt,ntf->ngf", found, ways))).sum()
    return found.reshape(frames, goals, 2, goals).transpose(2, 0, 1, 3), float(error)


def _alike(tries: np.ndarray, felt: np.ndarray) -> np.ndarray:
    """How much what frames feel (G, F) is like what they felt in tries (T, G, F): 0 to 1, (T, F)."""
    return np.exp(-0.5 * np.square(tries - felt).sum(1) / LIKE**2)


def _weights(felt: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """What makes the weighted likeness to tries (T, G, F) their ``rest``; NaN counts for nothing."""
    like = np.stack([_alike(felt, each) for each in felt]).transpose(2, 0, 1)  # (F, T, T)
    seen = np.isfinite(rest).transpose(2, 1, 0)  # (F, G, T)
    noise = np.where(seen, NOISE, 1e6)[..., None] * np.eye(len(felt))
    right = np.where(seen, rest.transpose(2, 1, 0), 0)[..., None]
    return np.linalg.solve(like[:, None] + noise, right)[..., 0].transpose(2, 1, 0)


def _ridge(squares: np.ndarray, products: np.ndarray, strength: float, towards: np.ndarray) -> np.ndarray:
    """The weights (..., N) of regressions with these squares (..., N, N) and products (..., N)."""
    left = squares + strength * np.eye(squares.shape[-1])
    return np.linalg.solve(left, (products + strength * towards)[..., None])[..., 0]


def _ways(tracks: np.ndarray) -> np.ndarray:
    """Tracks (G, F) where they are up, and where they are down: (2, G, F)."""
    return np.stack([np.maximum(tracks, 0), np.minimum(tracks, 0)])


def _blur(frames: int, width: float) -> np.ndarray:
    """How much each frame feels of each, (F, F): a Gaussian of this deviation, whose rows have the sum 1."""
    if not width > 0:
        return np.eye(frames)
    at = np.arange(frames)
    weights = np.exp(-0.5 * np.square((at[:, None] - at) / width))
    return weights / weights.sum(1, keepdims=True)


def _bounded(left: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The least of ``x left x / 2 - right x`` within bounds: what goes beyond is set there, and the rest found anew."""
    x, free = np.zeros_like(right), np.ones(len(right), bool)
    while free.any():
        x[free] = np.linalg.solve(left[np.ix_(free, free)], right[free] - left[np.ix_(free, ~free)] @ x[~free])
        beyond = free & ((x < low) | (x > high))
        if not beyond.any():
            break
        x, free = np.clip(x, low, high), free & ~beyond
    return x
