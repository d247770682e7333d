"""A worker of a cluster: what runs in a process of its own, on a device of its own."""

from __future__ import annotations

import os
import platform
import queue
import threading
from collections.abc import Hashable, Iterator, Sequence

import torch

from ...terminal import is_memory
from ...version import VERSION
from ..models import Choice
from ..pipeline import Studio
from ..shot import Shot
from .jobs import Desk, Job

STEP, DONE, FAULT, MEMORY = "step", "done", "fault", "memory"  # what a worker says


class Worker:
    """A Ray actor, which keeps its pipeline loaded. What goes wrong it says in words, which any process can read."""

    def open(self, choice: Choice, version: str, threads: int) -> dict[str, object]:
        """Load the pipeline. Gives what this process is, with a ``fault`` where it cannot render, and the ``notes`` on
        its models."""
        about = {"who": f"process {os.getpid()} on {platform.node()}", "torch": torch.__version__, "fault": ""}
        try:
            if version != VERSION:
                raise ValueError(f"it has wplus_ext {VERSION}, expected {version}; install the same everywhere")
            for folder in choice.library:
                if not folder.is_dir():
                    raise ValueError(f"{folder}: no such folder there, expected that of the library")
            if threads:
                torch.set_num_threads(threads)
            self._desk = Desk(Studio(choice))
            about["notes"] = self._desk.studio.models.notes
        except Exception as error:  # whatever a machine lacks
            about["fault"] = _said(error)
        return about

    def check(self, shots: Sequence[Shot]) -> tuple[str, object]:
        """As `Desk.check`: done, with what it gives; or a fault, with its words."""
        try:
            return DONE, self._desk.check(shots)
        except ValueError as error:
            return FAULT, str(error)

    def render(self, job: Job) -> Iterator[tuple[str, object, frozenset[Hashable]]]:
        """Each step as it is taken, and at last what came of the job, or a fault; with the bases that are kept."""
        said: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._work, args=(job, said), daemon=True).start()
        kind = STEP
        while kind == STEP:
            kind, value = said.get()
            yield kind, value, frozenset() if kind == STEP else frozenset(self._desk.drafts)

    def _work(self, job: Job, said: queue.SimpleQueue) -> None:
        try:
            said.put((DONE, self._desk.render(job, lambda: said.put((STEP, None)))))
        except BaseException as error:  # noqa: B036 - somebody waits for a word
            if is_memory(error):
                self._desk.drafts.clear()
                torch.cuda.empty_cache()
            said.put((MEMORY if is_memory(error) else FAULT, _said(error)))


def _said(error: BaseException) -> str:
    """A fault in a line."""
    text = " ".join(str(error).split())[:300]
    return text if text and isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {text}"
