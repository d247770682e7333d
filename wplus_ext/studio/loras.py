"""LoRAs, and AnimateDiff's MotionLoRAs, added to a pipeline's weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ..weights import checkpoints
from ..weights.checkpoints import Checkpoint
from .folder import whole

NAME = "lora"
DOWN = re.compile(r"[._](lora_down|lora_A|lora\.down|lora_linear_layer\.down|to_\w+_lora\.down)\.")  # one a layer
PUBLISHED = re.compile(r"\.processor\.to_(?P<layer>q|k|v|out)_lora\.(?P<end>down|up)\.")  # as AnimateDiff names them
ENDS = {"down": "lora_A", "up": "lora_B"}


def fuse(pipe, path: Path, weight: float) -> None:  # noqa: ANN001 - diffusers is optional
    """Add ``weight`` times a LoRA to the weights of a pipeline's UNet and text encoder: no layer more is computed then.

    Raises:
        ValueError: peft is missing; no LoRA, or one of another model; a damaged file.
        OSError: it cannot be read.
    """
    try:
        import peft  # noqa: F401 - diffusers asks for it much later
    except ImportError as error:
        raise ValueError(f"{path}: a LoRA needs peft ({error}): pip install peft") from error
    file = Checkpoint.open(path).expect(checkpoints.LORA)
    expected = "expected a LoRA of Stable Diffusion 1.5, or a MotionLoRA for these motion modules"
    with whole(path, expected):
        tensors = named(file.read())
        pipe.load_lora_weights(tensors, adapter_name=NAME)
        touched = [name for name in ("unet", "text_encoder") if NAME in getattr(getattr(pipe, name), "peft_config", {})]
        wanted, found = sum(bool(DOWN.search(name)) for name in tensors), _layers(pipe)
        if found != wanted or not found:
            raise ValueError(f"{found} of its {wanted} layers are in this model")
        pipe.set_adapters([NAME], [weight])
        pipe.fuse_lora(components=touched)
        pipe.unload_lora_weights()


def named(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by names that diffusers knows: those of a file of AnimateDiff are made so, all others stay."""
    if not any(PUBLISHED.search(name) for name in tensors) or any(name.startswith("unet.") for name in tensors):
        return dict(tensors)
    made = {}
    for name, tensor in tensors.items():
        name = re.sub(r"\.attention_blocks\.([01])\.", lambda match: f".attn{int(match[1]) + 1}.", name)
        name = PUBLISHED.sub(
            lambda match: f".to_{match['layer']}.{'0.' * (match['layer'] == 'out')}{ENDS[match['end']]}.", name
        )
        made[f"unet.{name.replace('.temporal_transformer', '')}"] = tensor
    return made


def _layers(pipe) -> int:  # noqa: ANN001 - diffusers is optional
    """How many layers have the LoRA."""
    modules = [module for part in (pipe.unet, pipe.text_encoder) for module in part.modules()]
    return sum(NAME in getattr(module, "lora_A", {}) for module in modules)
