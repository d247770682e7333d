"""The same video in several ways, side by side: one labelled table, beside the single videos."""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from modules import images, paths_internal, shared, ui_tempdir
from modules.infotext_utils import quote
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ...settings import PREFIX
from ...studio import video
from ...studio.sheet import Sheet
from ...studio.speed import slowed
from ...window import Window
from .early import Early
from .folders import TITLE
from .notes import idle
from .order import EDITS, NAME, UNEDITED, Order
from .passports import named
from .public import public
from .runs import Done, Runs

FPS = 8.0  # where no video says its own
BYTES = 4_000_000_000  # of a table in memory


@dataclass(eq=False)
class Cell:
    """A video of a table, which may stand at several places of it: what it has of its own, its seed and prompt, and the
    steps in which it is edited, None where it is not.

    ``done`` once it is rendered, and how many UNet calls were handed to it by those before."""

    changes: Mapping[str, object]
    scene: tuple[object, object]
    window: Window | None
    places: list[tuple[int, int]] = field(default_factory=list)
    done: Done | None = None
    shared_calls: int = 0

    @property
    def is_edited(self) -> bool:
        """Whether it is not the unedited video."""
        return self.window is not None

    def labels(self, order: Order) -> list[str]:
        """Those of its row and column, in one line each."""
        rows, columns = order.table
        row, column = self.places[0]
        labels = [rows[row].label, columns[column].label]
        return [label.replace("\n", "; ") for label in labels if label]

    def said(self, order: Order) -> list[str]:
        """What stands under its pictures; our lines say which it is."""
        mine = f"{TITLE}, {'; '.join(self.labels(order))}: "
        return [line.replace(f"{TITLE}: ", mine, 1) for line in self.done.processed.comments.splitlines()]


def compare(order: Order, runs: Runs) -> object:
    """Render a table of videos; the WebUI's result with the table first. Where somebody stops it, with what is done.

    Raises RuntimeError, one line, for what cannot be in any of them, or is too large, before anything is rendered; of a
    table that memory does not hold, as soon as the first video says how many frames it has.
    """
    with named():
        cells = _cells(order, runs)
        _check_size(order, _sheet(order, *_size(runs.p)).size)
    runs.expect(len(cells), {})
    last, scene, early, is_known = None, None, None, False
    for number, cell in enumerate(cells, 1):
        if cell.scene != scene:  # they stand together
            scene, early = cell.scene, Early(cells[-1].window or Window())
        name = f"{number} of {len(cells)}: {'; '.join(cell.labels(order)) or 'as it is'}"
        before = early.saved
        last = runs.run(cell.changes, name, early)
        cell.done, cell.shared_calls = last if last.is_whole else None, early.saved - before
        if not is_known and cell.done and (video := last.frames):
            with named():
                _sheet_of(order, video)
            is_known = True
        if runs.is_stopped:
            break
    done = [cell for cell in cells if cell.done is not None]
    return _result(order, cells, done, last) if done else last.processed


def _cells(order: Order, runs: Runs) -> list[Cell]:
    """The videos that differ, those of one seed and prompt together, of which the unedited one is first.

    Raises ValueError for what cannot be in one of them.
    """
    found: dict[object, Cell] = {}
    rows, columns = order.table
    why = ""
    for i, row in enumerate(rows):
        for k, column in enumerate(columns):
            changes, edit = {**row.changes, **column.changes}, None
            if changes.get("enabled") is not False:
                edit = runs.resolved(changes).settings
                why = idle(edit)
                if why:  # as the unedited video is, to the last bit
                    changes, edit = {**changes, **UNEDITED.changes}, None
            scene = changes.get("seed", runs.p.seed), changes.get("prompt", runs.p.prompt)
            found.setdefault((edit, scene), Cell(changes, scene, edit and edit.window)).places.append((i, k))
    scenes = list(dict.fromkeys(scene for _, scene in found))
    cells = sorted(found.values(), key=lambda cell: (scenes.index(cell.scene), cell.is_edited))
    if {order.rows, order.columns}.intersection(EDITS) and not cells[-1].is_edited:
        raise ValueError(f"{why}, so all of them would be the unedited video; add a track or an identity")
    return cells


def _sheet(order: Order, width: int, height: int) -> Sheet:
    rows, columns = ([value.label for value in values] for values in order.table)
    return Sheet.of(columns, rows, width, height, font=paths_internal.roboto_ttf_file)  # older Pillows have none


def _size(p: object) -> tuple[int, int]:
    """Width and height of what comes out, as far as it is known before."""
    if not getattr(p, "enable_hr", False):
        return p.width, p.height
    x, y = getattr(p, "hr_resize_x", 0), getattr(p, "hr_resize_y", 0)
    if not x and not y:
        return int(p.width * p.hr_scale), int(p.height * p.hr_scale)
    return x or y * p.width // p.height, y or x * p.height // p.width


def _check_size(order: Order, size: tuple[int, int]) -> None:
    """Raise ValueError for a table that its file, or the WebUI's own limit, does not hold."""
    width, height = size
    side, millions = video.FORMATS[f".{order.format}"], float(shared.opts.data.get("img_max_size_mp", 200))
    if max(width, height) > side or width * height > millions * 1e6:
        raise ValueError(
            f"the table would have {width}x{height} pixels, and a {order.format} holds {side} a side, the WebUI "
            f"{millions:g} million in all; ask for fewer values, or a smaller video"
        )
    if order.format == "mp4":
        video.pyav(instead="choose webp or gif")


