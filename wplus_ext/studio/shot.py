"""The settings of a video: prompt, noise, size, steps, and the edit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from ..fields import check, refuse_unknown, setting
from ..settings import Settings, nearest
from ..weights.regular import read_regular
from .schedulers import NAMES, OWN

LARGEST = 1 << 20  # bytes of a model's defaults, which have some hundred
MOST_FRAMES, MOST_STEPS, MOST_SIDE = 1024, 500, 2048
_END = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)?\s*(s?)\s*", re.ASCII)


@dataclass(frozen=True)
class Part:
    """A part of a video, from ``first`` to before ``last``, each in seconds or in frames; None is the video's own end.

    Raises ValueError where it is nothing, or no such part.
    """

    first: Fraction | None = None
    last: Fraction | None = None
    in_seconds: bool = False

    def __post_init__(self) -> None:
        if self.last is not None and self.last <= (self.first or 0):
            raise ValueError("it ends before it begins")
        ends = [end for end in (self.first, self.last) if end is not None]
        if not self.in_seconds and any(end.denominator > 1 for end in ends):
            raise ValueError("frames are whole numbers; seconds have an s")

    @classmethod
    def parse(cls, text: str) -> Part:
        """From a text such as ``24:72``, in frames, or ``1s:2.5s``; an end may be left out. All where it is empty."""
        if not text.strip():
            return cls()
        matches = [_END.fullmatch(end) for end in text.split(":")]
        try:
            if len(matches) != 2 or None in matches:
                raise ValueError("two numbers are to be parted by a colon")
            units = {match[2] for match in matches if match[1]}
            if len(units) > 1:
                raise ValueError("both in frames, or both in seconds")
            first, last = (Fraction(match[1]) if match[1] else None for match in matches)
            return cls(first, last, units == {"s"})
        except ValueError as error:
            raise ValueError(f"range is {text!r} ({error}), expected such as 24:72 in frames, or 1s:2.5s") from error


@dataclass(frozen=True)
class Shot:
    """What a video is made from.

    ``edit`` holds adapter, identity, tracks, strength and so on. Where there are more frames than ``context``,
    FreeNoise's windows are used (Qiu et al., "FreeNoise: Tuning-Free Longer Video Diffusion Via Noise Rescheduling",
    ICLR 2024). With a ``video`` of one's own that is noised as far as ``denoise`` says, and only the steps from there
    on are taken (Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations",
    ICLR 2022); ``fps`` says how many of its frames a second there are.

    Raises:
        ValueError: a value of a wrong type or out of its range; an edit that no step lies in; a part of no video.
    """

    prompt: str = setting("a face", "Prompt", "of all frames")
    negative_prompt: str = setting("", "Negative prompt", "of all frames")
    seed: int = setting(0, "Seed", "of the noise", low=0, high=2**63 - 1)
    frames: int = setting(16, "Frames", "of the video", low=1, high=MOST_FRAMES)
    width: int = setting(0, "Width", "in pixels; 0 is the model's own", low=0, high=MOST_SIDE)
    height: int = setting(0, "Height", "in pixels; 0 is the model's own", low=0, high=MOST_SIDE)
    steps: int = setting(25, "Steps", "of the pipeline's scheduler", low=1, high=MOST_STEPS)
    scheduler: str = setting(OWN, "Scheduler", f"{OWN} is the pipeline's", choices=NAMES)
    guidance: float = setting(7.5, "Guidance", "classifier-free; 1 and less is none", low=0, high=100)
    fps: float = setting(8.0, "FPS", "frames a second in the file", low=0.1, high=100)
    control: str = setting("", "Control", "a video or a folder of pictures that the ControlNet follows, frame by frame")
    control_scale: float = setting(1.0, "Control scale", "how strongly it is followed", low=0, high=2)
    context: int = setting(16, "Context", "frames that the motion modules see at once", low=2, high=MOST_FRAMES)
    video: str = setting(
        "", "Video", "one of your own, to be edited", note="size, rate and number of frames are its own where not given"
    )
    range: str = setting(
        "", "Range", "of that video, such as 24:72 in frames, or 1s:2.5s", note="from the first to before the last"
    )
    denoise: float = setting(
        0.5,
        "Denoise",
        "of that video, how far it is made anew",
        note="the part of the steps that is taken",
        low=0,
        high=1,
    )
    edit: Settings = Settings(enabled=True)

    def __post_init__(self) -> None:
        check(self)
        Part.parse(self.range)
        if not self.video and (self.range, self.denoise) != (Shot.range, Shot.denoise):
            raise ValueError("range and denoise are of a video of your own; name it with video")
        if not self.taken:
            least = -(-100 // self.steps) / 100
            raise ValueError(
                f"denoise is {self.denoise:g}, so none of the {self.steps} steps is taken; expected {least:g} or more"
            )
        _ = self.first_edited  # its fault is ours

    @property
    def taken(self) -> int:
        """How many of the steps are taken: all, or the last ones where there is a video to begin with."""
        return int(self.steps * self.denoise) if self.video else self.steps

    @property
    def first_edited(self) -> int:
        """The first step that is edited, of those that are taken."""
        return self.edit.window.first(self.taken)

    @property
    def base(self) -> Shot:
        """What rules the steps before the edit's start: shots that have it in common can share them."""
        fps = self.fps if self.video else 1.0  # of a video, other frames are taken
        return replace(self, fps=fps, edit=Settings(enabled=True, start=self.edit.start))

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Shot:
        """From names and values, ``edit`` being a dict itself. Raises ValueError, naming what is unknown."""
        refuse_unknown(cls, values, nearest)
        edit = values.get("edit", {})
        if not isinstance(edit, Mapping):
            raise ValueError(f"edit is {edit!r}, expected a dict of settings")
        return cls(**{**values, "edit": Settings.from_dict({"enabled": True, **edit})})


def read_defaults(path: Path) -> dict[str, object]:
    """What a model says of itself: values of a `Shot`; none where there is no such file.

    Raises ValueError for a file that holds anything else.
    """
    if not path.exists():
        return {}
    text = read_regular(path, LARGEST)
    try:
        values = json.loads(text)
        Shot.from_dict(values)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: no values of a video ({error}); mend it, or delete it") from error
    return values
