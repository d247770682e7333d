"""A ControlNet beside the UNet: a video that says where things are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from .footage import Footage, fitted, pixels
from .frames import read_frames
from .shot import Shot


@dataclass(frozen=True, eq=False)
class Control:
    """A ControlNet with the frames (F, 3, H, W), 0 to 1, that it looks at, and its strength."""

    net: torch.nn.Module
    frames: Tensor
    scale: float

    @staticmethod
    def check(shot: Shot, net: torch.nn.Module | None) -> None:
        """Raise ValueError where a shot has a video to follow and there is no ControlNet, or the other way round; or
        where the video has fewer frames than the shot, or cannot be read. Raises OSError."""
        if shot.control and net is None:
            raise ValueError(
                f"control is {shot.control!r}, and there is no ControlNet to follow it: name one with --controlnet"
            )
        if net is not None and not shot.control:
            raise ValueError("a ControlNet is there, and no video for it to follow: name one with --control")
        if shot.control and shot.video:
            Footage.of(_guide(shot)).check(shot)
        elif shot.control:
            count = sum(1 for _ in islice(read_frames(Path(shot.control)), shot.frames))
            if count < shot.frames:
                raise ValueError(f"{shot.control}: {count} frames, expected at least the {shot.frames} of the video")

    @classmethod
    def of(cls, net: torch.nn.Module, shot: Shot, size: tuple[int, int]) -> Control:
        """With the frames of a shot's video or folder of pictures, made ``size``, width and height, large: the first
        ones, or, beside footage, those of the same part at the same rate. `check` is to be asked before; raises as
        `read_frames`."""
        if shot.video:
            pictures = [*Footage.of(_guide(shot)).frames(shot, *size)]
        else:
            pictures = [fitted(frame, *size) for frame in islice(read_frames(Path(shot.control)), shot.frames)]
        return cls(net, pixels(pictures).to(net.device, net.dtype), shot.control_scale)

    def residuals(self, rows: Tensor, t: Tensor, text: Tensor) -> dict[str, object]:
        """What a UNet call with these rows (V, C, F, h, w) and their text (V * F, tokens, width) gets too."""
        pictures = rows.transpose(1, 2).flatten(0, 1)
        frames = self.frames.repeat(len(rows), 1, 1, 1)
        down, middle = self.net(
            pictures,
            t,
            encoder_hidden_states=text,
            controlnet_cond=frames,
            conditioning_scale=self.scale,
            return_dict=False,
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}


def _guide(shot: Shot) -> Shot:
    """A shot with what its ControlNet follows as its footage."""
    return replace(shot, video=shot.control)
