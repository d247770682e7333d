"""Stand-ins of face-api's networks: the published files' names and shapes, with numbers that a formula gives.

They are the same on every machine, so that what the package itself makes of them can stand in a test.
"""

from __future__ import annotations

import json
import math
import zlib

import numpy as np

from wplus_ext.measure.files import MANIFEST
from wplus_ext.measure.reader import NETWORKS


def picture(width=200, height=160):
    """A picture (height, width, 3) uint8 of soft stripes, the same on every machine."""
    y, x, c = np.mgrid[:height, :width, :3]
    return (np.abs((x * 3 + y * 2 + c * 60) % 510 - 255)).astype(np.uint8)


def packed(name, shape):
    """A tensor's bytes, and its line of the manifest: what has several sides is packed, as in the published files."""
    count = math.prod(shape)
    bits = (np.arange(count, dtype=np.uint64) * 2654435761 + zlib.crc32(name.encode())) * 2246822519 % 2**32 >> 24
    entry = {"name": name, "shape": list(shape), "dtype": "float32"}
    if len(shape) == 1:
        centre = 1.0 if name.endswith("scale/weights") else 0.0
        return (centre + (bits.astype(np.float32) - 127.5) / 1275).astype("<f4").tobytes(), entry
    fan = math.prod(shape[:2]) if name.endswith("depthwise_filter") else math.prod(shape[:-1])
    low = -math.sqrt(3 * 2 / fan)  # keeps the numbers in range over many layers
    return bits.astype(np.uint8).tobytes(), entry | {
        "quantization": {"dtype": "uint8", "scale": -2 * low / 255, "min": low}
    }


def write(folder, network, change=lambda entries: None):
    """A network's two files; ``change`` may do what it likes to the manifest's entries."""
    parts = [packed(name, shape) for name, shape in network.shapes().items()]
    (folder / f"{network.file}.bin").write_bytes(b"".join(data for data, _ in parts))
    entries = [entry for _, entry in parts]
    change(entries)
    manifest = [{"paths": [f"{network.file}.bin"], "weights": entries}]
    (folder / f"{network.file}{MANIFEST}").write_text(json.dumps(manifest))


def write_all(folder):
    """All networks' files; gives the folder."""
    for network in NETWORKS:
        write(folder, network)
    return folder
