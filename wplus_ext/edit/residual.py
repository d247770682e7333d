"""The residual cross-attention, folded: ``f'' = f + lambda * Attention(f W_q, phi(w) W_k, phi(w) W_v)``."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm
from torch.utils.hooks import RemovableHandle

from ..weights.adapter import Adapter
from ..weights.shapes import TOKENS, Float
from .report import Report
from .rows import Compiled, Enter, Grid, Row, Segment, segments
from .sites import Site

CHUNK = 8 << 20  # bytes of f that the CPU takes at a time: they stay in its last cache, and are enough for its threads
PROBES = 87  # tokens of a row, or a few more, on which the report measures the residual
SETS = 2  # of matrices that are on a device: those of positive rows and of negative ones, where they come by turns


class Residual:
    """Adds the terms of each row to f, in place, in a forward pre-hook on each cross-attention's ``to_out[0]``."""

    def __init__(self, adapter: Adapter, compiled: Compiled, report: Report) -> None:
        self._adapter, self._compiled, self.report = adapter, compiled, report
        self._rows: Sequence[Row] = ()
        self._parts: dict[tuple[int, int], list[Segment]] = {}  # of rows that layers get at a time: mostly all

    @property
    def touches(self) -> bool:
        """Whether any of the announced rows changes."""
        return bool(self._segments(slice(0, len(self._rows))))

    def announce(self, rows: Sequence[Row]) -> None:
        """Say what the rows of the following UNet calls get."""
        self._rows, self._parts = rows, {}

    def _segments(self, mine: slice) -> list[Segment]:
        """The segments of these rows. Made once, since all layers ask for them."""
        key = (mine.start, mine.stop)
        if key not in self._parts:
            self._parts[key] = segments(self._rows, self._compiled.steady, mine)
        return self._parts[key]

    def hook(self, layer: int, site: Site, enter: Enter) -> list[RemovableHandle]:
        """Edit a cross-attention wherever ``enter`` allows it.

        Raises:
            ValueError: its width is no multiple of its heads.
        """
        if site.width % site.heads:
            raise ValueError(f"{site.path}: width {site.width} is no multiple of its {site.heads} heads")
        folded = Folded(self._adapter, layer, site.heads, self._compiled.tokens)
        handles = [site.output.register_forward_pre_hook(partial(self._add, folded, enter))]
        if self._compiled.is_local:  # where f's tokens lie in the picture is known around the attention alone
            handles.append(site.transformer.register_forward_pre_hook(folded.see, with_kwargs=True))
        return handles

    def _add(self, folded: Folded, enter: Enter, module: nn.Module, args: tuple) -> tuple | None:
        f = args[0]
        mine = enter(len(f))
        if mine is None:
            return None
        keep = f.requires_grad and torch.is_grad_enabled()
        with _own_precision(f), torch.set_grad_enabled(keep):
            changed = f.clone() if keep else f.contiguous()
            for segment in self._segments(mine):
                matrices = folded.stack(segment, f)
                if segment.frames is not None:
                    squares = folded.measure(f.detach(), segment, matrices)
                    self.report.add_squares(segment.tensors(f).frames, squares)
                folded.add(changed, segment, matrices)
        return (changed, *args[1:])


