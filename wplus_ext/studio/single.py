"""Single files, as people publish them, made into the models of diffusers; loaded whole or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..weights import checkpoints
from ..weights.checkpoints import DIFFUSION, Checkpoint
from .folder import whole

HUB = "stable-diffusion-v1-5/stable-diffusion-v1-5"  # where the configuration of a checkpoint is, if nobody names one
PARTS = ("unet/config.json", "vae/config.json", "text_encoder/config.json")
TOKENIZERS = ("tokenizer/vocab.json", "tokenizer/tokenizer.json")  # either will do
TEXT = "cond_stage_model.transformer."
FIRST_STAGE = "first_stage_model."
HINTS = (16, 32, 96, 256)  # channels of a ControlNet's first layers
# Of motion modules whose files do not say: AnimateDiff's, and AnimateLCM's as diffusers has them.
HEADS, LONGEST = 8, 32
OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}  # of attention
# diffusers is optional: what is made of it has no types here.


def configuration(path: Path, config: Path | None) -> Path:
    """The folder with the configuration and tokenizer that a checkpoint needs: ``config``, or the Hub's, which is kept.

    Raises ValueError where neither is to be had, or a part of it is missing.
    """
    if config is None:
        return _from_hub(path)
    missing = _missing(config)
    if missing:
        raise ValueError(
            f"{config / missing}: no such file; --config names a diffusers folder of Stable Diffusion 1.5, whose "
            "configuration and tokenizer are used"
        )
    return config


def vae_config(config: Path) -> dict[str, object]:
    """The VAE's configuration in such a folder. Raises ValueError."""
    with whole(config, "expected a diffusers folder of Stable Diffusion 1.5"):
        return _config(config / "vae")


def pipeline(file: Checkpoint, config: Path, motion, vae, scheduler, dtype: torch.dtype):  # noqa: ANN001, ANN201
    """An AnimateDiff pipeline of a checkpoint, its configuration, and motion modules.

    Args:
        vae: used in place of the checkpoint's own, where there is one.
    """
    import diffusers
    import transformers

    with whole(config, "expected a diffusers folder of Stable Diffusion 1.5"):
        tokenizer = transformers.CLIPTokenizer.from_pretrained(config / "tokenizer", local_files_only=True)
        settings = {part: _config(config / part) for part in ("unet", "vae")}
    with whole(file.path, f"expected {checkpoints.CHECKPOINT}, of the sizes in {config}"):
        parts = {
            "unet": _filled(diffusers.UNet2DConditionModel, settings["unet"], _unet(file, settings["unet"]), dtype),
            "vae": vae or _vae(file, file.read(FIRST_STAGE), settings["vae"], dtype),
            "text_encoder": _text_encoder(config, file.read(TEXT), dtype),
        }
        return diffusers.AnimateDiffPipeline(**parts, tokenizer=tokenizer, motion_adapter=motion, scheduler=scheduler)


def motion(path: Path, dtype: torch.dtype):  # noqa: ANN201
    """A motion adapter of a file as AnimateDiff or AnimateLCM publish them, and whether it is AnimateLCM's, which is
    known by having no positions in it. Raises ValueError."""
    import diffusers
    from diffusers.loaders.single_file_utils import convert_animatediff_checkpoint_to_diffusers as convert
    from diffusers.models.embeddings import SinusoidalPositionalEmbedding

    file = Checkpoint.open(path).expect(checkpoints.MOTION)
    with whole(path, f"expected {checkpoints.MOTION}"):
        tensors = file.read()
        positions = {_positions(name): tensor for name, tensor in tensors.items() if name.endswith(".pe")}
        state = {name: tensor for name, tensor in convert(tensors).items() if not name.endswith(".pe")}
        config = _motion_config(state, next((pe.shape[1] for pe in positions.values()), LONGEST))
        for name, tensor in state.items():
            place, end, rest = name.partition(".attn1.to_q.weight")
            if end and not rest:
                key = f"{place}.pos_embed.pe"
                made = SinusoidalPositionalEmbedding(tensor.shape[0], config["motion_max_seq_length"]).pe
                positions.setdefault(key, made)
        return _filled(diffusers.MotionAdapter, config, {**state, **positions}, dtype), not any(
            name.endswith(".pe") for name in tensors
        )


def vae(path: Path, own: Mapping[str, object], dtype: torch.dtype):  # noqa: ANN201
    """A VAE of a file, in the original layout or in diffusers', or the one in a checkpoint; ``own`` is the
    configuration of a pipeline's. Raises ValueError."""
    file = Checkpoint.open(path)
    if file.kind != checkpoints.CHECKPOINT:
        file.expect(checkpoints.VAE)
    inside = any(name.startswith(FIRST_STAGE) for name in file.shapes)
    with whole(path, f"expected {checkpoints.VAE} of Stable Diffusion 1.5"):
        return _vae(
            file,
            file.read(*([FIRST_STAGE] if inside else ["encoder.", "decoder.", "quant_conv.", "post_quant_conv."])),
            own,
            dtype,
        )


def controlnet(path: Path, own: Mapping[str, object], dtype: torch.dtype):  # noqa: ANN201
    """A ControlNet of a file, for a UNet of the configuration ``own``. Raises ValueError."""
    import diffusers
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    file = Checkpoint.open(path).expect(checkpoints.CONTROLNET)
    with whole(path, f"expected {checkpoints.CONTROLNET}"):
        tensors = file.read()
        names = ("in_channels", "block_out_channels", "layers_per_block", "cross_attention_dim", "norm_num_groups",
                 "attention_head_dim", "num_attention_heads")  # fmt: skip
        config = {name: own[name] for name in names if own.get(name) is not None}
        config["down_block_types"] = [kind.replace("Motion", "2D") for kind in own["down_block_types"]]
        config["conditioning_embedding_out_channels"] = _hints(tensors)
        state = {
            name: tensor
            for name, tensor in convert_controlnet_checkpoint(tensors, config).items()
            if tensor is not None
        }
        return _filled(diffusers.ControlNetModel, config, state, dtype)


