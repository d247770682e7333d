"""A video of one's own: what of it is taken, and how it becomes latents to begin with."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..fields import fields_of
from .frames import VIDEOS, Times, read_frames, read_times
from .mp4 import Sound
from .shot import MOST_FRAMES, MOST_SIDE, Part, Shot
from .speed import rate_of

AT_ONCE = 16  # frames that are encoded together, as diffusers does it
RATES = next(field for field in fields_of(Shot) if field.name == "fps")


@dataclass(frozen=True)
class Footage:
    """A video and when its frames are shown."""

    path: Path
    times: Times

    @classmethod
    def of(cls, shot: Shot) -> Footage:
        """A shot's own. Raises ValueError for one that cannot be read, or is a single picture; OSError."""
        path = Path(shot.video)
        if not path.exists():
            raise ValueError(f"{path}: no such file; expected a video of your own, or a folder of its frames")
        times = read_times(path)
        if times.frames < 2:
            raise ValueError(f"{path}: a single picture, expected a video of 2 frames or more")
        if times.rate is None:  # pictures of a folder: each is one of the shot's frames
            rate = rate_of(shot.fps)
            times = replace(times, begins=tuple(begin / rate for begin in times.begins), rate=rate)
        return cls(path, times)

    def span(self, shot: Shot) -> tuple[Fraction, Fraction]:
        """From when to when the shot's part of it lasts. Raises ValueError where it has no such part."""
        own, part = self.times.begins, Part.parse(shot.range)
        whole = own[-1] - own[0] if part.in_seconds else self.times.frames
        first, last = part.first or 0, whole if part.last is None else part.last
        if not first < last <= whole:
            raise ValueError(
                f"{self.path}: range is {shot.range!r}, but it has {self.times.frames} frames, "
                f"{float(own[-1] - own[0]):.2f} seconds"
            )
        return (own[0] + first, own[0] + last) if part.in_seconds else (own[int(first)], own[int(last)])

    def count(self, shot: Shot) -> int:
        """How many frames the shot's part of it has, at the shot's frames a second. Raises as `span`."""
        begin, end = self.span(shot)
        return max(math.ceil((end - begin) * rate_of(shot.fps) - Fraction(1, 2)), 1)

    def check(self, shot: Shot) -> None:
        """Raise ValueError where there are fewer frames than the shot has."""
        if self.count(shot) < shot.frames:
            where = f"range {shot.range}" if shot.range else "it"
            raise ValueError(
                f"{self.path}: {where} has {self.count(shot)} frames at {shot.fps:g} a second, but {shot.frames} are "
                "asked for; ask for fewer, or another range"
            )

    def frames(self, shot: Shot, width: int, height: int) -> Iterator[Image.Image]:
        """The shot's frames of it, as large as that, cut to these proportions; one at a time is kept.

        Each is the one that is to be seen at its time, so that the speed stays what it is at any frames a second.
        """
        begins, rate = self.times.begins, rate_of(shot.fps)
        slack = 1 / max(rate, self.times.rate or rate) / 2  # times are rounded in some formats
        begin, _ = self.span(shot)
        wanted = [bisect.bisect_right(begins, begin + i / rate + slack, 0, len(begins) - 1) for i in range(shot.frames)]
        shown = enumerate(read_frames(self.path), 1)
        for place, alike in itertools.groupby(wanted):
            frame = next((frame for i, frame in shown if i == place), None)
            if frame is None:
                raise ValueError(f"{self.path}: it ends after fewer frames than it says; save it anew")
            picture = fitted(frame, width, height)
            for _ in alike:
                yield picture


def own_values(shot: Shot, given: Mapping[str, object], multiple: int) -> tuple[dict[str, object], list[str]]:
    """What a shot's video says of itself, for the fields that were not given, and what is to be told of that.

    Args:
        shot: with the video, and the range and frames a second where they are known.
        given: fields and their values, of which the shot has those already.
        multiple: of which the model wants width and height to be.

    Raises:
        ValueError: as `Footage.of` and `Footage.span`; more frames than a shot may have.
    """
    footage, values, notes = Footage.of(shot), {}, []
    if "video" in given and "fps" not in given:
        rate = float(footage.times.rate or Shot.fps)
        values["fps"] = fps = min(max(rate, RATES.low), RATES.high)
        if fps != rate:
            notes.append(f"{shot.video} has {rate:g} frames a second; {fps:g} are taken")
    if "video" in given and not {"width", "height"} & given.keys():
        height, width = next(read_frames(footage.path)).shape[:2]
        values["width"], values["height"] = size = _size(width, height, multiple)
        if size != (width, height):
            notes.append(f"{shot.video} has {width}x{height} pixels; the model gets {size[0]}x{size[1]}")
    if "frames" not in given:
        shot = replace(shot, fps=values.get("fps", shot.fps))
        values["frames"] = count = footage.count(shot)
        if count > MOST_FRAMES:
            raise ValueError(
                f"{shot.video}: {count} frames at {shot.fps:g} a second, expected at most {MOST_FRAMES}; take a part "
                "of it with --range, or fewer a second with --fps"
            )
    return values, notes


def _size(width: int, height: int, multiple: int) -> tuple[int, int]:
    """The nearest that a model can have, and a shot."""
    scale = min(MOST_SIDE / max(width, height), 1) / multiple
    return tuple(min(max(round(side * scale), 1), MOST_SIDE // multiple) * multiple for side in (width, height))


@torch.no_grad()
def noised(pipe: object, shot: Shot, size: tuple[int, int], time: Tensor, generator: torch.Generator) -> Tensor:
    """A shot's video as latents (1, C, F, h, w) with the noise of a step of the pipeline's scheduler, which has been
    told its steps; drawn in the order of diffusers' ``AnimateDiffVideoToVideoPipeline``."""
    vae, device, dtype, parts = pipe.vae, pipe.unet.device, pipe.unet.dtype, []
    before, cast = vae.dtype, torch.nn.Module.to  # diffusers' own warns of this
    if vae.config.force_upcast:
        cast(vae, dtype=torch.float32)  # its numbers are too large for float16
    try:
        frames = Footage.of(shot).frames(shot, *size)
        while chunk := [*itertools.islice(frames, AT_ONCE)]:
            parts.append(vae.encode((pixels(chunk) * 2 - 1).to(device, vae.dtype)).latent_dist.sample(generator))
    finally:
        cast(vae, dtype=before)
    clean = torch.cat(parts)[None].to(dtype) * vae.config.scaling_factor
    noise = torch.randn(clean.shape, generator=generator, dtype=dtype).to(device)
    return pipe.scheduler.add_noise(clean, noise, time.expand(1)).transpose(1, 2)


def sound_of(shot: Shot) -> Sound | None:
    """The sound of the part of its video that a shot has; None where there is none."""
    if not shot.video or Path(shot.video).suffix.lower() not in VIDEOS:
        return None
    footage = Footage.of(shot)
    kind = VIDEOS[footage.path.suffix.lower()]
    return Sound(footage.path, kind, footage.span(shot)[0], shot.frames / rate_of(shot.fps))


def pixels(pictures: Sequence[Image.Image]) -> Tensor:
    """Pictures as numbers (F, 3, H, W), 0 to 1."""
    return torch.from_numpy(np.stack(pictures).astype(np.float32) / 255).permute(0, 3, 1, 2)


def fitted(frame: np.ndarray, width: int, height: int) -> Image.Image:
    """A frame (H, W, 3) uint8 as large as that, cut to these proportions."""
    picture, size = Image.fromarray(frame), (width, height)
    return picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
