"""A ControlNet beside the UNet: a video that says where things are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

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
        """Raise ValueError where a shot has a video to follow and there is no ControlNet, or the other way round."""
        if shot.control and net is None:
            raise ValueError(
                f"control is {shot.control!r}, and there is no ControlNet to follow it: name one with --controlnet"
            )
        if net is not None and not shot.control:
            raise ValueError("a ControlNet is there, and no video for it to follow: name one with --control")

    @classmethod
    def of(cls, net: torch.nn.Module, shot: Shot, size: tuple[int, int]) -> Control:
        """With the first frames of a shot's video or folder of pictures, made ``size``, width and height, large.

        Raises:
            ValueError: it has fewer than the shot; what `read_frames` says of it.
            OSError: it cannot be read.
        """
        from diffusers.video_processor import VideoProcessor

        path = Path(shot.control)
        pictures = [Image.fromarray(frame) for frame in islice(read_frames(path), shot.frames)]
        if len(pictures) < shot.frames:
            raise ValueError(f"{path}: {len(pictures)} frames, expected at least the {shot.frames} of the video")
        frames = VideoProcessor(do_convert_rgb=True, do_normalize=False).preprocess(pictures, size[1], size[0])
        return cls(net, frames.to(net.device, net.dtype), shot.control_scale)

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
