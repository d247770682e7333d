"""Files of diffusion models as people publish them: what each is, told by its tensors' names and shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from . import pickles
from .regular import check_regular

ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
WRAPPERS = re.compile(r"(?:(?:state_dict|module)\.)+")  # what training programs put around their tensors

CHECKPOINT = "a checkpoint of Stable Diffusion 1.5"
MOTION = "motion modules of AnimateDiff"
LORA = "a LoRA"
VAE = "a VAE"
CONTROLNET = "a ControlNet of Stable Diffusion 1.5"

Shapes = Mapping[str, tuple[int, ...]]
DIFFUSION = "model.diffusion_model."
CROSS = re.compile(r"\.attn2\.to_k(_lora)?\.(weight|down\.weight)$|_attn2_to_k\.lora_down\.weight$")
TEXT = 768  # numbers of a text token of Stable Diffusion 1.5; 2.x has 1024, SDXL 2048


def _has(*parts: str) -> Callable[[Shapes], bool]:
    """Whether any name holds one of these."""
    return lambda shapes: any(part in name for name in shapes for part in parts)


def _begins(*starts: str) -> Callable[[Shapes], bool]:
    """Whether each of these begins some name."""
    return lambda shapes: all(any(name.startswith(start) for name in shapes) for start in starts)


def _width(shapes: Shapes) -> int:
    """What a text token has in the first cross-attention; 0 where there is none."""
    return next((shape[-1] for name, shape in shapes.items() if CROSS.search(name) and shape), 0)


def _channels(shapes: Shapes) -> int:
    return (*shapes.get(f"{DIFFUSION}input_blocks.0.0.weight", (0, 4)), 0)[1]


KINDS: tuple[tuple[str, Callable[[Shapes], bool]], ...] = (  # the first that holds
    ("a W+ adapter", _begins("w_proj.", "wplus_adapter.")),
    ("e4e's encoder", _has("latent_avg")),
    ("an IP-Adapter", _has("ip_adapter.", "image_proj.")),
    ("a textual inversion", _has("emb_params", "string_to_param")),
    ("a LyCORIS (LoHa, LoKr, OFT)", _has(".hada_w1", ".lokr_w", ".oft_", "glora")),
    ("a DoRA", _has("dora_scale")),
    ("a Control-LoRA", _has("lora_controlnet", "lllite")),
    ("a LoRA of SDXL", lambda shapes: _has("lora_te2_", "text_encoder_2.")(shapes) or _width(shapes) == 2048
     and _has("lora_unet_")(shapes)),
    ("a LoRA of Stable Diffusion 2", lambda shapes: _has("lora")(shapes) and _width(shapes) == 1024),
    ("a LoRA of Flux or Stable Diffusion 3", _has("lora_unet_double_blocks", "lora_unet_joint_blocks")),
    (LORA, _has("lora_down", "lora_up", "lora.down", "lora.up", "lora_A", "lora_B")),
    ("HotShot-XL's motion modules", _has("temporal_attentions.")),
    ("a SparseCtrl of AnimateDiff", lambda shapes: _has("motion_modules.")(shapes)
     and _has("controlnet_cond_embedding", "input_hint_block")(shapes)),
    ("a UNet with motion modules in it", lambda shapes: _has("motion_modules.")(shapes) and _has("resnets.")(shapes)),
    ("motion modules for pictures (PIA, AnimateLCM-I2V, FancyVideo)", lambda shapes: _has("motion_modules.")(shapes)
     and _has("conv_in.", "img_encoder.", "fps_embedding.")(shapes)),
    ("motion modules of SDXL", lambda shapes: _has("motion_modules.")(shapes) and not _has("down_blocks.3.")(shapes)),
    (MOTION, _has("motion_modules.")),
    ("a checkpoint of SDXL", _has("conditioner.embedders.")),
    ("a checkpoint of Stable Diffusion 3 or Flux", _has("joint_blocks.", "double_blocks.", "text_encoders.")),
    ("a ControlNet of SDXL", lambda shapes: _has("control_model.label_emb", "add_embedding.")(shapes)),
    (CONTROLNET, _has("control_model.", "controlnet_cond_embedding.", "input_hint_block.")),
    ("a T2I-Adapter", _begins("body.0.", "conv_in.")),
    ("an inpainting checkpoint", lambda shapes: _channels(shapes) != 4),
    ("a checkpoint of Stable Diffusion 2", lambda shapes: _begins(DIFFUSION)(shapes)
     and (_has("cond_stage_model.model.")(shapes) or _width(shapes) == 1024)),
    (CHECKPOINT, _begins(DIFFUSION, "cond_stage_model.transformer.")),
    ("a UNet by itself, without its text encoder", _begins(DIFFUSION)),
    ("a UNet by itself, of a diffusers folder", _begins("down_blocks.", "time_embedding.")),
    (VAE, lambda shapes: _has("encoder.conv_in.")(shapes) and _has("decoder.conv_in.")(shapes)),
    ("a small VAE (TAESD)", _begins("decoder.layers.")),
    ("a text encoder by itself", _has("text_model.embeddings.")),
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """A file of tensors. ``names`` has each one's name in the file by the one without wrappers, ``shapes`` its shape;
    ``kind`` is what the file is, in words. No number is read before `read`."""

    path: Path
    names: dict[str, str]
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """What a file has. Nothing in it is run: of a pickle only tensors are taken.

        Raises:
            ValueError: another ending; a damaged file, or one without tensors.
            OSError: it cannot be read.
        """
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(f"{path}: expected {', '.join(ENDINGS)}, got {path.suffix or 'no ending'!r}")
        check_regular(path)
        found = _safetensors(path) if path.suffix.lower() == ".safetensors" else pickles.read_shapes(path)
        if not found:
            raise ValueError(f"{path}: no tensors in it; download or export it again")
        plain = {name: WRAPPERS.sub("", name, count=1) if WRAPPERS.match(name) else name for name in found}
        return cls(path, {now: name for name, now in plain.items()}, {plain[name]: found[name] for name in found})

    @property
    def kind(self) -> str:
        """What it is: one of the first words of `KINDS`, or that nobody knows."""
        return next((words for words, holds in KINDS if holds(self.shapes)), "none of the kinds that are known here")

    def expect(self, kind: str) -> Checkpoint:
        """Itself, where it is of a kind. Raises ValueError, with what it is."""
        if self.kind != kind:
            raise ValueError(f"{self.path}: {self.kind}; expected {kind}")
        return self

    def read(self, *starts: str) -> dict[str, Tensor]:
        """The tensors whose names begin with one of ``starts``, or all, on the CPU. Raises ValueError for a damaged
        file, OSError for one that cannot be read."""
        wanted = {name: now for now, name in self.names.items() if not starts or now.startswith(starts)}
        if self.path.suffix.lower() != ".safetensors":
            found = pickles.read_tensors(self.path, wanted.__contains__)
            return {wanted[name]: tensor for name, tensor in found.items()}
        with safe_open(self.path, "pt") as file:
            return {now: file.get_tensor(name) for name, now in wanted.items()}


def _safetensors(path: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no dict
    except PermissionError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader stumble over
        raise ValueError(f"{path}: not a whole safetensors file ({error}); download or export it again") from error
