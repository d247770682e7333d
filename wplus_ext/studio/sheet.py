"""Labelled tables of videos, as one video."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAD, FONT_SIZE = 6, 14
LABEL = 200  # pixels of a row's label
SIDE = 128  # pixels: cells smaller than this are enlarged by a whole number


@dataclass(frozen=True)
class Sheet:
    """Where everything lies in a table, in pixels.

    ``columns`` and ``rows`` are the labels in their lines, ``left`` and ``top`` where the cells begin, each of
    ``width`` x ``height``; ``size`` is the whole table's, both sides even, as video codecs want it. ``font`` is a
    TrueType file, Pillow's own where empty.
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    title: str
    width: int
    height: int
    font: str = ""

    @classmethod
    def of(
        cls, columns: Sequence[str], rows: Sequence[str], width: int, height: int, title: str = "", font: str = ""
    ) -> Sheet:
        """A table of videos of ``width`` x ``height``, with a label over each column and before each row."""
        zoom = max(SIDE // max(height, width), 1)
        width, height = width * zoom, height * zoom
        heads = tuple(_wrapped(label, width, font) for label in columns)
        return cls(heads, tuple(_wrapped(label, LABEL, font, height) for label in rows), title, width, height, font)

    @property
    def left(self) -> int:
        """Beside the labels of the rows."""
        return max((self._measure(label)[0] for label in self.rows), default=0) + 2 * PAD

    @property
    def top(self) -> int:
        """Under the title and the labels of the columns."""
        head = max((self._measure(label)[1] for label in self.columns), default=0) + 2 * PAD
        return head + (self._measure(self.title)[1] + PAD if self.title else 0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        width = self.left + len(self.columns) * (self.width + PAD)
        width = max(width, self._measure(self.title)[0] + 2 * PAD)
        height = self.top + len(self.rows) * (self.height + PAD)
        return width + width % 2, height + height % 2

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Where a cell begins, from the left and from the top."""
        return self.left + column * (self.width + PAD), self.top + row * (self.height + PAD)

    def fill(self, cells: Sequence[Sequence[np.ndarray | None]]) -> np.ndarray:
        """The table (F, height, width, 3) uint8 of rows of videos, each (F, H, W, 3) uint8, or None for an empty cell;
        one video at least is there."""
        there = [(i, k, cell) for i, row in enumerate(cells) for k, cell in enumerate(row) if cell is not None]
        result = np.repeat(self._empty()[None], len(there[0][2]), 0)
        for i, k, cell in there:
            x, y = self.place(i, k)
            result[:, y : y + self.height, x : x + self.width] = [self._enlarged(frame) for frame in cell]
        return result

    def _empty(self) -> np.ndarray:
        """The labels alone."""
        picture, left, top = Image.new("RGB", self.size, "white"), self.left, self.top
        pen, font = ImageDraw.Draw(picture), _font(self.font)
        if self.title:
            pen.text((PAD, PAD // 2), self.title, "black", font)
        for i, label in enumerate(self.columns):
            middle, (width, height) = left + i * (self.width + PAD) + self.width // 2, self._measure(label)
            pen.multiline_text((middle - width // 2, top - PAD - height), label, "black", font)
        for i, label in enumerate(self.rows):
            middle = top + i * (self.height + PAD) + self.height // 2
            pen.multiline_text((PAD, middle - self._measure(label)[1] // 2), label, "black", font)
        return np.asarray(picture)

    def _measure(self, text: str) -> tuple[int, int]:
        return _measure(text, self.font)

    def _enlarged(self, frame: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(frame).resize((self.width, self.height), Image.Resampling.BICUBIC))


@functools.cache
def _font(file: str) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, FONT_SIZE) if file else ImageFont.load_default(FONT_SIZE)


def _measure(text: str, font: str) -> tuple[int, int]:
    """Width of a text, and its height, which does not depend on the letters in it: labels in a row are level."""
    pen, tall = ImageDraw.Draw(Image.new("L", (1, 1))), "\n".join("Ág" if line else "" for line in text.split("\n"))
    (_, _, right, _), (_, _, _, bottom) = (pen.multiline_textbbox((0, 0), each, _font(font)) for each in (text, tall))
    return int(right), int(bottom)


def _wrapped(text: str, width: int, font: str, height: int | None = None) -> str:
    """The text in lines of at most ``width`` pixels; where they are higher than ``height``, cut with an ellipsis."""
    lines = [line for each in text.split("\n") for line in _lines(each, width, font)]
    shown = len(lines)
    while height is not None and shown > 1 and _measure("\n".join(lines[:shown]), font)[1] > height:
        shown -= 1
    if shown < len(lines):
        last = lines[shown - 1]
        while last and _measure(f"{last}…", font)[0] > width:
            last = last[:-1]
        lines = [*lines[: shown - 1], f"{last}…"]
    return "\n".join(lines)


def _lines(text: str, width: int, font: str) -> list[str]:
    """A line in several, between its words; a word that is longer than one goes on in the next."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if _measure(longer, font)[0] <= width:
            lines[-1] = longer
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if lines[-1] and _measure(lines[-1] + letter, font)[0] > width:
                lines.append("")
            lines[-1] += letter
    return lines
