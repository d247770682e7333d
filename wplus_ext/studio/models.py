"""The models that make a video: which are chosen, and what is made of them."""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch

from ..weights import checkpoints, files
from ..weights.checkpoints import Checkpoint
from . import folder, loras, schedulers, single

MINIATURE = Path(__file__).parents[1] / "miniature" / "model"
STRONGEST = 10.0  # of a LoRA, either way
_WEIGHT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)


@dataclass(frozen=True)
class Choice:
    """The models of a video, and where it is computed: plain values, from which every process makes the same.

    Args:
        model: the folder of a diffusers pipeline, or a checkpoint; the miniature where None.
        motion: motion modules, a folder or a file, for a model that has none, or in place of its own.
        config: a diffusers folder, whose configuration and tokenizer a checkpoint takes; the Hub's where None.
        vae: in place of the model's own; a folder or a file.
        controlnet: a folder or a file.
        loras: files with their weights.
        library: root folders with ``adapters``, ``latents`` and ``directions``; the model's own ``wplus`` where none.
        device, precision: ``"cpu"``, ``"cuda"`` …; ``"float32"``, ``"float16"`` or ``"bfloat16"``. CUDA with float16
            where there is one.
    """

    model: Path | None = None
    motion: Path | None = None
    config: Path | None = None
    vae: Path | None = None
    controlnet: Path | None = None
    loras: tuple[tuple[Path, float], ...] = ()
    library: tuple[Path, ...] = ()
    device: str = ""
    precision: str = ""

    @property
    def place(self) -> Path:
        """Where the model is."""
        return self.model or MINIATURE

    @property
    def home(self) -> Path:
        """The folder where a model's own library is: itself, or the one that a checkpoint lies in."""
        return self.place.parent if self.place.is_file() else self.place

    @property
    def name(self) -> str:
        """What the model is called, for metadata."""
        return "miniature" if self.place == MINIATURE else self.place.resolve().name

    def hashes(self) -> dict[str, str]:
        """Short hashes of the models, by what each is and its name; a number parts those of the same one.

        Raises OSError.
        """
        named = {"motion": self.motion, "vae": self.vae, "controlnet": self.controlnet}
        chosen = [(f"model {self.name}", self.place)]
        chosen += [(f"{what} {path.resolve().name}", path) for what, path in named.items() if path]
        chosen += [(f"lora {weight:g} {path.resolve().name}", path) for path, weight in self.loras]
        found: dict[str, str] = {}
        for i, (key, path) in enumerate(chosen):
            before = [each for each, _ in chosen[:i]].count(key)
            found[f"{key} ({before + 1})" if before else key] = _hash(path)
        return found


@dataclass
class Models:
    """What was made of a choice: a pipeline, its own scheduler, a ControlNet or None, and what a person should know of
    them, as sentences."""

    pipe: object
    scheduler: object
    controlnet: object
    notes: list[str]


def weighted(text: str) -> tuple[Path, float]:
    """A file and its weight, of ``FILE`` or ``FILE:0.8``. A colon before anything but a number is the path's own.

    Raises ValueError for no file, or a weight beyond 10 either way.
    """
    path, colon, weight = text.rpartition(":")
    if not colon or not _WEIGHT.fullmatch(weight):
        path, weight = text, "1"
    if not path:
        raise ValueError(f"{text!r}: expected FILE, or FILE:0.8")
    if abs(float(weight)) > STRONGEST:
        raise ValueError(f"{text!r}: the weight is {float(weight):g}, expected {-STRONGEST:g} to {STRONGEST:g}")
    return Path(path), float(weight)


def load(choice: Choice, device: str, dtype: torch.dtype) -> Models:
    """Make the models of a choice.

    Raises ValueError, naming the file or folder that cannot be used, and what to do.
    """
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise ValueError(f'this command needs diffusers ({error}): pip install -e ".[diffusers]"') from error
    _check_named(choice)
    told = _Listener()
    with ExitStack() as stack:
        for module in (diffusers, transformers):
            stack.enter_context(told.instead_of(module))
        pipe, notes = _pipeline(choice, dtype)
        _check(pipe, choice)
        with folder.whole(choice.place, folder.WHOLE):
            pipe.to(device)
        for path, weight in choice.loras:
            loras.fuse(pipe, path, weight)
        net = part(choice.controlnet, "ControlNetModel", "a ControlNet", pipe.unet.config, dtype)
        if net:
            _check_net(net, pipe.unet, choice.controlnet)
    if told.faults:
        raise ValueError(f"{choice.place}: weights are missing; {folder.WHOLE} ({told.faults[0][:300]})")
    pipe.set_progress_bar_config(disable=True)
    return Models(pipe, pipe.scheduler, net and net.to(device), notes)


def _check_named(choice: Choice) -> None:
    """Raise ValueError for what is named and is not there, or is of no use."""
    named = [("a motion adapter", choice.motion), (checkpoints.VAE, choice.vae), ("a ControlNet", choice.controlnet)]
    named += [("a diffusers folder", choice.config), *((checkpoints.LORA, path) for path, _ in choice.loras)]
    for what, path in named:
        if path is not None and not path.exists():
            raise ValueError(f"{path}: no such file or folder; expected {what}")
    if choice.config and not choice.place.is_file():
        raise ValueError(f"{choice.config}: --config is for a checkpoint, and {choice.place} is none; leave it out")


