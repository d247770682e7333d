"""Files that somebody might send: small ones that would cost much, ask for much, or are not what they seem.

`KINDS` maps a name to a function that writes one such file into a folder, from a seed, and gives its path.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin

Make = Callable[[Path, random.Random], Path]
ENDINGS = (".pt", ".pth", ".bin")


class Runs:
    """Asks its reader to run something: a file appears where it is."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


def _raw(data: bytes, *endings: str) -> Make:
    def make(folder: Path, chance: random.Random) -> Path:
        path = folder / f"raw{chance.choice(endings or ENDINGS)}"
        path.write_bytes(data)
        return path

    return make


def _saved(content: Callable[[random.Random, Path], object], old: bool | None = None) -> Make:
    def make(folder: Path, chance: random.Random) -> Path:
        path = folder / f"saved{chance.choice(ENDINGS)}"
        zipped = chance.random() < 0.5 if old is None else not old
        torch.save(content(chance, folder), path, _use_new_zipfile_serialization=zipped)
        return path

    return make


def _zipped(members: Callable[[], dict[str, bytes]], ending: str, packed: bool = True) -> Make:
    def make(folder: Path, chance: random.Random) -> Path:
        path = folder / f"zipped{ending}"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
            for name, data in members().items():
                archive.writestr(name, data)
        return path

    return make


def _doubled(chance: random.Random, folder: Path) -> object:
    content: object = {"w": torch.zeros(512)}
    for _ in range(chance.randint(30, 45)):
        content = chance.choice([lambda c: {"a": c, "b": c}, lambda c: [c, c], lambda c: (c, c)])(content)
    return content


def _nested_key(chance: random.Random, folder: Path) -> object:
    key: object = ()
    for _ in range(chance.randint(18, 20)):  # more would take too long to write
        key = (key, key)
    return {key: torch.zeros(512)}


def _deep(chance: random.Random, folder: Path) -> object:
    content: object = torch.zeros(512)
    for _ in range(chance.randint(100, 300)):
        content = [content]
    return content


def _expanded(name: str, *shape: int) -> Make:
    return _saved(lambda chance, folder: {name: torch.zeros(1).expand(*shape), "x": torch.zeros(1)})


def _pca(chance: random.Random, folder: Path) -> object:
    return {"mean": torch.zeros(1).expand(512), "comp": torch.zeros(1).expand(10**6, 1, 512),
            "std": torch.zeros(1).expand(10**6)}  # fmt: skip


def _key_bomb(levels: int) -> bytes:
    """A tuple of tuples of tuples, as a key: to hash it takes for ever."""
    return b"\x80\x02})" + b"\x86".join([b"2"] * levels) + b"\x86K\x01s."


def _npy(header: dict[str, object], data: bytes = b"") -> bytes:
    text = repr(header).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def _safetensors(header: object, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


def _png(width: int, height: int, depth: int, colour: int, rows: bytes | None = None) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    packer, line = zlib.compressobj(9), b"\0" * (1 + width * channels * depth // 8)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush() if rows is None else rows
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _picture(ending: str, mode: str, size: tuple[int, int], **options: object) -> Make:
    def make(folder: Path, chance: random.Random) -> Path:
        path = folder / f"picture{ending}"
        Image.new(mode, size).save(path, **options)
        return path

    return make


def _text_bomb(folder: Path, chance: random.Random) -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_text("wplus_ext", "a" * (30 << 20), zip=True)
    Image.new("RGB", (32, 32)).save(folder / "text.png", pnginfo=info)
    return folder / "text.png"


def _thumbnail(folder: Path, chance: random.Random) -> Path:
    import base64

    from safetensors.torch import save_file

    picture = io.BytesIO()
    Image.new("L", (65_000, 2_700)).save(picture, "JPEG", quality=5)
    metadata = {"wplus_thumbnail": base64.b64encode(picture.getvalue()).decode()}
    save_file({"w": torch.zeros(18, 512)}, folder / "thumbnail.safetensors", metadata)
    return folder / "thumbnail.safetensors"


def _cut(folder: Path, chance: random.Random) -> Path:
    path = folder / f"cut{chance.choice((*ENDINGS, '.npy'))}"
    if path.suffix == ".npy":
        np.save(path, np.zeros((18, 512)))
    else:
        torch.save({"w": torch.zeros(18, 512)}, path, _use_new_zipfile_serialization=chance.random() < 0.5)
    whole = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 20)):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    path.write_bytes(bytes(whole[: chance.randrange(len(whole))]) if chance.random() < 0.5 else bytes(whole))
    return path


