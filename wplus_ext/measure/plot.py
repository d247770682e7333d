"""The faces of a video as curves: an SVG with a chart for each attribute, in it a line for each person."""

from __future__ import annotations

import html
from collections.abc import Callable

import numpy as np

from .follow import Faces
from .reader import ATTRIBUTES

LEFT, WIDTH, HEIGHT, GAP, TOP = 110, 720, 64, 18, 34  # pixels: of the names, of a chart, between charts, above them
COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#be123c", "#0e7490")
LEAST = {"age": 20.0}  # years that a chart spans, as others span -1 to 1, so that a calm curve looks calm
MARK = "<!-- wplus_ext measure -->"  # by which our files are known
STYLE = """svg { background: #fff; font: 12px system-ui, sans-serif; fill: #333 }
path { fill: none; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round }
.dots { stroke-width: 5 } .zero { stroke: #bbb; stroke-width: 1 }
rect { fill: #f5f5f4 } .small { font-size: 10px; fill: #777 }"""


def svg(faces: Faces, title: str) -> str:
    """The curves of all persons; where somebody is not seen, their line has a gap."""
    people, count = faces.people, len(faces.frames)
    charts = "".join(_chart(faces, name, TOP + i * (HEIGHT + GAP)) for i, name in enumerate(ATTRIBUTES))
    bottom = TOP + len(ATTRIBUTES) * (HEIGHT + GAP)
    key = "".join(
        f'<text x="{LEFT + 70 * i}" y="18" style="fill: {_colour(i)}">face {person}</text>'
        for i, person in enumerate(people)
    )
    scale = f'<text class="small" x="{LEFT}" y="{bottom}">frame 0</text>'
    if count > 1:
        scale += f'<text class="small" x="{LEFT + WIDTH}" y="{bottom}" text-anchor="end">{count - 1}</text>'
    size = f"{LEFT + WIDTH + 56} {bottom + 12}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{size.split()[0]}">\n{MARK}\n'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n{key}\n{charts}{scale}\n</svg>\n"
    )


def _chart(faces: Faces, name: str, top: int) -> str:
    curves = [faces.curve(name, person) for person in faces.people]
    seen = np.concatenate(curves)
    seen = seen[np.isfinite(seen)]
    if name not in LEAST:
        seen = np.concatenate([seen, (-1.0, 1.0)])
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    more = max(LEAST.get(name, 0.0) - (high - low), 0.0) / 2
    low, high = low - more, high + more

    def at(value: float) -> float:
        return top + HEIGHT * (high - value) / (high - low)

    lines = "".join(_line(curve, at, _colour(i)) for i, curve in enumerate(curves))
    zero = f'<path class="zero" d="M{LEFT} {at(0):.1f}h{WIDTH}"/>' if low <= 0 <= high else ""
    ends = "".join(
        f'<text class="small" x="{LEFT + WIDTH + 6}" y="{y}">{value:.2f}</text>'
        for value, y in ((high, top + 9), (low, top + HEIGHT))
    )
    return (
        f'<g><rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}"/>{zero}'
        f'<text x="8" y="{top + HEIGHT / 2 + 4}">{name}{" (years)" if name == "age" else ""}</text>{ends}{lines}</g>\n'
    )


def _line(curve: np.ndarray, at: Callable[[float], float], colour: str) -> str:
    """What is seen as a line with gaps, with a dot where a frame stands alone."""
    drawn, dots = [], []
    seen = [False, *np.isfinite(curve), False]
    for i, (before, now, after) in enumerate(zip(seen, seen[1:], seen[2:])):
        if now:
            point = f"{LEFT + (i + 0.5) * WIDTH / len(curve):.1f} {at(curve[i]):.1f}"
            drawn.append(f"{'L' if before else 'M'}{point}")
            dots += [f"M{point}h0"] * (not before and not after)
    return f'<path style="stroke: {colour}" d="{"".join(drawn)}"/>' + (
        f'<path class="dots" style="stroke: {colour}" d="{"".join(dots)}"/>' if dots else ""
    )


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]
