"""A place in a line of text, and what can be read from there: the words of the track language's parser."""

from __future__ import annotations

import re
from typing import NoReturn

MAX_KEYS = 4096  # keys in one schedule
MAX_SIZE = 20.0  # of a value
MAX_PLACES = 4  # decimals of a number

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+", re.ASCII)
_SPACE = re.compile(r"[ \t]*")


class TrackError(ValueError):
    """A fault in a track text.

    ``line`` and ``column`` count from 1; ``message`` says what was expected and what was found.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message, self.line, self.column = message, line, column


class Reader:
    """A line and how far it is read. What cannot be read raises `TrackError`."""

    def __init__(self, text: str, line: int) -> None:
        self.text, self.line, self.at = text, line, 0
        self.skip()

    def skip(self) -> None:
        self.at = _SPACE.match(self.text, self.at).end()

    def fail(self, message: str, found: str | None = None) -> NoReturn:
        if found is None:
            rest = self.text[self.at : self.at + 12]
            found = f", found {rest!r}" if rest else ", found the end of the line"
        raise TrackError(message + found, self.line, self.at + 1)

    def peek(self, mark: str) -> bool:
        self.skip()
        return self.text.startswith(mark, self.at)

    def take(self, mark: str) -> bool:
        found = self.peek(mark)
        if found:
            self.at += len(mark)
        return found

    def expect(self, mark: str) -> None:
        if not self.take(mark):
            self.fail(f"expected {mark!r}")

    def at_end(self) -> bool:
        self.skip()
        return self.at == len(self.text)

    def expect_end(self) -> None:
        if not self.at_end():
            self.fail("expected the end of the line")

    def word(self, word: str) -> bool:
        self.skip()
        match = _WORD.match(self.text, self.at)
        found = bool(match) and match.group() == word
        if found:
            self.at = match.end()
        return found

    def number(self, what: str) -> float:
        self.skip()
        match = _NUMBER.match(self.text, self.at)
        if not match:
            self.fail(f"expected {what}")
        if len(match.group().partition(".")[2]) > MAX_PLACES:
            self.fail(f"expected at most {MAX_PLACES} decimal places")
        self.at = match.end()
        return float(match.group()) + 0.0  # -0 becomes 0

    def value(self, what: str = "a number") -> float:
        self.skip()
        at = self.at
        number = self.number(what)
        self.limit(number, at)
        return number

    def limit(self, number: float, at: int) -> None:
        if not -MAX_SIZE <= number <= MAX_SIZE:
            self.at = at
            self.fail(f"expected a number from {-MAX_SIZE:g} to {MAX_SIZE:g}")

    def room(self, keys: int) -> None:
        if keys == MAX_KEYS:
            self.fail(f"expected at most {MAX_KEYS} keys in a track")

    def whole(self, what: str) -> int:
        self.skip()
        match = _DIGITS.match(self.text, self.at)
        if not match or len(match.group()) > 6 or self.text[match.end() : match.end() + 1] == ".":
            self.fail(f"expected {what}" + (" of at most 6 digits" if match and len(match.group()) > 6 else ""))
        self.at = match.end()
        return int(match.group())
