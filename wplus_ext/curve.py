"""The value of a schedule at each frame.

``+ - * /`` and comparisons only, in a fixed order, so that another implementation (the page's
JavaScript) can agree with it to the last bit.
"""

from __future__ import annotations

from .easings import EASINGS, Segment
from .tracks import Key, Schedule, TrackError, parse_schedule, plain


def evaluate(schedule: Schedule | str, frames: int) -> list[float]:
    """The schedule's value at each frame.

    Args:
        schedule: a parsed schedule, or its text.
        frames: number of frames, at least 1. With a single frame the earliest key holds.

    Returns:
        ``frames`` floats.

    Raises:
        TrackError: a text that does not parse, two keys on one frame, or a loop all of whose
            keys lie past the last frame.
        ValueError: ``frames`` is less than 1.

    The slopes of ``smooth`` are 0 at the first and the last key.

    >>> evaluate("-0.7 > 0 > 0.7", frames=3)
    [-0.7, 0.0, 0.7]
    """
    if isinstance(schedule, str):
        schedule = parse_schedule(schedule)
    if frames < 1:
        raise ValueError(f"frames is {frames}, expected at least 1")
    places = [(_place(key, len(schedule.keys), frames), key) for key in schedule.keys]
    if schedule.loop:
        places = [(place, key) for place, key in places if place <= frames - 1]
        if not places:
            raise TrackError(f"expected a key for the loop within the {frames} frames, found none")
    if frames == 1:
        places = [min(places, key=lambda item: (item[0], item[1].position))]
    places.sort(key=lambda item: item[0])
    for (before, _), (after, key) in zip(places, places[1:]):
        if before == after:
            message = f"two keys on frame {plain(before)} of {frames}: expected one, remove or move the other"
            raise TrackError(message, column=key.column)
    return _Curve(places, frames if schedule.loop else None).values(frames)


class _Curve:
    """Keys in order of place, with the slopes of ``smooth``; periodic where there is a period."""

    def __init__(self, places: list[tuple[float, Key]], period: int | None) -> None:
        if period is not None and len(places) > 1:
            # One period to the left and two keys to the right: every slope has its neighbours.
            before = [(place - period, key) for place, key in places]
            after = [(place + period, key) for place, key in places[:2]]
            places = before + places + after
        self.places = [place for place, _ in places]
        self.keys = [key for _, key in places]
        self.slopes = self._slopes()

    def _slopes(self) -> list[float]:
        slopes = [0.0] * len(self.keys)
        for i in range(1, len(self.keys) - 1):
            left, right = self.places[i] - self.places[i - 1], self.places[i + 1] - self.places[i]
            rise = (self.keys[i].value - self.keys[i - 1].value) / left
            next_rise = (self.keys[i + 1].value - self.keys[i].value) / right
            if (rise > 0 and next_rise > 0) or (rise < 0 and next_rise < 0):
                a, b = 2 * right + left, right + 2 * left
                slopes[i] = (a + b) / (a / rise + b / next_rise)
        return slopes

    def values(self, frames: int) -> list[float]:
        values, i = [], 0
        for frame in range(frames):
            while i + 1 < len(self.places) and self.places[i + 1] <= frame:
                i += 1
            values.append(self._at(frame, i))
        return values

    def _at(self, frame: int, i: int) -> float:
        """The value at a frame, where key ``i`` is the last one at or before it, if any is."""
        key = self.keys[i]
        if frame <= self.places[i] or i + 1 == len(self.keys):
            return key.value
        width, goal = self.places[i + 1] - self.places[i], self.keys[i + 1].value
        segment = Segment(key.value, goal, width, (self.slopes[i], self.slopes[i + 1]), key.bezier)
        return EASINGS[key.easing](segment, frame - self.places[i])


def _place(key: Key, keys: int, frames: int) -> float:
    """Where a key lies, in frames. Percentages and spread keys may lie between two frames."""
    if key.unit == "percent":
        return key.position * (frames - 1) / 100
    if key.unit == "spread" and keys > 1:
        return key.position * (frames - 1) / (keys - 1)
    return key.position
