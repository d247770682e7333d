"""Numbers by frame, as ComfyUI's nodes hand them on, and tracks made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...tracks import Key, Schedule, Track, format, format_schedule, parse

POINTS = 101  # by which a CURVE is told, at each percent of the video


@dataclass(frozen=True)
class Drawn:
    """Tracks that were made of other nodes' numbers, as text, and how many numbers each has; 1 for what fits any
    number of frames."""

    lines: tuple[str, ...] = ()
    lengths: tuple[tuple[str, int], ...] = ()

    def and_(self, name: str, given: object, low: float = 0.0, high: float = 1.0) -> Drawn:
        """These and one more: its ``name`` as the track language has it, with layers and a region where it is to have
        them; 0 of the numbers is its ``low`` and 1 its ``high``.

        Raises:
            ValueError: what is no name of a track, or are no numbers.
        """
        track, values = _named(name), low + (high - low) * numbers(given)
        is_curve = hasattr(given, "interp")
        line = format([Track(track.name, schedule_of(values, is_curve), track.layers, region=track.region)])
        length = 1 if is_curve else len(values)
        return Drawn((*self.lines, line), (*self.lengths, (f"the track {track.called!r}", length)))


def _named(name: str) -> Track:
    if "\n" in name.strip() or "=" in name:
        raise ValueError(f"the track is {name!r}, expected a name alone, such as smile or smile[0:8]")
    return parse(f"{name.strip()} = 0")[0]


def numbers(given: object) -> np.ndarray:
    """Numbers (F,) from one, a list, a list of lists, a tensor, a pandas Series, or a CURVE.

    Raises:
        ValueError: none, or what is not finite.
    """
    if hasattr(given, "interp"):
        found = np.array([given.interp(x) for x in np.linspace(0.0, 1.0, POINTS)], float)
    elif torch.is_tensor(given):
        found = given.detach().to("cpu", torch.float64).numpy().reshape(-1)
    else:
        try:
            found = np.asarray(given, float).reshape(-1)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the numbers are {_short(given)}, expected one for each frame") from error
    if not len(found) or not np.isfinite(found).all():
        raise ValueError(f"the numbers are {_short(given)}, expected finite ones, one for each frame")
    return found


def schedule_of(values: Sequence[float], is_curve: bool = False) -> Schedule:
    """A key for each frame, or, of a curve, for each percent of them; one number holds for all."""
    if len(values) == 1:
        return Schedule((Key(0.0, float(values[0]), "spread"),))
    unit = "percent" if is_curve else "frame"
    return Schedule(tuple(Key(float(i), float(value), unit) for i, value in enumerate(values)))


def strength_of(given: object) -> tuple[str, int]:
    """The text of a strength made of numbers, and how many they are; 1 for a CURVE. Raises as `numbers`."""
    values, is_curve = numbers(given), hasattr(given, "interp")
    return format_schedule(schedule_of(values, is_curve)), 1 if is_curve else len(values)


def _short(given: object) -> str:
    text = " ".join(str(given).split())
    return f"{text[:60]}…" if len(text) > 60 else text
