"""Faces in a photo, and faces without their background: facexlib's networks."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter

from .photo import as_input, within

DETECTED_AT = 1024  # pixels of the longer side in which faces are looked for
SURE = 0.8  # the score of a face
PARSED_AT = 512  # pixels of a side at which a face is told from its background
NO_FACE = (0, 18)  # the parser's classes for background and clothes


class _Part(NamedTuple):
    """A network of facexlib's: where it is, the file of its weights, and what to do without it."""

    what: str
    module: str
    make: str
    name: str
    file: str
    without: str


DETECTOR = _Part(
    "the face detector", "detection", "init_detection_model", "retinaface_resnet50",
    "detection_Resnet50_Final.pth", "use photos that are cut out",
)  # fmt: skip
PARSER = _Part(
    "the face parser", "parsing", "init_parsing_model", "parsenet", "parsing_parsenet.pth", "keep the background"
)


@dataclass(frozen=True)
class Face:
    """A face in a photo: ``landmarks`` (5, 2) in pixels from the top left corner, x first (the eyes, the nose, the
    corners of the mouth, each pair from left to right as one sees it), ``box`` (x0, y0, x1, y1), and a score."""

    landmarks: np.ndarray = field(repr=False)
    box: tuple[float, float, float, float]
    score: float


class Detector:
    """Finds faces by facexlib's RetinaFace (Deng et al., CVPR 2020).

    Args:
        folder: where the detector's weights are (110 MB), or are downloaded to; facexlib's own if absent.

    Raises:
        ValueError: facexlib is not installed, or its weights are damaged.
        OSError: the weights cannot be had.
    """

    def __init__(self, device: str | torch.device = "cpu", folder: str | Path | None = None) -> None:
        self._network = _load(DETECTOR, device, folder)

    def find(self, image: Image.Image) -> list[Face]:
        """The faces in a photo, the largest first."""
        scale, small = min(DETECTED_AT / max(image.size), 1.0), within(image, DETECTED_AT)
        with torch.no_grad():
            found = self._network.detect_faces(np.ascontiguousarray(np.asarray(small)[..., ::-1]), SURE)  # it wants BGR
        faces = []
        for row in np.asarray(found, np.float64).reshape(-1, 15):
            box = tuple(float(x) for x in row[:4] / scale)
            faces.append(Face(row[5:].reshape(5, 2) / scale, box, float(row[4])))
        return sorted(faces, key=lambda face: (face.box[0] - face.box[2]) * (face.box[3] - face.box[1]))


def without_background(
    pictures: Sequence[Image.Image], device: str | torch.device = "cpu", folder: str | Path | None = None
) -> list[Image.Image]:
    """Aligned faces on white, without their clothes, as the W+ Adapter's own faces were made ready for the encoder.

    By facexlib's ParseNet (Chen et al., "Progressive Semantic-Aware Style Transformation for Blind Face
    Restoration", CVPR 2021).

    Args:
        folder: where the parser's weights are (85 MB), or are downloaded to; facexlib's own if absent.

    Raises:
        ValueError: facexlib is not installed, or its weights are damaged.
        OSError: the weights cannot be had.
    """
    parser = _load(PARSER, device, folder)
    return [_on_white(parser, picture, device) for picture in pictures]


def _on_white(parser: torch.nn.Module, picture: Image.Image, device: str | torch.device) -> Image.Image:
    seen = as_input(picture.resize((PARSED_AT, PARSED_AT), Image.BILINEAR))
    with torch.no_grad():
        classes = parser(seen.to(device))[0].argmax(1)[0].cpu()
    gone = Image.fromarray((torch.isin(classes, torch.tensor(NO_FACE)) * 255).byte().numpy())
    mask = gone.filter(ImageFilter.GaussianBlur(1.1)).resize(picture.size, Image.BILINEAR)
    return Image.composite(Image.new("RGB", picture.size, "white"), picture, mask)


def _load(part: _Part, device: str | torch.device, folder: str | Path | None) -> torch.nn.Module:
    """A network of facexlib's, with its weights."""
    try:
        module = importlib.import_module(f"facexlib.{part.module}")
    except ImportError as error:
        raise ValueError(f"{part.what} is facexlib's: pip install facexlib, or {part.without}") from error
    place = folder or "facexlib/weights"
    try:
        return getattr(module, part.make)(part.name, device=device, model_rootpath=folder and str(folder))
    except OSError as error:
        raise OSError(
            f"{part.what}: its weights cannot be had ({error}); put {part.file} into {place}, or {part.without}"
        ) from error
    except (RuntimeError, EOFError, pickle.UnpicklingError, AttributeError, TypeError) as error:
        # The last two: the WebUI's torch.load gives None for what is damaged.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{part.what}: its weights are damaged ({reason}); delete {part.file} in {place}, and try again"
        ) from error
