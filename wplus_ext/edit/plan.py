"""What is done to each frame: latents and scales, from the settings, the library and the number of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .. import tracks as language
from ..curve import evaluate
from ..library.index import Direction, Library, named_by
from ..settings import MODES, Settings
from ..tracks import LAYERS, TrackError
from ..weights.files import WIDTH

EPSILON = 1e-9  # 0.1 * 30 is a little more than 3


@dataclass(frozen=True, eq=False)
class Branch:
    """One term of the residual, ``scale * Attention(phi(w))``.

    Args:
        w: (18, 512), or (F, 18, 512) for a latent per frame.
        scale: lambda, a number or F of them; kept as a tuple, of one where it is the same for all.

    Raises:
        ValueError: another shape, or numbers that are not finite.
    """

    w: Tensor
    scale: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        if self.w.ndim not in (2, 3) or tuple(self.w.shape[-2:]) != (LAYERS, WIDTH):
            raise ValueError(
                f"w has shape {tuple(self.w.shape)}, expected ({LAYERS}, {WIDTH}) or (F, {LAYERS}, {WIDTH})"
            )
        if not torch.isfinite(self.w).all():
            raise ValueError("w holds NaN or infinite numbers, expected finite ones")
        scale = torch.as_tensor(self.scale, dtype=torch.float64)
        if scale.ndim > 1 or not torch.isfinite(scale).all():
            raise ValueError(f"scale is {self.scale}, expected a finite number or a list of them")
        object.__setattr__(self, "scale", tuple(scale.reshape(-1).tolist()))
        latents = self.w.shape[0] if self.w.ndim == 3 else 1
        if len({latents, len(self.scale), 1}) > 2 or not self.scale:
            raise ValueError(f"w has {latents} frames and scale {len(self.scale)}, expected the same number, or 1")

    @property
    def frames(self) -> int:
        """Number of frames F; 1 where nothing changes from frame to frame."""
        return max(self.w.shape[0] if self.w.ndim == 3 else 1, len(self.scale))

    def at(self, frame: int) -> tuple[Tensor, float]:
        """The latent (18, 512) and the scale of a frame."""
        w = self.w[min(frame, len(self.w) - 1)] if self.w.ndim == 3 else self.w
        return w, self.scale[min(frame, len(self.scale) - 1)]


@dataclass(frozen=True, eq=False)
class Plan:
    """The terms of an edit, and when they apply.

    Args:
        branches: all with the same number of frames, or without.
        start, end: active in step i of n when ``start * n <= i < end * n``.
        negative: also in the negative rows, with phi(0) at the same lambda.
        mode: ``"residual"``, or ``"direct"``: the tokens ``sum of scale * phi(w)`` are appended to
            the text tokens. All rows then attend to four more tokens, frames of scale 0 to zeros.

    Raises:
        ValueError: start and end out of order or range, unequal numbers of frames, an unknown mode.
    """

    branches: Sequence[Branch]
    start: float = 0.0
    end: float = 1.0
    negative: bool = True
    mode: str = "residual"

    def __post_init__(self) -> None:
        object.__setattr__(self, "branches", tuple(self.branches))
        if not 0 <= self.start < self.end <= 1:
            raise ValueError(f"start is {self.start:g} and end {self.end:g}, expected 0 <= start < end <= 1")
        counts = {branch.frames for branch in self.branches} - {1}
        if len(counts) > 1:
            raise ValueError(f"the branches have {sorted(counts)} frames, expected the same number")
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}, expected one of {', '.join(MODES)}")
        if self.mode == "direct" and not self.negative:
            raise ValueError("the direct mode appends tokens to every row: expected negative=True")

    @property
    def frames(self) -> int:
        """Number of frames; 1 where all frames are alike."""
        return max((branch.frames for branch in self.branches), default=1)

    @cached_property
    def scales(self) -> list[list[float]]:
        """For each frame the scale of each branch."""
        return [[branch.at(frame)[1] for branch in self.branches] for frame in range(self.frames)]

    @property
    def is_empty(self) -> bool:
        """Whether no frame is changed."""
        return not any(any(scales) for scales in self.scales)

    def active(self, step: int, steps: int) -> bool:
        """Whether step ``step`` of ``steps`` is edited. Samplers that take more steps than they
        announce stay at the last one."""
        step = min(step, steps - 1)
        return self.start * steps <= step + EPSILON and step < self.end * steps - EPSILON


def build(settings: Settings, library: Library, frames: int) -> Plan:
    """The plan for a number of frames.

    Without an identity each track is a branch, ``w = n`` with lambda from track and strength. With
    one there is a single branch, ``w = w_id + sum of alpha * n``, with the strength as lambda. A track
    ``@other`` goes from that identity to another: its n is ``w_other - w_id``, so 1 is the other.

    Raises:
        ValueError: an unknown or unusable name; `TrackError` for a track that cannot be
            evaluated over that many frames.
    """
    with _told("strength"):
        strength = evaluate(settings.strength, frames)
    tracks = []
    for track in language.parse(settings.tracks):
        with _told(f"tracks, line {track.line}"):
            direction = _direction(track.name, settings.identity, library)
            if not direction.within(track.layers).any():
                raise ValueError(
                    f"direction {track.name!r} is zero in the layers {track.layers[0]}:{track.layers[1]}; "
                    "expected one that says something there"
                )
            tracks.append((track, direction, evaluate(track.schedule, frames)))
    branches = []
    if settings.identity is not None:
        w = library.latent(settings.identity).expand(frames, -1, -1)
        for track, direction, values in tracks:
            w = direction.move(w, torch.tensor(values), track.layers)
        branches.append(Branch(w[0] if (w == w[0]).all() else w, strength))
    else:
        for track, direction, values in tracks:
            scale = [value * s for value, s in zip(values, strength)]
            branches.append(Branch(direction.within(track.layers), scale))
    return Plan(tuple(branches), settings.start, settings.end, settings.negative, settings.mode)


def fingerprints(settings: Settings, library: Library) -> dict[str, str]:
    """Infotext entries with short hashes of the files that the settings name."""
    entries = {"WPlus adapter hash": library.hash("adapters", settings.adapter)}
    if settings.identity is not None:
        entries["WPlus identity hash"] = library.hash("latents", settings.identity)
    hashes = {}
    for track in language.parse(settings.tracks):
        with _told(f"tracks, line {track.line}"):
            hashes[track.name] = library.hash(*named_by(track.name))
    if hashes:
        entries["WPlus direction hashes"] = ", ".join(f"{name}: {digits}" for name, digits in hashes.items())
    return entries


def _direction(name: str, identity: str | None, library: Library) -> Direction:
    kind, known = named_by(name)
    if kind == "directions":
        return library.direction(known)
    if identity is None:
        raise ValueError(f"{name!r} leads from an identity to another one: choose the identity that it starts from")
    return Direction(library.latent(known) - library.latent(identity))


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say in which setting a fault lies."""
    try:
        yield
    except TrackError as error:
        raise ValueError(f"{where}, column {error.column}: {error.message}") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
