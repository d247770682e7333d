"""List the library's directions, or make one."""

from __future__ import annotations

import argparse

from ..library.authoring import make_direction
from ..library.directions import describe
from .common import add_library, library_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``directions``."""
    add_library(parser)
    parser.add_argument("--make", metavar="NAME", help="make a direction: from the mean of some latents to others'")
    parser.add_argument("--without", nargs="+", default=[], metavar="LATENT", help="latents without the attribute")
    parser.add_argument("--with", nargs="+", default=[], metavar="LATENT", dest="with_it", help="latents with it")
    parser.add_argument("--force", action="store_true", help="replace a direction of this name")


def run(options: argparse.Namespace) -> None:
    """List the directions, or make one and describe it."""
    making = options.make is not None
    if not making and (options.with_it or options.without):
        raise ValueError("--with and --without need --make, with the name of the direction that they make")
    if not making and options.force:
        raise ValueError("--force needs --make, with the name of the direction to replace")
    library = library_in(options.wplus)
    names = library.names("directions")
    if making:
        names = [make_direction(library, options.make, options.without, options.with_it, options.force).stem]
    for name in names:
        print(describe(library, name))
    for left in [] if making else library.left_out("directions"):
        print(f"not offered: {left}")
