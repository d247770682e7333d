"""The folders of diffusers: a pipeline's, or that of a VAE, motion modules or a ControlNet; loaded whole or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ..weights import pickles

PIPELINES = ("AnimateDiffPipeline", "StableDiffusionPipeline")
PARTS = ("vae", "text_encoder", "tokenizer", "unet", "scheduler")  # folders of any of them
WHOLE = "expected a whole pipeline; download or export it again"
WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|pytorch_model|model)(?:\.(?P<variant>[a-z]\w*))?(?:-\d+-of-\d+)?\.(?P<ending>safetensors|bin)"
)


def pipeline(folder: Path, motion, dtype: torch.dtype):  # noqa: ANN001, ANN201 - diffusers is optional
    """The AnimateDiff pipeline in a folder, with a motion adapter beside it for Stable Diffusion's; `check_index` has
    looked at it before.

    Raises ValueError, naming the file or folder that cannot be used, and what to do.
    """
    import diffusers

    options = _options(folder, dtype)
    if motion is not None:
        options["motion_adapter"] = motion
    with whole(folder, WHOLE):
        return diffusers.AnimateDiffPipeline.from_pretrained(folder, **options)


def part(kind: str, folder: Path, dtype: torch.dtype, what: str):  # noqa: ANN201 - diffusers is optional
    """The model in a folder of its own: ``kind`` is its class in diffusers, ``what`` its name in a sentence.

    Raises ValueError, naming the file or folder that cannot be used, and what to do.
    """
    import diffusers

    expected = f"expected {what}, a file or a diffusers folder"
    config = folder / "config.json"
    if not config.is_file():
        raise ValueError(
            f"{folder}: {'no config.json in it' if folder.exists() else 'no such file or folder'}; {expected}"
        )
    with whole(folder, f"{expected}; download or export it again"):
        found = json.loads(config.read_text(encoding="utf-8")).get("_class_name")
    if found != kind:
        raise ValueError(f"{folder}: a {found}; {expected} with a {kind}")
    with whole(folder, f"{expected}; download or export it again"):
        return getattr(diffusers, kind).from_pretrained(folder, **_options(folder, dtype))


def files_of(folder: Path) -> list[Path]:
    """The files of weights that are read in a folder, or in those of its parts: safetensors before pickles, and fp16
    ones, or another variant, where a part has no others."""
    variant, files = _variant(folder), []
    for kinds in _weights(folder):
        names = {name for name, _ in kinds}
        wanted = variant if variant in names else ""
        files += kinds.get((wanted, "safetensors")) or kinds.get((wanted, "bin"), [])
    return files


def _variant(folder: Path) -> str:
    """The variant that a folder must be read as, since some part has no other weights; empty where there is none."""
    names = [{name for name, _ in kinds} for kinds in _weights(folder)]
    lacking = set().union(*(each for each in names if "" not in each))
    return "fp16" if "fp16" in lacking else min(lacking, default="")


def _weights(folder: Path) -> Iterator[dict[tuple[str, str], list[Path]]]:
    """The files of weights by variant and ending, of a folder itself and of each of its parts."""
    for place in [folder, *(folder / name for name in (*PARTS, "motion_adapter"))]:
        kinds: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if (match := WEIGHTS.fullmatch(path.name)) and path.is_file():
                kinds.setdefault((match["variant"] or "", match["ending"]), []).append(path)
        yield kinds


def check_index(folder: Path, has_motion: bool) -> None:
    """Raise ValueError for a folder whose index names no pipeline that can be used, or parts that are not there."""
    index = folder / "model_index.json"
    if not index.is_file():
        what = "no such file or folder" if not folder.exists() else "no model_index.json in it"
        raise ValueError(f"{folder}: {what}; expected the folder of a diffusers AnimateDiff pipeline, or a checkpoint")
    content, kind = _index(index)
    if kind not in PIPELINES:
        raise ValueError(f"{folder}: a {kind}; expected {' or '.join(PIPELINES)}, of Stable Diffusion 1.5")
    if kind != PIPELINES[0] and not has_motion:
        raise ValueError(f"{folder}: a {kind}, which has no motion modules; name some with --motion")
    for name in PARTS if has_motion else (*PARTS, "motion_adapter"):
        named = content.get(name)
        if not isinstance(named, list) or len(named) != 2 or not all(isinstance(each, str) for each in named):
            raise ValueError(f"{index}: names no {name} with its library and class; {WHOLE}")
        if not (folder / name).is_dir():
            raise ValueError(f"{folder / name}: no such folder; {WHOLE}")


def is_motions(folder: Path) -> bool:
    """Whether a folder is that of an AnimateDiff pipeline, which has a scheduler for motion modules."""
    return _index(folder / "model_index.json")[1] == PIPELINES[0]


def _index(index: Path) -> tuple[dict[str, object], object]:
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        return content, content.get("_class_name")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{index}: not a pipeline's index ({error}); {WHOLE}") from error


def multiple(folder: Path) -> int:
    """Of which width and height of a pipeline's pictures are to be: the VAE halves them with all but one of its blocks,
    and the UNet again. Raises ValueError."""
    with whole(folder, WHOLE):
        configs = [json.loads((folder / name / "config.json").read_text(encoding="utf-8")) for name in ("vae", "unet")]
        return 2 ** sum(len(config["block_out_channels"]) - 1 for config in configs)


@contextmanager
def whole(place: Path, expected: str) -> Iterator[None]:
    """Say in a line what a library stumbles over while it loads a file or folder: the damaged file, and its reason.
    Raises ValueError."""
    try:
        yield
    except MemoryError:
        raise
    except pickles.Foreign:
        raise
    except Exception as error:  # whatever a folder that is not whole makes them stumble over
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        found = _damaged([place]) if place.is_dir() else None
        raise ValueError(f"{found or place}: cannot be loaded ({reason}); {expected}") from error


def _options(folder: Path, dtype: torch.dtype) -> dict[str, object]:
    """How diffusers is to load a folder. Raises `pickles.Foreign` for a file that would run something."""
    for path in files_of(folder):
        if path.suffix == ".bin":  # not all versions of transformers look themselves
            pickles.check_plain(path)
    variant = {"variant": _variant(folder)} if _variant(folder) else {}
    return {"torch_dtype": dtype, "local_files_only": True, "low_cpu_mem_usage": False, **variant}


def _damaged(folders: Sequence[Path]) -> Path | None:
    """The first file in these folders, and in those of the parts, that is cut off or is none of its kind."""
    for path in (path for folder in folders for depth in ("*", "*/*") for path in sorted(folder.glob(depth))):
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8")).items()
            elif path.suffix == ".safetensors":
                with safe_open(path, "pt"):
                    pass
        except (ValueError, AttributeError, RecursionError, OSError, SafetensorError):
            return path
    return None
