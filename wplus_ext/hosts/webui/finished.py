"""Finished jobs, for the pages that asked for them.

Several pages and programs use one WebUI. A page finds its own job by a ticket, which comes to it with its own result:
in the JSON that the WebUI keeps beside the pictures.
"""

from __future__ import annotations

import json
import secrets
from typing import Generic, TypeVar

from modules import progress

from ...settings import PREFIX

Job = TypeVar("Job")
TICKET = f"{PREFIX}job"  # among the result's extra parameters
KEPT = 8


class Finished(Generic[Job]):
    """The last jobs of one tab that have a report."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[Job, str]] = {}  # by ticket, the newest last, with the infotext to be found by
        self._request: object = None
        self._ticket = ""

    def ticket(self) -> str:
        """The ticket of the request that is at work. All jobs of a plot or a batch of files are one request."""
        request = progress.current_task
        if request is None or request != self._request:
            self._request, self._ticket = request, secrets.token_hex(8)
        return self._ticket

    def keep(self, ticket: str, job: Job | None, infotext: str = "") -> None:
        """Keep a request's newest job; None for one without a report."""
        self._jobs.pop(ticket, None)
        if job is not None:
            self._jobs[ticket] = (job, infotext)
        for old in list(self._jobs)[:-KEPT]:
            del self._jobs[old]

    def find(self, info: str) -> Job | None:
        """The job of a result, which is the WebUI's JSON; None for one that has none, or is too long ago."""
        try:
            told = json.loads(info)
            ticket, infotexts = (told.get("extra_generation_params") or {}).get(TICKET), told.get("infotexts") or []
            infotexts = [text for text in infotexts if isinstance(text, str)]
        except (ValueError, TypeError, AttributeError, RecursionError):  # empty after a job that failed
            return None
        for known, (job, infotext) in reversed(list(self._jobs.items())):  # a job may end meanwhile
            if known == ticket or (infotext and infotext in infotexts):
                return job
        return None