def _result(order: Order, cells: Sequence[Cell], done: Sequence[Cell], last: Done) -> object:
    """The WebUI's result of the last video with the table and all videos in it."""
    made, first = copy(last.processed), next((cell for cell in done if cell.is_edited), done[0]).done
    asked = {"Script": NAME, **order.to_infotext()}
    like = first.processed
    own, *of = first.shown[0][1:] if first.shown else (like.info, like.seed, like.prompt)
    text = ", ".join([own, *(f"{key}: {quote(value)}" for key, value in asked.items())])
    made.comments = "".join(f"{line}\n" for line in dict.fromkeys(line for cell in done for line in cell.said(order)))
    shown = [(image, told) for cell in done for image, *told in cell.done.shown]
    tables: list[object] = []
    try:
        table = _filled(order, done)
        tables = [_written(table, order, first, text)]
        slow = slowed(f".{order.format}", _fps(first.p))
        made.comments += f"{TITLE}: {slow}\n" if slow and len(table) > 1 else ""
    except (ValueError, OSError, MemoryError) as error:  # the videos are there all the same
        made.comments += f"{TITLE}: there is no table: {public(error)}\n"
    made.images = [*tables, *(image for image, _ in shown)]
    told = [[text, *of] for _ in tables] + [told for _, told in shown]
    made.infotexts = [each[0] for each in told]
    made.all_seeds, made.all_prompts = ([told[i] for _, told in shown] for i in (1, 2))
    made.index_of_first_image, made.info = len(tables), text
    made.extra_generation_params = {**made.extra_generation_params, **asked, f"{PREFIX}videos": _told(order, done)}
    if len(done) < len(cells):
        made.comments += f"{TITLE}: stopped with {len(done)} of {len(cells)} videos\n"
    return made


def _told(order: Order, done: Sequence[Cell]) -> list[dict[str, object]]:
    """For programs: what each video is, how many pictures of the answer it has, and its report."""
    key = f"{PREFIX}report"
    return [
        {
            "labels": cell.labels(order),
            "places": cell.places,
            "images": len(cell.done.shown),
            "seed": cell.done.processed.seed,
            "shared_calls": cell.shared_calls,
            "report": cell.done.processed.extra_generation_params.get(key),
        }
        for cell in done
    ]


def _filled(order: Order, done: Sequence[Cell]) -> np.ndarray:
    """The table (F, height, width, 3) uint8; white where a video is missing."""
    videos = [cell.done.frames for cell in done]
    frames = min(map(len, videos))
    sheet, white = _sheet_of(order, videos[0][:frames]), [np.full_like(frame, 255) for frame in videos[0][:frames]]
    table = [[white] * len(sheet.columns) for _ in sheet.rows]
    for cell, each in zip(done, videos):
        for row, column in cell.places:
            table[row][column] = each[:frames]
    return sheet.fill(table)


def _sheet_of(order: Order, video: Sequence[np.ndarray]) -> Sheet:
    """The table for videos such as this one. Raises ValueError for one without frames, or a table too large."""
    if not video:
        raise ValueError("a video has no frames")
    height, width = video[0].shape[:2]
    sheet = _sheet(order, width, height)
    if len(video) * sheet.size[0] * sheet.size[1] * 3 > BYTES:
        raise ValueError(
            f"the table would have {len(video)} frames of {sheet.size[0]}x{sheet.size[1]} pixels, more than {BYTES:,} "
            "bytes; ask for fewer values, or a shorter or smaller video"
        )
    return sheet


def _written(table: np.ndarray, order: Order, like: Done, text: str) -> str:
    """Write a table, a PNG where it has one frame. Gives what the WebUI shows: the file's path, or its content for a
    program."""
    p, option = like.p, shared.opts.data.get
    is_kept = option("grid_save", True) and not getattr(p, "do_not_save_grid", False)
    is_api = getattr(p, "is_api", False)
    folder = _grids(p, table) if is_kept else Path(tempfile.mkdtemp(prefix="wplus-", dir=option("temp_dir") or None))
    kind = order.format if len(table) > 1 else "png"
    path = folder / f"wplus-{images.get_next_sequence_number(folder, 'wplus'):04}-{p.seed}.{kind}"
    text = text if option("enable_pnginfo", True) else ""
    try:
        if kind == "png":
            info = PngInfo()
            if text:
                info.add_text("parameters", text)
            Image.fromarray(table[0]).save(path, pnginfo=info)
        else:
            video.save(table, path, _fps(p), text)
        if is_api:
            return base64.b64encode(path.read_bytes()).decode()
    finally:
        if is_api and not is_kept:
            shutil.rmtree(folder)
    ui_tempdir.register_tmp_file(shared.demo, str(path))  # it may be outside of what gradio shows
    return str(path)


def _grids(p: object, table: np.ndarray) -> Path:
    """The folder where the WebUI keeps its grids."""
    folder = Path(p.outpath_grids)
    if shared.opts.data.get("grid_save_to_dirs", True):
        pattern = shared.opts.data.get("directories_filename_pattern") or "[date]"
        folder /= images.FilenameGenerator(p, p.seed, p.prompt, Image.fromarray(table[0])).apply(pattern).strip(" /\\")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fps(p: object) -> float:
    """Frames a second: AnimateDiff's, where it made the video."""
    found = re.search(r"\bfps: (\d+)", str(p.extra_generation_params.get("AnimateDiff", "")))
    return float(found[1]) if found and int(found[1]) else FPS