def _from_hub(path: Path) -> Path:
    """The Hub's folder, as it was kept or fetched now. Raises ValueError."""
    from huggingface_hub import snapshot_download

    reason: object = ""
    for kept in (True, False):
        try:
            found = Path(snapshot_download(HUB, allow_patterns=[*PARTS, "tokenizer/*"], local_files_only=kept))
        except Exception as error:  # whatever a network, a proxy or a cache may do
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            continue
        if not _missing(found):
            return found
        reason = f"{_missing(found)} is not there"
    raise ValueError(
        f"{path}: a checkpoint has no configuration and tokenizer in it, and {HUB} cannot be had from the Hub "
        f"({reason}); name a diffusers folder of Stable Diffusion 1.5 with --config"
    )


def _missing(config: Path) -> str | None:
    """The first part that a folder lacks of a configuration and tokenizer."""
    lacking = [part for part in PARTS if not (config / part).is_file()]
    if not any((config / each).is_file() for each in TOKENIZERS):
        lacking.append(TOKENIZERS[0])
    return lacking[0] if lacking else None


def _config(folder: Path) -> dict[str, object]:
    """A model's configuration, without what is its class's own. Raises ValueError for one of another class."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = config.get("_class_name")
    if kind not in ("UNet2DConditionModel", "AutoencoderKL"):
        raise ValueError(f"{folder.name} is a {kind}, expected that of a StableDiffusionPipeline")
    return {name: value for name, value in config.items() if not name.startswith("_")}


def _filled(kind: type, config: Mapping[str, object], tensors: Mapping[str, Tensor], dtype: torch.dtype):  # noqa: ANN202
    """A model of a class of diffusers that has these tensors, all of them and no others. Raises ValueError."""
    with torch.device("meta"):  # nothing random is made first
        model = kind.from_config(dict(config))
    tensors = {name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}
    found = model.load_state_dict(tensors, strict=False, assign=True)
    _check_whole(found.missing_keys, found.unexpected_keys)
    return model.eval()


def _check_whole(missing: Sequence[str], unexpected: Sequence[str] = ()) -> None:
    for names, what in ((missing, "missing"), (unexpected, "too many")):
        if names:
            raise ValueError(f"{len(names)} tensors are {what}, {sorted(names)[0]} is one")


def _unet(file: Checkpoint, config: Mapping[str, object]) -> dict[str, Tensor]:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    return convert_ldm_unet_checkpoint(file.read(DIFFUSION), dict(config))


def _vae(file: Checkpoint, tensors: dict[str, Tensor], config: Mapping[str, object], dtype: torch.dtype):  # noqa: ANN202
    import diffusers
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    if not tensors:
        raise ValueError("no VAE in it; name one with --vae")
    if any(name.startswith("encoder.down_blocks.") for name in tensors):
        state = {}
        for name, tensor in tensors.items():
            old = next((old for old in OLD_NAMES if old in name and ".attentions." in name), None)
            state[name.replace(old, OLD_NAMES[old]) if old else name] = tensor
    else:
        state = convert_ldm_vae_checkpoint(tensors, dict(config))
    return _filled(diffusers.AutoencoderKL, config, state, dtype)


def _text_encoder(config: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype):  # noqa: ANN202
    """CLIP's text model. Old checkpoints leave out ``text_model``, and so do new versions of transformers."""
    import transformers

    model = transformers.CLIPTextModel(transformers.CLIPTextConfig.from_pretrained(config / "text_encoder"))
    start = "text_model." if hasattr(model, "text_model") else ""
    state = {}
    for name, tensor in tensors.items():
        rest = name.removeprefix(TEXT).removeprefix("text_model.")
        if rest.startswith(("embeddings.", "encoder.", "final_layer_norm.")) and "position_ids" not in rest:
            state[start + rest] = tensor
    found = model.load_state_dict(state, strict=False)
    _check_whole([name for name in found.missing_keys if "position_ids" not in name], found.unexpected_keys)
    return model.to(dtype).eval()


def _positions(name: str) -> str:
    """What diffusers calls the positions that AnimateDiff keeps once for each attention of a block."""
    if name.endswith(".pos_embed.pe"):
        return name
    return f"{name.replace('.temporal_transformer', '').partition('.attention_blocks.')[0]}.pos_embed.pe"


def _motion_config(state: Mapping[str, Tensor], longest: int) -> dict[str, object]:
    """A motion adapter's configuration, read off its tensors' names and shapes."""

    def count(start: str) -> int:
        return len({name.removeprefix(start).partition(".")[0] for name in state if name.startswith(start)})

    blocks = [f"down_blocks.{i}.motion_modules." for i in range(count("down_blocks."))]
    return {
        "block_out_channels": [state[f"{block}0.norm.weight"].shape[0] for block in blocks],
        "motion_layers_per_block": [count(block) for block in blocks],
        "motion_transformer_layers_per_block": [count(f"{block}0.transformer_blocks.") for block in blocks],
        "motion_num_attention_heads": HEADS,
        "motion_max_seq_length": longest,
        "use_motion_mid_block": count("mid_block.") > 0,
    }


def _hints(tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
    """The channels of a ControlNet's first layers, read off them."""
    first = {
        name.partition("input_hint_block.")[2]: tensor
        for name, tensor in tensors.items()
        if "input_hint_block." in name
    }
    if not first:
        return HINTS
    return tuple(first[f"{i}.weight"].shape[0] for i in (0, 4, 8, 12))
