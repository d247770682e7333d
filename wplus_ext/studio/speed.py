"""How long each frame of a file is shown, so that the whole is as long as its frames a second say."""

from __future__ import annotations

from fractions import Fraction

PARTS = {".gif": 100, ".webp": 1000}  # of a second, in whole numbers of which a format keeps the time of a frame
FASTEST = {".gif": 50, ".webp": 90}  # frames a second: what lasts 10 ms and less, browsers show for 100 ms
TELEVISION = (24, 30, 48, 60)  # frames in 1.001 seconds, which are written as 23.976, 29.97 and so on, or 23.98
CLOSE = 0.005  # to one of those


def rate_of(fps: float) -> Fraction:
    """Frames a second as the fraction that is meant: 12.5 is 25/2, 29.97 is 30000/1001."""
    for frames in TELEVISION:
        if abs(fps - (exact := Fraction(frames * 1000, 1001))) < CLOSE:
            return exact
    return Fraction(fps).limit_denominator(1001)


def durations(fps: float, count: int, ending: str) -> list[int]:
    """Milliseconds of each of ``count`` frames in a ``.gif`` or ``.webp``: those that the format has, spread so that
    no frame begins more than half a part of a second from its time."""
    rate, parts = rate_of(fps), PARTS[ending]
    begins = [round(i * parts / rate) for i in range(count + 1)]
    return [(end - begin) * 1000 // parts for begin, end in zip(begins, begins[1:])]


def slowed(ending: str, fps: float) -> str:
    """What is to be said of a file whose frames are too many a second for browsers; empty where nothing is."""
    most = FASTEST.get(ending, fps)
    if fps <= most:
        return ""
    return f"browsers show {ending[1:].upper()} slower than {fps:g} frames a second; write .mp4, or take at most {most}"
