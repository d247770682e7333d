"""What is said on the page: faults, notes, and what is missing, with what gets it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ...library.index import Library, item_in
from ...library.published import ITEMS
from .public import public

NEEDED = {"adapter": "adapters", "directions": "directions"}  # items, and where they are looked for


def fault_html(error: Exception) -> str:
    """What went wrong, as every part of the page shows it; of missing files, with what gets them."""
    return f'<div class="wplus-fault" role="alert">{html.escape(public(error))}{lead(error)}</div>'


def note_html(text: str, more: str = "") -> str:
    """What is no fault, with HTML after it; nothing of no text."""
    return f'<div class="wplus-note" role="status">{html.escape(text)}{more}</div>' if text else ""


def lead(error: Exception | None) -> str:
    """What opens the download of files that are missing, as HTML; nothing for other faults."""
    item = item_in(error)
    return lead_to([item]) if item else ""


def lead_to(items: Sequence[str], text: str = "Download…") -> str:
    """A button that opens the download of items; see javascript/wplus_leads.mjs."""
    return f' <button type="button" class="wplus-lead" data-items="{" ".join(items)}">{html.escape(text)}</button>'


def missing(library: Library) -> list[str]:
    """The items without which nothing can be edited."""
    return [item for item, folder in NEEDED.items() if not library.names(folder)]


def banner(library: Library, said: str = "") -> str:
    """What is missing, with what gets it; where nothing is, what else is to be said."""
    lacks = missing(library)
    what = " and ".join(ITEMS[item].what for item in lacks)
    if not lacks:
        return note_html(said)
    text = f"{said}. Still missing: {what}." if said else f"Missing: {what}."
    return note_html(text, lead_to(lacks, "Get them here" if len(lacks) > 1 else "Get it here"))
