"""The folder of a diffusers pipeline, loaded whole or refused."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

import torch

PIPELINES = ("AnimateDiffPipeline", "StableDiffusionPipeline")


def load(folder: Path, motion: Path | None, device: str, dtype: torch.dtype):
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise ValueError(f'this command needs diffusers ({error}): pip install "wplus-ext[diffusers]"') from error
    index = folder / "model_index.json"
    if not index.is_file():
        what = "no such folder" if not folder.exists() else "no model_index.json in it"
        raise ValueError(f"{folder}: {what}; expected the folder of a diffusers AnimateDiff pipeline")
    try:
        kind = json.loads(index.read_text(encoding="utf-8")).get("_class_name")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{index}: not a pipeline's index ({error})") from error
    if kind not in PIPELINES:
        raise ValueError(f"{folder}: a {kind}; expected {' or '.join(PIPELINES)}, of Stable Diffusion 1.5")
    if kind != PIPELINES[0] and motion is None:
        raise ValueError(f"{folder}: a {kind}, which has no motion modules; name the folder of some with --motion")
    options = {"torch_dtype": dtype, "local_files_only": True, "low_cpu_mem_usage": False}
    told = _Listener()
    try:
        with ExitStack() as stack:
            for module in (diffusers, transformers):
                stack.enter_context(told.instead_of(module))
            if motion is not None:
                options["motion_adapter"] = diffusers.MotionAdapter.from_pretrained(motion, **options)
            pipe = diffusers.AnimateDiffPipeline.from_pretrained(folder, **options).to(device)
    except (OSError, ValueError, RuntimeError, TypeError, AttributeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(f"{folder}: cannot be loaded ({reason})") from error
    if told.faults:
        raise ValueError(f"{folder}: weights are missing; expected a whole pipeline ({told.faults[0][:300]})")
    pipe.set_progress_bar_config(disable=True)
    return pipe


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
