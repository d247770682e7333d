"""Settings and a library: what the settings name, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from ..curve import evaluate
from ..edit.plan import Branch, Plan
from ..regions import Ellipse
from ..settings import Settings
from ..tracks import Track, TrackError
from ..weights.adapter import Adapter
from ..weights.latents import load_latent
from ..weights.shapes import Float
from . import directions
from .directions import Direction
from .index import Entry, Library
from .names import named_by

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Resolved:
    """Settings whose names are known: the files of the identity and of each track. Nothing is loaded yet."""

    settings: Settings
    library: Library
    identity: Entry | None
    tracks: tuple[tuple[Track, Entry], ...]

    @property
    def names(self) -> list[str]:
        """What each branch of the plan is called."""
        if self.identity is None:
            return [track.called for track, _ in self.tracks]
        whole, *regions = [self.settings.identity, *self._regions]
        return [whole, *(f"{whole}[{region}]" for region in regions)]

    @property
    def _regions(self) -> list[str]:
        """The regions that tracks are kept to."""
        return [*dict.fromkeys(track.region for track, _ in self.tracks if track.region)]

    def with_adapter(self) -> Resolved:
        """The same with the adapter's own name in the settings. Raises ValueError where there is none."""
        entry = self.library.find("adapters", self.settings.adapter)
        return replace(self, settings=replace(self.settings, adapter=entry.name))

    def adapter(self) -> Adapter:
        """The adapter, loaded."""
        return self.library.adapter(self.settings.adapter)

    def fingerprints(self) -> dict[str, str]:
        """Infotext entries with short hashes of the files."""
        library = self.library
        entries = {"WPlus adapter hash": library.hash(library.find("adapters", self.settings.adapter))}
        if self.identity is not None:
            entries["WPlus identity hash"] = library.hash(self.identity)
        if self.tracks:
            hashes = {track.name: library.hash(entry) for track, entry in self.tracks}
            entries["WPlus direction hashes"] = ", ".join(f"{name}: {digits}" for name, digits in hashes.items())
        return entries

    def plan(self, frames: int) -> Plan:
        """The plan for a number of frames.

        Without an identity each track is a branch, ``w = n`` with lambda from track and strength; of ``@other`` it is
        that latent. With an identity there is a branch ``w = w_id + sum of alpha * n``, with the strength as lambda,
        and for each region one more, with the tracks that are kept to it too, for which the first gives way there. A
        track ``@other`` then goes from that identity to another: its n is ``w_other - w_id``, so 1 is the other.

        Raises:
            ValueError: an unusable file, or a schedule or a region that cannot be evaluated over that many frames.
        """
        settings = self.settings
        with _told("strength"):
            strength = evaluate(settings.schedule, frames)
        moves = []
        for track, entry in self.tracks:
            with _told(f"tracks, line {track.line}"):
                moves.append((track, self._direction(track, entry), evaluate(track.schedule, frames)))
        regions = {name: self._ellipses(name, frames) for name in self._regions}
        if self.identity is None:
            branches = [
                Branch(direction.within(track.layers), [value * s for value, s in zip(values, strength)],
                       region=regions.get(track.region))
                for track, direction, values in moves
            ]  # fmt: skip
        else:
            w = load_latent(self.identity.path)
            branches = [Branch(w, strength, _steps(w, moves, frames), without=[*regions.values()])]
            branches += [
                Branch(w, strength, _steps(w, moves, frames, name), region=region) for name, region in regions.items()
            ]
        return Plan(branches, settings.start, settings.end, settings.negative, settings.mode)

    def _ellipses(self, name: str, frames: int) -> Ellipse | list[Ellipse]:
        """Where a region is, at each frame or at all of them."""
        region = self.settings.places[name]
        with _told(f"regions, line {region.line}"):
            return _alike(region.ellipses(frames))

    def _direction(self, track: Track, entry: Entry) -> Direction:
        if named_by(track.name)[0] == "latents":
            own = load_latent(entry.path)
            direction = Direction(own if self.identity is None else own - load_latent(self.identity.path))
        else:
            direction = directions.load(entry)
        if not direction.within(track.layers).any():
            raise ValueError(directions.zero_fault(track.name, track.layers))
        return direction


def resolve(settings: Settings, library: Library) -> Resolved:
    """Find what the settings name.

    Raises:
        ValueError: a name that is unknown or leaves its folder, with the place in the settings; an adapter that is
            named and not there.
    """
    if settings.adapter:
        library.find("adapters", settings.adapter)
    identity = None if settings.identity is None else library.find("latents", settings.identity)
    return Resolved(settings, library, identity, find_tracks(settings, library))


def find_tracks(settings: Settings, library: Library) -> tuple[tuple[Track, Entry], ...]:
    """The file of each track. Raises ValueError for a name that is unknown or leaves its folder, with its line."""
    found = []
    for track in settings.parsed:
        with _told(f"tracks, line {track.line}"):
            found.append((track, library.find(*named_by(track.name))))
    return tuple(found)


def _steps(
    w: Float[Tensor, "18 512"], moves: Sequence[tuple[Track, Direction, list[float]]], frames: int, region: str = ""
) -> list[tuple[Float[Tensor, "18 512"], float | list[float]]]:
    """The moves of an identity by the tracks that act everywhere and, after them, those that are kept to a region."""
    first, steps = w[0].expand(frames, -1), []
    mine = [move for move in moves if move[0].region in ("", region)]
    for track, direction, values in sorted(mine, key=lambda move: bool(move[0].region)):
        vector, amounts = direction.move(first, torch.tensor(values), track.layers)
        first = first + amounts[:, None] * vector[0]  # a target's step is from where those before it have led
        steps.append((vector, _alike(amounts.tolist())))
    return steps


def _alike(values: list[Value]) -> Value | list[Value]:
    """One value for those that are all the same."""
    return values[0] if len(set(values)) == 1 else values


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say in which setting a fault lies."""
    try:
        yield
    except TrackError as error:
        raise ValueError(f"{where}, column {error.column}: {error.message}") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
