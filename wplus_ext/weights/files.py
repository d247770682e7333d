"""Files: tensors read without running anything that a file holds, and written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from .pickles import read_content
from .regular import check_regular, open_regular
from .swap import replacing

PICKLES = (".bin", ".pt", ".pth")
DIGEST = "wplus_tensors_sha256"  # in the metadata of what we write
LARGEST_ARCHIVE = 64 << 20  # bytes of NumPy arrays that are packed
MARKS = (  # in a tensor's name, and what the file then is
    (("w_proj.", "wplus_adapter."), "this is an adapter: it belongs into the adapters folder"),
    (("lora_", ".lora"), "this looks like a LoRA: it belongs into models/Lora"),
    (("ip_adapter.", "image_proj."), "this looks like an IP-Adapter: it belongs to ControlNet"),
    (("latent_avg",), "this looks like the e4e encoder: it belongs into the encoders folder"),
    (("model.diffusion_model.",), "this looks like a checkpoint: it belongs into models/Stable-diffusion"),
)


def read(path: str | Path) -> object:
    """The content of a ``.bin``, ``.pt``, ``.pth``, ``.npy``, ``.npz`` or ``.safetensors`` file, on the CPU.

    A safetensors or NumPy archive gives a dict of its tensors; a pickle whatever it holds, as long as that is
    tensors, numbers and plain containers; nothing in it is executed.

    Raises:
        ValueError: not one of these formats, damaged, or a pickle that asks for more.
        OSError: the file cannot be read.
    """
    path = Path(path)
    check_regular(path)
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty; download or export it again")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        expected = "a .safetensors, .npy, .npz, .pt, .pth or .bin file"
        raise ValueError(f"{path}: expected {expected}, got {suffix or 'no ending'!r}")
    return READERS[suffix](path)


def write(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write contiguous tensors on the CPU as safetensors; a half-written file is never seen. Its metadata has a hash of
    the tensors too, by which `read` notices a changed bit. Raises OSError."""
    with replacing(path) as part:
        part.touch()
        mode = stat.S_IMODE(part.stat().st_mode)  # as any new file has it here; safetensors' own are closed to others
        try:
            save_file(tensors, part, {**(metadata or {}), DIGEST: _digest(tensors)})
        except SafetensorError as error:  # it wraps what the disk says
            raise OSError(f"{path}: cannot be written ({error}); is the disk full?") from error
        with suppress(OSError):  # a disk without modes
            part.chmod(mode)


def sha256(path: str | Path) -> str:
    """The hexadecimal digits of a file's SHA-256."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def short_hash(path: str | Path) -> str:
    """The first ten of them."""
    return sha256(path)[:10]


def short_hash_of(paths: Iterable[str | Path]) -> str:
    """Ten digits that stand for several files together, in their order."""
    digits = [sha256(path) for path in paths]
    return digits[0][:10] if len(digits) == 1 else hashlib.sha256(" ".join(digits).encode()).hexdigest()[:10]


def hint(names: Iterable[str]) -> str:
    """What a file with tensors of these names is, if it is known, as the end of a fault's sentence."""
    listed = "\n".join(f"{name}." if name == "w_proj" else name for name in names)
    return next((f"; {what}" for marks, what in MARKS if any(mark in listed for mark in marks)), "")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            written = (file.metadata() or {}).get(DIGEST)
        if written and written != _digest(tensors):
            raise ValueError("its tensors are not those that were written: a bit has changed")
        return tensors
    except PermissionError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise ValueError(f"{path}: not a whole safetensors file ({error}); download or export it again") from error


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _read_npy(path: Path) -> Tensor:
    with _numpy(path), _no_objects():
        return _as_tensor(np.load(path, mmap_mode="r", allow_pickle=False))  # mapped: no longer than the file


def _read_npz(path: Path) -> dict[str, Tensor]:
    """NumPy's archive, or the one in which GANSpace keeps its components, by the names of its `.pt` file."""
    with _numpy(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > LARGEST_ARCHIVE:
            raise ValueError(f"more than {LARGEST_ARCHIVE >> 20} MB when it is unpacked")
        found = {}
        for member in members:
            with archive.open(member) as file:
                array = _array(file.read(LARGEST_ARCHIVE))
            if array is not None and array.dtype.kind == "f":
                found[member.filename.removesuffix(".npy")] = _as_tensor(array)
    names = {"mean": "lat_mean", "comp": "lat_comp", "std": "lat_stdev"}
    return {name: found[old] for name, old in names.items()} if found.keys() >= set(names.values()) else found


@contextmanager
def _numpy(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise ValueError(
            f"{path}: not a whole {path.suffix.lower()} file of numbers ({error}); nothing in it was run"
        ) from error


@contextmanager
def _no_objects() -> Iterator[None]:
    """Say of an array of Python's objects that it is one: NumPy says what would make them."""
    try:
        yield
    except ValueError as error:
        if "Python objects" in str(error):
            raise ValueError("holds Python's objects, expected an array of floats; export it again as one") from error
        raise


def _array(data: bytes) -> np.ndarray | None:
    """A member of an archive; None for one of Python's objects, which are not made."""
    try:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except ValueError as error:
        if "Object arrays" in str(error):
            return None
        raise


def _as_tensor(array: np.ndarray) -> Tensor:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ValueError(f"holds {getattr(array, 'dtype', type(array).__name__)}; expected an array of floats")
    kind = array.dtype.newbyteorder("=") if array.dtype.itemsize <= 8 else np.float64
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told later
        return torch.from_numpy(np.array(array, kind))


READERS = {
    ".safetensors": _read_safetensors,
    ".npy": _read_npy,
    ".npz": _read_npz,
    **dict.fromkeys(PICKLES, read_content),
}
