"""Command line flags; read by the WebUI before anything else."""

import argparse


def preload(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wplus-dir",
        default=None,
        help="folder with adapters, latents and directions of the W+ Adapter (default: wplus in the models folder)",
    )
