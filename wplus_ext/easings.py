"""How a curve goes from one key to the next.

``+ - * /`` and comparisons only, in a fixed order, so that the page's JavaScript (wplus_easings.mjs) can agree with it
to the last bit. A new easing is a function here, its name in `PLAIN`, and the same there.
"""

from __future__ import annotations

from typing import NamedTuple

BISECTIONS = 53  # halvings of [0, 1]: one for each bit of a double


class Segment(NamedTuple):
    """From a key's value ``start`` to the next one's, ``goal``, over ``width`` frames, with the slopes that `smooth`
    has at both ends and the numbers of a `bez`."""

    start: float
    goal: float
    width: float
    slopes: tuple[float, float]
    bezier: tuple[float, float, float, float] | None


def linear(segment: Segment, x: float) -> float:
    """A straight line. ``x`` is where on the segment, in frames from its start."""
    return segment.start + (segment.goal - segment.start) * (x / segment.width)


def smooth(segment: Segment, x: float) -> float:
    """A monotone cubic, which never overshoots.

    Source: Fritsch and Butland, "A method for constructing local monotone piecewise cubic interpolants" (1984).
    """
    start, goal, width, (d0, d1), _ = segment
    u, rise = x / width, (goal - start) / width
    square, cube = 3 * rise - 2 * d0 - d1, d0 + d1 - 2 * rise
    value = start + x * (d0 + u * (square + u * cube))
    low, high = (start, goal) if start <= goal else (goal, start)
    return low if value < low else high if value > high else value


def hold(segment: Segment, x: float) -> float:
    """The first key's value, up to the next key."""
    return segment.start


def bez(segment: Segment, x: float) -> float:
    """CSS ``cubic-bezier``: the height of the curve (0,0) (x1,y1) (x2,y2) (1,1)."""
    x1, y1, x2, y2 = segment.bezier
    u, low, high = x / segment.width, 0.0, 1.0
    for _ in range(BISECTIONS):
        s = (low + high) / 2
        if _bezier(s, x1, x2) < u:
            low = s
        else:
            high = s
    return segment.start + (segment.goal - segment.start) * _bezier((low + high) / 2, y1, y2)


def _bezier(s: float, a: float, b: float) -> float:
    r = 1 - s
    return 3 * r * r * s * a + 3 * r * s * s * b + s * s * s


PLAIN = {"linear": linear, "smooth": smooth, "hold": hold}  # those that are a word alone
EASINGS = {**PLAIN, "bez": bez}
