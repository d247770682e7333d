"""Get the published adapter, encoder and directions, and the networks that measure faces."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

from ..library.download import fetch
from ..library.index import UPSTREAM
from ..library.published import ITEMS, LICENCE, Item
from .common import add_library, counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``fetch``."""
    listed = "; ".join(f"{name}: {item.what}" for name, item in ITEMS.items())
    parser.add_argument("items", nargs="*", metavar="ITEM", help=f"{listed} (default: adapter and directions)")
    add_library(parser)
    parser.add_argument("--accept-licence", action="store_true", help="you have read it: non-commercial use only")
    parser.add_argument("--force", action="store_true", help="get files again that are there, or have changed")


def run(options: argparse.Namespace) -> None:
    """Ask for the licence, and get the items."""
    names = options.items or ["adapter", "directions"]
    unknown = [name for name in names if name not in ITEMS]
    if unknown:
        raise ValueError(f"there is no item {unknown[0]!r}, expected {', '.join(ITEMS)}")
    items = [ITEMS[name] for name in names]
    accepted = _accepted(items, options.accept_licence)
    if not accepted:
        raise ValueError(f"the files' licence (NTU S-Lab 1.0, non-commercial, {UPSTREAM}) needs --accept-licence")
    for name, item in zip(names, items):
        with tqdm(unit="B", unit_scale=True, disable=None) as bar:

            def show(file: str, done: int, total: int | None, bar: tqdm = bar) -> None:
                bar.set_description(file, refresh=False)
                bar.total, bar.n = total, done
                bar.refresh()

            got = fetch(item, options.wplus, accepted, show, options.force)
        print(f"{name}: {counted(len(got), 'file')} in {got[0].parent}")


def _accepted(items: list[Item], given: bool) -> bool:
    """Whether all licences are accepted; free ones are only shown."""
    for licence in dict.fromkeys(item.licence for item in items if not item.asks):
        print(licence)
    return given or not any(item.asks for item in items) or _asked()


def _asked() -> bool:
    """Whether somebody is there who accepts the licence."""
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        return False
    print(LICENCE)
    try:
        return input("Do you accept this licence? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl+D
        print()
        return False
