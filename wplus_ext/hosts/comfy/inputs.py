"""How inputs of nodes are described, and what stands for the files that they name."""

from __future__ import annotations

import functools
import time

from ...fields import Field
from ...library.names import named_by
from ...presets import PRESETS
from ...settings import FIELDS
from ...tracks import parse
from . import folders

CATEGORY = "W+ Adapter"
ADAPTER, LATENT, TRACKS = "WPLUS_ADAPTER", "WPLUS_LATENT", "WPLUS_TRACKS"  # what our nodes hand on to each other
NUMBERS = "FLOAT,CURVE"  # numbers by frame
LIBRARY = folders.make()
BY_NAME = {field.name: field for field in FIELDS}


def widget(name: str) -> tuple[object, dict[str, object]]:
    """A field of the settings, as ComfyUI describes an input."""
    field: Field = BY_NAME[name]
    more = {"default": field.default, "tooltip": field.help}
    if name == "tracks":
        more["presets"] = [*PRESETS.items()]  # for the editor's menu, in javascript/comfy/
    if field.choices:
        return [*field.choices], more
    if field.kind is str:
        return "STRING", {**more, "multiline": name in ("tracks", "regions")}
    if field.kind is bool:
        return "BOOLEAN", more
    return "FLOAT", {**more, "min": field.low, "max": field.high, "step": field.step}


def names(folder: str) -> tuple[list[str], dict[str, object]]:
    """The names of a folder of the library, as a list to pick from."""
    return _listed(folder, int(time.monotonic())), {"tooltip": f"a file of models/wplus/{folder}"}


@functools.lru_cache(maxsize=8)
def _listed(folder: str, second: int) -> list[str]:
    """The names in a folder, listed anew each second: ComfyUI asks many times for each run."""
    folders.look_again(LIBRARY)
    return LIBRARY.names(folder)


def linked(kind: str, tooltip: str) -> tuple[str, dict[str, object]]:
    """An input that comes from another node alone."""
    return kind, {"forceInput": True, "tooltip": tooltip}


def digest(folder: str, name: str) -> str:
    """What stands for a file, and is another when it changes; the fault where there is none."""
    try:
        return LIBRARY.hash(LIBRARY.find(folder, name))
    except (ValueError, OSError) as error:
        return str(error)


def digests(tracks: str | None) -> str:
    """What stands for the files that a tracks' text names; for all of them where it is another node's, None, and known
    when that has run."""
    if tracks is None:
        every = [(folder, name) for folder in ("directions", "latents") for name in LIBRARY.names(folder)]
        return " ".join(digest(*each) for each in every)
    try:
        return " ".join(digest(*named_by(track.name)) for track in parse(tracks))
    except ValueError as error:
        return str(error)
