"""What each row of a UNet call gets: which latents it attends to, and how strongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ..weights.adapter import Adapter
from ..weights.shapes import LAYERS, WIDTH, Float, Int
from .plan import Plan


class Row(NamedTuple):
    """A row's K terms: the numbers of their latents and their scales, none where it stays as it is; and the frame
    for which the report measures it, None for a negative row."""

    terms: tuple[int, ...]
    scales: tuple[float, ...]
    frame: int | None


class Compiled:
    """A plan's distinct latents as tokens, and the terms of each of its frames."""

    def __init__(self, adapter: Adapter, plan: Plan) -> None:
        self.plan = plan
        self._numbers: dict[bytes, int] = {}
        self._latents: list[Tensor] = []
        zero = self._number(torch.zeros(LAYERS, WIDTH))
        self._positive: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
        self._negative: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
        for pairs in plan.terms:
            scales = tuple(scale for _, scale in pairs)
            terms = tuple(self._number(w) for w, _ in pairs) if any(scales) else ()
            self._positive.append((terms, scales if terms else ()))
            # All terms of a negative row attend to phi(0): their scales add up.
            total = sum(scales)
            self._negative.append(((zero,), (total,)) if plan.negative and total else ((), ()))
        self.tokens: Float[Tensor, "U 4 text"] = adapter.tokens(torch.stack(self._latents))

    def row(self, frame: int, negative: bool, seen_as: int = 0) -> Row:
        """The row of one of the plan's frames, which the report is to see as the frame ``seen_as``."""
        return Row(*(self._negative if negative else self._positive)[frame], None if negative else seen_as)

    def _number(self, w: Float[Tensor, "18 512"]) -> int:
        w = w.detach().to("cpu", torch.float32).contiguous()
        key = w.numpy().tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._latents)
            self._latents.append(w)
        return self._numbers[key]


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive rows with the same number of terms K: rows ``start`` to ``stop``, their terms, scales and, where
    they are positive rows, the report's frames."""

    start: int
    stop: int
    terms: tuple[tuple[int, ...], ...]
    scales: tuple[tuple[float, ...], ...]
    frames: tuple[int, ...] | None
    _tensors: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)

    def tensors(self, like: Float[Tensor, "..."]) -> tuple[Float[Tensor, "rows K"], Int[Tensor, "rows K"], Tensor]:
        """Scales in the type of ``like``, terms, and the frames (rows,), all on its device. Made once, since all
        layers ask for them."""
        key = (like.dtype, like.device)
        if key not in self._tensors:
            frames = torch.tensor(self.frames or ())
            tensors = (torch.tensor(self.scales, dtype=like.dtype), torch.tensor(self.terms), frames)
            self._tensors[key] = tuple(tensor.to(like.device, non_blocking=True) for tensor in tensors)
        return self._tensors[key]


def segments(rows: Sequence[Row]) -> list[Segment]:
    """The rows that are touched, in segments."""
    found, start = [], 0
    kinds = [(len(row.terms), row.frame is None) for row in rows]
    for stop in range(1, len(rows) + 1):
        if stop < len(rows) and kinds[stop] == kinds[start]:
            continue
        terms, scales, frames = zip(*rows[start:stop])
        if terms[0]:
            found.append(Segment(start, stop, terms, scales, None if frames[0] is None else frames))
        start = stop
    return found
