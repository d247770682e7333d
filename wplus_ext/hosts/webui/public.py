"""What may leave the server of a fault: one line, with files named from the models folder on."""

from __future__ import annotations

import os
import re
from pathlib import Path

from modules import paths

from .folders import model_roots

LINE = 600  # letters of a fault
FOLDERS = re.compile(  # what else may be the server's: quoted, as POSIX writes them, as Windows does, on its network
    r"(?<=['\"])/(?:[^'\"\n]*/)(?=[^'\"\n/]*['\"])"
    r"|(?:file:/{0,2}|(?<![\w/.]))(?<!:/)/(?!/)(?:[^\s/'\":;,]+/)+"
    r"|(?<!\w)[A-Za-z]:[\\/]+(?:[^\\/:*?\"<>|'\n]+[\\/]+)+"
    r"|(?<![\w\\])\\{2,4}(?:[^\\/:*?\"<>|'\n]+[\\/]+)+"
)


def public(fault: Exception | str) -> str:
    """What a fault says, with files named from the models folder, or from the library's own on."""
    text, known = str(fault) or type(fault).__name__, {}
    folders = [place for place in _both(paths.models_path) if place.name]
    for models in folders:
        known |= {f"{models}{os.sep}": "", str(models): models.name}
    for place in (place for root in model_roots() for place in _both(root)):
        if place.name and not any(place.is_relative_to(models) for models in folders):
            known[str(place)] = place.name
    for place in sorted(known, key=len, reverse=True):
        for written in (place.replace("\\", "\\\\"), place, place.replace("\\", "/")):
            text = text.replace(written, known[place])
    return one_line(FOLDERS.sub("", text))


def one_line(text: str) -> str:
    """A text of one line, not long, of letters that can be sent."""
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= LINE else f"{line[:LINE]}…"


def _both(place: str | Path) -> list[Path]:
    """A folder as it is written, and where links lead."""
    return [Path(place).absolute(), Path(place).resolve()]
