"""Small videos with sound, to begin with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av")
SIDE = 16


def shades(count, height=SIDE, width=SIDE):
    """Grey frames, each 12 lighter than the one before."""
    return np.stack([np.full((height, width, 3), 12 * i, np.uint8) for i in range(count)])


def recorded(path, codec="mpeg4", times=range(20), part=Fraction(1, 10), sound="", size=(SIDE, SIDE)):
    """An ordinary video, whose frames begin at such times, and whose sound gets loud after a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=1 / part)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = part
        voice = container.add_stream(sound, rate=48000, layout="mono") if sound else None
        for picture, time in zip(shades(len(times), *size), times):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, part
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice:
            wave = np.sin(np.arange(96000) / 20) * np.repeat([0.05, 0.8], 48000)
            resampler = av.AudioResampler(format=voice.format, layout="mono", rate=48000)
            for i in range(0, 96000, 960):
                heard = av.AudioFrame.from_ndarray(wave[None, i : i + 960].astype(np.float32), "flt", "mono")
                heard.rate, heard.pts = 48000, i
                for each in resampler.resample(heard):
                    container.mux(voice.encode(each))
            container.mux(voice.encode())
    return path