def _overlapping(folder: Path, chance: random.Random) -> Path:
    """Many tensors over one storage, each as large as all of it."""
    path, storage = folder / "views.pt", torch.zeros(1 << 20)
    torch.save({f"t{i}": storage[i:] for i in range(2000)}, path)
    return path


def _pipe(folder: Path, chance: random.Random) -> Path:
    path = folder / f"pipe{chance.choice((*ENDINGS, '.npy', '.npz', '.safetensors', '.csv', '.png'))}"
    os.mkfifo(path)
    return path


def _device(folder: Path, chance: random.Random) -> Path:
    path = folder / f"device{chance.choice((*ENDINGS, '.npy', '.npz', '.safetensors', '.csv', '.png'))}"
    path.symlink_to("/dev/zero")
    return path


FRAMES = [Image.new("P", (64, 64), i % 255) for i in range(2000)]
LARGE = {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}
LONG = b"]q\x00(" + b"N" * 90_000 + b"e0"  # a list, remembered as number 0
LARGE_TEXT = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)
LARGE_NUMBER = b"\x8b" + struct.pack("<i", 1 << 16) + b"\x7f" * (1 << 16)
TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00"
)
DOUBLED = b"]q\x00N" + b"".join(b"]q%c(h%ch%ce" % (i + 1, i, i) for i in range(44))


def _pickled(body: bytes) -> Make:
    """In torch's zip, as what it holds."""

    def make(folder: Path, chance: random.Random) -> Path:
        return _zipped(lambda: {"a/data.pkl": b"\x80\x02" + body + b"."}, ".pt", packed=False)(folder, chance)

    return make


def _equal_hashes(chance: random.Random, folder: Path) -> object:
    return {i * (2**61 - 1): 0 for i in range(2000)}  # more take long to write


