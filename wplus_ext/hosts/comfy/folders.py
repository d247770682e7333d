"""Where ComfyUI keeps our files."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ...library.index import Library

NAME = "wplus"  # in ComfyUI's models folder, and in extra_model_paths.yaml


def make() -> Library:
    """ComfyUI's library. Makes its folders, where that is allowed."""
    folder_paths.add_model_folder_path(NAME, str(Path(folder_paths.models_dir, NAME)))
    library = Library(_roots())
    for fault in library.make_folders():
        print(f"W+ Adapter: {fault}")
    return library


def look_again(library: Library) -> None:
    """List the folders anew."""
    library.roots = _roots()
    library.refresh()


def _roots() -> list[Path]:
    return [Path(root) for root in folder_paths.get_folder_paths(NAME)]
