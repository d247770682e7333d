"""Jobs of the WebUI: from their settings to p.sample, and to the report."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from modules import sd_unet, shared
from PIL import Image
from torch import Tensor

from ...edit.attach import Live, attach
from ...edit.plan import Plan, within
from ...edit.report import Report
from ...library.index import Library
from ...library.resolve import Resolved, resolve
from ...measure.reached import Reached
from ...settings import PREFIX, Settings
from .finished import TICKET, Finished
from .folders import TITLE, look_again
from .notes import OFF, asked_for, idle
from .passports import Pilot, named
from .public import public
from .seen import Networks, Seen, networks_of
from .strip import Strip


class Job:
    """The edit of one job: made before the sampler starts, asked for its report when that is done.

    Args:
        resolved: what to do; None where that could not be made out.
        fault: why not; sampling is refused with it.
        outer: the job around this one, where a program redraws its images one by one (ADetailer).
        networks: what measures its faces.
    """

    def __init__(
        self,
        resolved: Resolved | None,
        fault: Exception | None = None,
        outer: object | None = None,
        networks: Networks | None = None,
    ) -> None:
        self._resolved, self._fault, self.outer = resolved, fault, outer
        self.frames = 0
        self.report: Report | None = None
        self.proposed: dict[str, str] = {}  # texts for boxes of the page that shows it
        self._networks = networks
        self._sampling = False
        self.begin()

    def begin(self) -> None:
        """Before a batch: the images of the one before are no longer looked at."""
        self.strip, self.seen = Strip(), Seen(self._networks)

    def needed(self) -> Resolved:
        """What to do. Raises the fault for which that is not known."""
        if self._fault is not None:
            raise self._fault
        return self._resolved

    def summary(self) -> str:
        """One line for a person, of a job that has a report."""
        why = idle(self.needed().settings)
        if not why and not any(map(any, self.report.scales)):  # though a key is not
            why = f"the curve is 0 {'at the only frame' if self.frames == 1 else f'at all {self.frames} frames'}"
        return f"{why}, so nothing was edited" if why else self.report.summary()

    def see(self, image: Image.Image) -> None:
        """Keep a finished image, small, and measure its faces."""
        self.strip.add(image, self.frames)
        self.seen.add(image, self.frames)

    def reached(self) -> Reached | None:
        """What came out beside what was asked for; None where that was not measured."""
        return self.seen.reached(self.needed().settings, self.frames)

    def told(self) -> dict[str, object]:
        """The report as the API's info has it."""
        reached = self.reached()
        return {**self.report.to_dict(), **({"reached": reached.to_dict()} if reached else {})}

    def unreached(self) -> str:
        """One line for a person, of a job that ended without its ``p.sample``."""
        why = public(self._fault) if self._fault else "another extension replaced the sampling, switch it off"
        return f"nothing was edited, though the infotext names it: {why}"

    @contextmanager
    def sampling(self, p: object) -> Iterator[None]:
        """Edit what is sampled within. Raises what went wrong, before any step where possible."""
        if self._sampling:  # another extension samples twice within ours
            yield
            return
        self._sampling = True
        try:
            with ExitStack() as stack:
                with named():
                    expected = self._attach(p, stack)
                yield
            if expected and not (shared.state.interrupted or shared.state.skipped):
                with named():
                    self._check(p, expected)
        finally:
            self._sampling = False

    def _attach(self, p: object, stack: ExitStack) -> int:
        """Enter the hooks; gives the number of cross-attentions that they are on."""
        resolved = self.needed()
        self.frames = job_of(self.outer).frames if self.outer else frame_count(p)
        plan = resolved.plan(self.frames)
        if crop := _crop(p):
            plan = within(plan, crop)
        if self.report is None:  # the first batch; all batches of a job are alike
            self.report = Report(plan.mode, self.frames, resolved.names, plan.scales)
        if plan.is_empty:
            return 0
        if sd_unet.current_unet is not None:
            raise RuntimeError("the UNet is replaced; set 'SD Unet' to None, for a UNet with layers to reach")
        adapter = resolved.adapter()
        frame = self.outer.batch_index if self.outer else None
        pilot = Pilot(p, lambda unet: attach(unet, adapter, plan, self.report), self.frames, frame)
        stack.enter_context(pilot.flying())
        return len(adapter.layers)

    def _check(self, p: object, expected: int) -> None:
        """Refuse a picture that only looks edited."""
        reached = len(self.report.layers)
        if reached < expected:
            raise RuntimeError(
                f"the sampler went past the edit, only {reached} of {expected} cross-attentions were reached; "
                "another extension replaces them: switch it off"
            )
        if not self.report.active and not is_thrown_away(p):
            settings = self.needed().settings
            raise RuntimeError(
                f"none of the steps lies between start {settings.start:g} and end {settings.end:g}; "
                "lower start, or take more steps"
            )


