"""MP4 files: pictures, settings, and the sound of another video."""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..weights.regular import open_regular
from .speed import rate_of

# Sounds that MP4 holds as they are; all others become AAC.
KEPT = ("aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus")


@dataclass(frozen=True)
class Sound:
    """Of a video: from which second, and how many."""

    path: Path
    kind: str  # PyAV's name of the format
    begin: Fraction
    seconds: Fraction


def save(frames: np.ndarray, path: Path, fps: float, settings: str, sound: Sound | None = None) -> None:
    """Write frames (F, H, W, 3) uint8, with even sides, and the sound of another video where it has one.

    Raises ValueError for odd sides, OSError where it cannot be written.
    """
    av = pyav()
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"{path}: MP4 needs even sides, got {width}x{height}; write .webp instead")
    place = os.path.abspath(path)  # a colon in a relative one parts a protocol from the rest
    try:
        with ExitStack() as stack:
            container = stack.enter_context(av.open(place, "w", options={"movflags": "use_metadata_tags"}))
            container.metadata["comment"] = settings
            stream = container.add_stream("libx264", rate=rate_of(fps), options={"crf": "14"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            pictures = (av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames)
            tracks = [itertools.chain.from_iterable(map(stream.encode, itertools.chain(pictures, [None])))]
            if sound:
                file = stack.enter_context(open_regular(sound.path))
                source = stack.enter_context(av.open(file, format=sound.kind, metadata_errors="replace"))
                tracks += [_packets(container, source, sound)] if source.streams.audio else []
            for packet in heapq.merge(*tracks, key=lambda packet: packet.dts * packet.time_base):
                container.mux(packet)
    except av.FFmpegError as error:  # not all of them are the system's
        raise OSError(f"{path.name}: cannot be written as MP4 ({error.strerror}); write .webp instead") from error


def _packets(container: object, source: object, sound: Sound) -> Iterator:
    """The packets of a part of a video's sound, in a track that is added to ``container`` at once."""
    track = source.streams.audio[0]
    if track.codec_context.name in KEPT:
        return _copied(container.add_stream_from_template(track), source, track, sound)
    stream = container.add_stream("aac", rate=track.rate if track.rate in (44100, 48000) else 48000)
    stream.layout = "mono" if track.channels == 1 else "stereo"
    return _encoded(stream, source, track, sound)


def _copied(stream: object, source: object, track: object, sound: Sound) -> Iterator:
    """As they are, each whole."""
    for packet in source.demux(track):
        if packet.pts is None or packet.dts is None:  # the end, or a part that has no time
            continue
        begin = packet.pts * packet.time_base - sound.begin
        if 0 <= begin < sound.seconds:
            shift = round(sound.begin / packet.time_base)
            packet.stream, packet.pts, packet.dts = stream, packet.pts - shift, packet.dts - shift
            yield packet


def _encoded(stream: object, source: object, track: object, sound: Sound) -> Iterator:
    """As AAC."""
    resampler = pyav().AudioResampler(format=stream.format, layout=stream.layout, rate=stream.rate)
    skipped, left = round(sound.begin * stream.rate), round(sound.seconds * stream.rate)
    fifo, written = pyav().AudioFifo(), 0
    for frame in itertools.chain(source.decode(track), [None]):
        if frame:
            frame.pts = None  # counted anew
        for part in resampler.resample(frame):
            part.pts = None
            fifo.write(part)
        while skipped and (gone := fifo.read(min(skipped, 1024), partial=frame is None)):
            skipped -= gone.samples
        while not skipped and left and (part := fifo.read(min(left, 1024), partial=frame is None)):
            part.pts, part.time_base = written, Fraction(1, stream.rate)
            left, written = left - part.samples, written + part.samples
            yield from stream.encode(part)
        if not left:
            break
    yield from stream.encode()


def pyav(what: str = "MP4", instead: str = "write .webp or .gif"):  # noqa: ANN201 - a module
    """PyAV, which reads and writes videos. Raises ValueError where it is not installed, with what to do instead."""
    try:
        import av
    except ImportError as error:
        raise ValueError(f"{what} needs PyAV: pip install av; or {instead}") from error
    return av
