"""A place in a line of text, and what can be read from there: the words of the track language's parser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

MAX_KEYS = 4096  # keys in one schedule
MAX_SIZE = 20.0  # of a value
MAX_PLACES = 4  # decimals of a number; more are rounded
MAX_FRAME = 999_999

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+", re.ASCII)
_SPACE = re.compile(r"[ \t]*")
_NAME = re.compile(r"[^\[\]=#]+")
_REGION = re.compile(r"[^\[\]=#,:()\d][^\[\]=#,:()]*", re.ASCII)
_COMMA = re.compile(r",(\d+)(?!,?\d)", re.ASCII)
# A name is looked at from its beginning alone: from each of its letters would take the square of its length.
_EXPRESSION = re.compile(
    r"\b\d*[A-Za-z_]\w*[ \t]*\(|[\w)][ \t]*[-+*/^]{1,2}[ \t]*[\w.(]|\b\d*(?:t|f|max_f)\b", re.ASCII
)
_OPENED = re.compile(r"[-+]?[ \t]*\(")  # where a number, or what follows one, is expected: an expression too
_WORDS = re.compile(r"[-+]?[ \t]*[A-Za-z_(]")  # the same within parentheses, where nothing but a number can stand
_STOPS = ",:>)"  # what can follow a number that is not in parentheses
_SHOWN = 40  # characters of an expression
# What keyboards and pages write in place of the language's own signs: one for one, so that columns stay.
_WIDE = dict(zip("，：（）＝＞＋－．％０１２３４５６７８９\N{MINUS SIGN}", ",:()=>+-.%0123456789-"))
_BLANKS = dict.fromkeys("\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH NO-BREAK SPACE}", " ")
_SIGNS = str.maketrans(_WIDE | _BLANKS)
# What a message shows as an escape: what is not seen, or moves what stands beside it. A list of our own, since
# Unicode's tables are others in every Python and every browser.
_UNSEEN = re.compile(
    r"[\\\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164"
    r"\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


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
        self._signs = text.translate(_SIGNS)  # what is read; names and messages have the text as it was written
        self._number = (0, -1)  # from where to where the last one went
        self._stops = ""  # what can follow it
        self.skip()

    def skip(self) -> None:
        self.at = _SPACE.match(self._signs, self.at).end()

    def fail(self, message: str, found: str | None = None) -> NoReturn:
        if found is None:
            rest = self.text[self.at : self.at + 12]
            found = f", found {_quoted(rest)}" if rest else ", found the end of the line"
        raise TrackError(message + found, self.line, self.at + 1)

    def peek(self, mark: str) -> bool:
        self.skip()
        return self._signs.startswith(mark, self.at)

    def take(self, mark: str) -> bool:
        found = self.peek(mark)
        if found:
            self.at += len(mark)
        return found

    def expect(self, mark: str) -> None:
        if not self.take(mark):
            self._explain()
            self.fail(f"expected {_quoted(mark)}")

    def at_end(self) -> bool:
        self.skip()
        return self.at == len(self.text)

    def expect_end(self) -> None:
        if not self.at_end():
            self._explain()
            self.fail("expected the end of the line")

    def name(self) -> str:
        """The name of a track. Wide signs belong to it where the line has an equals sign of its own."""
        match = _NAME.match(self.text if "=" in self.text else self._signs, self.at)
        name = self.text[self.at : match.end()].translate(str.maketrans(_BLANKS)).rstrip(" \t") if match else ""
        if not name:
            self.fail("expected the name of a direction")
        self.at += len(name)
        return name

    def region(self, what: str) -> str:
        """The name of a region: it begins with no digit, and has none of the signs that part what is in brackets."""
        self.skip()
        match = _REGION.match(self._signs, self.at)
        name = self.text[self.at : match.end()].translate(str.maketrans(_BLANKS)).rstrip(" \t") if match else ""
        if not name:
            self.fail(f"expected {what}")
        self.at += len(name)
        return name

    def at_digit(self) -> bool:
        self.skip()
        return bool(_DIGITS.match(self._signs, self.at))

    def word(self, word: str) -> bool:
        self.skip()
        match = _WORD.match(self._signs, self.at)
        found = bool(match) and match.group() == word
        if found:
            self.at = match.end()
        return found

    def number(self, what: str, stops: str = _STOPS) -> float:
        """A number, to four places. ``stops`` are the signs that can follow it, where more follows."""
        self.skip()
        self._stops = stops
        match = _NUMBER.match(self._signs, self.at)
        if not match:
            self._refuse_expression(self.at, what)
            self.fail(f"expected {what}")
        self._number = match.span()
        self.at = match.end()
        return round(float(match.group()), MAX_PLACES) + 0.0  # -0 becomes 0

    def _explain(self) -> None:
        """Raise what is to be said of a number that goes on as none does: after a comma, or in an expression."""
        start, end = self._number
        comma = _COMMA.match(self._signs, self.at) if self.at == end else None
        whole = self._signs[start:end]
        if comma and whole.lstrip("+-").isdigit():
            self.at = start
            found = _quoted(self.text[start : comma.end()])
            self.fail(f"expected a point as the decimal sign, found {found}: write {whole}.{comma.group(1)}", "")
        if end >= 0:
            self._refuse_expression(start, "a number")

    def _refuse_expression(self, start: int, what: str) -> None:
        """Raise where an expression begins at ``start`` that goes on where the reading has come to."""
        depth, end = 0, start
        while end < len(self._signs) and (depth or self._signs[end] not in self._stops):
            depth += {"(": 1, ")": -1}.get(self._signs[end], 0)
            end += 1
        begins = _OPENED if ":" in self._stops else _WORDS
        if end > self.at and (begins.match(self._signs, self.at) or _EXPRESSION.search(self._signs[start:end])):
            self.at = start
            text = self.text[start:end].translate(str.maketrans(_BLANKS)).rstrip(" \t")
            shown = _escaped(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
            self.fail(f"expected {what}, found an expression: {shown}; none are evaluated, write numbers", "")

    def value(self, what: str = "a number", stops: str = _STOPS) -> float:
        self.skip()
        at = self.at
        number = self.number(what, stops)
        self.limit(number, at)
        return number

    def bracketed(self) -> float:
        """A value in parentheses."""
        self.expect("(")
        start = self.at - 1
        number = self.value(stops="),")
        self.expect(")")
        self._number, self._stops = (start, self.at), _STOPS  # an expression may begin with it
        return number

    def numbers(self, wanted: Sequence[tuple[str, float, float]]) -> tuple[float, ...]:
        """Numbers in parentheses, with blanks between them: what each is, and its least and most."""
        self.expect("(")
        start, found = self.at - 1, []
        for what, low, high in wanted:
            self.skip()
            at = self.at
            number = self.number(what, " \t)")
            if not low <= number <= high:
                written, self.at = self.since(at), at
                self.fail(f"expected {what} from {low:g} to {high:g}, found {written}", "")
            found.append(number)
        self.expect(")")
        self._number, self._stops = (start, self.at), _STOPS
        return tuple(found)

    def limit(self, number: float, at: int) -> None:
        if not -MAX_SIZE <= number <= MAX_SIZE:
            self._explain()
            self.at = at
            self.fail(f"expected a number from {-MAX_SIZE:g} to {MAX_SIZE:g}")

    def room(self, keys: int) -> None:
        if keys == MAX_KEYS:
            self.fail(f"expected at most {MAX_KEYS} keys in a track")

    def frame(self, number: float, at: int) -> None:
        """Check that the number that was read from there is one of a frame."""
        if not (0 <= number <= MAX_FRAME and number == int(number)):
            self.at = at
            self.fail(
                "expected a frame, a whole number from 0" + (" of at most 6 digits" if number > MAX_FRAME else "")
            )

    def whole(self, what: str) -> int:
        self.skip()
        match = _DIGITS.match(self._signs, self.at)
        if not match or len(match.group()) > 6 or self._signs[match.end() : match.end() + 1] == ".":
            self.fail(f"expected {what}" + (" of at most 6 digits" if match and len(match.group()) > 6 else ""))
        self.at = match.end()
        return int(match.group())

    def since(self, at: int) -> str:
        """What was read from there, as it was written."""
        return self.text[at : self.at]


def _escaped(text: str) -> str:
    return _UNSEEN.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def _quoted(text: str) -> str:
    """As ``repr`` writes it, but for which characters are escaped."""
    shown = _escaped(text)
    return f'"{shown}"' if "'" in text and '"' not in text else "'" + shown.replace("'", "\\'") + "'"
