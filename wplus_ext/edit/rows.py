"""What each row of a UNet call gets: which latents it attends to, and how strongly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..regions import Ellipse
from ..weights.adapter import Adapter
from ..weights.shapes import LAYERS, TOKENS, WIDTH, Float, Int
from .places import mask
from .plan import Branch, Plan

WHOLE = (1.0,) * TOKENS
Grid = tuple[int, int]  # height and width of a layer's picture
Enter = Callable[[int], "slice | None"]  # from how many rows a layer is called with to which of all rows they are; None
# where they are not edited


class Part(NamedTuple):
    """Some of the compiled tokens: their number, and how much of each of the four."""

    number: int
    weights: tuple[float, ...] = WHOLE


Term = tuple[Part, ...]  # the tokens of a latent, as the sum of its parts


Places = tuple[tuple[float, Ellipse], ...]  # what is added to a scale within ellipses


class Row(NamedTuple):
    """A row's K terms and their scales, none where it stays as it is; the frame for which the report measures it, None
    for a negative row; and, unless all are empty, what is added to each of the scales at places."""

    terms: tuple[Term, ...]
    scales: tuple[float, ...]
    frame: int | None
    places: tuple[Places, ...] = ()


class Compiled:
    """A plan as tokens, and the terms of each of its frames.

    The tokens of a latent that moves are sums: those of its base, of each direction and of the zero latent serve all
    frames. ``steady`` counts the tokens, the first ones, that serve several frames; the others are one frame's.
    """

    def __init__(self, adapter: Adapter, plan: Plan) -> None:
        self.plan = plan
        self._numbers: dict[bytes, int] = {}
        self._latents: dict[int, Tensor] = {}  # by number: their tokens are made together
        self._tokens: dict[int, Tensor] = {}
        zero = self._whole(torch.zeros(LAYERS, WIDTH))
        wanted = [any(scales) for scales in plan.scales]
        shared = [self._moved(adapter, zero, branch, len(wanted)) for branch in plan.branches]
        self.steady = len(self._numbers)
        terms = [
            [self._whole(branch.latent(frame)) if touched else () for frame, touched in enumerate(wanted)]
            if found is None
            else found
            for branch, found in zip(plan.branches, shared)
        ]
        covers = [_scaled(plan.branches, scales, frame) for frame, scales in enumerate(plan.scales)]
        self._positive = [
            (tuple(term[frame] for term in terms), *zip(*covers[frame])) if wanted[frame] else ((), (), ())
            for frame in range(len(wanted))
        ]
        # All terms of a negative row attend to phi(0): their scales add up.
        self._negative = [self._zeros(zero, covers[frame]) for frame in range(len(wanted))]
        self.is_local = any(any(places) for _, _, places in (*self._positive, *self._negative))
        made = adapter.tokens(torch.stack(list(self._latents.values())))
        tokens = self._tokens | dict(zip(self._latents, made))
        self.tokens: Float[Tensor, "U 4 text"] = torch.stack([tokens[number] for number in range(len(tokens))])

    def row(self, frame: int, negative: bool, seen_as: int = 0) -> Row:
        """The row of one of the plan's frames, which the report is to see as the frame ``seen_as``."""
        terms, scales, places = (self._negative if negative else self._positive)[frame]
        return Row(terms, scales, None if negative else seen_as, places if any(places) else ())

    def _zeros(self, zero: Term, covers: Sequence[tuple[float, Places]]) -> tuple[tuple, tuple, tuple]:
        """The terms, scales and places of a negative row."""
        scale, places = sum(own for own, _ in covers), {}
        for by, ellipse in (each for _, several in covers for each in several):
            places[ellipse] = places.get(ellipse, 0.0) + by
        kept = tuple((by, ellipse) for ellipse, by in places.items() if by)
        return ((zero,), (scale,), (kept,)) if self.plan.negative and (scale or kept) else ((), (), ())

    def _moved(self, adapter: Adapter, zero: Term, branch: Branch, frames: int) -> list[Term] | None:
        """The term of each frame of a latent that all have in common; None for latents by frame."""
        base, curves = branch.base, branch.curves
        if base is None:
            return None
        if not curves:
            return [self._whole(base)] * frames
        latents = torch.stack([_plain(w) for w in (base, *(n for n, _ in curves))])
        amounts = torch.tensor([(1.0,) * frames, *(values for _, values in curves)], dtype=torch.float64).T
        tokens, weights = adapter.moved(latents, amounts)
        numbers = [self._number(each, self._tokens) for each in tokens]
        return [(*zero, *(Part(number, tuple(each)) for number, each in zip(numbers, row))) for row in weights.tolist()]

    def _whole(self, w: Float[Tensor, "18 512"]) -> Term:
        return (Part(self._number(_plain(w), self._latents)),)

    def _number(self, tensor: Tensor, kept: dict[int, Tensor]) -> int:
        """The number of a latent, or of tokens, which is kept with those of its kind if it is new."""
        key = tensor.contiguous().numpy().tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            kept[self._numbers[key]] = tensor
        return self._numbers[key]


