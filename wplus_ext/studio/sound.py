"""How loud a sound is, frame by frame: of WAV files by Python alone, of all others, and of videos, by PyAV."""

from __future__ import annotations

import itertools
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..weights.regular import open_regular
from .frames import VIDEOS, damaged
from .mp4 import pyav

SOUNDS = {".wav": "wav", ".mp3": "mp3", ".flac": "flac", ".ogg": "ogg", ".opus": "ogg", ".m4a": "mp4", **VIDEOS}
EXPECTED = f"expected {', '.join(SOUNDS)}"
LOUDNESS = "loudness"  # what a sound's curve is called among the attributes of faces
FASTEST = 1000.0  # frames a second
RATE = 16_000  # samples a second that are looked at: speech has its strength below half of it
RANGE = 40.0  # decibels below the loudest frame that are heard as silence, as the pauses of speech are
MOST = 10_000  # frames


def loudness(path: Path, fps: float) -> np.ndarray:
    """How loud each frame of a video of so many frames a second is, (F,): 1 at its loudest, 0 where it is 40 decibels
    less and more.

    Raises:
        ValueError: frames a second that cannot be; another ending; a damaged file, or one without sound; silence; more
            than 10,000 frames; a format that needs PyAV.
        OSError: it cannot be read.
    """
    if not 0 < fps <= FASTEST:
        raise ValueError(f"{fps:g} frames a second, expected a number above 0, up to {FASTEST:g}")
    ending = path.suffix.lower()
    if ending not in SOUNDS:
        raise ValueError(f"{path}: not the ending of a sound; {EXPECTED}")
    if ending != ".wav":
        pyav(ending, "write a .wav of it")  # its absence is no fault of the file
    squares: list[float] = []
    with open_regular(path) as file:
        try:
            for part in _frames(_wave(file) if ending == ".wav" else _decoded(file, SOUNDS[ending]), fps):
                squares.append(float(np.square(part).mean()))
                if len(squares) > MOST:
                    break
        except Exception as error:  # whatever a damaged file makes the readers stumble over
            raise damaged(path, "sound", error, EXPECTED) from error
    if len(squares) > MOST:
        raise ValueError(f"{path}: more than {MOST:,} frames at {fps:g} a second; cut it, or lower --fps")
    loud = np.array(squares)
    if not len(loud) or not loud.max() > 0:
        raise ValueError(f"{path}: nothing is to be heard in it")
    return np.clip(1 + 10 * np.log10(np.maximum(loud / loud.max(), 1e-12)) / RANGE, 0, 1)


def _frames(parts: Iterator[tuple[np.ndarray, float]], fps: float) -> Iterator[np.ndarray]:
    """The samples of each frame of parts of a sound with their rates; the last frame may be short."""
    kept, begin, frame = np.zeros(0), 0, 1
    for part, rate in parts:
        kept = np.concatenate([kept, part])
        while len(kept) >= (count := max(round(frame * rate / fps) - begin, 1)):
            yield kept[:count]
            kept, begin, frame = kept[count:], begin + count, frame + 1
    if len(kept):
        yield kept


def _wave(file: BinaryIO) -> Iterator[tuple[np.ndarray, float]]:
    """The samples of a WAV file of whole numbers, -1 to 1, all channels as one. Raises whatever Python does."""
    with wave.open(file) as sound:
        width, channels, rate = sound.getsampwidth(), sound.getnchannels(), sound.getframerate()
        while data := sound.readframes(RATE):
            whole = np.frombuffer(data[: len(data) // (width * channels) * width * channels], np.uint8)
            wide = np.zeros((len(whole) // width, 4), np.uint8)
            wide[:, 4 - width :] = whole.reshape(-1, width)  # little-endian: the last byte counts most
            if width == 1:
                wide[:, 3] ^= 0x80  # of 8 bits alone, silence is 128
            yield (wide.view("<i4")[:, 0] / 2**31).reshape(-1, channels).mean(1), rate


def _decoded(file: BinaryIO, kind: str) -> Iterator[tuple[np.ndarray, float]]:
    """The samples of any other file. Raises whatever PyAV does."""
    av = pyav()
    with av.open(file, format=kind, metadata_errors="replace") as container:
        if not container.streams.audio:
            raise ValueError("it has no sound")
        mono = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        for frame in itertools.chain(container.decode(audio=0), [None]):  # None: the end of what is kept back
            for part in mono.resample(frame):
                yield part.to_ndarray().reshape(-1).astype(np.float64), RATE
