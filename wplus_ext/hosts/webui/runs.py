"""Jobs of the WebUI one after the other, made from the one that a page or a request describes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np
from modules import processing, shared

from ...library.resolve import Resolved, resolve
from ...settings import PREFIX, Settings
from .early import Early
from .folders import TITLE, look_again
from .job import Job, Jobs, frame_count, job_of
from .notes import refuse_zeros

NAMES = tuple(Settings.__dataclass_fields__)


@dataclass(frozen=True, eq=False)
class Done:
    """A job that was run: the WebUI's ``p`` and result. ``is_whole`` where nobody stopped or skipped it."""

    p: object
    processed: object
    is_whole: bool

    @property
    def job(self) -> Job | None:
        """Ours of it; None where the edit was off."""
        return job_of(self.p)

    @property
    def frames(self) -> list[np.ndarray]:
        """The video's frames, or the first batch's images, (H, W, 3) uint8 each, as the WebUI saves them."""
        return [np.asarray(image.convert("RGB")) for image in self.p.wplus_frames[: frame_count(self.p)]]

    @property
    def shown(self) -> list[tuple[object, str, int, str]]:
        """What the WebUI shows of it: pictures, or files of videos, each with its infotext, seed and prompt."""
        made = self.processed
        first = made.index_of_first_image
        images = [image for image in made.images if isinstance(image, str)] or made.images[first:]
        texts, seeds, prompts = made.infotexts[first:] or made.infotexts, made.all_seeds, made.all_prompts
        is_file = bool(images) and isinstance(images[0], str)  # of a whole batch, which has a text for each frame
        at = [i * len(texts) // len(images) if is_file else min(i, len(texts) - 1) for i in range(len(images))]
        return [
            (image, texts[k], seeds[min(k, len(seeds) - 1)], prompts[min(k, len(prompts) - 1)])
            for image, k in zip(images, at)
        ]


class Runs:
    """Copies of a job ``p`` that differ in a few things, all of the same seeds.

    The edit has the settings that ``p`` has for it, and is switched on. ``entries`` are for the jobs' infotext.
    """

    def __init__(self, p: object, entries: Mapping[str, object] | None = None) -> None:
        own = next(script for script in p.scripts.alwayson_scripts if script.title() == TITLE)
        self.p, self.jobs, self._entries = p, own.jobs, dict(entries or {})
        self._args = p.script_args[own.args_from : own.args_to]
        look_again(self.jobs.library)
        processing.fix_seed(p)

    @property
    def is_stopped(self) -> bool:
        """Whether somebody asked for no more jobs."""
        return shared.state.interrupted or shared.state.stopping_generation

    def resolved(self, changes: Mapping[str, object]) -> Resolved:
        """What a job with these changes edits. Raises ValueError for what cannot be, as the job would."""
        given = {name: value for name, value in changes.items() if name in NAMES}
        found = resolve(Settings.from_args(self._args, {"enabled": True, **given}), self.jobs.library)
        refuse_zeros(found.tracks)
        return found.with_adapter()

    def expect(self, count: int, changes: Mapping[str, object]) -> None:
        """Say how many jobs there will be, with these changes, before the first."""
        told = {**vars(self.p), **changes}
        batches, is_hires = count * told["n_iter"], told.get("enable_hr", False)
        shared.state.job_count = batches
        shared.total_tqdm.updateTotal(batches * told["steps"] * (2 if is_hires else 1))

    def run(self, changes: Mapping[str, object], name: str, early: Early | None = None) -> Done:
        """A job with these changes: of our settings, or of ``p``. Jobs of one seed and prompt may have one ``early``.
        Raises whatever the WebUI does."""
        p = copy(self.p)
        # Copies share what is in these, and jobs write there.
        p.styles, p.comments, p.extra_generation_params = list(p.styles or ()), {}, dict(p.extra_generation_params)
        p.wplus_overrides = {"enabled": True, **{key: changes[key] for key in changes if key in NAMES}}
        p.wplus_entries, p.wplus_frames, p.wplus_early = self._entries, [], early
        p.wplus_skipped = False
        for key in changes.keys() - NAMES:
            setattr(p, key, changes[key])
        shared.state.job = shared.state.textinfo = name
        processed = processing.process_images(p)
        return Done(p, processed, not (shared.state.interrupted or shared.state.skipped or p.wplus_skipped))


def propose(jobs: Jobs, done: Done, boxes: Mapping[str, str]) -> None:
    """Keep a job as the one that its page shows, with texts for boxes of it, which programs have in the answer."""
    if boxes and done.job is not None:
        done.job.proposed = dict(boxes)
    if getattr(done.p, "wplus_ticket", None) and done.job is not None and done.job.report is not None:
        jobs.finished.keep(done.p.wplus_ticket, done.job)
    tell(done, {f"{PREFIX}proposed": dict(boxes)} if boxes else {})


def tell(done: Done, told: Mapping[str, object], *lines: str) -> None:
    """Add to a result what programs read, and lines under the picture."""
    made, key = done.processed, f"{PREFIX}told"  # comments do not reach programs
    said = [*made.extra_generation_params.get(key, ()), *lines]
    made.extra_generation_params = {**made.extra_generation_params, **told, **({key: said} if said else {})}
    made.comments += "".join(f"{TITLE}: {line}\n" for line in lines)
