"""The frames of a video, one at a time: of whatever `video.save` writes, and of ordinary videos and pictures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from ..weights import files
from ..weights.regular import open_regular
from .video import pyav

PICTURES = {".png": "PNG", ".webp": "WEBP", ".gif": "GIF", ".jpg": "JPEG", ".jpeg": "JPEG"}
VIDEOS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".avi": "avi"}
MOST = 64_000_000  # pixels of a frame
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
    ending = path.suffix.lower()
    if ending not in PICTURES and ending not in VIDEOS:
        raise ValueError(f"{path}: not the ending of a video; {EXPECTED}")
    if ending in VIDEOS:
        pyav(ending, "make a .webp, a .gif or a folder of pictures of it")  # its absence is no fault of the file
    read = _pictures if ending in PICTURES else _video
    with open_regular(path) as file:
        frames = read(file, PICTURES.get(ending) or VIDEOS[ending])
        while True:
            try:
                frame = next(frames, None)
            except _TooLarge as error:
                raise ValueError(f"{path}: {error}") from error
            except Exception as error:  # whatever a damaged file makes the readers stumble over
                raise damaged(path, "video", error, EXPECTED) from error
            if frame is None:
                return
            yield frame


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
    """The frames of a picture. Raises whatever Pillow does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is below
        with Image.open(file, formats=[kind]) as picture:
            _check_size(*picture.size)
            for frame in ImageSequence.Iterator(picture):
                yield np.asarray(ImageOps.exif_transpose(frame).convert("RGB"))


def _video(file: BinaryIO, kind: str) -> Iterator[np.ndarray]:
    """The frames of a video. Raises whatever PyAV does."""
    with pyav().open(file, format=kind, metadata_errors="replace") as container:
        if not container.streams.video:
            raise ValueError("it has no pictures")
        for frame in container.decode(video=0):
            _check_size(frame.width, frame.height)
            yield frame.to_ndarray(format="rgb24")
