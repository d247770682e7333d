"""A stand-in for ComfyUI: the modules that the nodes import, a MODEL, and how it is sampled with."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, SimpleNamespace

import torch

NAMES = SimpleNamespace(OUTER_SAMPLE="outer_sample")


def install(monkeypatch, models):
    """The nodes' module, in a ComfyUI whose models folder is this."""
    roots = {}
    folder_paths = module(
        models_dir=str(models),
        add_model_folder_path=lambda name, path: roots.setdefault(name, []).append(path),
        get_folder_paths=lambda name: list(roots[name]),
        get_temp_directory=lambda: str(models.parent / "temp"),
    )
    stand_ins = {
        "folder_paths": folder_paths,
        "comfy": module(),
        "comfy.patcher_extension": module(WrappersMP=NAMES),
        "comfy.model_management": module(
            get_torch_device=lambda: torch.device("cpu"), throw_exception_if_processing_interrupted=lambda: None
        ),
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, stand_in)
    for name in ("folders", "inputs", "images", "nodes"):  # those that know the models folder
        monkeypatch.delitem(sys.modules, f"wplus_ext.hosts.comfy.{name}", raising=False)
        monkeypatch.delattr(f"wplus_ext.hosts.comfy.{name}", raising=False)
    return importlib.import_module("wplus_ext.hosts.comfy.nodes")


def module(**names):
    made = ModuleType("stand-in")
    vars(made).update(names)
    return made


class Model:
    """A ModelPatcher, as far as it is used."""

    def __init__(self, unet, wrappers=None):
        self.model = SimpleNamespace(diffusion_model=unet)
        self.wrappers = wrappers or {}

    def clone(self):
        return Model(self.model.diffusion_model, {key: [*several] for key, several in self.wrappers.items()})

    def get_wrappers(self, kind, key):
        return self.wrappers.get((kind, key), [])

    def add_wrapper_with_key(self, kind, key, wrapper):
        self.wrappers.setdefault((kind, key), []).append(wrapper)

    def remove_wrappers_with_key(self, kind, key):
        self.wrappers.pop((kind, key), None)


class Executor:
    """What a wrapper calls, with the guider that samples."""

    def __init__(self, guider, inner):
        self.class_obj, self.inner = guider, inner

    def __call__(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


def options(parts=(1, 0), sigma=10.0, levels=(10.0, 5.0, 0.0), **more):
    """The transformer_options of a UNet call."""
    return {
        "cond_or_uncond": list(parts), "sigmas": torch.tensor([sigma]), "sample_sigmas": torch.tensor(levels), **more
    }  # fmt: skip


def sample(model, frames, levels=(10.0, 5.0, 0.0), size=8, context=16, **more):
    """One UNet call a step, of all frames, negative ones first; what they gave, (steps, 2 * frames, …)."""
    unet, g = model.model.diffusion_model, torch.Generator().manual_seed(0)
    x, text = torch.randn(frames, 4, size, size, generator=g), torch.randn(frames, 7, context, generator=g)

    def inner(noise, *args, **kwargs):
        made = []
        for sigma in levels[:-1]:
            given = options(sigma=sigma, levels=levels, **more)
            rows = torch.cat([noise] * len(given["cond_or_uncond"]))
            words = torch.cat([text] * len(given["cond_or_uncond"]))
            made.append(unet(rows, torch.zeros(len(rows)), context=words, transformer_options=given))
        return torch.stack(made)

    guider = SimpleNamespace(model_patcher=model, conds={})
    call = Executor(guider, inner)
    for wrapper in (each for several in model.wrappers.values() for each in several):
        call = Executor(guider, lambda *args, wrapper=wrapper, call=call, **kwargs: wrapper(call, *args, **kwargs))
    with torch.no_grad():
        return call(x)
