"""Compiled branches: what each row gets, and the folded residual itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..tracks import LAYERS
from ..weights.adapter import TOKENS, Adapter
from ..weights.files import WIDTH
from .plan import Plan

CHUNK = 1 << 20  # bytes of f that the CPU takes at a time, so that they stay in its cache
PROBES = 64  # tokens of a row on which the report measures the residual

Terms = tuple[int, ...]  # numbers of the latents that a row attends to, a branch each


@dataclass(frozen=True, eq=False)
class Segment:
    """Consecutive rows with the same number of terms K: rows ``start`` to ``stop``, their terms, scales
    and, where they are positive rows, their frames."""

    start: int
    stop: int
    terms: tuple[Terms, ...]
    scales: tuple[tuple[float, ...], ...]
    frames: tuple[int, ...] | None
    _tensors: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)

    def tensors(self, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scales (rows, K) in the type of ``like``, terms (rows, K) and frames (rows,), all on its device.
        Made once, since all layers ask for them."""
        key = (like.dtype, like.device)
        if key not in self._tensors:
            frames = torch.tensor(self.frames or ())
            tensors = (torch.tensor(self.scales, dtype=like.dtype), torch.tensor(self.terms), frames)
            self._tensors[key] = tuple(tensor.to(like.device, non_blocking=True) for tensor in tensors)
        return self._tensors[key]


class Branches:
    """The plan's distinct latents as tokens, and the terms and scales of each frame."""

    def __init__(self, adapter: Adapter, plan: Plan) -> None:
        self.plan = plan
        numbers: dict[bytes, int] = {}
        latents = []

        def number(w: Tensor) -> int:
            w = w.detach().to("cpu", torch.float32).contiguous()
            key = w.numpy().tobytes()
            if key not in numbers:
                numbers[key] = len(latents)
                latents.append(w)
            return numbers[key]

        zero = number(torch.zeros(LAYERS, WIDTH))
        self.positive: list[tuple[Terms, tuple[float, ...]]] = []
        self.negative: list[tuple[Terms, tuple[float, ...]]] = []
        for frame in range(plan.frames):
            pairs = [branch.at(frame) for branch in plan.branches]
            scales = tuple(scale for _, scale in pairs)
            terms = tuple(number(w) for w, _ in pairs) if any(scales) else ()
            self.positive.append((terms, scales if terms else ()))
            # All terms of a negative row attend to phi(0): their scales add up.
            total = sum(scales)
            self.negative.append(((zero,), (total,)) if plan.negative and total else ((), ()))
        self.tokens = adapter.tokens(torch.stack(latents))

    def rows(self, frames: Sequence[int], negative: Sequence[bool]) -> list[Segment]:
        """The rows that are touched, in segments."""
        segments, start = [], 0
        picks = [self._pick(*row) for row in zip(frames, negative)]
        kinds = [(len(terms), is_negative) for (terms, _), is_negative in zip(picks, negative)]
        for stop in range(1, len(picks) + 1):
            if stop < len(picks) and kinds[stop] == kinds[start]:
                continue
            terms, scales = zip(*picks[start:stop])
            if terms[0]:
                seen = None if negative[start] else tuple(frames[start:stop])
                segments.append(Segment(start, stop, terms, scales, seen))
            start = stop
        return segments

    def appended(self, frames: Sequence[int], negative: Sequence[bool]) -> Tensor:
        """Direct embedding: the tokens of each row, (rows, 4, text) float32."""
        rows = torch.zeros(len(frames), *self.tokens.shape[1:])
        for row, (terms, scales) in enumerate(self._pick(*pair) for pair in zip(frames, negative)):
            for term, scale in zip(terms, scales):
                rows[row] += scale * self.tokens[term]
        return rows

    def _pick(self, frame: int, negative: bool) -> tuple[Terms, tuple[float, ...]]:
        return (self.negative if negative else self.positive)[min(frame, self.plan.frames - 1)]


class Folded:
    """One layer's folded matrices, made when first asked for and kept in the type of f."""

    def __init__(self, adapter: Adapter, layer: int, heads: int, tokens: Tensor) -> None:
        self.adapter, self.layer, self.heads, self.tokens = adapter, layer, heads, tokens
        self._matrices: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    def matrices(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """The scores (U, C, 4H) and values (U, 4H, C) of all latents, in the type and on the device of ``like``."""
        key = (like.dtype, like.device)
        if key not in self._matrices:
            scores, values = self.adapter.fold(self.layer, self.tokens, self.heads)
            self._matrices[key] = scores.to(like), values.to(like)
        return self._matrices[key]

    def stack(self, segment: Segment, like: Tensor) -> tuple[Tensor, Tensor]:
        """The matrices of a segment's rows, K terms side by side: (1, C, 4HK) and (1, 4HK, C) where all
        rows share them, (rows, …) where not."""
        scores, values = self.matrices(like)
        shared = len(set(segment.terms)) == 1
        if shared and len(segment.terms[0]) == 1:  # the usual case copies nothing
            (term,) = segment.terms[0]
            return scores[term][None], values[term][None]
        terms = segment.tensors(like)[1][: 1 if shared else None]
        width = scores.shape[1]
        scores = scores[terms].transpose(1, 2).reshape(len(terms), width, -1)
        return scores, values[terms].reshape(len(terms), -1, width)

    def add(self, f: Tensor, segment: Segment) -> None:
        """Add the residual to the segment's rows of f (rows, N, C), contiguous, in place."""
        self._add_rows(f[segment.start : segment.stop], segment)

    def measure(self, f: Tensor, segment: Segment) -> Tensor:
        """The squared norms of the residual and of f, over a sample of each row's tokens: (rows, 2) float32."""
        stride = max(f.shape[1] // PROBES, 1)
        probe = f[segment.start : segment.stop, ::stride].contiguous()
        after = probe.clone()
        self._add_rows(after, segment)
        return torch.stack([(after - probe).float(), probe.float()]).square().sum((2, 3)).T

    def _add_rows(self, rows: Tensor, segment: Segment) -> None:
        scores, values = self.stack(segment, rows)
        scales = segment.tensors(rows)[0]
        if rows.device.type != "cpu":
            self._add(rows, scores, values, scales)
            return
        chunk = max(CHUNK // (rows.shape[2] * rows.element_size()), 1)
        for i in range(len(rows)):
            mine = slice(i, i + 1) if len(scores) > 1 else slice(0, 1)
            for a in range(0, rows.shape[1], chunk):
                self._add(rows[i : i + 1, a : a + chunk], scores[mine], values[mine], scales[i : i + 1])

    def _add(self, f: Tensor, scores: Tensor, values: Tensor, scales: Tensor) -> None:
        """f (r, N, C), scores (1 or r, C, m), values (1 or r, m, C), scales (r, K); m = 4HK."""
        rows, length, width = f.shape
        terms = scales.shape[1]
        shared = len(scores) == 1
        attention = f.view(-1, width) @ scores[0] if shared else torch.bmm(f, scores)
        # Tokens before heads: the softmax runs over a strided axis, heads fill the vector registers.
        attention = attention.view(rows, length, terms, TOKENS, self.heads).softmax(3)
        attention = attention * scales.view(rows, 1, terms, 1, 1)
        if shared:
            f.view(-1, width).addmm_(attention.view(-1, scores.shape[2]), values[0])
        else:
            f.baddbmm_(attention.view(rows, length, -1), values)
