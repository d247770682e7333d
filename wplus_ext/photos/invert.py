"""Photos to identities, latents to directions, direction files into the library; the commands ``invert`` and
``directions``."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from ..library import identities as people
from ..library.index import Library, read_table
from ..library.published import DIRECTIONS
from ..weights import files
from ..weights.encoder import Encoder
from . import photo
from .photo import Detector, Face

FOLDER = Path("models", "wplus")  # of the WebUI


def invert(encoder: Encoder, pictures: Sequence[Image.Image]) -> Tensor:
    """The latent (18, 512) of a person: the mean over aligned pictures of ``encoder``'s side."""
    device = encoder.latent_avg.device
    with torch.no_grad():
        return people.mean([encoder(photo.as_input(picture).to(device))[0].cpu() for picture in pictures])


def make_identity(
    library: Library,
    name: str,
    pictures: Sequence[Image.Image],
    sources: Sequence[str],
    replace: bool = False,
    encoder: str = "",
    device: str | torch.device = "cpu",
) -> Path:
    """An identity of the library from aligned pictures of one person; gives its file.

    Args:
        sources: SHA-256 of the photos that they are from.
        encoder: its name in the library; the first one where it is empty.

    Raises:
        ValueError: no pictures; a name that cannot be or is taken; no such encoder, or a damaged one.
        OSError: the disk does not let us read or write.
    """
    path = check_identity(library, name, replace, encoder)
    w = invert(Encoder.load(path).to(device), pictures)
    path = people.save(library.roots[0] / "latents", name, w, pictures[0], list(dict.fromkeys(sources)), replace)
    library.refresh()
    return path


def check_identity(library: Library, name: str, replace: bool = False, encoder: str = "") -> Path:
    """The encoder's file. Raises ValueError as `make_identity` does for what is worth asking before the work."""
    people.check_free(library.roots[0] / "latents", name, replace)
    return library.find("encoders", encoder).path


def invert_photos(
    library: Library,
    name: str,
    photos: Iterable[tuple[str, bytes]],
    face: int | None = None,
    aligned: bool = False,
    bare: bool = False,
    replace: bool = False,
    encoder: str = "",
    device: str | torch.device = "cpu",
    weights: str | Path | None = None,
) -> Path:
    """An identity of the library from photos of one person; gives its file.

    Args:
        photos: what their faults call them, and the bytes of the files.
        face: its number in each photo, as `choose` takes it.
        aligned: the photos are cut out already: find no face.
        bare: without background and clothes.
        weights: the folder of facexlib's weights.

    Raises:
        ValueError: as `photo.open_photo`, `choose`, `photo.Detector` and `make_identity` do.
        OSError: the disk does not let us read or write, or weights cannot be had.
    """
    check_identity(library, name, replace, encoder)
    detector = None if aligned else Detector(device, weights)
    pictures, sources = [], []
    for called, data in photos:
        image = photo.open_photo(data, called)
        if detector is None:
            pictures.append(photo.as_aligned(image))
        else:
            pictures.append(photo.align(image, choose(detector.find(image), face, called).landmarks))
        sources.append(hashlib.sha256(data).hexdigest())
    if bare:
        pictures = photo.without_background(pictures, device, weights)
    return make_identity(library, name, pictures, sources, replace, encoder, device)


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


def run_invert(options: argparse.Namespace) -> None:
    """Photos to an identity."""
    try:
        torch.empty(0, device=options.device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch is built without CUDA
        reason = str(error).splitlines()[0]
        raise ValueError(f"the device {options.device!r} cannot be used ({reason}); try cpu") from error
    photos = ((str(path), path.read_bytes()) for path in options.photos)
    path = invert_photos(
        Library([options.wplus]), options.name, photos, options.face, options.aligned, options.bare, options.force,
        options.encoder, options.device,
    )  # fmt: skip
    norm = files.load_latent(path).norm(dim=1)
    print(f"{path}: norm of a layer {norm.min():.1f} to {norm.max():.1f}")


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
    print(describe(library, path.stem))


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
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, {"w": people.direction(*sets)})
    library.refresh()
    return path


