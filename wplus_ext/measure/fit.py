"""A measured curve as a schedule of the track language: gaps filled, calmed, and told by few keys."""

from __future__ import annotations

import numpy as np

from ..curve import evaluate
from ..tracks import MAX_KEYS, MAX_SIZE, Key, Schedule

MOST = 10_000  # frames of a curve
TOLERANCE = 0.05  # how far off a curve may be told, where nothing else is asked for
PLACES = 3  # of a key's value: finer than anything that is measured
# Of the first segment, those between, and the last: smooth ones are level at the curve's ends.
EASINGS = (("linear", "linear", "linear"), ("smooth", "smooth", "smooth"), ("linear", "smooth", "linear"))


def followed(
    curve: np.ndarray,
    frames: int,
    scale: float = 1.0,
    relative: bool = False,
    calm: float = 1.0,
    tolerance: float = TOLERANCE,
) -> tuple[np.ndarray, Schedule]:
    """A measured curve (N,), NaN for no number, over so many frames: its values, (frames,), and their schedule.

    Args:
        scale: what it is multiplied by.
        relative: less its own mean.
        calm: over how many of the frames it is smoothed.
        tolerance: how far the schedule may be off.

    Raises ValueError for a number of frames or a scale that cannot be, and as `filled` and `schedule`.
    """
    if not 1 <= frames <= MOST:
        raise ValueError(f"{frames} frames, expected 1 to {MOST:,}")
    if not np.isfinite(scale):
        raise ValueError(f"the curve is to be multiplied by {scale:g}, expected a finite number")
    values = resampled(calmed(filled(curve), calm * max(len(curve) / frames, 1)), frames)
    values = (values - values.mean() * relative) * scale
    return values, schedule(values, tolerance)


def told(curve: np.ndarray, values: np.ndarray, made: Schedule) -> str:
    """Of how many frames a curve is, and what was made of it, in words."""
    low, high = (round(float(value), 2) + 0.0 for value in (values.min(), values.max()))  # no minus before 0
    frames, keys = (
        f"{n} {what}{'' if n == 1 else 's'}" for n, what in ((len(curve), "frame"), (len(made.keys), "key"))
    )
    return f"measured in {np.isfinite(curve).sum()} of {frames}: {low:.2f} to {high:.2f}, {keys}"


def filled(values: np.ndarray) -> np.ndarray:
    """A curve (F,) without its gaps (NaN): straight across them, and level before the first number and after the last.

    Raises:
        ValueError: nothing but gaps.
    """
    seen = np.flatnonzero(np.isfinite(values))
    if not len(seen):
        raise ValueError(f"nothing was measured in {len(values)} frames, expected a number in one at least")
    return np.interp(np.arange(len(values)), seen, values[seen])


def calmed(values: np.ndarray, width: float) -> np.ndarray:
    """A curve (F,) under a Gaussian of a deviation of ``width`` frames; mirrored at the ends, so that a slope there
    stays one. With 0 it stays as it is."""
    if not width > 0:
        return values
    reach = min(int(np.ceil(3 * width)), len(values) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(values, reach, mode="reflect", reflect_type="odd")
    return np.convolve(padded, weights / weights.sum(), mode="valid")


def resampled(values: np.ndarray, frames: int) -> np.ndarray:
    """A curve over so many frames: the first and the last stay what they are."""
    return np.interp(np.linspace(0, len(values) - 1, frames), np.arange(len(values)), values)


def schedule(values: np.ndarray, tolerance: float) -> Schedule:
    """The schedule that tells a curve (F,) by few keys, straight or smooth between them, whichever takes fewest: at no
    frame farther off than ``tolerance``, apart from the rounding of its numbers to three places.

    Keys are put where the curve is farthest off, one after the other (Douglas and Peucker, 1973); then those that
    nothing is lost without are taken out again.

    Raises:
        ValueError: numbers beyond what the language holds, or more keys than a track may have.
    """
    values = np.round(np.asarray(values, float), PLACES)
    if not np.abs(values).max() <= MAX_SIZE:
        raise ValueError(f"the curve goes to {np.abs(values).max():g}, expected at most {MAX_SIZE:g}; scale it")
    if np.ptp(values) <= 2 * tolerance:
        return Schedule((Key(0.0, round(float((values.min() + values.max()) / 2), PLACES), "spread"),))
    return min((_keyed(values, tolerance, easing) for easing in EASINGS), key=lambda made: len(made.keys))


def _keyed(values: np.ndarray, tolerance: float, easings: tuple[str, str, str]) -> Schedule:
    places = [0, len(values) - 1]
    while (off := _off(values, places, easings)).max() > tolerance:
        places = sorted({*places, int(off.argmax())})
        if len(places) > MAX_KEYS:
            raise ValueError(f"more than {MAX_KEYS} keys, which a track may have; raise the tolerance")
    for place in places[1:-1]:
        fewer = [other for other in places if other != place]
        if _off(values, fewer, easings).max() <= tolerance:
            places = fewer
    return _made(values, places, easings)


def _off(values: np.ndarray, places: list[int], easings: tuple[str, str, str]) -> np.ndarray:
    """How far a schedule with keys at these places is off at each frame; at its keys not at all."""
    off = np.abs(np.array(evaluate(_made(values, places, easings), len(values))) - values)
    off[places] = 0
    return off


def _made(values: np.ndarray, places: list[int], easings: tuple[str, str, str]) -> Schedule:
    first, between, last = easings
    count = len(places) - 1
    rules = [first, *[between] * (count - 2), last][:count] if count > 1 else ["linear"]
    return Schedule(
        tuple(Key(float(place), float(values[place]), easing=rule) for place, rule in zip(places, [*rules, "linear"]))
    )
