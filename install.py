"""Run by the WebUI at every start, before the extension is loaded; not with --skip-install.

Everything that the extension needs is there in the WebUI already. This only helps where it is not,
and never touches what the WebUI pins: torch, numpy, gradio, protobuf.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys

OWN = ("safetensors",)  # installed without their dependencies
HOST = {"torch": (2, 1)}  # the WebUI's, with the oldest version whose hooks we can use


def missing() -> list[str]:
    """The packages to install."""
    return [package for package in OWN if importlib.util.find_spec(package) is None]


def too_old() -> list[str]:
    """What to tell the user of the host's packages."""
    found = []
    for package, oldest in HOST.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} is not installed")
            continue
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < oldest:
            found.append(f"{package} is {version}, expected {'.'.join(map(str, oldest))} or newer")
    return found


def install() -> None:
    for package in missing():
        subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", package], check=True)
    for fault in too_old():
        print(f"W+ Adapter: {fault}; update the WebUI")


if __name__ == "__main__":
    install()
