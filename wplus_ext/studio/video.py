"""Videos as files, with the settings in their metadata."""

from __future__ import annotations

import json
import os
import re
import struct
import warnings
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from PIL.TiffTags import UNDEFINED

from ..weights.regular import open_regular
from ..weights.swap import check_parent, check_place, replacing
from . import mp4
from .mp4 import Sound, pyav
from .speed import durations

KEY = "wplus_ext"  # of the metadata in a PNG
DESCRIPTION = 0x010E  # of the metadata in Exif
INNER, COMMENT = 0x8769, 0x9286  # where the WebUI looks for its infotext there
HEAD = b"II*\0\x08\0\0\0"  # of a TIFF
FORMATS = {".gif": 65_535, ".webp": 16_383, ".mp4": 16_384}  # pixels of a side that they hold
LOSSY, LOSSLESS = {"quality": 92, "method": 4}, {"lossless": True, "quality": 30, "method": 1}  # of a WebP
LONGEST = 16_000_000  # letters of settings; a table of a thousand videos has less
WANTED, EXPECTED = "PNG, WebP, GIF or MP4", "expected a file that render or sweep wrote"
_FRAME = re.compile(r"\d+\.png", re.ASCII)


def check(path: Path, force: bool = False) -> None:
    """Whether a video may be written there: a ``.gif``, ``.webp`` or ``.mp4`` file, or a folder of PNG frames where
    the name has no ending.

    What is there already may be replaced where `save` wrote it, as its settings tell; with ``force`` any file, and a
    folder that holds nothing but numbered PNG files.

    Raises:
        ValueError: another ending, or nothing else; something of somebody's; no such place.
        OSError: the disk does not let us look.
    """
    if path.name.lower() in FORMATS:
        raise ValueError(f"{path}: only an ending, expected a name before it")
    if path.suffix and path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: expected {', '.join(FORMATS)}, or a name without ending for a folder of PNG frames")
    if path.suffix.lower() == ".mp4":
        pyav()
    if path.suffix:
        check_place(path, _is_ours, force)
        return
    check_parent(path)
    try:
        os.lstat(path)  # tells of a name that cannot be, too
    except FileNotFoundError:
        return
    if path.is_symlink() or not path.is_dir():
        raise ValueError(f"{path} exists and is no folder of our frames; choose another name")
    _check_folder(path, force)


def check_size(path: Path, width: int, height: int) -> None:
    """Raise ValueError for a picture that the format of ``path`` does not hold."""
    most = FORMATS.get(path.suffix.lower())
    if most and max(width, height) > most:
        raise ValueError(
            f"{path}: {width}x{height} pixels, and {path.suffix} holds {most} a side; ask for fewer values, a smaller "
            "--size, or give a name without ending for a folder of PNG frames"
        )


def save(
    frames: np.ndarray,
    path: Path,
    fps: float,
    settings: str,
    force: bool = False,
    lossless: bool = False,
    sound: Sound | None = None,
) -> None:
    """Write a video; it appears whole or not at all.

    Args:
        frames: (F, H, W, 3) uint8.
        path: see `check`.
        fps: frames a second.
        settings: a text kept in the metadata. `load_settings` reads JSON in ASCII, and `check` knows by its ``shots``
            what is ours; the WebUI reads its infotext there; none where it is empty.
        force: see `check`; raises as that.
        lossless: whether a WebP holds each pixel as it is, and is about five times as large.
        sound: of another video, for MP4 alone.
    """
    check(path, force)
    with replacing(path, partial(check, path, force)) as part:
        if not path.suffix:
            _save_frames(frames, part, settings)
        elif path.suffix.lower() == ".mp4":
            mp4.save(frames, part, fps, settings, sound)
        else:
            pictures = [Image.fromarray(frame) for frame in frames]
            options = {
                ".gif": {"comment": settings.encode(), "disposal": 1},
                ".webp": {"exif": _exif(settings) if settings else b"", **(LOSSLESS if lossless else LOSSY)},
            }
            kind = path.suffix.lower()
            timing = {"duration": durations(fps, len(pictures), kind), "loop": 0}
            try:
                pictures[0].save(part, save_all=True, append_images=pictures[1:], **timing, **options[kind])
            except struct.error as error:  # equal frames are one
                raise ValueError(f"{path}: a picture that lasts longer than a GIF can say; write .webp") from error


