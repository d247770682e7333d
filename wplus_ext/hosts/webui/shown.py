"""What the page shows of a finished job: what was done, and what came of it."""

from __future__ import annotations

import html
import json

from .job import Job
from .words import lead


def report_html(job: Job) -> str:
    """The report of a finished job in words, with what the curve editor draws of it."""
    reached = job.reached()
    curves = reached.to_dict()["curves"] if reached else []
    told = {"residual": job.report.residual, "strip": job.strip.url(), "reached": curves}
    lines = [html.escape(line) for line in (job.summary(), *(reached.lines() if reached else []))]
    if not reached and job.seen.why:
        lines.append(html.escape(job.seen.why) + lead(job.seen.fault))
    said = "".join(f"<p>{line}</p>" for line in lines)
    return f'<div class="wplus-report" data-run="{html.escape(json.dumps(told))}">{said}</div>'
