"""The settings of a video: prompt, noise, size, steps, and the edit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..fields import check, refuse_unknown, setting
from ..settings import Settings, nearest

MOST_FRAMES, MOST_STEPS, MOST_SIDE = 1024, 500, 2048


@dataclass(frozen=True)
class Shot:
    """What a video is made from.

    ``edit`` holds adapter, identity, tracks, strength and so on. Where there are more frames than ``context``,
    FreeNoise's windows are used (Qiu et al., "FreeNoise: Tuning-Free Longer Video Diffusion Via Noise Rescheduling",
    ICLR 2024).

    Raises:
        ValueError: a value of a wrong type or out of its range; an edit that no step lies in.
    """

    prompt: str = setting("a face", "Prompt", "of all frames")
    negative_prompt: str = setting("", "Negative prompt", "of all frames")
    seed: int = setting(0, "Seed", "of the noise", low=0, high=2**63 - 1)
    frames: int = setting(16, "Frames", "of the video", low=1, high=MOST_FRAMES)
    width: int = setting(0, "Width", "in pixels; 0 is the model's own", low=0, high=MOST_SIDE)
    height: int = setting(0, "Height", "in pixels; 0 is the model's own", low=0, high=MOST_SIDE)
    steps: int = setting(25, "Steps", "of the pipeline's scheduler", low=1, high=MOST_STEPS)
    guidance: float = setting(7.5, "Guidance", "classifier-free; 1 and less is none", low=0, high=100)
    fps: float = setting(8.0, "FPS", "frames a second in the file", low=0.1, high=100)
    context: int = setting(16, "Context", "frames that the motion modules see at once", low=2, high=MOST_FRAMES)
    edit: Settings = Settings(enabled=True)

    def __post_init__(self) -> None:
        check(self)
        _ = self.first_edited  # its fault is ours

    @property
    def first_edited(self) -> int:
        """The first step that is edited."""
        return self.edit.window.first(self.steps)

    @property
    def base(self) -> Shot:
        """What rules the steps before the edit's start: shots that have it in common can share them."""
        return replace(self, fps=1.0, edit=Settings(enabled=True, start=self.edit.start))

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Shot:
        """From names and values, ``edit`` being a dict itself. Raises ValueError, naming what is unknown."""
        refuse_unknown(cls, values, nearest)
        edit = values.get("edit", {})
        if not isinstance(edit, Mapping):
            raise ValueError(f"edit is {edit!r}, expected a dict of settings")
        return cls(**{**values, "edit": Settings.from_dict({"enabled": True, **edit})})
