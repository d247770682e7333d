"""A small extension for tests/real: it looks at what the UNet really gets, row by row.

The harness links this folder into the WebUI's extensions while it runs. Its one argument over the API
is a dict; without a ``file`` nothing is watched:

    file          events are appended here, a line of JSON each
    shallow       end each UNet call after its first cross-attention, as if it had predicted no noise:
                  fast, and all later calls stay comparable, since an edit changes no latent. The other
                  cross-attentions are called once in each pass, with a token of zeros
    fail_at_step  raise in the middle of sampling, at the sampler's step of this number

Events are a step, ``{"step", "frames", "negative"}``, and a UNet call, ``{"x", "signs", "f", "text",
"tokens", "size"}``. ``frames`` and ``signs`` hold a hash of the signs of each latent, which is the same
before and after the sampler's scaling; ``x`` hashes a row's latent, ``f`` what the first cross-attention's
last layer gets after all hooks, ``text`` a row's first 77 tokens, ``negative`` those of the negative prompts.
"""

import hashlib
import json

import gradio as gr
import torch
from ldm.modules.diffusionmodules.openaimodel import UNetModel
from modules import script_callbacks, scripts, sd_hijack, sd_models, shared


class EndOfCall(Exception):
    """Ends a shallow UNet call."""


class Watch:
    """What is watched during one job."""

    def __init__(self):
        self.order, self.denoisers, self.call, self.step = {}, [], {}, 0
        self.handles, self.unet, self.others, self.due = [], None, [], []

    def begin(self, order):
        """Take the hooks off, and forget the last job."""
        for handle in self.handles:
            handle.remove()
        self.__init__()
        self.order = order or {}

    def write(self, event):
        with open(self.order["file"], "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def on_step(self, params):
        if not self.order.get("file"):
            return
        self.step = params.denoiser.step
        self.denoisers.append(params.denoiser.inner_model)
        self.follow(shared.sd_model.model.diffusion_model)
        self.due = self.others if self.step == 0 else []
        images = params.x[-len(params.text_uncond) :]  # one negative row an image, in their order
        text = params.text_uncond
        negative = sorted({*hashes(words(text)), *hashes(words(text[:, 1:]))})  # ControlNet puts a token in front
        self.write({"step": self.step, "frames": hashes(images > 0), "negative": negative})

    def follow(self, unet):
        """Hook the UNet in use; a refiner or another checkpoint may bring another one."""
        if unet is self.unet:
            return
        for handle in self.handles:
            handle.remove()
        attention = unet.input_blocks[1][1].transformer_blocks[0].attn2
        self.others = [part for name, part in unet.named_modules() if name.endswith(".attn2") and part is not attention]
        self.unet, self.handles = unet, [
            unet.register_forward_pre_hook(self.on_call),
            attention.to_out[0].register_forward_hook(self.on_output),  # after the forward, so args are final
            attention.register_forward_hook(self.on_attention, with_kwargs=True),
        ]  # fmt: skip

    def on_call(self, unet, args):
        if self.order.get("fail_at_step") == self.step:
            raise RuntimeError("the probe fails, as it was asked to")
        x = args[0]
        self.call = {"x": hashes(x), "signs": hashes(x > 0), "size": x.shape[-1]}

    def on_output(self, module, args, output):
        self.call["f"] = hashes(args[0])

    def on_attention(self, module, args, kwargs, output):
        text = kwargs["context"] if kwargs.get("context") is not None else args[1]
        self.write({**self.call, "text": hashes(words(text)), "tokens": text.shape[1]})
        if self.order.get("shallow"):
            due, self.due = self.due, []
            for other in due:
                other(args[0].new_zeros(len(text), 1, other.to_q.in_features), context=text[:, :77])
            raise EndOfCall


def hashes(rows):
    """A short hash of each row's content."""
    rows = rows if rows.dtype == torch.bool else rows.float()
    return [hashlib.sha1(row.contiguous().cpu().numpy().tobytes()).hexdigest()[:12] for row in rows]


def words(text):
    """The first 77 tokens, which padding leaves alone, in half precision, which some modes cast them to."""
    return text[:, :77].half()


def shallow_call(unet, x, *args, **kwargs):
    """`UNetModel.__call__`, around whatever has replaced `forward`."""
    try:
        return torch.nn.Module.__call__(unet, x, *args, **kwargs)
    except EndOfCall:
        return torch.zeros_like(x)


def is_ours(function):
    function = getattr(function, "func", function)  # a partial
    return str(getattr(function, "__module__", "")).startswith("wplus_ext")


def left_over():
    """Names of the modules that carry hooks of ours, and of callbacks of ours. Must be none between jobs."""
    modules = [("denoiser", denoiser) for denoiser in watch.denoisers]
    for model in sd_models.model_data.loaded_sd_models:
        modules += [(f"unet.{name}", module) for name, module in model.model.diffusion_model.named_modules()]
    names = []
    for name, module in modules:
        hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
        names += [name for hook in hooks if is_ours(hook)]
    names += [call.name for call in script_callbacks.callback_map["callbacks_cfg_denoiser"] if is_ours(call.callback)]
    return names


class ProbeScript(scripts.Script):
    def title(self):
        return "wplus probe"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return [gr.State(None)]

    def process(self, p, order):
        watch.begin(order)  # and until the next job: ADetailer calls postprocess before its own jobs


def add_routes(demo, app):
    """GET /wplus-probe: what is left of us, and the attention optimizations that this machine has."""
    attention = ["Automatic", *(optimizer.title() for optimizer in sd_hijack.optimizers), "None"]
    app.add_api_route("/wplus-probe", lambda: {"left": left_over(), "attention": attention}, methods=["GET"])


watch = Watch()
UNetModel.__call__ = shallow_call
script_callbacks.on_cfg_denoiser(watch.on_step)
script_callbacks.on_app_started(add_routes)
