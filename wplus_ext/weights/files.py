"""Tensor files, read without running anything that they hold."""

from __future__ import annotations

import hashlib
import io
import pickle
import pickletools
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..tracks import LAYERS

PICKLES = (".bin", ".pt", ".pth")
WIDTH = 512  # columns of a W+ latent
LEGACY = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # torch's number in the first pickle of its old files


def read(path: str | Path) -> object:
    """The content of a ``.bin``, ``.pt``, ``.pth``, ``.npy`` or ``.safetensors`` file, on the CPU.

    A safetensors file gives a dict of its tensors; a pickle whatever it holds, as long as that is
    tensors and plain containers; nothing in it is executed.

    Raises:
        ValueError: not one of these formats, damaged, or a pickle that asks for more.
        OSError: the file cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: a folder, expected a file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty; download or export it again")
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return _read_safetensors(path)
    if suffix == ".npy":
        return _read_npy(path)
    if suffix in PICKLES:
        return _read_pickle(path)
    raise ValueError(f"{path}: expected a .safetensors, .npy, .pt, .pth or .bin file, got {suffix or 'no ending'!r}")


def write(path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write contiguous tensors on the CPU as safetensors; a half-written file is never seen. Raises OSError."""
    path = Path(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        try:
            save_file(tensors, Path(folder, "written"), metadata)
        except SafetensorError as error:  # it wraps what the disk says
            raise OSError(f"{path}: cannot be written ({error}); is the disk full?") from error
        Path(folder, "written").replace(path)


def load_latent(path: str | Path) -> torch.Tensor:
    """A W+ latent, float32 of shape (18, 512).

    Args:
        path: a ``.pth``, ``.pt``, ``.bin``, ``.npy`` or ``.safetensors`` file that holds one tensor of
            shape (1, 18, 512), (18, 512), (1, 512) or (512,), in a float type; the last two mean the
            same vector for all 18 layers.

    Raises:
        ValueError: what the file holds is not such a tensor, or is not finite.
    """
    return as_latent(read(path), path)


def load_direction(path: str | Path) -> torch.Tensor:
    """An edit direction, float32 of shape (18, 512); the same files as for `load_latent`.

    Raises:
        ValueError: as `load_latent`; also for a GANSpace file, which holds many directions.
    """
    content = read(path)
    if is_ganspace(content):
        raise ValueError(
            f"{path}: a GANSpace file with {len(content['comp'])} components, expected one direction; put it into "
            "the directions folder with its table (ganspace_configs.csv) beside it, and use the names of the table"
        )
    return as_latent(content, path)


def as_latent(content: object, name: str | Path) -> torch.Tensor:
    """Check what a file held and give it the shape (18, 512), float32. Raises ValueError."""
    if isinstance(content, dict) and len(content) == 1:
        (content,) = content.values()
    expected = f"expected one tensor of shape (1, {LAYERS}, {WIDTH}), ({LAYERS}, {WIDTH}), (1, {WIDTH}) or ({WIDTH},)"
    if isinstance(content, dict):
        raise ValueError(f"{name}: holds {_keys(content)}; {expected}{_guess(content)}")
    if not isinstance(content, torch.Tensor):
        raise ValueError(f"{name}: holds a {type(content).__name__}; {expected}")
    check_storage(content, f"{name}: the tensor")
    shape = tuple(content.shape)
    if shape not in ((1, LAYERS, WIDTH), (LAYERS, WIDTH), (1, WIDTH), (WIDTH,)):
        raise ValueError(f"{name}: holds a tensor of shape {shape}; {expected}")
    if not content.is_floating_point():
        raise ValueError(f"{name}: holds {content.dtype}; expected float16, bfloat16, float32 or float64")
    latent = content.detach().to(torch.float32).reshape(-1, WIDTH).expand(LAYERS, WIDTH).contiguous()
    if not torch.isfinite(latent).all():
        raise ValueError(f"{name}: holds NaN or infinite numbers; export it again")
    return latent


def is_ganspace(content: object) -> bool:
    """Whether a file's content is a GANSpace PCA: mean, components and standard deviations."""
    return (
        isinstance(content, dict)
        and {"mean", "comp", "std"} <= content.keys()
        and all(isinstance(content[name], torch.Tensor) for name in ("mean", "comp", "std"))
        and content["comp"].ndim > 1
        and len(content["comp"]) == content["std"].numel()
    )


def check_storage(tensor: torch.Tensor, name: str) -> None:
    """Raise ValueError unless the tensor is an ordinary one, with numbers in it."""
    if tensor.layout != torch.strided or tensor.is_meta:
        raise ValueError(f"{name} is stored as {tensor.layout} on {tensor.device}, expected plain numbers")


def short_hash(path: str | Path) -> str:
    """The first ten hexadecimal digits of the file's SHA-256."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:10]


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except PermissionError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise ValueError(f"{path}: not a whole safetensors file ({error}); download or export it again") from error


def _read_npy(path: Path) -> torch.Tensor:
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


def _keys(content: dict) -> str:
    names = [str(name) for name in content]
    return f"{len(names)} entries ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _guess(content: dict) -> str:
    if "w_proj" in content or any(str(name).startswith("w_proj.") for name in content):
        return "; this is an adapter: it belongs into the adapters folder"
    return ""
