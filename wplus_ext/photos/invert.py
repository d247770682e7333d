"""From the bytes of photos to an identity of the library: one way for the page, the API and the command line."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..library import identities
from ..library.identities import mean
from ..library.index import Library
from ..library.names import free_place
from ..weights.encoder import Encoder
from ..weights.regular import read_regular
from ..weights.shapes import Float
from . import faces, photo
from .faces import Detector, Face

TURN = 600.0  # seconds for others' photos
VIEW = 640  # pixels of the longer side at which a photo is shown

Area = tuple[float, float, float, float]  # of a photo: x, y, width, height, in parts of its width and height

log = logging.getLogger(__name__)
_encoding = threading.Lock()


@dataclass
class Crop:
    """A face, cut out of a photo with the SHA-256 ``source``, and the same on white once that was asked for. ``face``
    says where it was, None where the photo was cut out already, and ``area`` what one may click for it."""

    picture: Image.Image = field(repr=False)
    source: str
    face: Face | None = None
    area: Area = (0.0, 0.0, 1.0, 1.0)
    on_white: Image.Image | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Seen:
    """What is in a photo: its faces, the largest first, or the ``fault`` for which it cannot be used. ``view`` is the
    photo itself, upright, of at most 640 pixels."""

    name: str
    crops: tuple[Crop, ...] = ()
    fault: Exception | None = None
    view: Image.Image | None = field(default=None, repr=False)

    def choose(self, number: int | None) -> Crop:
        """The face of that number, from 1; the only one where there is no number.

        Raises:
            ValueError: the photo's fault; several faces, and no number; a number too large, or no whole one.
            OSError: the photo's fault.
        """
        if self.fault:
            raise self.fault
        count = len(self.crops)
        if number is None and count > 1:
            boxes = [crop.face.box for crop in self.crops[:8]]
            places = ", ".join(f"{i} at ({box[0]:.0f}, {box[1]:.0f})" for i, box in enumerate(boxes, 1))
            more = ", …" if count > 8 else ""
            raise ValueError(f"{self.name}: {count} faces, expected one; choose by number: {places}{more}")
        if number is not None and (type(number) is not int or not 1 <= number <= count):
            raise ValueError(f"{self.name}: face {number!r}, expected 1 to {count}")
        return self.crops[(number or 1) - 1]


@dataclass(frozen=True)
class Inverter:
    """Makes identities of a library.

    Args:
        library: where the encoder is, and the identities go.
        device: of all networks.
        weights: the folder of facexlib's; its own where absent.
        encoder: its name in the library; the first one where it is empty.
    """

    library: Library
    device: str | torch.device = "cpu"
    weights: str | Path | None = None
    encoder: str = ""

    def place(self, name: str, replace: bool = False) -> Path:
        """Where an identity of that name goes. Asked before the work, since it raises ValueError for a name that
        cannot be or is taken, and where there is no such encoder."""
        self.library.find("encoders", self.encoder)
        return free_place(self.library.roots[0] / "latents", name, replace=replace)

    def look(self, photos: Iterable[tuple[str, bytes | Path]], aligned: bool = False) -> Iterator[Seen]:
        """What is in each photo, one by one: one that cannot be used leaves the others.

        Args:
            photos: what their faults call them, and the files or their bytes.
            aligned: they are cut out already: find no face.

        Raises:
            ValueError: facexlib is not installed, or its weights are damaged.
            OSError: they cannot be had.
        """
        with _translated("the face detector"):
            detector = None if aligned else Detector(self.device, self.weights)
        for name, photo_file in photos:
            try:
                yield _seen(name, photo_file, detector)
            except (ValueError, OSError) as error:
                yield Seen(name, fault=error)

    def put_on_white(self, crops: Sequence[Crop]) -> None:
        """Faces without background and clothes too, where they are not yet. Raises as `faces.without_background`."""
        wanted = [crop for crop in crops if crop.on_white is None]
        pictures = [crop.picture for crop in wanted]
        with _translated("the face parser"):
            done = faces.without_background(pictures, self.device, self.weights) if wanted else []
        for crop, picture in zip(wanted, done):
            crop.on_white = picture

    def save(self, place: Path, crops: Sequence[Crop], bare: bool = False, replace: bool = False) -> Path:
        """An identity from faces of one person, in a `place`; gives that. One encoder is in memory at a time.

        Args:
            bare: from the faces without background and clothes.
            replace: put away what has the name, which is taken where this was not given to `place` either.

        Raises:
            ValueError: no faces; a damaged encoder, or one that fails; the name is taken by now; as `put_on_white`.
            TimeoutError: others' photos take ten minutes.
            OSError: the disk does not let us read or write.
        """
        if not crops:
            raise ValueError("no face is taken: drop photos, and click the faces of one person")
        if bare:
            self.put_on_white(crops)
        pictures = [crop.on_white if bare else crop.picture for crop in crops]
        path = self.library.find("encoders", self.encoder).path
        with _turn(), _translated("the encoder"):
            w = invert(Encoder.load(path).to(self.device), pictures)
        sources = list(dict.fromkeys(crop.source for crop in crops))
        identities.save(place, w, pictures[0], sources, replace)
        self.library.refresh()
        return place

    def make(
        self,
        name: str,
        photos: Iterable[tuple[str, bytes | Path]],
        face: int | None = None,
        aligned: bool = False,
        bare: bool = False,
        replace: bool = False,
    ) -> Path:
        """All of it; ``face`` is the number of the face in each photo.

        Raises as the steps do, for any photo; ValueError for a number of faces that were cut out already.
        """
        if face is not None and aligned:
            raise ValueError(f"face is {face!r}, but the photos are cut out already (aligned): leave one of them out")
        place = self.place(name, replace)
        return self.save(place, [seen.choose(face) for seen in self.look(photos, aligned)], bare, replace)


def invert(encoder: Encoder, pictures: Sequence[Image.Image]) -> Float[Tensor, "18 512"]:
    """The latent of a person: the mean over aligned pictures of ``encoder``'s side."""
    device = encoder.latent_avg.device
    with torch.no_grad():
        return mean([encoder(photo.as_input(picture).to(device))[0].cpu() for picture in pictures])