def import_directions(library: Library, sources: Sequence[Path]) -> list[Path]:
    """Copy direction files into the library, all of them or none; gives their places.

    A GANSpace file and its table come together, and go into the sub-folder ``ganspace``, one pair at most.

    Raises:
        ValueError: no files; one that holds no direction; a name that cannot be, is taken, or comes twice.
        OSError: the disk does not let us read or write.
    """
    if not sources:
        raise ValueError("no file, expected at least one")
    pair = [source for source in sources if _is_ganspace(source)]
    others = [source for source in sources if source not in pair]
    targets = [_pair_place(library, pair) / source.name for source in pair]
    targets += [place(library, people.check_name(source.stem), source.suffix.lower()) for source in others]
    names = [target.stem.lower() for target in targets[len(pair) :]]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ValueError(f"two files would be the direction {twice[0]!r}; rename one of them")
    partly = [target.with_name(f".{target.name}") for target in targets]
    done: list[Path] = []
    try:
        for source, path in zip([*pair, *others], partly):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        for path, target in zip(partly, targets):
            path.replace(target)
            done.append(target)
    except BaseException:
        for path in (*partly, *done):
            path.unlink(missing_ok=True)
        raise
    library.refresh()
    return targets


def _is_ganspace(source: Path) -> bool:
    """Whether a file is half of a GANSpace pair. Raises ValueError for one that is no direction either."""
    if source.suffix.lower() == ".csv":
        if read_table(source):
            return True
        raise ValueError(f"{source.name}: no GANSpace table, expected lines of name, component, first and end layer, "
                         "and strength, with tabs between them")  # fmt: skip
    try:
        content = files.read(source)
        if not files.is_ganspace(content):
            files.as_latent(content, source)
            return False
    except ValueError as error:  # where the page keeps what was dropped says nothing to anybody
        raise ValueError(str(error).replace(str(source), source.name)) from error
    return True


def _pair_place(library: Library, pair: Sequence[Path]) -> Path:
    """The folder of a GANSpace file and its table."""
    if sorted(source.suffix.lower() == ".csv" for source in pair) != [False, True]:
        given = ", ".join(source.name for source in pair)
        raise ValueError(f"{given}: add a GANSpace file (ffhq_pca.pt) and its table (ganspace_configs.csv) at once")
    folder = library.roots[0] / "directions" / "ganspace"
    if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ValueError(f"{folder} holds files already; delete them first")
    return folder


def place(library: Library, name: str, suffix: str, replace: bool = False) -> Path:
    """Where a new direction goes. Raises ValueError where its name is taken."""
    folder = library.roots[0] / "directions"
    existing = people.taken(folder, name)
    path = folder / f"{name}{suffix}"
    if existing and not (replace and existing == path):
        raise ValueError(f"{existing} exists; choose another name" + (", or replace it" if existing == path else ""))
    return path


class Row(NamedTuple):
    """What is known of a direction, as text: what more of it is, its layers from 0, the mean norm of these. A
    ``target`` moves a latent to a strength along a GANSpace component, a ``step`` is added to it."""

    name: str
    what: str
    kind: str
    layers: str
    norm: str

    def __str__(self) -> str:
        what = f" ({self.what})" if self.what else ""
        return f"{self.name}{what}: a {self.kind}, layers {self.layers}, norm of a layer {self.norm}"


def describe(library: Library, name: str) -> Row:
    """A direction of the library; of a file that cannot be read, why."""
    entry = library.find("directions", name)
    what = DIRECTIONS.get(name.rpartition("/")[2], "")
    if entry.row:
        component = f"component {entry.row.component}, used up to {entry.row.strength.lstrip('-')}"
        what = f"{what}; {component}" if what else component
    try:
        found = library.direction(name)
    except ValueError as error:
        return Row(name, what, f"file that cannot be used ({error})", "-", "-")
    norms = found.vector.norm(dim=1)
    used = norms.nonzero().flatten().tolist()
    layers = f"{used[0]} to {used[-1]}" if len(used) > 1 else "".join(map(str, used)) or "none: it is zero"
    kind = "target" if found.target else "step"
    return Row(name, what, kind, layers, f"{norms[used].mean() if used else 0.0:.2f}")


def _latent(library: Library, name: str) -> Tensor:
    """A latent of the library, or a file."""
    return files.load_latent(name) if Path(name).is_file() else library.latent(name)
