"""The value of a schedule at each frame.

``+ - * /`` and comparisons only, in a fixed order, so that another implementation (the page's
JavaScript) can agree with it to the last bit.
"""

from __future__ import annotations

from .tracks import Key, Schedule, TrackError, parse_schedule, plain

BISECTIONS = 53  # halvings of [0, 1]: one for each bit of a double


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

    Source of ``smooth``: Fritsch and Butland, "A method for constructing local monotone
    piecewise cubic interpolants" (1984), slopes 0 at the first and the last key.

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
        if frame <= self.places[i] or i + 1 == len(self.keys) or key.easing == "hold":
            return key.value
        start, goal = key.value, self.keys[i + 1].value
        width, x = self.places[i + 1] - self.places[i], frame - self.places[i]
        u = x / width
        if key.easing == "smooth":
            rise = (goal - start) / width
            d0, d1 = self.slopes[i], self.slopes[i + 1]
            square, cube = 3 * rise - 2 * d0 - d1, d0 + d1 - 2 * rise
            value = start + x * (d0 + u * (square + u * cube))
            low, high = (start, goal) if start <= goal else (goal, start)
            return low if value < low else high if value > high else value
        if key.easing == "bez":
            u = _cubic_bezier(u, *key.bezier)
        return start + (goal - start) * u


def _cubic_bezier(x: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """CSS ``cubic-bezier``: the height of the curve (0,0) (x1,y1) (x2,y2) (1,1) at ``x``."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        s = (low + high) / 2
        if _bezier(s, x1, x2) < x:
            low = s
        else:
            high = s
    return _bezier((low + high) / 2, y1, y2)


def _bezier(s: float, a: float, b: float) -> float:
    r = 1 - s
    return 3 * r * r * s * a + 3 * r * s * s * b + s * s * s


def _place(key: Key, keys: int, frames: int) -> float:
    """Where a key lies, in frames. Percentages and spread keys may lie between two frames."""
    if key.unit == "percent":
        return key.position * (frames - 1) / 100
    if key.unit == "spread" and keys > 1:
        return key.position * (frames - 1) / (keys - 1)
    return key.position
