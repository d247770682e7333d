"""The script for several videos on the WebUI's stand-in: what a press of Generate does with it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import host
import pytest
import torch
from PIL import Image

ON = {"enabled": True, "start": 0}


class Press(host.Job):
    """The WebUI's ``p`` of a press, whose noise follows the seed and the size, and whose text the prompt."""

    def __init__(self, shared, script, frames, args, **more):
        super().__init__(shared, frames, **more)
        self.scripts, self.script_args = SimpleNamespace(alwayson_scripts=[script]), [None, *args]
        script.args_from, script.args_to = 1, 1 + len(args)
        self.seed, self.prompt, self.width, self.height, self.n_iter = 7, "a woman", 64, 64, 1
        self.styles, self.comments, self.is_api = [], {}, False

    def sample(self):
        g = torch.Generator().manual_seed(self.seed)
        self.noise = torch.randn(self.batch_size, 4, self.height // 8, self.width // 8, generator=g)
        self.text = self.text * (1 + len(self.prompt) / 100)
        return super().sample()


class Made(SimpleNamespace):
    """The WebUI's result."""


def process(p):
    """What the WebUI does with a job; all that it was given is kept in ``p.shared.ran``."""
    p.shared.ran.append(p)
    script, args = p.scripts.alwayson_scripts[0], p.script_args[1:]
    pictures = []

    def postprocess():
        for latent in p.out:
            pixels = (torch.sigmoid(latent[:3] / 4) * 255).byte()
            pictures.append(Image.fromarray(pixels.permute(1, 2, 0).numpy()))
            pp = SimpleNamespace(image=pictures[-1])
            script.postprocess_image(p, pp, *args)
            script.postprocess_image_after_composite(p, pp, *args)

    own = p.sample
    p.sample = lambda: p.__dict__.update(out=own()) or p.out
    _, told = host.run(script, p, *args, meanwhile=postprocess)
    entries = ", ".join(f"{key}: {value}" for key, value in p.extra_generation_params.items())
    text = f"{p.prompt}\nSteps: {p.steps}, Seed: {p.seed}, Size: {p.width}x{p.height}, {entries}"
    return Made(
        images=pictures, infotexts=[text] * len(pictures), info=text, index_of_first_image=0, seed=p.seed,
        prompt=p.prompt, all_seeds=[p.seed] * len(pictures), all_prompts=[p.prompt] * len(pictures),
        comments=told.comments, extra_generation_params=told.extra_generation_params,
    )  # fmt: skip


class Names:
    """The WebUI's names of files."""

    def __init__(self, *args):
        pass

    def apply(self, pattern):
        return pattern.replace("[date]", "2026-12-01")


@pytest.fixture
def webui(shared, models):
    """The stand-in, where jobs are processed; ``ran`` are those."""
    shared.ran = []
    sys.modules["modules.processing"].process_images = process
    images = sys.modules["modules.images"]
    images.FilenameGenerator = Names
    images.get_next_sequence_number = lambda folder, name: len([*Path(folder).glob(f"{name}-*")])
    return shared


@pytest.fixture
def scripts(webui):
    """Both of the extension's scripts."""
    loaded = host.load_script()
    return loaded.WPlusScript(), loaded.SeveralScript()


@pytest.fixture
def press(webui, scripts, tmp_path):
    """A press of Generate with the script chosen, or without where there is no order: gives the result."""

    def act(order=None, edit=ON, frames=2, change=lambda p: None, **more):
        edited, several = scripts
        p = Press(webui, edited, frames, [edit], **more)
        p.outpath_grids = str(tmp_path / "grids")
        change(p)
        return process(p) if order is None else several.run(p, *(order if isinstance(order, list) else [order]))

    return act


def stop_at(job, step=0, of="interrupted"):
    """Somebody presses a button in a job of this number, from 1, at a step."""

    def change(p):
        def pressed(now):
            if len(p.shared.ran) == job and now == step:
                setattr(p.shared.state, of, True)

        p.before_step = pressed

    return change
