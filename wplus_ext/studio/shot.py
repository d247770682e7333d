"""The settings of a video: prompt, noise, size, steps, and the edit."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..edit.plan import Plan
from ..settings import Settings

MOST_FRAMES, MOST_STEPS, MOST_SIDE = 1024, 500, 2048


@dataclass(frozen=True)
class Shot:
    """What a video is made from.

    Args:
        prompt, negative_prompt: of all frames.
        seed: of the noise.
        frames: 1 to 1024; where they are more than ``context``, FreeNoise's windows are used (Qiu et al.,
            "FreeNoise: Tuning-Free Longer Video Diffusion Via Noise Rescheduling", ICLR 2024).
        width, height: pixels, multiples of the autoencoder's factor; 0 is the model's own size.
        steps: of the pipeline's scheduler.
        guidance: classifier-free guidance; 1 and less is none.
        fps: frames a second in the file.
        context: frames that the motion modules see at once.
        edit: adapter, identity, tracks, strength and so on.

    Raises:
        ValueError: a value out of its range.
    """

    prompt: str = "a face"
    negative_prompt: str = ""
    seed: int = 0
    frames: int = 16
    width: int = 0
    height: int = 0
    steps: int = 25
    guidance: float = 7.5
    fps: float = 8.0
    context: int = 16
    edit: Settings = Settings(enabled=True)

    def __post_init__(self) -> None:
        ranges = {
            "seed": (0, 2**63 - 1),
            "frames": (1, MOST_FRAMES),
            "width": (0, MOST_SIDE),
            "height": (0, MOST_SIDE),
            "steps": (1, MOST_STEPS),
            "guidance": (0, 100),
            "fps": (0.1, 100),
            "context": (2, MOST_FRAMES),
        }
        for name, (low, high) in ranges.items():
            value, whole = getattr(self, name), isinstance(getattr(type(self), name), int)
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise ValueError(f"{name} is {value!r}, expected a {'whole ' if whole else ''}number")
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, expected {low} to {high}")
        if not isinstance(self.prompt, str) or not isinstance(self.negative_prompt, str):
            raise ValueError(f"prompt is {self.prompt!r}, negative_prompt {self.negative_prompt!r}, expected texts")
        if not self.edited_steps:
            raise ValueError(
                f"none of the {self.steps} steps lies between start {self.edit.start:g} and end {self.edit.end:g}; "
                "expected some, lower start or raise end"
            )

    @property
    def edited_steps(self) -> list[int]:
        """The steps between the edit's start and end."""
        plan = Plan([], self.edit.start, self.edit.end)
        return [i for i in range(self.steps) if plan.active(i, self.steps)]

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Shot:
        """From names and values, ``edit`` being a dict itself. Raises ValueError, naming what is unknown."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}, expected {', '.join(f.name for f in fields(cls))}")
        edit = values.get("edit", {})
        if not isinstance(edit, dict):
            raise ValueError(f"edit is {edit!r}, expected a dict of settings")
        return cls(**{**values, "edit": Settings.from_dict({"enabled": True, **edit})})
