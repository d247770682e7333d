"""Directions: what an edit adds to a latent, or where it moves one to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..weights import files
from ..weights.latents import as_latent, load_direction
from ..weights.shapes import LAYERS, Float
from . import calibration
from .index import Entry, Library
from .published import DIRECTIONS


@dataclass(frozen=True, eq=False)
class Target:
    """A GANSpace edit: move a latent's coordinate along ``component`` to a strength.

    The coordinate is ``((w - mean) . component) / deviation`` of the latent's **first layer**, and all layers take the
    step that it needs, as upstream's own edit does: the published strengths were chosen with it, and what sets a
    face's layers apart stays. Source: Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls", NeurIPS
    2020; e4e's and the W+ Adapter's ``ganspace.py``.
    """

    mean: Float[Tensor, "512"]
    component: Float[Tensor, "512"]
    deviation: float
    sign: float


@dataclass(frozen=True, eq=False)
class Direction:
    """An edit of a W+ latent.

    ``vector`` is the direction by itself, zero outside of its layers. Where there is a ``target``, an edit of a latent
    goes to a strength instead of by a step.
    """

    vector: Float[Tensor, "18 512"]
    layers: tuple[int, int] = (0, LAYERS)
    target: Target | None = None

    def within(self, layers: tuple[int, int]) -> Float[Tensor, "18 512"]:
        """The vector, zero outside of ``layers``."""
        vector = torch.zeros_like(self.vector)
        vector[slice(*layers)] = self.vector[slice(*layers)]
        return vector

    def move(
        self, first_layer: Float[Tensor, "F 512"], alpha: Float[Tensor, " F"], layers: tuple[int, int]
    ) -> tuple[Float[Tensor, "18 512"], Float[Tensor, " F"]]:
        """An edit by alpha, in ``layers[0] <= layer < layers[1]`` only: a vector, and how much of it is to be added to
        latents with such a first layer."""
        if self.target is None:
            return self.within(layers), alpha
        begin, end = max(layers[0], self.layers[0]), min(layers[1], self.layers[1])
        target, vector = self.target, torch.zeros_like(self.vector)
        vector[begin:end] = target.component
        now = ((first_layer - target.mean) @ target.component) / target.deviation
        return vector, (target.sign * alpha - now) * target.deviation


class Description(NamedTuple):
    """What is known of a direction, as text: what more of it is, its layers from 0, the mean norm of these, and what it
    was measured to give. A ``target`` moves a latent to a strength along a GANSpace component, a ``step`` is added to
    it."""

    name: str
    what: str
    kind: str
    layers: str
    norm: str
    gives: str = ""

    def __str__(self) -> str:
        what = f" ({self.what})" if self.what else ""
        gives = f"; {self.gives}" if self.gives else ""
        return f"{self.name}{what}: a {self.kind}, layers {self.layers}, norm of a layer {self.norm}{gives}"


def zero_fault(name: str, layers: tuple[int, int]) -> str:
    """What is to be said of a direction that is zero wherever a track has it."""
    return f"direction {name!r} is zero in the layers {layers[0]}:{layers[1]}; expected one that says something there"


def load(entry: Entry) -> Direction:
    """The direction of an entry. Raises ValueError where its file, or its line of a table, cannot be used."""
    return _ganspace(entry) if entry.component else Direction(load_direction(entry.path))


def describe(library: Library, name: str) -> Description:
    """A direction of the library; of a file that cannot be read, why."""
    entry = library.find("directions", name)
    what = DIRECTIONS.get(name.rpartition("/")[2], "")
    if entry.component:
        component = f"component {entry.component.number}, used up to {entry.component.strength.lstrip('-')}"
        what = f"{what}; {component}" if what else component
    try:
        found = load(entry)
    except ValueError as error:
        return Description(name, what, f"file that cannot be used ({error})", "-", "-")
    norms = found.vector.norm(dim=1)
    used = norms.nonzero().flatten().tolist()
    layers = f"{used[0]} to {used[-1]}" if len(used) > 1 else "".join(map(str, used)) or "none: it is zero"
    kind = "target" if found.target else "step"
    return Description(name, what, kind, layers, f"{norms[used].mean() if used else 0.0:.2f}", _gives(library, entry))


def _gives(library: Library, entry: Entry) -> str:
    """What a direction was measured to give; of a calibration that cannot be read, why."""
    try:
        found = calibration.read(library, entry)
    except (ValueError, OSError) as error:
        return str(error)
    return "; ".join(f"1 of {number} gives {each}, on {each.model}" for number, each in found.items())


def _ganspace(entry: Entry) -> Direction:
    line, content = entry.component, files.read(entry.path)
    try:
        number, first, end, strength = int(line.number), int(line.first), int(line.end), float(line.strength)
        deviation = float(content["std"][number])
        if not (number >= 0 and 0 <= first < end <= LAYERS and 0 < deviation < math.inf and strength):
            raise ValueError("expected a component, layers within 0 to 18, a strength and a deviation that are not 0")
        mean, axis = (as_latent(x, entry.path)[0] for x in (content["mean"], content["comp"][number]))
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"{entry.table}: the line of {line.name!r} does not fit {entry.path.name} ({error})"
        ) from error
    sign, layers = math.copysign(1.0, strength), (first, end)
    whole = Direction((sign * deviation * axis).expand(LAYERS, -1))
    return Direction(whole.within(layers), layers, Target(mean, axis / axis.norm(), deviation, sign))