def _scaled(branches: Sequence[Branch], scales: Sequence[float], frame: int) -> list[tuple[float, Places]]:
    """For each branch its scale in a frame, and what is added to it at places."""
    found = []
    for branch, scale in zip(branches, scales):
        whole, places = branch.cover(frame)
        found.append((scale * whole, tuple((scale * by, ellipse) for by, ellipse in places if scale)))
    return found


class OnDevice(NamedTuple):
    """A segment's numbers as tensors, for all layers. ``terms`` are places among the segment's numbers, for rows whose
    terms are of one part; of others, ``weights`` are those of each of the numbers, float32 in any case: they are added
    up before anything is rounded."""

    scales: Float[Tensor, "rows K"]
    terms: Int[Tensor, "rows K"] | None
    weights: Float[Tensor, "r K P 4"] | None
    frames: Int[Tensor, " rows"]


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive rows with the same number of terms K: rows ``start`` to ``stop``, their terms, scales and, where
    they are positive rows, the report's frames; what is added to the scales at ``places``, by row and term, unless that
    is nothing. ``numbers`` are those of the tokens that the whole call needs."""

    start: int
    stop: int
    terms: tuple[tuple[Term, ...], ...]
    scales: tuple[tuple[float, ...], ...]
    frames: tuple[int, ...] | None
    numbers: tuple[int, ...]
    places: tuple[tuple[Places, ...], ...] | None = None
    _maps: dict[tuple[torch.dtype, torch.device, Grid], Tensor] = field(default_factory=dict)
    _tensors: dict[tuple[torch.dtype, torch.device], OnDevice] = field(default_factory=dict)

    @property
    def distinct(self) -> tuple[tuple[Term, ...], ...]:
        """The terms of each row; of one where all rows have the same."""
        return self.terms[:1] if len(set(self.terms)) == 1 else self.terms

    @property
    def is_mixed(self) -> bool:
        """Whether there are terms of several parts."""
        return _is_mixed(self.terms[0])

    def maps(self, like: Float[Tensor, "..."], grid: Grid) -> Float[Tensor, "rows N K"]:
        """The scales at each place of a grid, in the type and on the device of ``like``."""
        key = (like.dtype, like.device, grid)
        if key not in self._maps:
            made = np.empty((len(self.places), grid[0] * grid[1], len(self.scales[0])))
            for row, (scales, places) in enumerate(zip(self.scales, self.places)):
                for term, (scale, several) in enumerate(zip(scales, places)):
                    made[row, :, term] = sum((by * mask(ellipse, grid) for by, ellipse in several), np.array(scale))
            self._maps[key] = torch.from_numpy(made).to(like.dtype).to(like.device)
        return self._maps[key]

    def tensors(self, like: Float[Tensor, "..."]) -> OnDevice:
        """The same in the type and on the device of ``like``. Made once, since all layers ask for them."""
        key = (like.dtype, like.device)
        if key not in self._tensors:
            places = {number: place for place, number in enumerate(self.numbers)}
            terms = weights = None
            if self.is_mixed:
                weights = torch.zeros(len(self.distinct), len(self.terms[0]), len(places), TOKENS)
                for row, mixes in zip(weights, self.distinct):
                    for own, mix in zip(row, mixes):
                        for part in mix:
                            own[places[part.number]] += torch.tensor(part.weights)
            else:
                terms = torch.tensor([[places[part.number] for (part,) in row] for row in self.distinct])
            scales = torch.tensor(self.scales, dtype=torch.float64).to(like.dtype)
            given = (scales, terms, weights, torch.tensor(self.frames or (), dtype=torch.long))
            quick = like.is_cuda  # elsewhere a copy may be read before it is whole
            self._tensors[key] = OnDevice(
                *(each if each is None else each.to(like.device, non_blocking=quick) for each in given)
            )
        return self._tensors[key]


def segments(rows: Sequence[Row], steady: int, mine: slice = slice(None)) -> list[Segment]:
    """The rows of a call, or ``mine`` of them, that are touched, in segments. ``steady`` is how many of the tokens are
    always needed."""
    own = {part.number for row in rows for term in row.terms for part in term}
    numbers = tuple(sorted(own | set(range(steady))))
    rows, found, start = rows[mine], [], 0
    kinds = [(len(row.terms), row.frame is None, _is_mixed(row.terms), bool(row.places)) for row in rows]
    for stop in range(1, len(rows) + 1):
        if stop < len(rows) and kinds[stop] == kinds[start]:
            continue
        terms, scales, frames, places = zip(*rows[start:stop])
        if terms[0]:
            seen = None if frames[0] is None else frames
            found.append(Segment(start, stop, terms, scales, seen, numbers, places if places[0] else None))
        start = stop
    return found


def total(term: Term, tokens: Float[Tensor, "U 4 text"]) -> Float[Tensor, "4 text"]:
    """The tokens that a term stands for, of the compiled ones."""
    return sum(torch.tensor(part.weights)[:, None] * tokens[part.number] for part in term)


def _is_mixed(terms: Sequence[Term]) -> bool:
    return any(len(term) > 1 for term in terms)


def _plain(w: Float[Tensor, "18 512"]) -> Float[Tensor, "18 512"]:
    """A latent's numbers, wherever they are, and whatever is to be learnt of them."""
    return w.detach().to("cpu", torch.float32)