def guard(p: object, within: Callable[[object], AbstractContextManager[None]]) -> None:
    """Run the next ``p.sample`` within that; ``p`` has its own method back before that starts."""
    own, sample = p.__dict__.get("sample"), p.sample

    def guarded(*args: object, **kwargs: object) -> Tensor:
        if p.__dict__.get("sample") is guarded:  # else another extension wrapped it once more
            del p.sample
            if own is not None:
                p.sample = own
        with within(p):
            return sample(*args, **kwargs)

    p.sample = guarded


@contextmanager
def _following(p: object) -> Iterator[None]:
    """Follow what is sampled without an edit, for others of its seed to share."""
    frames, window = frame_count(p), p.wplus_early.window
    plan = Plan([], window.start, window.end)
    live = Live(plan, Report(plan.mode, frames, [], plan.scales))
    with ExitStack() as stack:
        with named():
            stack.enter_context(Pilot(p, lambda unet: nullcontext(live), frames, None).flying())
        yield


def _crop(p: object) -> tuple[float, float, float, float] | None:
    """What the job redraws of its picture, where that is a part: left, top, width and height, as parts of it. So do
    inpainting of the masked alone, and ADetailer."""
    box, images = getattr(p, "paste_to", None), getattr(p, "init_images", None)
    if not box or not images:
        return None
    width, height = images[0].size
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height