def _pipeline(choice: Choice, dtype: torch.dtype):  # noqa: ANN202 - diffusers is optional
    """The pipeline with its motion modules, VAE and scheduler, and what is to be said of the latter."""
    import diffusers

    place, is_lcm, motion = choice.place, False, None
    is_file = place.is_file()
    if is_file:
        file = Checkpoint.open(place).expect(checkpoints.CHECKPOINT)
        if choice.motion is None:
            raise ValueError(f"{place}: a checkpoint has no motion modules; name some with --motion")
        config = single.configuration(place, choice.config)
    else:
        folder.check_index(place, choice.motion is not None)
    if choice.motion and choice.motion.is_file():
        motion, is_lcm = single.motion(choice.motion, dtype)
    elif choice.motion:
        motion = folder.part("MotionAdapter", choice.motion, dtype, "a motion adapter")
    if is_file:
        scheduler, note = schedulers.of_motion("lcm" if is_lcm else "ddim"), ""
        own = single.vae_config(config)
        vae = part(choice.vae, "AutoencoderKL", "a VAE", own, dtype)
        parts = single.parts(file, config, vae, dtype)
        _check_motion(motion, parts["unet"].config.block_out_channels, choice.motion)
        with folder.whole(choice.motion, f"expected {checkpoints.MOTION}"):
            pipe = diffusers.AnimateDiffPipeline(**parts, motion_adapter=motion, scheduler=scheduler)
    else:
        if motion:
            _check_motion(motion, folder.setting(place / "unet", "block_out_channels"), choice.motion)
        pipe = folder.pipeline(place, motion, dtype)
        scheduler, note = schedulers.fitting(pipe.scheduler, place, folder.is_motions(place), is_lcm)
        own = pipe.vae.config
        vae = part(choice.vae, "AutoencoderKL", "a VAE", own, dtype)
    if vae:
        _check_vae(vae, own, choice.vae)
    pipe.register_modules(scheduler=scheduler, **({"vae": vae} if vae else {}))
    return pipe, [note] if note else []


def part(path: Path | None, kind: str, what: str, own, dtype: torch.dtype):  # noqa: ANN001, ANN201 - as above
    """The VAE or ControlNet in a file or folder; None where none is chosen."""
    if path is None:
        return None
    if path.is_file():
        return {"AutoencoderKL": single.vae, "ControlNetModel": single.controlnet}[kind](path, own, dtype)
    inside = path / "vae"
    return folder.part(kind, inside if kind == "AutoencoderKL" and inside.is_dir() else path, dtype, what)


def _check(pipe, choice: Choice) -> None:  # noqa: ANN001 - diffusers is optional
    """Raise ValueError for what diffusers lets pass, and no picture can be made with."""
    factor = pipe.vae.config.scaling_factor
    if not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
        place = choice.config or choice.place
        place = choice.vae or (place / "vae" / "config.json" if place.is_dir() else place)
        raise ValueError(f"{place}: scaling_factor is {factor!r}, expected a number above 0")


def _check_motion(motion, wanted: Sequence[int], path: Path) -> None:  # noqa: ANN001 - diffusers is optional
    """Raise ValueError for motion modules of another family than a UNet with these channels."""
    got, wanted = list(motion.config["block_out_channels"]), list(wanted)
    if got != wanted:
        raise ValueError(
            f"{path}: its block_out_channels is {got}, the model's {wanted}; expected {checkpoints.MOTION}"
        )


def _check_vae(vae, own, path: Path) -> None:  # noqa: ANN001 - diffusers is optional
    """Raise ValueError for a VAE whose latents are others than those of the configuration ``own``, the model's."""
    got, wanted = (
        (each.get("latent_channels", 4), 2 ** (len(each.get("block_out_channels", (64,))) - 1))
        for each in (vae.config, own)
    )
    if got != wanted:
        raise ValueError(
            f"{path}: its latents have {got[0]} channels and are {got[1]} times smaller than the picture, the model's "
            f"{wanted[0]} and {wanted[1]}; expected {checkpoints.VAE} of Stable Diffusion 1.5"
        )


def _check_net(net, unet, path: Path) -> None:  # noqa: ANN001 - diffusers is optional
    """Raise ValueError for a ControlNet of another family than the UNet's."""
    for name in ("cross_attention_dim", "block_out_channels"):
        got, wanted = net.config[name], unet.config[name]
        if (got if isinstance(got, int) else list(got)) != (wanted if isinstance(wanted, int) else list(wanted)):
            raise ValueError(f"{path}: its {name} is {got}, the model's {wanted}; expected {checkpoints.CONTROLNET}")


def _hash(path: Path) -> str:
    """The short hash of a file, or of the weights in a folder. Raises OSError."""
    if path.is_file():
        return files.short_hash(path)
    return files.short_hash_of(folder.files_of(path))


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
        bars = library.utils.logging.is_progress_bar_enabled()
        logger.handlers = [self]
        logger.setLevel(logging.WARNING)
        library.utils.logging.disable_progress_bar()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            if bars:
                library.utils.logging.enable_progress_bar()
            logger.handlers = handlers
            logger.setLevel(level)
