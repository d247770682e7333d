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
