"""Settings and a library: what the settings name, and the plan that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from ..curve import evaluate
from ..edit.plan import Branch, Plan
from ..settings import Settings
from ..tracks import Track, TrackError
from ..weights.adapter import Adapter
from ..weights.latents import load_latent
from . import directions
from .directions import Direction
from .index import Entry, Library
from .names import named_by


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
        return [track.name for track, _ in self.tracks] if self.identity is None else [self.settings.identity]

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

        Without an identity each track is a branch, ``w = n`` with lambda from track and strength. With
        one there is a single branch, ``w = w_id + sum of alpha * n``, with the strength as lambda. A track
        ``@other`` goes from that identity to another: its n is ``w_other - w_id``, so 1 is the other.

        Raises:
            ValueError: an unusable file, or a schedule that cannot be evaluated over that many frames.
        """
        settings = self.settings
        with _told("strength"):
            strength = evaluate(settings.schedule, frames)
        moves = []
        for track, entry in self.tracks:
            with _told(f"tracks, line {track.line}"):
                moves.append((track, self._direction(track, entry), evaluate(track.schedule, frames)))
        if self.identity is None:
            branches = [
                Branch(direction.within(track.layers), [value * s for value, s in zip(values, strength)])
                for track, direction, values in moves
            ]
        else:
            w = load_latent(self.identity.path)
            first, steps = w[0].expand(frames, -1), []
            for track, direction, values in moves:  # a target's step is from where those before it have led
                vector, amounts = direction.move(first, torch.tensor(values), track.layers)
                first = first + amounts[:, None] * vector[0]
                steps.append((vector, _alike(amounts.tolist())))
            branches = [Branch(w, strength, steps)]
        return Plan(branches, settings.start, settings.end, settings.negative, settings.mode)

    def _direction(self, track: Track, entry: Entry) -> Direction:
        if named_by(track.name)[0] == "latents":
            direction = Direction(load_latent(entry.path) - load_latent(self.identity.path))
        else:
            direction = directions.load(entry)
        if not direction.within(track.layers).any():
            raise ValueError(directions.zero_fault(track.name, track.layers))
        return direction


def resolve(settings: Settings, library: Library) -> Resolved:
    """Find what the settings name.

    Raises:
        ValueError: a name that is unknown or leaves its folder, with the place in the settings; an adapter that is
            named and not there; a morph without an identity to start from.
    """
    if settings.adapter:
        library.find("adapters", settings.adapter)
    identity = None if settings.identity is None else library.find("latents", settings.identity)
    found = find_tracks(settings, library)
    for track, _ in found if identity is None else ():
        if named_by(track.name)[0] == "latents":
            raise ValueError(
                f"tracks, line {track.line}: {track.name!r} leads from an identity to another one: choose the identity "
                "that it starts from"
            )
    return Resolved(settings, library, identity, found)


def find_tracks(settings: Settings, library: Library) -> tuple[tuple[Track, Entry], ...]:
    """The file of each track. Raises ValueError for a name that is unknown or leaves its folder, with its line."""
    found = []
    for track in settings.parsed:
        with _told(f"tracks, line {track.line}"):
            found.append((track, library.find(*named_by(track.name))))
    return tuple(found)


def _alike(values: list[float]) -> float | list[float]:
    """One number for those that are all the same."""
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
