"""The command line: ``python -m wplus_ext COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError

from . import bench
from .commands import render
from .library import download
from .photos import invert
from .weights import encoder, files
from .weights.adapter import Adapter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 2 after one line that says what was wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, SafetensorError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.strerror else error
        print(f"wplus_ext {options.command}: {reason}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(
            f'wplus_ext {options.command}: {error}; this command needs pip install -e ".[diffusers]"', file=sys.stderr
        )
        return 2
    except KeyboardInterrupt:
        print(f"wplus_ext {options.command}: stopped; files that were finished are whole", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m wplus_ext", description="Tools of the W+ Adapter for AnimateDiff.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("render", help="render a video with a diffusers AnimateDiff pipeline, or the miniature")
    render.add_arguments(one, many=False)
    one.set_defaults(run=render.render)
    table = commands.add_parser("sweep", help="render the same video with several edits into one labelled table")
    render.add_arguments(table, many=True)
    table.set_defaults(run=render.sweep)
    show = commands.add_parser("demo", help="render the tables of the research in small, with the miniature")
    show.add_argument("--out", type=Path, default=Path("wplus-demo"), help="folder to write to (default: %(default)s)")
    show.set_defaults(run=_demo)
    figures = commands.add_parser("evaluate", help="measure on the miniature whether the edit edits")
    figures.add_argument("--quick", action="store_true", help="fewer videos, rougher figures")
    figures.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    figures.add_argument("--device", default="", help="default: the GPU where there is one")
    figures.set_defaults(run=_evaluate)
    download.add_arguments(commands.add_parser("fetch", help="get the published adapter, encoder and directions"))
    invert.add_invert(commands.add_parser("invert", help="make an identity from photos of a person"))
    invert.add_directions(commands.add_parser("directions", help="list the library's directions, or make one"))
    inspect = commands.add_parser("inspect", help="say what a file is, and whether it can be used")
    inspect.add_argument("file", type=Path, help="an adapter, encoder, latent, direction or GANSpace file")
    inspect.set_defaults(run=_inspect)
    convert = commands.add_parser("convert", help="write an adapter, encoder, latent or direction as safetensors")
    convert.add_argument("input", type=Path, help="a .bin, .pt, .pth, .npy or .safetensors file")
    convert.add_argument("output", type=Path, help="the .safetensors file to write")
    convert.add_argument("--force", action="store_true", help="overwrite the output where it exists")
    convert.set_defaults(run=_convert)
    speed = commands.add_parser("bench", help="measure the cost of the edit on this machine")
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    speed.add_argument("--device", choices=devices, default=devices[-1], help="default: %(default)s")
    speed.add_argument("--rows", type=_count, default=32, help="rows of a UNet call (default: %(default)s)")
    speed.add_argument("--repeats", type=_count, default=5, help="the median of so many (default: %(default)s)")
    speed.set_defaults(run=lambda options: bench.run(options.device, options.rows, options.repeats))
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _demo(options: argparse.Namespace) -> None:
    from .miniature import demo  # needs diffusers

    demo.run(options)


def _evaluate(options: argparse.Namespace) -> None:
    from .miniature import evaluate

    evaluate.run(options)


def _inspect(options: argparse.Namespace) -> None:
    is_encoder = encoder.is_encoder(options.file)
    content = None if is_encoder else files.read(options.file)
    print(f"{options.file}: {options.file.stat().st_size:,} bytes, sha256 {files.short_hash(options.file)}…")
    if is_encoder:
        numbers = sum(tensor.numel() for tensor in encoder.Encoder.load(options.file).state_dict().values())
        print(f"e4e's encoder: {numbers:,} numbers; `invert` makes latents of photos with it")
        return
    if files.is_ganspace(content):
        print(f"GANSpace PCA with {len(content['comp'])} components: use the names of its table")
    elif isinstance(content, dict) and len(content) > 1:
        adapter = Adapter.load(options.file)
        numbers = sum(tensor.numel() for tensor in adapter.state().values())
        print(f"W+ adapter: {len(adapter.layers)} cross-attentions, text width {adapter.text}, {numbers:,} numbers")
        print(f"widths: {' '.join(map(str, adapter.widths))}")
    else:
        w = files.as_latent(content, options.file)
        same = "the same vector in all 18 layers" if (w == w[0]).all() else "a vector for each of 18 layers"
        print(f"W+ latent or direction: {same}")
        print(f"norm of a layer: {w.norm(dim=1).min():.4f} to {w.norm(dim=1).max():.4f}; of all: {w.norm():.4f}")
        print("an edit direction is short (about 0.3 to 1.2 a layer), a face's latent long (about 10 to 13)")


def _convert(options: argparse.Namespace) -> None:
    if options.output.suffix.lower() != ".safetensors":
        raise ValueError(f"{options.output}: expected a name that ends in .safetensors")
    if options.output.exists() and not options.force:
        raise ValueError(f"{options.output} exists; choose another name, or add --force")
    if encoder.is_encoder(options.input):
        encoder.convert(options.input, options.output)
        print(f"{options.output}: e4e's encoder, {len(encoder.shapes())} tensors")
        return
    content = files.read(options.input)
    if files.is_ganspace(content):
        state = {name: content[name].contiguous() for name in ("mean", "comp", "std")}
    elif isinstance(content, dict) and len(content) > 1:
        state = Adapter.load(options.input).state()
    else:
        state = {"w": files.as_latent(content, options.input)}
    files.write(options.output, state)
    print(f"{options.output}: {len(state)} tensors")


if __name__ == "__main__":
    sys.exit(main())
