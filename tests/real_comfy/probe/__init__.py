"""Nodes that watch the UNet calls of a MODEL: what the first cross-attention's last layer gets, row by row.

Events are lines of JSON: a step, ``{"frames"}``, the hashes of the signs of each latent, which are the same before and
after the sampler's scaling; and a UNet call, ``{"signs", "f", "parts"}``, with a hash for each of its rows.
"""

import hashlib
import json

import comfy.model_management
import torch
from aiohttp import web
from comfy.patcher_extension import WrappersMP
from server import PromptServer


class EndOfCall(Exception):
    """Ends a shallow UNet call."""


def hashes(rows):
    """A short hash of each row's content."""
    rows = rows if rows.dtype == torch.bool else rows.float()
    return [hashlib.sha1(row.contiguous().cpu().numpy().tobytes()).hexdigest()[:12] for row in rows]


class Watch:
    """Watches one MODEL. A shallow call ends after the first cross-attention, and gives zeros; the other ones are
    called with one token of zeros, so that nobody takes them for lost."""

    def __init__(self, file, shallow, fault):
        self.file, self.shallow, self.fault = file, shallow, fault

    def write(self, event):
        with open(self.file, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def on_step(self, executor, x, *args, **kwargs):
        self.write({"frames": hashes(x > 0)})
        return executor(x, *args, **kwargs)

    def on_call(self, executor, x, *args, **kwargs):
        unet = executor.class_obj
        first = unet.input_blocks[1][1].transformer_blocks[0].attn2
        if self.fault == "raise":
            raise RuntimeError("the probe fails, as it was asked to")
        if self.fault == "interrupt":
            comfy.model_management.interrupt_current_processing()
            comfy.model_management.throw_exception_if_processing_interrupted()
        context = args[1] if len(args) > 1 else kwargs["context"]
        options = args[4] if len(args) > 4 else kwargs["transformer_options"]

        def on_output(module, given, output):  # after the forward, so that it is what all hooks have made of it
            self.write({"signs": hashes(x > 0), "f": hashes(given[0]), "parts": options["cond_or_uncond"]})
            if self.shallow:
                raise EndOfCall

        handle = first.to_out[0].register_forward_hook(on_output)
        try:
            return executor(x, *args, **kwargs)
        except EndOfCall:
            self.call_others(unet, first, x, context)
            return torch.zeros_like(x)
        finally:
            handle.remove()

    def call_others(self, unet, first, x, context):
        for name, part in unet.named_modules():
            if name.endswith("transformer_blocks.0.attn2") and "temporal" not in name and part is not first:
                part(x.new_zeros(len(x), 1, part.to_q.in_features), context=context)


class Probe:
    CATEGORY, FUNCTION, RETURN_TYPES = "probe", "probe", ("MODEL",)

    @classmethod
    def INPUT_TYPES(cls):
        kinds = {"file": "STRING", "shallow": "BOOLEAN", "fault": "STRING"}
        return {"required": {"model": ("MODEL",), **{name: (kind, {}) for name, kind in kinds.items()}}}

    def probe(self, model, file, shallow, fault):
        watch, watched = Watch(file, shallow, fault), model.clone()
        watched.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "probe", watch.on_step)
        watched.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "probe", watch.on_call)
        return (watched,)


class Show:
    """Gives hashes of latents, or anything else as text, with the answer."""

    CATEGORY, FUNCTION, RETURN_TYPES, OUTPUT_NODE = "probe", "show", (), True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"it": ("*", {})}}

    @classmethod
    def VALIDATE_INPUTS(cls, input_types):
        return True

    def show(self, it):
        return {"ui": {"text": hashes(it["samples"]) if isinstance(it, dict) else [str(it)]}}


class Numbers:
    """Numbers by frame, as other nodes hand them on."""

    CATEGORY, FUNCTION, RETURN_TYPES = "probe", "make", ("FLOAT",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {}), "kind": (["list", "tensor", "curve"],)}}

    def make(self, text, kind):
        numbers = json.loads(text)
        if kind == "curve":
            return (Curve(numbers),)
        return (torch.tensor(numbers) if kind == "tensor" else numbers,)


class Curve:
    """As newer ComfyUIs have it: a number for each x from 0 to 1. This one is 0 before the first number, 1 from it."""

    def __init__(self, edge):
        self.edge = edge

    def interp(self, x):
        return float(x >= self.edge)


class OneByOne(Numbers):
    """The same one after the other, so that a node would run once for each."""

    OUTPUT_IS_LIST = (True,)


class Embeds:
    """What IPAdapter_plus takes for a picture."""

    CATEGORY, FUNCTION, RETURN_TYPES = "probe", "make", ("EMBEDS",)

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def make(self):
        return (torch.randn(1, 1024, generator=torch.Generator().manual_seed(0)),)


async def left_over(request):
    """The paths of modules that carry hooks of ours. Must be none between jobs."""
    names = []
    for loaded in comfy.model_management.current_loaded_models:
        for name, module in loaded.model.model.named_modules():
            hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
            names += [name for hook in hooks if "wplus_ext" in _home(hook)]
            names += [name] * ("_wplus_edited" in vars(module))
    return web.json_response({"left": names})


def _home(hook):
    return str(getattr(getattr(hook, "func", hook), "__module__", ""))


PromptServer.instance.routes.get("/wplus-probe")(left_over)
NODE_CLASS_MAPPINGS = {"Probe": Probe, "Show": Show, "Numbers": Numbers, "OneByOne": OneByOne, "Embeds": Embeds}
