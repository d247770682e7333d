"""One job of the WebUI: from its settings to p.sample, and to the report."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from modules import paths, sd_unet, shared
from PIL import Image
from torch import Tensor

from ... import tracks as language
from ...edit import plan as plans
from ...edit.attach import attach
from ...edit.report import Report
from ...library.index import Library
from ...settings import Settings
from .passports import TITLE, Pilot, named

FACE_WEIGHTS = Path(paths.models_path, "GFPGAN")  # where the WebUI keeps facexlib's
THUMBNAIL, STRIP = 64, 16_384  # pixels: height of a thumbnail, width of all at most


class Run:
    """The edit of one job: made before the sampler starts, asked for its report when that is done.

    Args:
        settings: what to do, or the error with which sampling is to be refused.
        library: where the files are.
        outer: the job around this one, where a program redraws its images one by one (ADetailer).
    """

    def __init__(self, settings: Settings | Exception, library: Library, outer: object | None) -> None:
        self.settings, self.library = settings, library
        self.outer = outer
        self.frames = 0
        self._sampling = False
        self.report: Report | None = None
        self._thumbnails: list[Image.Image] = []  # of the last batch

    def add_thumbnail(self, image: Image.Image) -> None:
        """Keep a finished image, small, for the strip under the curve."""
        if len(self._thumbnails) == self.frames:
            self._thumbnails = []  # the next batch
        width = max(round(image.width * THUMBNAIL / image.height), 1)
        width = max(min(width, STRIP // max(self.frames, 1)), 1)
        self._thumbnails.append(image.resize((width, THUMBNAIL)).convert("RGB"))

    def strip(self) -> str | None:
        """All frames side by side, as the data URL of a JPEG; None where a frame is missing."""
        if not self.frames or len(self._thumbnails) != self.frames:
            return None
        width = self._thumbnails[0].width
        strip = Image.new("RGB", (width * self.frames, THUMBNAIL))
        for i, thumbnail in enumerate(self._thumbnails):
            strip.paste(thumbnail, (i * width, 0))
        file = io.BytesIO()
        strip.save(file, "JPEG", quality=80)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()

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
                    self._check(expected)
        finally:
            self._sampling = False

    def _check(self, expected: int) -> None:
        """Refuse a picture that only looks edited."""
        reached = len(self.report.layers)
        if reached < expected:
            raise RuntimeError(
                f"the sampler went past the edit, only {reached} of {expected} cross-attentions were reached; "
                "another extension replaces them: switch it off"
            )
        if not self.report.active:
            raise RuntimeError(
                f"none of the steps lies between start {self.settings.start:g} and end {self.settings.end:g}; "
                "lower start, or take more steps"
            )

    def _attach(self, p: object, stack: ExitStack) -> int:
        """Enter the hooks; gives the number of cross-attentions that they are on."""
        if isinstance(self.settings, Exception):
            raise self.settings
        self.frames = self.outer.wplus_run.frames if self.outer else frame_count(p)
        plan = plans.build(self.settings, self.library, self.frames)
        if self.report is None:  # the first batch; all batches of a job are alike
            tracks = [track.name for track in language.parse(self.settings.tracks)]
            names = tracks if self.settings.identity is None else [self.settings.identity]
            self.report = Report(plan.mode, self.frames, names, plan.scales)
        if plan.is_empty:
            return 0
        if sd_unet.current_unet is not None:
            raise RuntimeError("the UNet is replaced; set 'SD Unet' to None, for a UNet with layers to reach")
        adapter = self.library.adapter(self.settings.adapter)
        frame = self.outer.batch_index if self.outer else None
        pilot = Pilot(p, lambda unet: attach(unet, adapter, plan, self.report), self.frames, frame)
        stack.enter_context(pilot.flying())
        return len(adapter.layers)


def prepare(p: object, args: Sequence[object], library: Library, outer: object | None) -> None:
    """Before a job: read its settings, and write them into its infotext."""
    p.wplus_run = None
    for key in [key for key in p.extra_generation_params if key.startswith("WPlus ")]:
        del p.extra_generation_params[key]  # jobs of an X/Y/Z plot share these entries
    around = getattr(outer, "wplus_run", None) if is_inner(p) else None
    try:
        if around is not None:  # the cell of an X/Y/Z plot may have settings of its own
            settings = around.settings
        else:
            settings = Settings.from_args(args, getattr(p, "wplus_overrides", None))
        if not settings.enabled:
            return
        look_again(library)
        settings = replace(settings, adapter=library.find("adapters", settings.adapter).name)
        p.extra_generation_params |= settings.to_infotext() | plans.fingerprints(settings, library)
    except Exception as error:  # raised when the job samples: what callbacks raise, the WebUI swallows
        settings = error
    p.wplus_run = Run(settings, library, outer if around else None)


def start(p: object, outer: object | None) -> object | None:
    """Before a batch: edit the next ``p.sample``. Gives the job whose images will be postprocessed."""
    run = getattr(p, "wplus_run", None)
    if run is not None:
        _guard_sample(p, run)
    return outer if is_inner(p) else p


def is_inner(p: object) -> bool:
    """Whether this job redraws an image of another one: ADetailer marks those."""
    return getattr(p, "_ad_inner", False)


def see(p: object, image: Image.Image) -> None:
    """A finished image of a job."""
    run = getattr(p, "wplus_run", None)
    if run is not None and run.report is not None and not is_inner(p):
        run.add_thumbnail(image)


def finish(p: object, processed: object) -> Run | None:
    """After a job: puts its report into the API's info and under the picture; gives the job for the page."""
    run = getattr(p, "wplus_run", None)
    if run is None or run.report is None:
        return None
    processed.extra_generation_params = {**processed.extra_generation_params, "WPlus report": run.report.to_dict()}
    processed.comments += f"{TITLE}: {run.report.summary()}\n"
    return run


def look_again(library: Library) -> None:
    """Read the options for the folders and list them anew."""
    library.roots = model_roots()
    library.refresh()


def model_roots() -> list[Path]:
    """The models folder, and another one from the settings."""
    roots = [Path(getattr(shared.cmd_opts, "wplus_dir", None) or Path(paths.models_path, "wplus"))]
    extra = shared.opts.data.get("wplus_extra_folder", "").strip()
    return [*roots, Path(extra)] if extra else roots


def _guard_sample(p: object, run: Run) -> None:
    """Run the next ``p.sample`` under the edit; ``p`` has its own method back before that starts."""
    own, sample = p.__dict__.get("sample"), p.sample

    def guarded(*args: object, **kwargs: object) -> Tensor:
        if p.__dict__.get("sample") is guarded:  # else another extension wrapped it once more
            del p.sample
            if own is not None:
                p.sample = own
        with run.sampling(p):
            return sample(*args, **kwargs)

    p.sample = guarded


def frame_count(p: object) -> int:
    """Frames of the video, or images of the batch.

    AnimateDiff renders a whole context even where the video is shorter, and drops the rest.
    """
    text = str((p.extra_generation_params or {}).get("AnimateDiff", ""))
    found = {key: int(value) for key, value in re.findall(r"\b(video_length|batch_size): (\d+)", text)}
    length = found.get("video_length", 0)
    # Jobs of an X/Y/Z plot share these entries: an old one may stand there.
    if length > 0 and p.batch_size == max(length, found.get("batch_size", 0)):
        return length
    return p.batch_size
