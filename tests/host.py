"""A stand-in for the parts of the WebUI that the extension touches.

Faithful where it matters: exceptions in callbacks are printed and swallowed; a step's rows come in
one call or in several; AnimateDiff's windows pick rows by index in a new order at every step; a
checkpoint can change in the middle of a run. The UNet is the real CompVis code.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
import types
from pathlib import Path
from types import SimpleNamespace

import plain
import torch
from torch import nn

import wplus_ext.hosts


class Options:
    def __init__(self):
        self.data = {}
        self.batch_cond_uncond = True
        self.pad_cond_uncond = False

    def add_option(self, name, info):
        self.data.setdefault(name, info.default)


class OptionInfo:
    def __init__(self, default=None, label="", **kwargs):
        self.default, self.label = default, label


class Script:
    """The base class of scripts, as far as it is used."""

    tabname = "txt2img"
    infotext_fields = None
    paste_field_names = None

    def elem_id(self, item):
        return f"script_{self.tabname}_wplus_{item}"


def quote(text):
    """A value as the WebUI writes it into an infotext."""
    return json.dumps(text, ensure_ascii=False) if any(sign in str(text) for sign in ",\n:") else text


def load_script():
    """The script's file, loaded as the WebUI loads it."""
    spec = importlib.util.spec_from_file_location("wplus.py", Path(__file__).parents[1] / "scripts" / "wplus.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(monkeypatch, models_path, unet=None):
    """Put stand-ins for ``modules.*`` in place; gives the WebUI's ``shared``."""
    callbacks, started = [], []
    shared = SimpleNamespace(
        opts=Options(), OptionInfo=OptionInfo, demo=None, total_tqdm=SimpleNamespace(updateTotal=lambda total: None),
        state=SimpleNamespace(interrupted=False, skipped=False, stopping_generation=False, job="", textinfo=None),
        cmd_opts=SimpleNamespace(wplus_dir=None, api=True, api_auth=None, no_gradio_queue=True),
        sd_model=None, callbacks=callbacks, started=started,
    )  # fmt: skip
    shared.sd_model = SimpleNamespace(model=SimpleNamespace(diffusion_model=unet))
    modules = types.ModuleType("modules")
    parts = {
        "shared": shared,
        "paths": SimpleNamespace(models_path=str(models_path)),
        "progress": SimpleNamespace(current_task=None),
        "processing": SimpleNamespace(process_images=None, fix_seed=lambda p: None),  # see webui_several.py
        "images": SimpleNamespace(),
        "paths_internal": SimpleNamespace(roboto_ttf_file=""),
        "infotext_utils": SimpleNamespace(quote=quote),
        "ui_tempdir": SimpleNamespace(register_tmp_file=lambda demo, path: None),
        "sd_unet": SimpleNamespace(current_unet=None),
        "scripts": SimpleNamespace(Script=Script, AlwaysVisible=object(), scripts_data=[]),
        "script_callbacks": SimpleNamespace(
            on_cfg_denoiser=callbacks.append,
            remove_callbacks_for_function=lambda f: callbacks.remove(f) if f in callbacks else None,
            on_ui_settings=lambda f: f(),
            on_before_ui=lambda f: f(),
            on_app_started=started.append,
        ),
    }
    monkeypatch.setitem(sys.modules, "modules", modules)
    for name, part in parts.items():
        setattr(modules, name, part)
        monkeypatch.setitem(sys.modules, f"modules.{name}", part)
    for name in [name for name in sys.modules if name.startswith("wplus_ext.hosts.webui")]:
        monkeypatch.delitem(sys.modules, name)  # they hold on to another test's stand-ins
    monkeypatch.delattr(wplus_ext.hosts, "webui", raising=False)
    return shared


class Denoiser(nn.Module):
    """k-diffusion's wrapper: ``denoiser(x, sigma, cond=…)``."""

    def __init__(self, shared):
        super().__init__()
        self.shared = shared

    def forward(self, x, sigma, cond):
        unet = self.shared.sd_model.model.diffusion_model
        noise = unet(x, sigma * 50, context=torch.cat(cond["c_crossattn"], 1))
        return x - sigma[:, None, None, None] * noise


def windows(step, frames, context):
    """Overlapping windows in an order that changes from step to step."""
    starts = [0, context // 2] if frames <= context + context // 2 else list(range(0, frames, context // 2))
    picks = [[(start + step + i) % frames for i in range(context)] for start in starts]
    return picks if step % 2 == 0 else picks[::-1]


def cut_in_windows(denoiser, cfg, frames, context, both):
    """Replace ``denoiser.forward`` as AnimateDiff does."""
    inner = denoiser.forward

    def forward(x, sigma, cond):
        out = torch.zeros_like(x)
        for window in windows(cfg.step, frames, context):
            rows = window + [frames + i for i in window] if both else window
            out[rows] = inner(x[rows], sigma[rows], cond={"c_crossattn": [cond["c_crossattn"][0][rows]]})
        return out

    denoiser.forward = forward


class CFG:
    """The WebUI's CFG denoiser: a callback, then the rows of a step in one call or in several."""

    def __init__(self, shared, p, inner_model, cond):
        self.shared, self.p, self.inner_model = shared, p, inner_model
        self.step, self.total_steps = 0, p.steps
        self.sampler = SimpleNamespace(sampler_extra_args={"cond": cond})

    def __call__(self, x, sigma):
        p, opts = self.p, self.shared.opts
        repeats = [len(parts) for parts in self.sampler.sampler_extra_args["cond"].batch]
        image = torch.tensor([i for i, count in enumerate(repeats) for _ in range(count)])
        x_in, sigma_in = torch.cat([x[image], x]), torch.cat([sigma[image], sigma])
        params = SimpleNamespace(text_cond=p.text[image], text_uncond=p.text_negative, denoiser=self, x=x_in)
        for callback in list(self.shared.callbacks):
            try:
                callback(params)
            except Exception:
                traceback.print_exc()
        text, negative = params.text_cond, params.text_uncond
        if p.skip_negative(self.step):
            x_in, sigma_in, negative = x_in[: len(image)], sigma_in[: len(image)], negative[:0]
        if opts.pad_cond_uncond and text.shape[1] != negative.shape[1]:
            length = max(text.shape[1], negative.shape[1])
            pair = (torch.cat([t, t[:, -1:].expand(-1, length - t.shape[1], -1)], 1) for t in (text, negative))
            text, negative = pair
        size = len(x)
        if text.shape[1] == negative.shape[1] or not len(negative):
            both = torch.cat([text, negative]) if len(negative) else text
            size = len(both) if opts.batch_cond_uncond else size
            calls = [(slice(a, a + size), both[a : a + size]) for a in range(0, len(both), size)]
        else:
            calls = [(slice(a, a + size), text[a : a + size]) for a in range(0, len(text), size)]
            calls.append((slice(len(text), None), negative))
        out = torch.cat([self.inner_model(x_in[rows], sigma_in[rows], cond={"c_crossattn": [t]}) for rows, t in calls])
        guess = (
            out[len(text) :] if len(negative) else torch.stack([out[: len(text)][image == i][0] for i in range(len(x))])
        )
        denoised = guess.clone()
        for row, i in enumerate(image.tolist()):
            denoised[i] += 3.0 * (out[row] - guess[i])
        self.step += 1
        return denoised


class Job:
    """The WebUI's ``p`` with a sampler of its own."""

    def __init__(self, shared, frames, steps=2, context=None, parts=None, lengths=(77, 77), size=8):
        g = torch.Generator().manual_seed(7)
        self.shared, self.batch_size, self.steps, self.context = shared, frames, steps, context
        self.extra_generation_params = {}
        self.comments, self.iteration, self.batch_index = "", 0, 0
        self.parts = parts or [1] * frames
        self.noise = torch.randn(frames, 4, size, size, generator=g)
        self.text = torch.randn(frames, lengths[0], plain.TEXT, generator=g)  # per frame, as in prompt travel
        self.text_negative = torch.randn(1, lengths[1], plain.TEXT, generator=g).repeat(frames, 1, 1)
        self.skip_negative = lambda step: False
        self.before_step = lambda step: None
        if context:
            self.extra_generation_params["AnimateDiff"] = f"model: mm, video_length: {frames}, batch_size: {context}"

    def sample(self):
        cond = SimpleNamespace(batch=[[None] * count for count in self.parts])
        denoiser = Denoiser(self.shared)
        cfg = CFG(self.shared, self, denoiser, cond)
        if self.context:
            cut_in_windows(denoiser, cfg, self.batch_size, self.context, self.shared.opts.batch_cond_uncond)
        x = self.noise * 10
        for step in range(self.steps):
            self.before_step(step)
            sigma = torch.full((self.batch_size,), 10.0 - 9.0 * step / self.steps)
            x = x + 0.3 * (cfg(x, sigma) - x) / 10
        return x


def run(script, job, *args, meanwhile=lambda: None):
    """What process_images does with a script and a job, as far as it matters here; ``meanwhile`` is what other
    extensions do while the images are postprocessed."""

    def swallow(callback, *values, **kwargs):
        try:
            callback(job, *values, **kwargs)
        except Exception:
            traceback.print_exc()

    processed = SimpleNamespace(
        extra_generation_params=job.extra_generation_params, comments="", info=getattr(job, "info", "an infotext")
    )
    swallow(script.process, *args)
    with torch.no_grad():
        swallow(script.process_batch, *args, batch_number=0)
        out = job.sample()
    meanwhile()
    swallow(script.postprocess, processed, *args)
    return out, processed
