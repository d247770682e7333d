"""Videos and workers of a cluster with whom something goes wrong, in a module that other processes can import."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace

from wplus_ext.studio.workers.actor import Worker
from wplus_ext.studio.workers.jobs import Video


def is_first(place):
    """Whether nobody has been at this place before, of whatever process."""
    try:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@dataclass(frozen=True)
class Fatal(Video):
    """A video whose process is killed in the middle of it: once, where there is a ``place`` to remember that."""

    place: str = ""

    def render(self, studio, drafts, tick):
        left = [2]

        def counted():
            tick()
            left[0] -= 1
            if left[0] == 0 and (not self.place or is_first(self.place)):
                os.kill(os.getpid(), signal.SIGKILL)

        return super().render(studio, drafts, counted)


class Odd(Worker):
    """The first is of another version, the second has no model, the third no memory; the others are well."""

    def open(self, told, version, threads):
        choice, place = told
        self.role = next(i for i in range(9) if is_first(place / str(i)))
        if self.role == 0:
            version = "0.0.1"
        if self.role == 1:
            choice = replace(choice, model=place / "nowhere")
        about = super().open(choice, version, threads)
        if self.role == 2:
            self._desk.render = no_memory
        return about


def no_memory(job, tick):
    raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
