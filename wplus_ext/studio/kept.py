"""Videos kept as they are done, bit for bit, under names that say their settings: who stops goes on from there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from ..settings import Settings
from ..version import VERSION
from ..weights.regular import open_regular
from ..weights.swap import check_parent
from . import record, video
from .pipeline import Studio
from .shot import Shot

LONGEST = 80  # letters of a name, before the sum
DIGITS = 8  # of the sum in a name; the file has the whole


class Kept:
    """The videos in a folder, each a lossless WebP.

    A file is that of a shot where all that rules its pictures is the same: the shot itself, the W+ files that it names,
    its videos and the models' files (by their sizes and times; their sums would take longer than a video), the type of
    its numbers, and our version.

    Args:
        dtype: of the numbers, by name.
        force: whether somebody's file may be replaced that has the name of one of ours.
    """

    def __init__(self, folder: Path, studio: Studio, dtype: str, force: bool = False) -> None:
        self.folder, self._studio, self._force = folder, studio, force
        chosen = studio.choice
        loras = [(weight, _stamps(path)) for path, weight in chosen.loras]
        others = [_stamps(path) for path in (chosen.motion, chosen.config, chosen.vae, chosen.controlnet)]
        self._model = [VERSION, dtype, _stamps(chosen.place), others, loras]

    def check(self, shots: Sequence[Shot]) -> None:
        """Raise ValueError where the video of one of these could not be kept: somebody's file is there."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is a file, expected a folder to keep videos in; name one with --keep")
        if not self.folder.exists():
            check_parent(self.folder)
            return
        for shot in shots:
            video.check(self.place(shot), self._force)

    def place(self, shot: Shot) -> Path:
        """Where a shot's video is, or will be."""
        edit, usual = shot.edit, Settings()
        said = [edit.identity or "", edit.tracks.replace("\n", "; ")]
        said += [f"strength {edit.strength}"] if edit.strength != usual.strength else []
        name = ", ".join(filter(None, [*said, f"seed {shot.seed}"]))
        name = re.sub(r"[^\w.,;=+ -]+", "-", name).strip(" .-")[:LONGEST]
        return self.folder / f"{name} [{self._sum(shot)[:DIGITS]}].webp"

    def find(self, shot: Shot) -> np.ndarray | None:
        """The frames (F, H, W, 3) uint8 of a shot, where they are kept."""
        place = self.place(shot)
        try:
            is_it = json.loads(video.load_settings(place)).get("sum") == self._sum(shot)
            return _frames(place, shot.frames) if is_it else None
        except Exception:  # whatever a damaged file makes the readers stumble over: it is rendered again
            return None

    def keep(self, shot: Shot, frames: np.ndarray) -> None:
        """Keep the video of a shot. Raises ValueError, OSError."""
        self.folder.mkdir(exist_ok=True)
        more = {"sum": self._sum(shot)}
        record.save(self.place(shot), frames, self._studio, [shot], self._force, lossless=True, more=more)

    def _sum(self, shot: Shot) -> str:
        files = sorted(record.hashes(self._studio, [shot]).items())
        videos = [_stamps(Path(each) if each else None) for each in (shot.video, shot.control)]
        # A file is known by its stamps, however its path is written; a rate rules no picture but those of footage.
        about = {**asdict(shot), "video": bool(shot.video), "control": bool(shot.control), "fps": shot.base.fps}
        text = json.dumps([self._model, files, videos, about], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _stamps(path: Path | None) -> list[tuple[str, int, int]]:
    """What tells whether a file, or those of a folder, are the same: names, sizes and times; nothing of None."""
    found = []
    for file in [] if path is None else sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file() and "wplus" not in file.relative_to(path).parts[:1]:  # the W+ files have sums
            about = file.stat()
            found.append((file.relative_to(path).as_posix(), about.st_size, about.st_mtime_ns))
    return found


def _frames(path: Path, count: int) -> np.ndarray:
    """The frames of a WebP of ours; of equal ones in a row it has one, which is shown for longer."""
    with open_regular(path) as file, Image.open(file, formats=["WEBP"]) as picture:
        shown, ends = [], []
        for frame in ImageSequence.Iterator(picture):
            shown.append(np.asarray(frame.convert("RGB")))
            ends.append((ends[-1] if ends else 0) + frame.info.get("duration", 1))
    middles = (np.arange(count) + 0.5) * ends[-1] / count
    return np.stack([shown[i] for i in np.searchsorted(ends[:-1], middles, "right")])
