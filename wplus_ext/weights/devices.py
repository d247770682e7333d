"""Devices: whether this torch can compute on one."""

from __future__ import annotations

import torch


def check_device(device: str) -> None:
    """Raise ValueError for a device that this torch cannot compute on."""
    try:
        there = float(torch.ones(1, device=device).add(1))  # on the device meta there are no numbers
    except (RuntimeError, AssertionError, ImportError, NotImplementedError) as error:  # as each of them likes it
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"the device {device!r} cannot be used ({reason}); try cpu") from error
    if there != 2:
        raise ValueError(f"the device {device!r} cannot be used (it computes 1 + 1 = {there:g}); try cpu")
