"""The folder of a diffusers pipeline, loaded whole or refused."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

import torch
from safetensors import SafetensorError, safe_open

PIPELINES = ("AnimateDiffPipeline", "StableDiffusionPipeline")
PARTS = ("vae", "text_encoder", "tokenizer", "unet", "scheduler")  # folders of any of them
WHOLE = "expected a whole pipeline; download or export it again"


def load(folder: Path, motion: Path | None, device: str, dtype: torch.dtype):  # noqa: ANN201 - diffusers is optional
    """The pipeline in a folder, with the motion adapter of another one for Stable Diffusion's.

    Raises ValueError, naming the file or folder that cannot be used, and what to do.
    """
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise ValueError(f'this command needs diffusers ({error}): pip install "wplus-ext[diffusers]"') from error
    _check_index(folder, motion)
    options = {"torch_dtype": dtype, "local_files_only": True, "low_cpu_mem_usage": False}
    told = _Listener()
    try:
        with ExitStack() as stack:
            for module in (diffusers, transformers):
                stack.enter_context(told.instead_of(module))
            if motion is not None:
                options["motion_adapter"] = diffusers.MotionAdapter.from_pretrained(motion, **options)
            pipe = diffusers.AnimateDiffPipeline.from_pretrained(folder, **options).to(device)
    except MemoryError:
        raise
    except Exception as error:  # whatever a folder that is not whole makes them stumble over
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        found = _damaged([folder, *([motion] if motion else [])])
        raise ValueError(f"{found or folder}: cannot be loaded ({reason}); {WHOLE}") from error
    if told.faults:
        raise ValueError(f"{folder}: weights are missing; {WHOLE} ({told.faults[0][:300]})")
    factor = pipe.vae.config.scaling_factor
    if not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
        raise ValueError(f"{folder / 'vae' / 'config.json'}: scaling_factor is {factor!r}, expected a number above 0")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _check_index(folder: Path, motion: Path | None) -> None:
    """Raise ValueError for a folder whose index names no pipeline that can be used, or parts that are not there."""
    index = folder / "model_index.json"
    if not index.is_file():
        what = "no such folder" if not folder.exists() else "no model_index.json in it"
        raise ValueError(f"{folder}: {what}; expected the folder of a diffusers AnimateDiff pipeline")
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        kind = content.get("_class_name")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{index}: not a pipeline's index ({error}); {WHOLE}") from error
    if kind not in PIPELINES:
        raise ValueError(f"{folder}: a {kind}; expected {' or '.join(PIPELINES)}, of Stable Diffusion 1.5")
    if kind != PIPELINES[0] and motion is None:
        raise ValueError(f"{folder}: a {kind}, which has no motion modules; name the folder of some with --motion")
    if motion is not None and not motion.is_dir():
        raise ValueError(f"{motion}: no such folder; expected that of a motion adapter")
    for part in PARTS if motion else (*PARTS, "motion_adapter"):
        named = content.get(part)
        if not isinstance(named, list) or len(named) != 2 or not all(isinstance(name, str) for name in named):
            raise ValueError(f"{index}: names no {part} with its library and class; {WHOLE}")
        if not (folder / part).is_dir():
            raise ValueError(f"{folder / part}: no such folder; {WHOLE}")


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


class _Listener(logging.Handler):
    """Hears what diffusers and transformers say while they load, and keeps what must not pass unheard: weights
    that a file lacks, which they fill with random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        if "newly initialized" in text:
            self.faults.append(text)

    @contextmanager
    def instead_of(self, library: ModuleType) -> Iterator[None]:
        """Listen to a library, which prints nothing meanwhile."""
        logger = logging.getLogger(library.__name__)
        handlers, level = logger.handlers, logger.level
        logger.handlers = [self]
        logger.setLevel(logging.WARNING)
        library.utils.logging.disable_progress_bar()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            library.utils.logging.enable_progress_bar()
            logger.handlers = handlers
            logger.setLevel(level)