ZEROS = {"descr": "<f8", "fortran_order": False}
SMALL = _npy({**ZEROS, "shape": (9,)}, b"\0" * 72)
KINDS: dict[str, Make] = {
    "memo": _raw(b"\x80\x02Nr\x80\xd1\xf0\x08."),
    "memo, larger": _raw(b"\x80\x02Nr\xff\xff\xff\x7f."),
    "length of bytes": _raw(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"."),
    "length of a text": _raw(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40) + b"."),
    "length of a number": _raw(b"\x80\x02\x8b" + struct.pack("<i", 1 << 30) + b"."),
    "extension registry": _raw(b"\x80\x02\x82\x01)R."),
    "bytearray": _raw(b"\x80\x02c__builtin__\nbytearray\n\x8a\x05\x00\x00\x00\x00\x04\x85R."),
    "key of tuples": _raw(_key_bomb(60)),
    "set of tuples": _raw(b"\x80\x04\x8f(" + b")" + b"\x86".join([b"2"] * 60) + b"\x86\x90."),
    "many marks": _raw(b"\x80\x02" + b"(" * 3_000_000 + b"."),
    "many dicts": _raw(b"\x80\x02" + b"}" * 3_000_000 + b"."),
    "nothing but a start": _raw(b"\x80\x02"),
    "code": _saved(lambda chance, folder: Runs(folder / "ran")),
    "code in a dict": _saved(lambda chance, folder: {"w": torch.zeros(512), "x": Runs(folder / "ran")}),
    "code by itself": lambda folder, chance: _raw(pickle.dumps(Runs(folder / "ran")))(folder, chance),
    "doubled": _saved(_doubled),
    "nested key": _saved(_nested_key),
    "deep": _saved(_deep),
    "expanded mean": _expanded("latent_avg", 300_000_000),
    "expanded adapter": _expanded("w_proj.norm.bias", 300_000_000),
    "expanded latent": _expanded("w", 50_000, 18, 512),
    "expanded components": _saved(_pca),
    "views": _overlapping,
    "packed pickle": _zipped(lambda: {"a/data.pkl": b"\x80\x02" + b"N0" * (200 << 19) + b"N."}, ".pt"),
    "packed storage": _zipped(lambda: {"a/data.pkl": pickle.dumps({}, 2), "a/data/0": b"\0" * (400 << 20)}, ".pt"),
    "name of a doubled list": _pickled(DOUBLED + b"X\x01\x00\x00\x00x\x93"),
    "pairs of a list": _pickled(b"ccollections\nOrderedDict\n(" + LONG + b"]q\x01(" + b"h\x00" * 90_000 + b"etR"),
    "text again and again": _pickled(LARGE_TEXT + b"q\x000](" + b"c_codecs\nencode\n(h\x00tR" * 2000 + b"e"),
    "set again and again": _pickled(LONG + b"](" + b"cbuiltins\nset\n(h\x00tR" * 5000 + b"e"),
    "sides without end": _pickled(LONG + b"](" + (TENSOR + b"h\x00h\x00tR") * 2000 + b"e"),
    "large sides": _pickled(LARGE_NUMBER + b"q\x000" + TENSOR + b"(" + b"h\x00" * 60 + b"tq\x01h\x01tR"),
    "a list in itself": _pickled(b"]q\x00(" + b"h\x00" * 200_000 + b"e"),
    "keys of one hash": _saved(_equal_hashes),
    "many members": _zipped(lambda: {f"a/{i}": b"" for i in range(60_000)}, ".pt"),
    "shape of an array": _raw(_npy({**ZEROS, "shape": (10**12,)}), ".npy"),
    "shape of nothing": _raw(_npy({**ZEROS, "shape": (0, 10**12)}), ".npy"),
    "array of objects": _raw(_npy({"descr": "|O", "fortran_order": False, "shape": (1,)}, b"\x80\x02N."), ".npy"),
    "packed array": _zipped(lambda: {"a.npy": _npy({**ZEROS, "shape": (5 << 23,)}, b"\0" * (5 << 26))}, ".npz"),
    "many packed arrays": _zipped(lambda: dict.fromkeys(map("{}.npy".format, range(20_000)), SMALL), ".npz"),
    "header of a terabyte": _raw(_safetensors({}, 1 << 40), ".safetensors"),
    "tensor of a terabyte": _raw(_safetensors({"w": LARGE}), ".safetensors"),
    "table of one field": _raw(b'"' + b"a" * (40 << 20), ".csv"),
    "table of many lines": _raw(b"a\t1\t2\t3\t4\n" * (4 << 20), ".csv"),
    "damaged": _cut,
    "pipe": _pipe,
    "device": _device,
    "postscript": _raw(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(ran) (w) file\n", ".png", ".jpg"),
    "16 bits": _raw(_png(8000, 8000, 16, 0), ".png"),
    "16 bits with alpha": _raw(_png(8000, 8000, 16, 6), ".png"),
    "alpha": _raw(_png(8000, 8000, 8, 6), ".png"),
    "far too large": _raw(_png(1 << 30, 1 << 30, 8, 2, b""), ".png"),
    "text in a picture": _text_bomb,
    "long picture": _picture(".jpg", "L", (65_000, 900), quality=5),
    "decimals": _picture(".tiff", "F", (4000, 4000), compression="tiff_deflate"),
    "animation": _picture(".gif", "P", (64, 64), save_all=True, append_images=FRAMES),
    "thumbnail": _thumbnail,
}  # fmt: skip
