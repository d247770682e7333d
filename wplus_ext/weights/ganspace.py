"""GANSpace files: principal components of a StyleGAN's latents, and the table that names some of them.

Source: Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls", NeurIPS 2020.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .regular import open_regular
from .shapes import WIDTH

LARGEST_TABLE = 1 << 20  # bytes


class Component(NamedTuple):
    """A line of a table, as text: the layers that it is for are ``first <= layer < end``, ``strength`` is a usual
    one."""

    name: str
    number: str
    first: str
    end: str
    strength: str


def is_pca(content: object) -> bool:
    """Whether a file's content means to be a PCA: mean, components and standard deviations. `check_pca` says whether
    it can be used."""
    names = ("mean", "comp", "std")
    return (
        isinstance(content, dict)
        and all(isinstance(content.get(name), Tensor) for name in names)
        and all(content[name].numel() for name in names)
    )


def read_table(path: str | Path) -> list[Component]:
    """The lines of a table that have five columns, with tabs, semicolons or commas between them.

    Raises:
        ValueError: no text of such lines, or an unusable line among them.
        OSError: the file cannot be read.
    """
    with open_regular(path) as file:
        data = file.read(LARGEST_TABLE)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path}: a table in UTF-16; save it as UTF-8")
    text = data.decode("utf-8-sig", "replace")
    for mark in "\t;,":
        try:
            lines = [line for line in csv.reader(text.splitlines(), delimiter=mark) if any(map(str.strip, line))]
        except csv.Error as error:
            raise ValueError(f"{path}: no table ({error})") from error
        found = [Component(*map(str.strip, line)) for line in lines if len(line) == 5]
        if found and len(found) < len(lines):
            odd = next(line for line in lines if len(line) != 5)
            raise ValueError(f"{path}: the line {mark.join(odd)[:60]!r} has {len(odd)} columns, expected 5; cut short?")
        if found:
            return found
    raise ValueError(
        f"{path}: no GANSpace table, expected lines of name, component, first and end layer, and strength, "
        "with tabs between them"
    )


def check_pca(content: dict[str, Tensor], path: str | Path) -> None:
    """Raise ValueError unless a PCA's numbers can be used: one vector of 512 finite floats for the mean and for each
    component, and a positive deviation for each."""
    mean, comp, std = content["mean"], content["comp"], content["std"]
    for name, tensor in (("mean", mean), ("comp", comp), ("std", std)):
        if not tensor.is_floating_point():
            raise ValueError(f"{path}: {name} holds {tensor.dtype}, expected floats")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{path}: {name} holds NaN or infinite numbers; download it again")
    if mean.numel() != WIDTH or tuple(comp.shape) not in ((len(comp), WIDTH), (len(comp), 1, WIDTH)):
        raise ValueError(
            f"{path}: mean of shape {tuple(mean.shape)} and components of {tuple(comp.shape)}, expected (1, {WIDTH}) "
            f"and (N, 1, {WIDTH}): a PCA of StyleGAN's W"
        )
    if tuple(std.shape) != (len(comp),) or not (std > 0).all():
        raise ValueError(f"{path}: its deviations have the shape {tuple(std.shape)} and begin at {std.min():g}, "
                         f"expected ({len(comp)},) numbers above 0")  # fmt: skip