class Folded:
    """One layer's folded matrices, made when first asked for, in the type of f. On the device are those of the tokens
    that the last calls needed, the others wait in the computer's memory."""

    def __init__(self, adapter: Adapter, layer: int, heads: int, tokens: Float[Tensor, "U 4 text"]) -> None:
        self.adapter, self.layer, self.heads, self.tokens = adapter, layer, heads, tokens
        self.grid: Grid | None = None  # of the picture that f's tokens are
        self._kept: dict[tuple[torch.dtype, int], tuple[Tensor, Tensor]] = {}
        self._here: dict[tuple[torch.dtype, torch.device, tuple[int, ...]], tuple[Tensor, Tensor]] = {}

    def see(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        """A forward pre-hook on the transformer around the attention, which takes the picture (rows, C, h, w)."""
        picture = args[0] if args else kwargs["hidden_states"]
        self.grid = tuple(picture.shape[-2:])

    def scales(self, segment: Segment, f: Float[Tensor, "rows N C"]) -> Float[Tensor, "mine n K"]:
        """The scales of a segment's rows, at each of f's tokens; n is 1 where they are the same for all of them.

        Raises:
            RuntimeError: the tokens are not those of a picture, where a region asks for one.
        """
        if segment.places is None:
            return segment.tensors(f).scales[:, None]
        tokens = f.shape[1]
        if self.grid is None or math.prod(self.grid) != tokens:
            known = "unknown" if self.grid is None else f"{self.grid[1]}x{self.grid[0]}"
            raise RuntimeError(
                f"W+ Adapter: a region needs to know where the {tokens} tokens of a cross-attention lie, but its "
                f"picture is {known}; switch off what merges tokens (token merging), or do without regions"
            )
        return segment.maps(f, self.grid)

    def matrices(
        self, numbers: tuple[int, ...], like: Float[Tensor, "..."]
    ) -> tuple[Float[Tensor, "P C m"], Float[Tensor, "P m C"]]:
        """The scores and values of tokens of these numbers, in the type and on the device of ``like``; m is 4H."""
        key = (like.dtype, like.device, numbers)
        if key not in self._here:
            missing = [number for number in numbers if (like.dtype, number) not in self._kept]
            if missing:
                scores, values = self.adapter.fold(self.layer, self.tokens[missing], self.heads)
                for number, *pair in zip(missing, scores.to(like.dtype), values.to(like.dtype)):
                    self._kept[like.dtype, number] = tuple(pair)
            pairs = zip(*(self._kept[like.dtype, number] for number in numbers))
            self._here[key] = tuple(torch.stack(each).to(like.device) for each in pairs)
            for old in list(self._here)[:-SETS]:
                del self._here[old]
        return self._here[key]

    def stack(
        self, segment: Segment, like: Float[Tensor, "..."]
    ) -> tuple[Float[Tensor, "r C m"], Float[Tensor, "r m C"]]:
        """The matrices of a segment's rows, K terms side by side, so that m is 4HK; r is 1 where all rows share
        them."""
        scores, values = self.matrices(segment.numbers, like)
        tensors, (count, width, _) = segment.tensors(like), scores.shape
        if segment.is_mixed:
            scores, values = scores.float(), values.float()
            scores = torch.einsum("rkpt,pcth->rckth", tensors.weights, scores.view(count, width, TOKENS, self.heads))
            values = torch.einsum("rkpt,pthc->rkthc", tensors.weights, values.view(count, TOKENS, self.heads, width))
            scores, values = scores.to(like.dtype), values.to(like.dtype)
        elif tensors.terms.numel() == 1:  # the usual case copies nothing
            ((part,),) = segment.terms[0]
            place = segment.numbers.index(part.number)
            return scores[place][None], values[place][None]
        else:
            scores, values = scores[tensors.terms].transpose(1, 2), values[tensors.terms]
        rows = len(values)
        return scores.reshape(rows, width, -1), values.reshape(rows, -1, width)

    def add(
        self, f: Float[Tensor, "rows N C"], segment: Segment, matrices: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """Add the residual to the segment's rows of f, contiguous, in place, with the ``matrices`` of `stack`."""
        self._add_rows(f[segment.start : segment.stop], matrices or self.stack(segment, f), self.scales(segment, f))

    def measure(
        self, f: Float[Tensor, "rows N C"], segment: Segment, matrices: tuple[Tensor, Tensor] | None = None
    ) -> Float[Tensor, "mine 2"]:
        """The squared norms of the residual and of f, float32, over a sample of the tokens of each of the segment's
        rows."""
        stride, scales = _stride(f.shape[1]), self.scales(segment, f)
        probe = f[segment.start : segment.stop, ::stride].contiguous()
        after = probe.clone()
        self._add_rows(after, matrices or self.stack(segment, f), scales[:, ::stride])
        parts = (after.sub_(probe), probe)
        return torch.stack([vector_norm(part.flatten(1), dim=1, dtype=torch.float32) for part in parts], 1).square()

    def _add_rows(
        self, rows: Float[Tensor, "rows N C"], matrices: tuple[Tensor, Tensor], scales: Float[Tensor, "rows n K"]
    ) -> None:
        scores, values = matrices
        if rows.device.type != "cpu":
            self._add(rows, scores, values, scales)
            return
        tokens = CHUNK // (rows.shape[2] * rows.element_size())
        many, length = max(tokens // rows.shape[1], 1), min(max(tokens, 1), rows.shape[1])
        for i in range(0, len(rows), many):
            mine = slice(i, i + many) if len(scores) > 1 else slice(None)
            for a in range(0, rows.shape[1], length):
                here = slice(a, a + length) if scales.shape[1] > 1 else slice(None)
                part = rows[i : i + many, a : a + length]
                self._add(part, scores[mine], values[mine], scales[i : i + many, here])

    def _add(
        self,
        f: Float[Tensor, "rows N C"],
        scores: Float[Tensor, "r C m"],
        values: Float[Tensor, "r m C"],
        scales: Float[Tensor, "rows n K"],
    ) -> None:
        """In place; r is 1 or the number of rows, n 1 or that of tokens, m is 4HK."""
        rows, length, width = f.shape
        terms = scales.shape[2]
        shared = len(scores) == 1
        attention = f.view(-1, width) @ scores[0] if shared else torch.bmm(f, scores)
        # Tokens before heads: the softmax runs over a strided axis, heads fill the vector registers.
        attention = attention.view(rows, length, terms, TOKENS, self.heads).softmax(3)
        attention = attention * scales[..., None, None]
        if shared:
            f.view(-1, width).addmm_(attention.view(-1, scores.shape[2]), values[0])
        else:
            f.baddbmm_(attention.view(rows, length, -1), values)


@functools.cache
def _stride(length: int) -> int:
    """From one token that is measured to the next. It has no factor in common with the length, and so none with a
    picture's width: it meets all columns, not its left edge alone."""
    return next(stride for stride in itertools.count(max(length // PROBES, 1)) if math.gcd(stride, length) == 1)


def _own_precision(f: Tensor) -> AbstractContextManager:
    """Autocast off: everything is computed in the type of f."""
    return torch.autocast(f.device.type, enabled=False) if f.device.type in ("cpu", "cuda") else nullcontext()
