"""Files: tensors read without running anything that a file holds, and the one way to write."""

from __future__ import annotations

import hashlib
import io
import pickle
import pickletools
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

PICKLES = (".bin", ".pt", ".pth")
LEGACY = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # torch's number in the first pickle of its old files
MARKS = (  # in a tensor's name, and what the file then is
    (("w_proj.", "wplus_adapter."), "this is an adapter: it belongs into the adapters folder"),
    (("lora_", ".lora"), "this looks like a LoRA: it belongs into models/Lora"),
    (("ip_adapter.", "image_proj."), "this looks like an IP-Adapter: it belongs to ControlNet"),
    (("latent_avg",), "this looks like the e4e encoder: it belongs into the encoders folder"),
    (("model.diffusion_model.",), "this looks like a checkpoint: it belongs into models/Stable-diffusion"),
)


def read(path: str | Path) -> object:
    """The content of a ``.bin``, ``.pt``, ``.pth``, ``.npy`` or ``.safetensors`` file, on the CPU.

    A safetensors file gives a dict of its tensors; a pickle whatever it holds, as long as that is
    tensors and plain containers; nothing in it is executed.

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
        expected = "a .safetensors, .npy, .pt, .pth or .bin file"
        raise ValueError(f"{path}: expected {expected}, got {suffix or 'no ending'!r}")
    return READERS[suffix](path)


def check_regular(path: str | Path) -> None:
    """Raise ValueError for what is no file with bytes in it: a folder, or a pipe or device, at which a reader would
    wait. Raises OSError where there is nothing."""
    path = Path(path)
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ValueError(f"{path}: a folder, expected a file")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path}: no regular file (a pipe or a device), expected a file")


def read_regular(path: str | Path) -> bytes:
    """The bytes of a file. Raises as `check_regular`, or OSError."""
    check_regular(path)
    return Path(path).read_bytes()


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write a file or a folder to, which takes the place of ``path`` when all went well: nobody ever sees
    half of it, and on any fault what was there is still there."""
    path = Path(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name[:40]}-") as folder:
        part = Path(folder, path.name)
        yield part
        before = Path(folder, "before")
        if part.is_dir() and path.is_dir():  # a folder with something in it is not replaced as a file is
            path.replace(before)
        try:
            part.replace(path)
        except OSError:
            if before.exists():
                before.replace(path)
            raise


def write(path: str | Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write contiguous tensors on the CPU as safetensors; a half-written file is never seen. Raises OSError."""
    with replacing(path) as part:
        try:
            save_file(tensors, part, metadata)
        except SafetensorError as error:  # it wraps what the disk says
            raise OSError(f"{path}: cannot be written ({error}); is the disk full?") from error


def sha256(path: str | Path) -> str:
    """The hexadecimal digits of a file's SHA-256."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def short_hash(path: str | Path) -> str:
    """The first ten of them."""
    return sha256(path)[:10]


def check_storage(tensor: Tensor, name: str) -> None:
    """Raise ValueError unless the tensor is an ordinary one, with numbers in it."""
    if tensor.layout != torch.strided or tensor.is_meta:
        raise ValueError(f"{name} is stored as {tensor.layout} on {tensor.device}, expected plain numbers")


def hint(names: Iterable[str]) -> str:
    """What a file with tensors of these names is, if it is known, as the end of a fault's sentence."""
    listed = "\n".join(f"{name}." if name == "w_proj" else name for name in names)
    return next((f"; {what}" for marks, what in MARKS if any(mark in listed for mark in marks)), "")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except PermissionError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise ValueError(f"{path}: not a whole safetensors file ({error}); download or export it again") from error


def _read_npy(path: Path) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except PermissionError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise ValueError(f"{path}: not a whole .npy file of numbers ({error}); nothing in it was run") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ValueError(f"{path}: holds {getattr(array, 'dtype', type(array).__name__)}; expected an array of floats")
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told later
        return torch.from_numpy(array.astype(np.float64))


def _read_pickle(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of its own storages
            # Not torch.load: the WebUI replaces that name by a reader that reports and returns None.
            return torch.serialization.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except pickle.UnpicklingError as error:
        if _is_whole_pickle(path):
            reason = str(error).partition("WeightsUnpickler error:")[2] or str(error)
            raise ValueError(
                f"{path}: a pickle that asks for more than tensors, as one that runs code does; it was not run. "
                f"Expected a file of tensors, from a source you trust ({reason.strip().splitlines()[0][:200]})"
            ) from error
        raise ValueError(
            f"{path}: damaged, cut short, or not a file that torch.save wrote (a renamed text or web page?); "
            "download or export it again"
        ) from error
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        reason = str(error).strip().splitlines()[:1]
        raise ValueError(
            f"{path}: damaged or cut short ({': '.join([type(error).__name__, *reason])}); download or export it again"
        ) from error


def _is_whole_pickle(path: Path) -> bool:
    """Whether what the file says reaches its end: a pickle by itself, in torch's zip, or the fourth of the
    pickles that torch wrote before it had zips."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
                content = archive.read(name)
        else:
            content = path.read_bytes()
        stream = io.BytesIO(content)
        for _ in range(4 if LEGACY in content[:20] else 1):
            for _ in pickletools.genops(stream):
                pass
        return content[:1] == b"\x80"
    except Exception:  # pickletools raises what it likes
        return False


READERS = {".safetensors": _read_safetensors, ".npy": _read_npy, **dict.fromkeys(PICKLES, _read_pickle)}
