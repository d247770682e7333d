"""What the page shows of people: photos with their faces to click on, and what an identity looks like."""

from __future__ import annotations

import html
import zlib
from collections.abc import Sequence

from PIL import Image, ImageDraw

from ...library import identities
from ...library.index import Entry
from ...photos.invert import Area, Crop, Seen
from .strip import data_url


def photos_html(seen: Sequence[Seen], taken: Sequence[str], taken_id: str) -> str:
    """Photos with a button over each face, which `javascript/wplus_people.mjs` ties to the box that ticks it.

    Args:
        taken: the numbers of the faces that are pressed in.
        taken_id: where the boxes are.
    """
    figures, number = [], 0
    for one in seen:
        buttons = []
        for i, crop in enumerate(one.crops, 1):
            number += 1
            x, y, width, height = (f"{100 * part:.2f}%" for part in _from_its_middle(crop.area))
            name, pressed_in = f"face {i} of photo {html.escape(one.name)}", str(str(number) in taken).lower()
            buttons.append(
                f'<button type="button" class="wplus-face" data-number="{number}" aria-pressed="{pressed_in}" '
                f'aria-label="{name}" title="{name}" '
                f'style="left: {x}; top: {y}; width: {width}; height: {height}"></button>'
            )
        name = html.escape(one.name)
        said = name if len(buttons) == 1 else f"{name}: {len(buttons)} faces, click the person’s"
        picture = f'<img src="{data_url(one.view)}" alt="{name}">'
        figures.append(f"<figure><div>{picture}{''.join(buttons)}</div><figcaption>{said}</figcaption></figure>")
    return f'<div class="wplus-photos" data-taken="{taken_id}">{"".join(figures)}</div>' if figures else ""


def called(seen: Seen) -> list[tuple[str, Crop]]:
    """The faces of a photo, and what each is called."""
    if len(seen.crops) == 1:
        return [(seen.name, seen.crops[0])]
    return [(f"{seen.name}, face {i}", crop) for i, crop in enumerate(seen.crops, 1)]


def _from_its_middle(area: Area) -> Area:
    x, y, width, height = area
    return x + width / 2, y + height / 2, width, height


def thumbnail(entry: Entry) -> Image.Image:
    """The picture of an identity."""
    picture = identities.read_person(entry.path).thumbnail
    if picture is None:  # a file from elsewhere: a colour of its own, and its first letters
        side = identities.THUMBNAIL
        picture = Image.new("RGB", (side // 4, side // 4), f"hsl({zlib.crc32(entry.name.encode()) % 360}, 40%, 35%)")
        letters = entry.name.rpartition("/")[2][:3].encode("latin-1", "replace").decode("latin-1")  # Pillow's own font
        ImageDraw.Draw(picture).text((side // 8 - 9, side // 8 - 6), letters, "white")
        picture = picture.resize((side, side), Image.BICUBIC)  # that font has one size
    return picture
