"""A photo: read, and a face of it cut out as FFHQ's are."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from ..weights.encoder import SIDE
from ..weights.regular import read_regular

MOST, LEAST = 64_000_000, 16  # pixels of a photo, and of its shorter side
LARGEST = 320 << 20  # bytes of a file; so many pixels that are not packed take less
BAND = 1 << 22  # pixels that are converted at a time
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF")  # still pictures; the last by a plugin
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")  # brands
BEGINNINGS = (  # of files that people take for photos
    (b"%!PS", "a PostScript drawing"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"gimp xcf", "a GIMP file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
)


def open_photo(source: str | Path | bytes, name: str = "") -> Image.Image:
    """A photo as RGB, turned as its EXIF says; what is transparent becomes white.

    Args:
        source: a file, or what one holds: a still picture of one of the `FORMATS`. A JPEG of more than 64 million
            pixels is halved while it is decoded.
        name: what its faults call it, if not by its path.

    Raises:
        ValueError: another format, of which nothing is run; a damaged picture, an animation, one whose numbers have no
            range that is known, one of less than 16 pixels a side or of more than 64 million in all; a pipe, a
            folder, a file of more than 320 MB.
        OSError: the file cannot be read.
    """
    data = source if isinstance(source, bytes) else read_regular(source, LARGEST)
    name = name or ("the photo" if isinstance(source, bytes) else str(source))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is below
            return _decoded(data, name)
    except UnidentifiedImageError as error:
        raise ValueError(f"{name}: {_what(data)}, expected a photo: JPEG, PNG or WebP") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name}: far more than {MOST // 10**6} million pixels; make it smaller") from error
    except (_Refused, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise what they like on damage
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{name}: a damaged picture ({reason}); export it again") from error


class _Refused(ValueError):
    """A whole picture that is not taken."""


def _decoded(data: bytes, name: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=[kind for kind in FORMATS if _is_known(kind)])
    if image.width * image.height > MOST:
        image.draft("RGB", (image.width // 2, image.height // 2))  # of a JPEG
    width, height = image.size
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # the second frame of an MPO is only a preview
        what = f"{frames} pages" if image.format == "TIFF" else f"an animation of {frames} frames"
        raise _Refused(f"{name}: {what}, expected a still picture; save one of them")
    if min(width, height) < LEAST:
        raise _Refused(f"{name}: {width}x{height} pixels, expected at least {LEAST} a side to show a face")
    most = MOST // 2 if _is_deep(image) else MOST  # of 16 bits half as many: they take as long
    if width * height > most:
        raise _Refused(f"{name}: {width}x{height} pixels, expected at most {most // 10**6} million; make it smaller")
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):  # a PNG's are 16 bits
        kind = "decimals" if image.mode == "F" else "32 bits"
        raise _Refused(f"{name}: its numbers have {kind}, and what is white is not said; save it with 8 or 16 bits")
    image.load()
    turn = TURNS.get(image.getexif().get(ORIENTATION))  # a TIFF is turned while it is loaded, and says so then
    picture = _as_rgb(image)
    del image  # its pixels go before others come
    return picture if turn is None else picture.transpose(turn)


def quad(landmarks: np.ndarray) -> np.ndarray:
    """The corners (4, 2) of a face's square, from the top left one against the clock, in pixels.

    Args:
        landmarks: (5, 2), as `Face` has them.

    Raises:
        ValueError: another shape, not finite, or all in one place.

    Source: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks",
    CVPR 2019, appendix C: centre and size follow from the eyes and the mouth.
    """
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.shape != (5, 2) or not np.isfinite(landmarks).all():
        raise ValueError(f"landmarks of shape {landmarks.shape}, expected (5, 2) finite numbers: eyes, nose, mouth")
    left, right, _, mouth_left, mouth_right = landmarks
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    across, down = right - left, mouth - eyes
    x = across + np.array([down[1], -down[0]])  # the eyes' line, and the mouth's turned by a quarter, count alike
    length = np.hypot(*x)
    if length < 1e-6:
        raise ValueError("the eyes and the mouth lie in one place; expected the landmarks of a face")
    x *= max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down)) / length
    y = np.array([-x[1], x[0]])
    centre = eyes + 0.1 * down
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def align(image: Image.Image, landmarks: np.ndarray, side: int = SIDE) -> Image.Image:
    """Cut a face out, upright, ``side`` x ``side`` pixels; beyond the photo's edges it is mirrored."""
    corners = quad(landmarks)
    size = float(np.hypot(*(corners[3] - corners[0])))
    shrink = int(size / side / 2)
    if shrink > 1:  # sampling would skip pixels
        before = np.array(image.size)
        image = image.resize(tuple(np.maximum(before // shrink, 1)), Image.LANCZOS)
        corners *= image.size / before
        size /= shrink
    border = max(round(0.1 * size), 3)
    low, high = np.floor(corners.min(0)).astype(int) - border, np.ceil(corners.max(0)).astype(int) + border
    pixels = np.asarray(image)
    rows, columns = (_mirrored(low[i], high[i], pixels.shape[1 - i]) for i in (1, 0))
    cut = Image.fromarray(pixels[np.ix_(rows, columns)])
    return cut.transform((side, side), Image.QUAD, tuple((corners - low + 0.5).flatten()), Image.BILINEAR)


def within(image: Image.Image, side: int) -> Image.Image:
    """A picture whose longer side is at most ``side`` pixels; itself where it is no larger."""
    scale = side / max(image.size)
    return image.resize([max(round(x * scale), 1) for x in image.size], Image.BILINEAR) if scale < 1 else image


def as_aligned(image: Image.Image, side: int = SIDE) -> Image.Image:
    """A photo that is cut out already: its square in the middle, ``side`` x ``side`` pixels."""
    return ImageOps.fit(image, (side, side), Image.LANCZOS)


def as_input(image: Image.Image) -> Tensor:
    """What the encoder takes: (1, 3, side, side) in -1 to 1."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1


def _mirrored(low: int, high: int, count: int) -> np.ndarray:
    """The pixels low to high - 1 of a line that is mirrored at both ends, whose first and last do not repeat."""
    period = max(2 * count - 2, 1)
    at = np.arange(low, high) % period
    return np.where(at < count, at, period - at)


def _as_rgb(image: Image.Image) -> Image.Image:
    """In bands: a copy of each kind at once would take several times the picture's memory."""
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    width, height = image.size
    picture, rows = Image.new("RGB", image.size), max(BAND // width, 1)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        band.info = image.info  # what is transparent in a palette
        picture.paste(_band_as_rgb(band), (0, top))
    return picture


def _band_as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off
        return Image.fromarray((np.asarray(image) // 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """Whether a picture's file has 16 bits a channel."""
    raw = [args[0] if isinstance(args, tuple) and args else args for _, _, _, args in image.tile]
    return image.mode.startswith("I;16") or any(isinstance(mode, str) and "16" in mode for mode in raw)


def _is_known(kind: str) -> bool:
    """Whether this Pillow, with its plugins, reads a format."""
    if kind == "HEIF" and kind not in Image.OPEN:
        with contextlib.suppress(ImportError):
            importlib.import_module("pillow_heif").register_heif_opener()
    Image.preinit()
    if kind not in Image.OPEN:
        Image.init()
    return kind in Image.OPEN


def _what(data: bytes) -> str:
    """What a file is that is no photo."""
    start = data[:512].lstrip().lower()
    if not data:
        return "an empty file"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in HEIC:
            damaged = _is_known("HEIF")
            return "a damaged HEIC picture" if damaged else "a HEIC picture, which needs the package pillow-heif"
        return "an AVIF picture, which needs Pillow 11.3" if brand in (b"avif", b"avis") else "a video"
    if b"<svg" in start or (start.startswith(b"<?xml") and b"svg" in data[:4096].lower()):
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    known = (what for begins, what in BEGINNINGS if data.startswith(begins))
    return next(known, "not a picture that can be read")