def load_settings(path: Path) -> str:
    """The settings that `save` kept in a file, or in a folder's frames.

    Raises:
        ValueError: there are none; a damaged or hostile file; a pipe or a device.
        OSError: it cannot be read.
    """
    if path.is_dir():
        found = sorted(path.glob("*.png"))
        if not found:
            raise ValueError(f"{path}: a folder without PNG frames; {EXPECTED}")
        path = found[0]
    if path.suffix.lower() == ".mp4":
        pyav()  # its absence is no fault of the file
    with open_regular(path) as file:
        try:
            found = _mp4_settings(file) if path.suffix.lower() == ".mp4" else _picture_settings(file)
        except Exception as error:  # whatever a damaged file makes the readers stumble over
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ValueError(f"{path}: not a whole {WANTED} ({reason}); {EXPECTED}") from error
    settings = next((text for text in map(_text, found) if text.startswith("{")), None)
    if settings is None:
        raise ValueError(f"{path}: no settings in its metadata; {EXPECTED}")
    if len(settings) > LONGEST:
        raise ValueError(f"{path}: settings of {len(settings):,} letters, expected at most {LONGEST:,}; {EXPECTED}")
    return settings


def _check_folder(folder: Path, force: bool) -> None:
    """Raise ValueError unless a folder holds nothing but our frames, or with ``force`` what is named as they are."""
    names = sorted(entry.name for entry in folder.iterdir())
    other = next((name for name in names if not (folder / name).is_file() or not _FRAME.fullmatch(name)), None)
    if other is not None:
        raise ValueError(
            f"{folder} holds {other}, so it is no folder of our frames; choose another name, or move that away"
        )
    theirs = None if force else next((name for name in names if not _is_ours(folder / name)), None)
    if theirs is not None:
        raise ValueError(
            f"{folder} holds {theirs}, which was not made here; choose another name, or add --force to replace them all"
        )


def _is_ours(path: Path) -> bool:
    """Whether `save` wrote a file. Other programs keep JSON of their own in such places, without ``shots``."""
    try:
        settings = json.loads(load_settings(path))
    except (ValueError, RecursionError, OSError):
        return False
    return isinstance(settings, dict) and isinstance(settings.get("shots"), list)


def _picture_settings(file: BinaryIO) -> tuple[object, ...]:
    """Where settings may be in a picture. Raises whatever Pillow stumbles over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(file, formats=["PNG", "WEBP", "GIF"]) as picture:
            return picture.info.get(KEY), picture.info.get("comment"), picture.getexif().get(DESCRIPTION)


def _mp4_settings(file: BinaryIO) -> tuple[object, ...]:
    """The same in a video; nothing but the file itself is opened, whatever it names. Raises whatever PyAV does."""
    with pyav().open(file, format="mp4", metadata_errors="replace") as container:
        return (container.metadata.get("comment"),)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def _exif(text: str) -> bytes:
    """A text as a description, and as the comment in which the WebUI keeps its infotext."""
    outer, inner = ImageFileDirectory_v2(), ImageFileDirectory_v2()
    if text.isascii():  # all that a description holds
        outer[DESCRIPTION] = text
    inner.tagtype[COMMENT] = UNDEFINED
    inner[COMMENT] = b"UNICODE\0" + text.encode("utf-16-be", "replace")
    start, outer[INNER] = len(HEAD), 0
    outer[INNER] = end = start + len(outer.tobytes(start))  # is as long with any number
    return b"Exif\0\0" + HEAD + outer.tobytes(start) + inner.tobytes(end)


def _save_frames(frames: np.ndarray, folder: Path, settings: str) -> None:
    folder.mkdir()
    info = PngInfo()
    info.add_text(KEY, settings)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{i:05}.png", pnginfo=info)
