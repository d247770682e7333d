"""The demo's page: pictures cut out of the labelled tables, with a chart under each. It has no script."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..studio.sheet import Sheet

MARK = '<meta name="generator" content="wplus_ext demo">'  # by which our page is known
LIMIT = 1.3  # of the charts' scale
EDGE = 1  # pixels of a cell that are not shown: the file's codec lets the white around it run in
SECONDS = 0.25  # of a frame in the story


@dataclass(frozen=True)
class Curve:
    """A factor by frame, as it was asked for and as it is measured, on the scale of the drawings."""

    factor: str
    asked: Sequence[float]
    measured: Sequence[float]

    @property
    def words(self) -> str:
        """What is measured: the mean where one value is asked for, else from where to where it goes."""
        if len(set(self.asked)) == 1:
            return f"{self.factor} {sum(self.measured) / len(self.measured):+.2f}"
        return f"{self.factor} {min(self.measured):+.2f} to {max(self.measured):+.2f}"


@dataclass(frozen=True)
class Grid:
    """A labelled table as a file beside the page, and its cells as parts of the page."""

    file: str
    sheet: Sheet

    @property
    def style(self) -> str:
        """For what is around the cells."""
        width, height = self.sheet.size
        across, down = width / (self.sheet.width - 2 * EDGE), height / (self.sheet.height - 2 * EDGE)
        return f"--sheet:url({self.file});--size:{across:.3%} {down:.3%}"

    def at(self, row: int, column: int) -> tuple[str, str]:
        """Where a cell is, as CSS's ``background-position`` counts."""
        sides = zip(self.sheet.place(row, column), self.sheet.size, (self.sheet.width, self.sheet.height))
        across, down = ((start + EDGE) / (whole - part + 2 * EDGE) for start, whole, part in sides)
        return f"{across:.3%}", f"{down:.3%}"

    def cell(self, row: int, column: int, words: str) -> str:
        """A cell, cut out of the table: those of one file move in step."""
        across, down = self.at(row, column)
        label = html.escape(words, quote=True)
        return f'<div class="face" role="img" aria-label="{label}" style="background-position:{across} {down}"></div>'


def table(
    grid: Grid, title: str, words: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[Curve]]], command: str
) -> str:
    """A table of videos with their charts; ``command`` makes its last video alone."""
    lines = []
    for i, (label, curves) in enumerate(rows):
        cells = "".join(
            f"<td>{grid.cell(i, k, f'{label}, {head}')}{chart(curve)}<small>{curve.words}</small></td>"
            for k, (head, curve) in enumerate(zip(heads, curves))
        )
        lines.append(f'<tr><th scope="row">{html.escape(label)}</th>{cells}</tr>')
    columns = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in heads)
    title = html.escape(title)
    return f"""<section style="{grid.style}"><h2>{title}</h2><p>{html.escape(words)}</p>
<div class="wide" tabindex="0" role="region" aria-label="{title}">
<table><thead><tr><td></td>{columns}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>
<p class="make"><a href="{grid.file}">{grid.file}</a> is all of it, with its settings. The last video alone:
<code tabindex="0">{html.escape(command)}</code></p></section>
"""


def story(grid: Grid, title: str, words: str, labels: tuple[str, str], before: Curve, after: Curve) -> str:
    """Two videos frame by frame, each a row of the grid, over the chart of both.

    The same frames play above: a mark shows which frame they are at, as both are moved by CSS, by the same clock.
    """
    count = len(after.measured)
    first, last = grid.at(0, 0)[0], grid.at(0, count - 1)[0]
    players, faces = "", ""
    for row, label in enumerate(labels):
        at, label = f"{first} {grid.at(row, 0)[1]}", html.escape(label)
        players += f'<figure><div class="face play" aria-hidden="true" style="background-position:{at}"></div>'
        players += f"<figcaption>{label}</figcaption></figure>"
        faces += "".join(grid.cell(row, i, f"{labels[row]}, frame {i}") for i in range(count))
    clock = f"--frames:{count};--first:{first};--last:{last};--time:{count * SECONDS:g}s"
    values = "".join(f'<b style="--value:{value}">{text}</b>' for value, text in ((1, "+1"), (0, "0"), (-1, "−1")))
    numbers = "".join(f"<span>{i}</span>" for i in range(count))
    return f"""<section id="story" style="{grid.style};{clock}"><div class="head"><div><h2>{html.escape(title)}</h2>
<p>{html.escape(words)}</p><p class="key"><span><i class="asked"></i>asked for</span>
<span><i class="measured"></i>measured</span><span><i class="before"></i>measured, unedited</span></p>
<p><label><input type="checkbox"> Hold still</label></p></div>
<div class="players">{players}</div></div>
<div class="strip"><div class="now"></div>{faces}
<div class="scale">{chart(after, before)}{values}</div>{numbers}</div>
<p class="make">{html.escape(after.factor)}, by frame; <a href="{grid.file}">{grid.file}</a> is all of it</p></section>
"""


