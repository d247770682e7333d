"""A line of the table of figures, and the arithmetic of what was measured; knows no videos and no models."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Figure:
    """One line of the table: its value with the spread over videos, and what was aimed at."""

    name: str
    value: float
    spread: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        return self.value >= self.at_least if self.at_least is not None else self.value <= self.at_most

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        target = {"at_least": self.at_least, "at_most": self.at_most}
        values = {"figure": self.name, "value": round(self.value, 4), "met": self.met, **target}
        return values if self.spread is None else {**values, "spread": round(self.spread, 4)}

    def line(self) -> str:
        """For a person."""
        spread = "" if self.spread is None else f" ± {self.spread:.2f}"
        low, high = self.at_least is not None, self.at_most is not None
        target = f"at least {self.at_least:g}" if low else f"at most {self.at_most:g}" if high else "reported"
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"{self.name:<66} {self.value:7.3f}{spread:<9} {target:<14} {verdict}".rstrip()


def spread(values: Sequence[float] | Tensor) -> tuple[float, float]:
    """Mean and standard deviation."""
    values = [float(value) for value in torch.as_tensor(values).flatten()]
    return statistics.fmean(values), statistics.pstdev(values)


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's, of two series (N,)."""
    return float(torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1])


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's, of two series (N,) without ties."""
    return correlation(a.argsort().argsort(), b.argsort().argsort())


def means(values: Sequence[float], groups: Sequence[str]) -> dict[str, float]:
    """The mean of each group's values; ``groups`` (N,) says which of ``values`` (N,) belong together."""
    members: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        members.setdefault(group, []).append(value)
    return {group: statistics.fmean(found) for group, found in members.items()}


def jitter(values: Tensor) -> Tensor:
    """How much each of some series (V, F) shakes: (V,), in units of a value, F at least 3.

    It is the mean absolute second difference over time: how far a frame lies off the straight line through its
    neighbours, twice. A smooth curve has hardly any, however steep it is, and a value that jumps back and forth
    has all of it; and no other curve need be known to measure it, so that it is the same for edited videos and
    for drawn ones. What else could be taken, and why not:

    - the first difference, which counts the slope: a curve that is followed well would be worse than one ignored;
    - the distance from the curve asked for, which counts a smile that is too weak too (the correlation shows
      that), and drawn clips have none;
    - what a moving mean or the high frequencies leave, where the width is a choice that changes the figure;
    - the mean square, by which the one blunder of a video hides all its trembling.

    A corner counts as well, though it is asked for: that of ``0 > 0.7 > 0`` over 16 frames is 0.013.
    """
    if values.shape[1] < 3:
        raise ValueError(f"series of {values.shape[1]} frames, expected at least 3 to see them shake")
    return values.diff(n=2, dim=1).abs().mean(1)
