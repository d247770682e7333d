"""What is to be seen of a job's faces: measured as its images come, where the networks are there."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from ...library.index import Library
from ...measure.around import regions_of
from ...measure.follow import Faces, follow
from ...measure.reached import Reached, reached
from ...measure.reader import Face, Reader, networks_in
from ...regions import Region
from ...settings import Settings
from .public import public


class Networks:
    """The networks of a library, loaded when they are first needed, and again when they have changed."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._loaded: tuple[object, Reader] | None = None

    def reader(self) -> Reader:
        """What measures. Raises ValueError or OSError, saying how to get it."""
        folder = networks_in(self.library.roots)
        state = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
        if self._loaded is None or self._loaded[0] != (folder, state):
            self._loaded = (folder, state), Reader(folder)
        return self._loaded[1]


@functools.lru_cache(maxsize=4)
def networks_of(library: Library) -> Networks:
    """The one of a library, for whoever measures: both tabs' jobs and pages."""
    return Networks(library)


class Seen:
    """The faces of a batch; the ``fault`` for which there are none, where nothing measures them."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._faces: list[list[Face]] = []
        self._size = (1, 1)
        self.fault: Exception | None = None

    @property
    def why(self) -> str:
        """Why nothing is measured, as a line; empty where it is."""
        return f"what came out is not measured: {public(self.fault)}" if self.fault else ""

    def add(self, image: Image.Image, frames: int) -> None:
        """Measure a finished image, one of so many; those beyond them are AnimateDiff's, which it drops."""
        if self.fault or len(self._faces) == frames:
            return
        self._size = image.size
        try:
            self._faces += self._networks.reader().read([np.asarray(image.convert("RGB"))])
        except (ValueError, OSError, RuntimeError) as error:  # a job is not to fail for what is only looked at
            self.fault = error

    def reached(self, settings: Settings, frames: int) -> Reached | None:
        """What came out beside what was asked; None where a frame is missing."""
        if self.fault or len(self._faces) != frames:
            return None
        try:
            reader = self._networks.reader()
            return reached(follow(self._faces), self._size, settings, self._networks.library, reader)
        except (ValueError, OSError, RuntimeError):  # as of an identity that is gone meanwhile
            return None

    def faces(self, frames: int) -> Faces:
        """The faces of a batch of so many frames. Raises ValueError where one is missing, and the fault where nothing
        measures them."""
        if self.fault:
            raise self.fault
        if len(self._faces) != frames:
            raise ValueError(f"{len(self._faces)} of the last run's {frames} frames were looked at; let one end")
        return follow(self._faces)

    def regions(self, frames: int) -> list[Region]:
        """A region around each face. Raises ValueError where there is none, or nothing measures them."""
        found = self.faces(frames)
        if not any(self._faces):
            raise ValueError(f"no face in the last run's {frames} frames; upright ones of photos are found best")
        return regions_of(found, self._size)