def chart(curve: Curve, before: Curve | None = None) -> str:
    """A curve as it is asked for and measured, and the same measured before. Frame i is at i + 0.5 of the width."""
    count = len(curve.measured)
    lines = f'<path class="zero" d="M0 0H{count}"/><polyline class="asked" points="{_points(curve.asked)}"/>'
    if before:
        lines = f'<path class="unit" d="M0 1H{count}M0 -1H{count}"/>{lines}'
        lines += f'<polyline class="before" points="{_points(before.measured)}"/>'
    lines += f'<polyline class="measured" points="{_points(curve.measured)}"/>'
    if before:
        lines += f'<path class="dots" d="{" ".join(f"M{point}h0" for point in _points(curve.measured).split())}"/>'
    asked = " ".join(f"{value:+.2f}" for value in dict.fromkeys(curve.asked))
    words = f"asked for {asked}; measured {curve.words}"
    box = f"0 {-LIMIT} {count} {2 * LIMIT}"
    return f'<svg viewBox="{box}" preserveAspectRatio="none" role="img" aria-label="{words}">{lines}</svg>'


def _points(values: Sequence[float]) -> str:
    return " ".join(f"{i + 0.5:g},{-max(min(value, LIMIT), -LIMIT):.3f}" for i, value in enumerate(values))


def page(parts: Sequence[str]) -> str:
    """The whole page."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
{MARK}
<title>W+ Adapter for AnimateDiff: the miniature's demo</title>
<style>{STYLE}</style></head><body>
<h1>W+ Adapter for AnimateDiff: the miniature's demo</h1>
<p>Drawn faces from a miniature model: a text-to-video diffusion model of 64x64 pixels that comes with the library,
edited by exactly the code that edits Stable Diffusion 1.5. It shows that the edit edits, not what photographs look
like.</p>
{"".join(parts)}<footer><p>In the charts, asked for is lambda, or with an identity the factor that alpha stands for;
measured is what a small network reads in each frame, on the scale of the drawings, where -1 to 1 is the usual
range. The two are alike in their course, not in their size.</p></footer>
</body></html>
"""


STYLE = """
:root { color-scheme: light dark; --asked: #6b7280; --measured: #c2410c; --before: #2563eb; }
@media (prefers-color-scheme: dark) { :root { --asked: #9ca3af; --measured: #fb923c; --before: #7aa7ff; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.2rem; margin: 0; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
section { margin: 2.5rem 0; }
code { font-size: .95em; }
.make { max-width: none; }
.make code { display: block; overflow-x: auto; white-space: nowrap; }
:focus-visible { outline: 2px solid var(--before); outline-offset: 2px; }
.face { aspect-ratio: 1; border-radius: 4px; background: var(--sheet) 0 0 / var(--size) no-repeat; }
.make, small, footer { font-size: .85rem; opacity: .8; }
.wide { overflow-x: auto; }
table { border-spacing: .5rem; margin: 0 -.5rem; }
th { font-weight: 600; font-size: .85rem; line-height: 1.25; }
th[scope=row] { text-align: left; max-width: 6rem; padding-right: .4rem; }
thead th { vertical-align: bottom; max-width: 8.25rem; text-wrap: balance; }
td { padding: 0; text-align: center; vertical-align: top; }
td .face, td svg { width: clamp(6rem, 13vw, 8.25rem); }
svg { display: block; height: 3rem; margin-top: 3px; border-radius: 4px;
  background: color-mix(in srgb, currentColor 5%, transparent); }
td small { display: block; font-variant-numeric: tabular-nums; white-space: nowrap; }
path, polyline { fill: none; stroke: currentColor; stroke-width: 2; vector-effect: non-scaling-stroke; }
.zero, .unit { stroke-width: 1; opacity: .3; }
.unit { opacity: .12; }
.asked { stroke: var(--asked); stroke-dasharray: 4 3; }
.measured, .dots { stroke: var(--measured); stroke-linejoin: round; }
.before { stroke: var(--before); }
.dots { stroke-width: 7; stroke-linecap: round; }
.head { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: center; }
.head > div:first-child { flex: 1 1 18rem; }
.players { display: flex; gap: 1rem; flex: 0 1 27rem; }
figure { margin: 0; flex: 1; text-align: center; }
.strip { position: relative; display: grid; grid-template-columns: repeat(var(--frames), 1fr); row-gap: 2px;
  margin-top: 1rem; text-align: center; font-size: .8rem; }
.strip .face { margin: 0 1px; }
.scale { grid-column: 1 / -1; position: relative; }
.scale svg { width: 100%; height: 12rem; }
.scale b { position: absolute; left: 4px; top: calc(50% - var(--value) * 50% / 1.3); font-weight: 400; opacity: .7; }
.now { position: absolute; inset: 0 auto 0 0; width: calc(100% / var(--frames)); border-radius: 5px;
  box-shadow: inset 0 0 0 2px currentColor; z-index: 1; }
.key span { margin-right: 1rem; white-space: nowrap; }
.key i { display: inline-block; width: 1.8rem; margin-right: .4rem; vertical-align: middle;
  border-top: 2px solid var(--measured); }
.key i.asked { border-top: 2px dashed var(--asked); }
.key i.before { border-color: var(--before); }
@keyframes play { from { background-position-x: var(--first); } to { background-position-x: var(--last); } }
@keyframes walk { to { transform: translateX(calc((var(--frames) - 1) * 100%)); } }
.play { animation: play var(--time) steps(var(--frames), jump-none) infinite; }
.now { animation: walk var(--time) steps(var(--frames), jump-none) infinite; }
#story:has(:checked) * { animation-play-state: paused; }
@media (prefers-reduced-motion: reduce) { .play, .now { animation-play-state: paused; } }
"""
