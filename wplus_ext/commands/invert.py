"""Make an identity from photos of a person."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..photos.invert import Inverter
from ..weights.devices import check_device
from ..weights.latents import load_latent
from .common import add_library, library_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``invert``."""
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="of one person; several are averaged")
    parser.add_argument("-o", "--name", required=True, help="of the identity in the library")
    add_library(parser)
    parser.add_argument("--encoder", default="", help="by its name in the library; default: the first one")
    parser.add_argument("--aligned", action="store_true", help="the photos are cut out as FFHQ's are: find no face")
    parser.add_argument("--bare", action="store_true", help="without background and clothes, which become white")
    parser.add_argument("--face", type=int, help="which face of a photo with several, from 1, the largest first")
    parser.add_argument("--device", default="cpu", help="default: %(default)s; a photo takes a second there")
    parser.add_argument("--force", action="store_true", help="replace an identity of this name")


def run(options: argparse.Namespace) -> None:
    """Photos to an identity."""
    check_device(options.device)
    inverter = Inverter(library_in(options.wplus), options.device, encoder=options.encoder)
    photos = [(str(path), path) for path in options.photos]
    path = inverter.make(options.name, photos, options.face, options.aligned, options.bare, options.force)
    norm = load_latent(path).norm(dim=1)
    print(f"{path}: norm of a layer {norm.min():.1f} to {norm.max():.1f}")
