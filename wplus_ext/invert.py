"""The commands ``invert`` and ``directions``: photos to an identity, latents to a direction."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from . import files, people, photo
from .encoder import Encoder
from .library import Library
from .photo import Face

FOLDER = Path("models", "wplus")  # of the WebUI


def invert(encoder: Encoder, pictures: Sequence[Image.Image]) -> Tensor:
    """The latent (18, 512) of a person: the mean over aligned pictures of ``encoder``'s side."""
    device = encoder.latent_avg.device
    with torch.no_grad():
        return people.mean([encoder(photo.as_input(picture).to(device))[0].cpu() for picture in pictures])


def choose(faces: Sequence[Face], number: int | None, name: str) -> Face:
    """The face of that number, from 1, the largest first; the only one where there is no number.

    Raises:
        ValueError: no face; several, and no number; a number too large.
    """
    if not faces:
        raise ValueError(f"{name}: no face found; expected one seen from the front, not small or dark, or cut it out")
    if number is None and len(faces) > 1:
        places = ", ".join(f"{i} at ({f.box[0]:.0f}, {f.box[1]:.0f})" for i, f in enumerate(faces[:8], 1))
        more = ", …" if len(faces) > 8 else ""
        raise ValueError(f"{name}: {len(faces)} faces, expected one; choose by number: {places}{more}")
    if number is not None and not 1 <= number <= len(faces):
        raise ValueError(f"{name}: face {number}, expected 1 to {len(faces)}")
    return faces[(number or 1) - 1]


def add_invert(parser: argparse.ArgumentParser) -> None:
    """The options of ``invert``."""
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="of one person; several are averaged")
    parser.add_argument("-o", "--name", required=True, help="of the identity in the library")
    parser.add_argument("--wplus", type=Path, default=FOLDER, metavar="DIR", help="the library (default: %(default)s)")
    parser.add_argument("--encoder", default="", help="by its name in the library; default: the first one")
    parser.add_argument("--aligned", action="store_true", help="the photos are cut out as FFHQ's are: find no face")
    parser.add_argument("--bare", action="store_true", help="without background and clothes, which become white")
    parser.add_argument("--face", type=int, help="which face of a photo with several, from 1, the largest first")
    parser.add_argument("--device", default="cpu", help="default: %(default)s; a photo takes a second there")
    parser.add_argument("--force", action="store_true", help="replace an identity of this name")
    parser.set_defaults(run=run_invert)


def run_invert(options: argparse.Namespace, find: Callable[..., list[Face]] = photo.find_faces) -> None:
    """Photos to an identity."""
    folder = options.wplus / "latents"
    people.check_free(folder, options.name, options.force)
    found = Library([options.wplus]).find("encoders", options.encoder).path
    pictures = [_picture(path, options, find) for path in options.photos]
    if options.bare:
        pictures = photo.without_background(pictures, options.device)
    w = invert(Encoder.load(found).to(options.device), pictures)
    sources = [hashlib.sha256(path.read_bytes()).hexdigest() for path in options.photos]
    saved = people.save(folder, options.name, w, pictures[0], sources, options.force)
    print(f"{saved}: norm of a layer {w.norm(dim=1).min():.1f} to {w.norm(dim=1).max():.1f}")


def _picture(path: Path, options: argparse.Namespace, find: Callable[..., list[Face]]) -> Image.Image:
    image = photo.open_photo(path)
    if options.aligned:
        return photo.as_aligned(image)
    return photo.align(image, choose(find(image, options.device), options.face, str(path)).landmarks)


def add_directions(parser: argparse.ArgumentParser) -> None:
    """The options of ``directions``."""
    parser.add_argument("--wplus", type=Path, default=FOLDER, metavar="DIR", help="the library (default: %(default)s)")
    parser.add_argument("--make", metavar="NAME", help="make a direction: from the mean of some latents to others'")
    parser.add_argument("--without", nargs="+", default=[], metavar="LATENT", help="latents without the attribute")
    parser.add_argument("--with", nargs="+", default=[], metavar="LATENT", dest="with_it", help="latents with it")
    parser.add_argument("--force", action="store_true", help="replace a direction of this name")
    parser.set_defaults(run=run_directions)


def run_directions(options: argparse.Namespace) -> None:
    """List the library's directions, or make one."""
    library = Library([options.wplus])
    if not options.make:
        for name in library.names("directions"):
            print(describe(library, name))
        return
    path = make_direction(library, options.make, options.without, options.with_it, options.force)
    print(describe(Library([options.wplus]), path.stem))


def make_direction(
    library: Library, name: str, without: Sequence[str], with_it: Sequence[str], replace: bool = False
) -> Path:
    """A direction of the library from two sets of latents, each by its name in the library or a file's path.

    Raises:
        ValueError: an empty set, an unknown latent, two sets with one mean, a name that cannot be or is taken.
        OSError: the disk does not let us write.
    """
    path = place(library, people.check_name(name), ".safetensors", replace)
    sets = [[_latent(library, latent) for latent in latents] for latents in (without, with_it)]
    if not all(sets):
        raise ValueError("a direction needs latents without the attribute and latents with it")
    files.write(path, {"w": people.direction(*sets)})
    return path


def place(library: Library, name: str, suffix: str, replace: bool = False) -> Path:
    """Where a new direction goes. Raises ValueError where its name is taken."""
    folder = library.roots[0] / "directions"
    folder.mkdir(parents=True, exist_ok=True)
    existing = people.taken(folder, name)
    path = folder / f"{name}{suffix}"
    if existing and not (replace and existing == path):
        raise ValueError(f"{existing} exists; choose another name" + (", or replace it" if existing == path else ""))
    return path


class Row(NamedTuple):
    """What is known of a direction, as text: its layers count from 0, the norm is the mean of theirs. A ``target``
    moves a latent to a strength along a GANSpace component, a ``step`` is added to it."""

    name: str
    kind: str
    layers: str
    norm: str

    def __str__(self) -> str:
        return f"{self.name}: a {self.kind}, layers {self.layers}, norm of a layer {self.norm}"


def describe(library: Library, name: str) -> Row:
    """A direction of the library; of a file that cannot be read, why."""
    try:
        found = library.direction(name)
    except ValueError as error:
        return Row(name, f"file that cannot be used ({error})", "-", "-")
    norms = found.vector.norm(dim=1)
    used = norms.nonzero().flatten().tolist()
    layers = f"{used[0]} to {used[-1]}" if len(used) > 1 else "".join(map(str, used)) or "none: it is zero"
    return Row(name, "target" if found.target else "step", layers, f"{norms[used].mean() if used else 0.0:.2f}")


def _latent(library: Library, name: str) -> Tensor:
    """A latent of the library, or a file."""
    return files.load_latent(name) if Path(name).is_file() else library.latent(name)