class Jobs:
    """The jobs of one tab, as the WebUI's callbacks tell of them. ``finished`` are those that a page can show."""

    def __init__(self, library: Library) -> None:
        self.library, self._networks = library, networks_of(library)
        self._last: Callable[[], object | None] = lambda: None  # to the one whose images may be being postprocessed
        self.finished: Finished[Job] = Finished()

    def prepare(self, p: object, args: Sequence[object]) -> None:
        """Before a job: read its settings, and write them into its infotext."""
        p.wplus_job = None
        is_said = is_inner(p) or getattr(p, "wplus_overrides", {}).get("enabled") is False  # that it is off
        p.wplus_unused = not is_said and asked_for(args, getattr(p, "is_api", False))
        for key in [key for key in p.extra_generation_params if key.startswith(PREFIX)]:
            del p.extra_generation_params[key]  # jobs of an X/Y/Z plot share these entries
        p.wplus_ticket = None if is_inner(p) or getattr(p, "is_api", False) else self.finished.ticket()
        outer = self._last() if is_inner(p) and job_of(self._last()) else None
        if is_inner(p) and outer is None:  # where the one around it is without an edit, against the page
            p.wplus_overrides = getattr(self._last(), "wplus_overrides", {})
        try:  # the cell of an X/Y/Z plot may have settings of its own, which its inner jobs do not know
            resolved = job_of(outer).needed() if outer else self._resolve(p, args)
            if resolved is not None:
                p.extra_generation_params |= resolved.settings.to_infotext() | resolved.fingerprints()
                p.extra_generation_params |= getattr(p, "wplus_entries", {})
                p.wplus_job = Job(resolved, outer=outer, networks=self._networks)
        except Exception as error:  # raised when the job samples: what callbacks raise, the WebUI swallows
            p.wplus_job = Job(None, error, outer)

    def start(self, p: object) -> None:
        """Before a batch: edit the next ``p.sample``."""
        job = job_of(p)
        if job is not None:
            job.begin()
            guard(p, job.sampling)
        elif getattr(p, "wplus_early", None) is not None and sd_unet.current_unet is None:
            guard(p, _following)
        if not is_inner(p):
            self._last = weakref.ref(p)  # one that fails never ends

    def see(self, p: object, image: Image.Image) -> None:
        """A finished image of a job."""
        job = job_of(p)
        if job is not None and job.report is not None and not is_inner(p):
            job.see(image)

    def keep_frame(self, p: object, image: Image.Image) -> None:
        """An image as it is saved, of a job whose frames somebody wants."""
        if getattr(p, "wplus_frames", None) is not None and not is_inner(p):
            p.wplus_frames.append(image)
            p.wplus_skipped |= shared.state.skipped  # which the WebUI forgets at the next batch

    def finish(self, p: object, processed: object) -> None:
        """After a job: put its report into the API's info and under the picture, and keep it for the page."""
        job, said, told = job_of(p), "", {}
        if job is not None and job.report is not None:
            said, told = job.summary(), {f"{PREFIX}report": job.told()}
        elif job is not None and not (shared.state.interrupted or shared.state.skipped):
            said = job.unreached()
        elif getattr(p, "wplus_unused", False):
            said = OFF
        if said:  # a new dict: the WebUI shares the other one; and comments do not reach programs
            told[f"{PREFIX}note"] = said
            processed.extra_generation_params = {**processed.extra_generation_params, **told}
            processed.comments += f"{TITLE}: {said}\n"
        self._keep(p, processed, job if job is not None and job.report is not None else None)
        if p is self._last():
            self._last = lambda: None

    def _keep(self, p: object, processed: object, job: Job | None) -> None:
        """Keep a job for the page that asked for it, if one did."""
        ticket = getattr(p, "wplus_ticket", None)
        if ticket is None:
            return
        # The upscaling of a picture leaves the ticket of the first result in place, and changes its infotext.
        upscaled = processed.info if getattr(p, "txt2img_upscale", False) else ""
        self.finished.keep(ticket, job, upscaled)
        if job is not None:
            processed.extra_generation_params[TICKET] = ticket

    def _resolve(self, p: object, args: Sequence[object]) -> Resolved | None:
        """What the job's settings name; None where they are switched off."""
        settings = Settings.from_args(args, getattr(p, "wplus_overrides", None))
        if not settings.enabled:
            return None
        look_again(self.library)
        return resolve(settings, self.library).with_adapter()


def job_of(p: object | None) -> Job | None:
    """Ours of a job of the WebUI."""
    return getattr(p, "wplus_job", None)


def is_inner(p: object) -> bool:
    """Whether this job redraws an image of another one: ADetailer marks those."""
    return getattr(p, "_ad_inner", False)


def is_thrown_away(p: object) -> bool:
    """Whether what this job samples is not shown: ADetailer has one step for it, where it skips img2img."""
    return getattr(p, "_ad_skip_img2img", False)


def frame_count(p: object) -> int:
    """Frames of the video, or images of the batch.

    AnimateDiff renders a whole context even where the video is shorter, and drops the rest. Its entry has both as
    they became: with the frames of somebody's video they are no more than these, while the batch may stay longer.
    """
    found = re.search(r"\bvideo_length: (\d+)", str((p.extra_generation_params or {}).get("AnimateDiff", "")))
    length = int(found[1]) if found else 0
    # Jobs of an X/Y/Z plot share these entries: one of a longer video is an old one.
    return length if 0 < length <= p.batch_size else p.batch_size
