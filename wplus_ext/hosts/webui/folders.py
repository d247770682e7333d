"""Where the WebUI keeps our files, and what our parts of it are called."""

from __future__ import annotations

import logging
from pathlib import Path

from modules import paths, shared

from ...library.index import Library

log = logging.getLogger(__name__)
TITLE = "W+ Adapter"
FACE_WEIGHTS = Path(paths.models_path, "GFPGAN")  # where the WebUI keeps facexlib's


def library() -> Library:
    """The WebUI's library. Makes its folders, where that is allowed."""
    made = Library(model_roots())
    for fault in made.make_folders():
        print(f"{TITLE}: {fault}")
    return made


def look_again(library: Library) -> None:
    """Read the options for the folders and list them anew."""
    library.roots = model_roots()
    library.refresh()


def model_roots() -> list[Path]:
    """The models folder, and another one from the settings."""
    roots = [Path(getattr(shared.cmd_opts, "wplus_dir", None) or Path(paths.models_path, "wplus"))]
    extra = str(shared.opts.data.get("wplus_extra_folder") or "").strip()
    try:
        if extra and Path(extra).resolve():
            roots.append(Path(extra))
    except (ValueError, OSError, RuntimeError) as error:  # no path at all, or links in a circle
        log.warning("%s: the folder %r of the settings cannot be used (%s); name another one", TITLE, extra, error)
    return roots


def add_options() -> None:
    """The extension's page in the settings."""
    info = shared.OptionInfo(
        "", "Another folder with adapters, latents and directions (besides wplus in the models folder)",
        section=("wplus", TITLE),
    )  # fmt: skip
    shared.opts.add_option("wplus_extra_folder", info)
