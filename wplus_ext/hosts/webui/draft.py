"""A draft: the same job with the same seed, smaller and in fewer steps; and the faces of an unedited one."""

from __future__ import annotations

from collections.abc import Mapping

from ...regions import format_regions, with_regions
from ...settings import Settings
from ...window import Window
from .order import Order
from .passports import named
from .public import public
from .runs import Done, Runs, propose, tell
from .seen import networks_of

SIDE, LEAST = 8, 64  # pixels: what sides are multiples of, and how small a draft makes them
NO_EDIT = {"tracks": "", "identity": None}


def draft(order: Order, runs: Runs) -> object:
    """The WebUI's result of a draft. Raises RuntimeError, one line, for what cannot be, before it is rendered."""
    return _run(order, runs, {}, "draft").processed


def find_faces(order: Order, runs: Runs) -> object:
    """The same of an unedited draft, with regions around its faces for the page's box.

    Raises RuntimeError, one line, where nothing measures faces, before it is rendered.
    """
    with named():
        networks_of(runs.jobs.library).reader()
        regions = runs.resolved(NO_EDIT).settings.regions
    done = _run(order, runs, NO_EDIT, "a draft in which faces are looked for")
    if not done.is_whole:
        tell(done, {}, "stopped before faces were looked for")
        return done.processed
    try:
        found = done.job.seen.regions(done.job.frames)
    except (ValueError, OSError, RuntimeError) as error:  # as of networks that are gone meanwhile
        tell(done, {}, public(error))
    else:
        propose(runs.jobs, done, {"regions": with_regions(regions, found)})
        tell(done, {}, f"found {format_regions(found)}".replace("\n", "; "))
    return done.processed


def _run(order: Order, runs: Runs, changes: Mapping[str, object], name: str) -> Done:
    with named():
        small = smaller(runs.p, order, runs.resolved(changes).settings)
    runs.expect(1, small)
    return runs.run({**changes, **small}, name)


def smaller(p: object, order: Order, settings: Settings) -> dict[str, object]:
    """What makes a draft of a job."""
    small = {side: min(max(round(getattr(p, side) * order.size / SIDE) * SIDE, LEAST), getattr(p, side))
             for side in ("width", "height")}  # fmt: skip
    small |= {"steps": _fewer(p, max(round(p.steps * order.steps), 1), settings.window), "n_iter": 1}
    return {**small, "enable_hr": False} if hasattr(p, "enable_hr") else small


def _fewer(p: object, steps: int, window: Window) -> int:
    """So many steps, or as many more as the edit needs to be reached; those of the job at most."""
    strength = getattr(p, "denoising_strength", None) if getattr(p, "init_images", None) else None
    for fewer in range(steps, p.steps):
        sampled = fewer if strength is None else int(min(strength, 0.999) * fewer) + 1  # as the WebUI counts them
        if any(window.active(step, sampled) for step in range(sampled)):
            return fewer
    return p.steps
