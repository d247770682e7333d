"""The frames of a video, one at a time: of whatever `video.save` writes, and of ordinary videos and pictures."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from ..weights import files
from ..weights.regular import open_regular
from .mp4 import pyav

PICTURES = {".png": "PNG", ".webp": "WEBP", ".gif": "GIF", ".jpg": "JPEG", ".jpeg": "JPEG"}
VIDEOS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".avi": "avi"}
MOST = 64_000_000  # pixels of a frame
HURRIED = 10  # milliseconds: a picture that is to be shown for so much or less, browsers show for 100
EXPECTED = f"expected {', '.join(PICTURES)}, {', '.join(VIDEOS)}, or a folder of pictures"


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """The frames (height, width, 3) uint8 of a video, a picture, or a folder of pictures in the order of the numbers in
    their names. One frame is kept at a time; nothing but these files is opened, whatever they name.

    Raises:
        ValueError: another ending; a damaged file, or one that is no video; a folder without pictures; a pipe or a
            device; frames of more than 64 million pixels; MP4 and the like without PyAV.
        OSError: it cannot be read.
    """
    if path.is_dir():
        for each in _pictures_in(path):
            yield from read_frames(each)
        return
    yield from _read(path, _pictures, _video)


@dataclass(frozen=True)
class Times:
    """When the frames of a video begin, in seconds; the last number is the end. ``rate`` is frames a second, on an
    average where they are not alike; None for a folder of pictures, of which each is given a second."""

    begins: tuple[Fraction, ...]
    rate: Fraction | None
    has_sound: bool = False

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.begins) - 1


def read_times(path: Path) -> Times:
    """When the frames that `read_frames` gives are shown; raises as that."""
    if not path.is_dir():
        return next(_read(path, _picture_times, _video_times))
    return Times(tuple(map(Fraction, range(sum(1 for _ in read_frames(path)) + 1))), None)


def _read(path: Path, of_pictures: Callable, of_video: Callable) -> Iterator:
    """What one of two readers finds in a file."""
    ending = path.suffix.lower()
    if ending not in PICTURES and ending not in VIDEOS:
        raise ValueError(f"{path}: not the ending of a video; {EXPECTED}")
    if ending in VIDEOS:
        pyav(ending, "make a .webp, a .gif or a folder of pictures of it")  # its absence is no fault of the file
    read = of_pictures if ending in PICTURES else of_video
    with open_regular(path) as file:
        found = read(file, PICTURES.get(ending) or VIDEOS[ending])
        while True:
            try:
                each = next(found, None)
            except _TooLarge as error:
                raise ValueError(f"{path}: {error}") from error
            except Exception as error:  # whatever a damaged file makes the readers stumble over
                raise damaged(path, "video", error, EXPECTED) from error
            if each is None:
                return
            yield each


def short_hash(path: Path) -> str:
    """Ten hexadecimal digits that stand for a video, or for a folder's pictures. Raises as `read_frames`."""
    return files.short_hash_of(_pictures_in(path) if path.is_dir() else [path])


def damaged(path: Path, what: str, error: Exception, expected: str) -> ValueError:
    """What is to be said where a reader stumbled over a file that was to be a video, or a sound."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return ValueError(f"{path}: a damaged file, or no {what} ({reason}); {expected}")


class _TooLarge(ValueError):
    """A frame of more pixels than are taken."""


def _pictures_in(folder: Path) -> list[Path]:
    found = sorted((each for each in folder.iterdir() if each.suffix.lower() in PICTURES), key=_place)
    if not found:
        raise ValueError(f"{folder}: a folder without pictures; {EXPECTED}")
    return found


def _place(path: Path) -> list[tuple[int, str]]:
    """By which pictures of a folder are put in order: 2 comes before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _check_size(width: int, height: int) -> None:
    if width * height > MOST:
        raise _TooLarge(f"frames of {width}x{height} pixels, expected at most {MOST // 10**6} million; make it smaller")


def _pictures(file: BinaryIO, kind: str) -> Iterator[np.ndarray]:
    """The frames of a picture, on white where it is transparent. Raises whatever Pillow does."""
    for frame in _opened(file, kind):
        turned = ImageOps.exif_transpose(frame)
        if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
            turned = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned.convert("RGBA"))
        yield np.asarray(turned.convert("RGB"))


def _picture_times(file: BinaryIO, kind: str) -> Iterator[Times]:
    """Their times, as browsers take them. Raises whatever Pillow does."""
    parts = []  # milliseconds
    for frame in _opened(file, kind):
        frame.load()
        own = round(frame.info.get("duration", 0))
        parts.append(own if own > HURRIED else 100)
    usual = [part for part in parts if 2 * part < 3 * min(parts)]  # and not such as are several that were alike
    rate = Fraction(1000 * len(usual), sum(usual))
    # What was meant, where hundredths of a second were all that could be said.
    near = [whole for whole in (rate if rate.denominator < 3 else 0, round(rate)) if abs(whole - rate) * 50 < rate]
    begins = tuple(Fraction(end, 1000) for end in itertools.accumulate(parts, initial=0))
    yield Times(begins, Fraction(near[0]) if near else rate)


def _opened(file: BinaryIO, kind: str) -> Iterator[Image.Image]:
    """The pictures in a file, one after the other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is below
        with Image.open(file, formats=[kind]) as picture:
            _check_size(*picture.size)
            yield from ImageSequence.Iterator(picture)


def _video(file: BinaryIO, kind: str) -> Iterator[np.ndarray]:
    """The frames of a video, turned as it says. Raises whatever PyAV does."""
    with pyav().open(file, format=kind, metadata_errors="replace") as container:
        if not container.streams.video:
            raise ValueError("it has no pictures")
        for frame in container.decode(video=0):
            _check_size(frame.width, frame.height)
            picture = frame.to_ndarray(format="rgb24")
            yield np.ascontiguousarray(np.rot90(picture, round(getattr(frame, "rotation", 0) / 90) % 4))


def _video_times(file: BinaryIO, kind: str) -> Iterator[Times]:
    """Their times, without decoding them. Raises whatever PyAV does."""
    with pyav().open(file, format=kind, metadata_errors="replace") as container:
        if not container.streams.video:
            raise ValueError("it has no pictures")
        stream, found = container.streams.video[0], []
        for packet in container.demux(stream):
            begin = packet.dts if packet.pts is None else packet.pts
            if begin is not None and not packet.is_discard:
                found.append((begin * packet.time_base, (packet.duration or 0) * packet.time_base))
        if not found:
            raise ValueError("it has no pictures")
        begins, (last, lasts) = sorted(begin for begin, _ in found), max(found)
        usual = (last - begins[0]) / (len(found) - 1) if len(found) > 1 else Fraction(1)
        rate = stream.average_rate or (1 / usual if usual else Fraction(1))
        yield Times((*begins, last + (lasts or usual)), rate, bool(container.streams.audio))
