"""Trained models to the folder that the command line reads."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UNetMotionModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextModel

from . import models, world

DEFAULTS = {  # of render and sweep
    "prompt": "a face with brown hair and tan skin on a grey background",
    "steps": 15,
    "guidance": 3.5,
}
PEOPLE = ("ada", "bo", "cleo", "dan", "eva", "finn", "gus", "hana", "ivo", "joy", "kai", "lea")


def export(
    out: Path,
    vae: AutoencoderKL,
    unet: UNet2DConditionModel,
    text: CLIPTextModel,
    moving: UNetMotionModel,
    trained: models.TrainedAdapter,
    reader: models.Reader,
) -> None:
    """Write an AnimateDiff pipeline folder, in half precision, with a W+ library and the reader in it."""
    space, library = world.LatentSpace.make(), out / "wplus"
    contents = {"../reader": reader.cpu().state_dict()}  # first: by it the folder is known
    contents |= {f"directions/{name}": {"w": space.directions[i]} for i, name in enumerate(world.FACTORS)}
    contents |= {f"latents/{name}": {"w": w} for name, w in zip(PEOPLE, space.latents(people()))}
    contents["adapters/wplus_adapter"] = trained.cpu().state_dict()
    library.mkdir(parents=True, exist_ok=True)
    (library / "defaults.json").write_text(json.dumps(DEFAULTS, indent=2) + "\n", encoding="utf-8")
    for name, state in contents.items():
        path = library / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: value.half().contiguous() for key, value in state.items()}, path)

    clip_modules = models.motion_adapter()
    clip_modules.load_state_dict({key: value for key, value in moving.state_dict().items() if "motion_modules" in key})
    parts = {"vae": vae, "text_encoder": text, "unet": unet, "motion_adapter": clip_modules}
    for name, model in parts.items():
        model.cpu().half().to(memory_format=torch.contiguous_format)
        model.save_pretrained(out / name, safe_serialization=True)
    _name_as_published(out / "text_encoder" / "model.safetensors")
    models.tokenizer(out / "tokenizer")
    models.scheduler().save_pretrained(out / "scheduler")
    classes = {name: [type(model).__module__.partition(".")[0], type(model).__name__] for name, model in parts.items()}
    classes |= {"tokenizer": ["transformers", "CLIPTokenizer"], "scheduler": ["diffusers", "DDIMScheduler"]}
    optional = {"feature_extractor": [None, None], "image_encoder": [None, None]}
    index = {"_class_name": "AnimateDiffPipeline", **dict(sorted(classes.items())), **optional}
    (out / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    made = [library / f"{name}.safetensors" for name in contents]
    made += [path for name in parts for path in (out / name).glob("*.safetensors")]
    for path in made:  # which safetensors closes to others
        path.chmod(stat.S_IMODE((out / "model_index.json").stat().st_mode))


def _name_as_published(path: Path) -> None:
    """Give a text encoder's tensors the names of Stable Diffusion 1.5's, which every version of transformers reads."""
    state = load_file(path)
    save_file({f"text_model.{key.removeprefix('text_model.')}": x for key, x in state.items()}, path, {"format": "pt"})


def people() -> Tensor:
    """The factors (12, 7) of the named latents, all with a neutral mouth and open eyes."""
    factors, _ = world.faces(len(PEOPLE), torch.Generator().manual_seed(12))
    factors[:, :4] *= torch.tensor([0.0, 1.0, 0.4, 0.5])
    return factors
