"""GANSpace files: principal components of a StyleGAN's latents, and the table that names some of them.

Source: Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls", NeurIPS 2020.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from .regular import check_regular


class Component(NamedTuple):
    """A line of a table, as text: the layers that it is for are ``first <= layer < end``, ``strength`` is a usual
    one."""

    name: str
    number: str
    first: str
    end: str
    strength: str


def is_pca(content: object) -> bool:
    """Whether a file's content is a PCA: mean, components and standard deviations."""
    return (
        isinstance(content, dict)
        and {"mean", "comp", "std"} <= content.keys()
        and all(isinstance(content[name], Tensor) for name in ("mean", "comp", "std"))
        and content["comp"].ndim > 1
        and len(content["comp"]) == content["std"].numel()
    )


def read_table(path: str | Path) -> list[Component]:
    """The lines of a table that have five columns, with tabs between them.

    Raises:
        ValueError: no text of such lines.
        OSError: the file cannot be read.
    """
    check_regular(path)
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            found = [Component(*line) for line in csv.reader(file, delimiter="\t") if len(line) == 5]
    except csv.Error as error:
        raise ValueError(f"{path}: no table ({error})") from error
    if not found:
        raise ValueError(
            f"{path}: no GANSpace table, expected lines of name, component, first and end layer, and strength, "
            "with tabs between them"
        )
    return found