def _seen(name: str, photo_file: bytes | Path, detector: Detector | None) -> Seen:
    """What is in a photo; it is itself the face where there is no detector."""
    data = photo_file if isinstance(photo_file, bytes) else read_regular(photo_file, photo.LARGEST)
    with _translated(name):
        image, source = photo.open_photo(data, name), hashlib.sha256(data).hexdigest()
    if detector is None:
        middle = [(side - min(image.size)) / 2 for side in image.size]
        box = (*middle, *(side - edge for side, edge in zip(image.size, middle)))
        crops = [Crop(photo.as_aligned(image), source, area=_area(box, image.size))]
    else:
        crops = _crops(name, image, source, detector)
    return Seen(name, tuple(crops), view=photo.within(image, VIEW))


def _crops(name: str, image: Image.Image, source: str, detector: Detector) -> Iterator[Crop]:
    """The faces of a photo."""
    with _translated(f"{name}: the face detector"):
        found = detector.find(image)
    if not found:
        raise ValueError(f"{name}: no face found; expected one seen from the front, not small or dark, or cut it out")
    for face in found:
        try:
            with _translated("the cut of a face"):
                crop = photo.align(image, face.landmarks)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        yield Crop(crop, source, face, _area(face.box, image.size))


def _area(box: Sequence[float], size: tuple[int, int]) -> Area:
    """What lies of a box (x0, y0, x1, y1), in pixels, within a photo."""
    left, top, right, bottom = (min(max(edge / side, 0.0), 1.0) for edge, side in zip(box, size * 2))
    return left, top, right - left, bottom - top


@contextmanager
def _turn() -> Iterator[None]:
    """One at a time."""
    if not _encoding.acquire(timeout=TURN):
        raise TimeoutError(f"others' photos take {TURN:.0f} s already; try again when they are done")
    try:
        yield
    finally:
        _encoding.release()


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Whatever a network stumbles over as ValueError, which names it, in a line; the log has the rest."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        log.warning("%s fails", what, exc_info=True)
        raise ValueError(f"{what} fails ({reason}); try another photo, and look at the log") from error
