"""Videos as files, with the settings in their metadata, and labelled tables of videos."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from ..weights.files import replacing

KEY = "wplus_ext"  # of the metadata in a PNG
DESCRIPTION = 0x010E  # of the metadata in Exif
FORMATS = (".gif", ".webp", ".mp4")
PAD, FONT_SIZE = 6, 14


def check(path: Path) -> None:
    """Raise ValueError unless a video can be written there: a ``.gif``, ``.webp`` or ``.mp4`` file, or a folder
    of PNG frames where the name has no ending."""
    if path.suffix and path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: expected {', '.join(FORMATS)}, or a name without ending for a folder of PNG frames")
    if path.suffix.lower() == ".mp4":
        _av()
    if path.suffix and path.is_dir():
        raise ValueError(f"{path} is a folder, expected the name of a file")
    if not path.suffix and path.exists() and not (path.is_dir() and _is_frames(path)):
        raise ValueError(f"{path} exists and is no folder of our frames; choose another name")
    parent = path.parent
    if not parent.is_dir():
        raise ValueError(f"{parent}: no such folder, expected one to write {path.name} into")
    if not os.access(parent, os.W_OK):
        raise ValueError(f"{parent}: cannot be written, choose another folder")


def save(frames: np.ndarray, path: Path, fps: float, settings: str) -> None:
    """Write a video; it appears whole or not at all.

    Args:
        frames: (F, H, W, 3) uint8.
        path: see `check`.
        fps: frames a second.
        settings: JSON in ASCII, kept in the metadata; `load_settings` reads it.
    """
    check(path)
    with replacing(path) as part:
        if not path.suffix:
            _save_frames(frames, part, settings)
        elif path.suffix.lower() == ".mp4":
            _save_mp4(frames, part, fps, settings)
        else:
            pictures = [Image.fromarray(frame) for frame in frames]
            exif = Image.Exif()
            exif[DESCRIPTION] = settings
            options = {
                ".gif": {"comment": settings.encode(), "disposal": 1},
                ".webp": {"exif": exif.tobytes(), "quality": 92, "method": 4},
            }
            duration = {"duration": round(1000 / fps), "loop": 0}
            kind = path.suffix.lower()
            pictures[0].save(part, save_all=True, append_images=pictures[1:], **duration, **options[kind])


def load_settings(path: Path) -> str:
    """The settings that `save` kept in a file, or in a folder's frames. Raises ValueError where there are none."""
    if path.is_dir():
        path = next(iter(sorted(path.glob("*.png"))), path / "00000.png")
    settings = None
    if path.suffix.lower() == ".mp4":
        av = _av()
        try:
            with av.open(str(path)) as container:
                settings = container.metadata.get("comment")
        except av.error.FFmpegError as error:
            raise ValueError(f"{path}: not a whole video ({error})") from error
    else:
        try:
            with Image.open(path) as picture:
                comment = picture.info.get("comment", b"")
                found = (picture.info.get(KEY), comment, picture.getexif().get(DESCRIPTION))
        except UnidentifiedImageError as error:
            raise ValueError(f"{path}: not a picture or video; expected one that render or sweep wrote") from error
        settings = next((value for value in found if value), None)
    if isinstance(settings, bytes):
        settings = settings.decode("utf-8", "replace")
    if not settings or not settings.startswith("{"):
        raise ValueError(f"{path}: no settings in its metadata; expected a file that render or sweep wrote")
    return settings


def table(
    cells: Sequence[Sequence[np.ndarray]], columns: Sequence[str], rows: Sequence[str], title: str = "", side: int = 128
) -> np.ndarray:
    """Videos side by side, with a label over each column and before each row.

    Args:
        cells: rows of videos, each (F, H, W, 3) uint8, all of one shape.
        columns, rows: the labels.
        title: over everything.
        side: cells smaller than this are enlarged by a whole number.

    Returns:
        (F, height, width, 3) uint8, both sides even, as video codecs want it.
    """
    font = ImageFont.load_default(FONT_SIZE)
    frames, height, width = cells[0][0].shape[:3]
    zoom = max(side // max(height, width), 1)
    height, width = height * zoom, width * zoom

    def measure(text: str) -> tuple[int, int]:
        left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font)
        return int(right), int(bottom)

    columns, rows = [_wrapped(label, width, measure) for label in columns], [_wrapped(r, 200, measure) for r in rows]
    left = max((measure(label)[0] for label in rows), default=0) + 2 * PAD
    head = max((measure(label)[1] for label in columns), default=0) + 2 * PAD
    top = head + (measure(title)[1] + PAD if title else 0)
    full = left + len(cells[0]) * (width + PAD), top + len(cells) * (height + PAD)
    full = max(full[0], measure(title)[0] + 2 * PAD), full[1]
    sheet = Image.new("RGB", (full[0] + full[0] % 2, full[1] + full[1] % 2), "white")
    pen = ImageDraw.Draw(sheet)
    if title:
        pen.text((PAD, PAD // 2), title, "black", font)
    for i, label in enumerate(columns):
        middle = left + i * (width + PAD) + width // 2
        pen.multiline_text((middle - measure(label)[0] // 2, top - PAD - measure(label)[1]), label, "black", font)
    for i, label in enumerate(rows):
        middle = top + i * (height + PAD) + height // 2
        pen.multiline_text((PAD, middle - measure(label)[1] // 2), label, "black", font)
    result = np.repeat(np.asarray(sheet)[None], frames, 0)
    for i, row in enumerate(cells):
        for k, cell in enumerate(row):
            y, x = top + i * (height + PAD), left + k * (width + PAD)
            result[:, y : y + height, x : x + width] = [_enlarged(frame, width, height) for frame in cell]
    return result


def _enlarged(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC))


def _wrapped(text: str, width: int, measure: Callable[[str], tuple[int, int]]) -> str:
    """The text in lines of at most ``width`` pixels, where its words allow."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure(longer)[0] > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _is_frames(folder: Path) -> bool:
    """Whether a folder holds nothing but frames that we wrote."""
    return all(path.suffix == ".png" and path.stem.isdecimal() for path in folder.iterdir())


def _save_frames(frames: np.ndarray, folder: Path, settings: str) -> None:
    folder.mkdir()
    info = PngInfo()
    info.add_text(KEY, settings)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{i:05}.png", pnginfo=info)


def _save_mp4(frames: np.ndarray, path: Path, fps: float, settings: str) -> None:
    av = _av()
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"{path}: MP4 needs even sides, got {width}x{height}; write .webp instead")
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata["comment"] = settings
        stream = container.add_stream("libx264", rate=round(fps), options={"crf": "14"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _av():  # noqa: ANN202 - a module
    try:
        import av
    except ImportError as error:
        raise ValueError("MP4 needs PyAV: pip install av; or write .webp or .gif") from error
    return av
