"""Nodes for IMAGE: a photo becomes an identity, and what is to be seen in frames becomes numbers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import folder_paths
import numpy as np
from comfy.model_management import get_torch_device, throw_exception_if_processing_interrupted
from PIL import Image
from torch import Tensor

from ...library.index import Entry
from ...measure import fit
from ...measure.follow import measure
from ...measure.reader import ATTRIBUTES, Reader, networks_in
from ...photos.invert import Inverter, invert
from ...weights.encoder import Encoder
from ...weights.shapes import Float
from . import inputs
from .inputs import CATEGORY, LATENT, LIBRARY


class IdentityFromImage:
    """Makes an identity of photos of one person, by an encoder of models/wplus/encoders. It lasts as long as ComfyUI's
    temporary files."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "make", (LATENT,), ("identity",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        aligned = {"default": False, "tooltip": "the faces are cut out already, as FFHQ has them"}
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "photos of one person, one face in each; the mean is taken"}),
                "encoder": inputs.names("encoders"),
                "aligned": ("BOOLEAN", aligned),
            }
        }

    @classmethod
    def IS_CHANGED(cls, encoder: str, **_: object) -> str:
        return inputs.digest("encoders", encoder)

    def make(self, image: Float[Tensor, "B h w 3"], encoder: str, aligned: bool) -> tuple[Entry]:
        """Raises ValueError for a photo without a face, or with several, and where a network is not there."""
        path, device = LIBRARY.find("encoders", encoder).path, str(get_torch_device())
        photos = [_png(pixels) for pixels in _pixels(image)]
        named = ((f"image {number}", photo) for number, photo in enumerate(photos, 1))
        pictures = [seen.choose(None).picture for seen in Inverter(LIBRARY, device).look(named, aligned)]
        w = invert(Encoder.load(path).to(device), pictures)
        name = hashlib.sha256(w.numpy().tobytes()).hexdigest()[:10]
        place = Path(folder_paths.get_temp_directory(), "wplus", f"{name}.npy")
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(place, w.numpy())
        return (Entry(f"photo {name}", place),)


class Measure:
    """Measures a face in frames, by the networks of models/wplus/measure."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "measure", ("FLOAT", "STRING"), ("floats", "report")

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "the frames of a video"}),
                "attribute": ([*ATTRIBUTES], {"tooltip": "what is measured"}),
                "face": ("INT", {"default": 1, "min": 1, "max": 100, "tooltip": "whose: in the order of appearance"}),
                "calm": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 100.0, "tooltip": "frames to smooth it over"}),
            }
        }

    def measure(
        self, image: Float[Tensor, "B h w 3"], attribute: str, face: int, calm: float
    ) -> tuple[list[float], str]:
        """Raises ValueError where there is no such face, or a network is not there."""
        found = measure(_pixels(image), Reader(networks_in(LIBRARY.roots), str(get_torch_device())))
        found.check_person(face)
        curve = found.curve(attribute, face)
        values, made = fit.followed(curve, len(curve), calm=calm)
        return values.tolist(), f"{attribute} of face {face}, {fit.told(curve, values, made)}"


def _pixels(image: Float[Tensor, "B h w 3"]) -> Iterator[np.ndarray]:
    """The frames, one at a time, until somebody cancels."""
    for frame in image[..., :3]:
        throw_exception_if_processing_interrupted()
        yield (frame.cpu() * 255).round().clamp(0, 255).byte().numpy()


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()
