"""A ControlNet beside the UNet: as diffusers' own pipeline has it, and in a file as its authors publish it."""

from __future__ import annotations

import shutil

import numpy as np
import plain
import published
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from wplus_ext.__main__ import main
from wplus_ext.settings import Settings
from wplus_ext.studio import models, record, video
from wplus_ext.studio.control import Control
from wplus_ext.studio.models import Choice
from wplus_ext.studio.pipeline import Studio
from wplus_ext.studio.shot import Shot
from wplus_ext.weights import files

FRAMES = 2


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from diffusers import ControlNetModel

    place = tmp_path_factory.mktemp("control")
    unet = plain.diffusers_unet()
    published.folder(place, unet)
    published.motion_adapter().save_pretrained(place / "motion")
    plain.fill(ControlNetModel.from_unet(unet), 7).save_pretrained(place / "net")
    g = torch.Generator().manual_seed(0)
    walk = torch.randint(0, 256, (5, 64, 64, 3), generator=g, dtype=torch.uint8).numpy()
    video.save(walk, place / "walk", 8, "")
    return place


@pytest.fixture(scope="module")
def studio(place):
    return Studio(model=place, motion=place / "motion", controlnet=place / "net", device="cpu")


def shot(place, **values):
    values = {
        "frames": FRAMES,
        "steps": 2,
        "width": 64,
        "height": 64,
        "seed": 4,
        "control": str(place / "walk"),
        **values,
    }
    return Shot(edit=Settings(enabled=True, start=0.0), **values)


@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_the_loop_is_that_of_diffusers_pipeline(studio, place, guidance):
    from diffusers import AnimateDiffControlNetPipeline
    from PIL import Image

    ours = shot(place, guidance=guidance, control_scale=0.7)
    parts = {
        name: part
        for name, part in studio.pipe.components.items()
        if name not in ("feature_extractor", "image_encoder")
    }
    pipe = AnimateDiffControlNetPipeline(**parts, controlnet=studio.models.controlnet)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        ours.prompt, FRAMES, 64, 64, 2, guidance, "", generator=torch.Generator().manual_seed(4), output_type="latent",
        conditioning_frames=[Image.open(path) for path in sorted((place / "walk").iterdir())[:FRAMES]],
        controlnet_conditioning_scale=0.7,
    ).frames  # fmt: skip
    latents = studio.advance(studio.begin(ours)).latents
    assert (latents - theirs).norm() < 1e-5 * theirs.norm()


def test_its_scale_counts(studio, place):
    made = [studio.advance(studio.begin(shot(place, control_scale=scale))).latents for scale in (0.0, 1.0)]
    assert not torch.allclose(*made, atol=1e-2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"control": ""}, "a ControlNet is there, and no video for it to follow: name one with --control"),
        ({"frames": 6}, "walk: 5 frames, expected at least the 6 of the video"),
        ({"control": "nowhere"}, "nowhere: not the ending of a video"),
    ],
)
def test_a_video_that_cannot_be_followed_is_told(studio, place, values, message):
    with pytest.raises(ValueError, match=message):
        studio.check([shot(place, **values)])


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """Nine frames, twice as wide as high, each lighter than the one before, and dark at both sides."""
    place, frames = tmp_path_factory.mktemp("shades") / "a.webp", np.zeros((9, 8, 16, 3), np.uint8)
    frames[:, :, 4:12] = 12 * np.arange(9)[:, None, None, None]
    video.save(frames, place, 10, '{"shots": []}', lossless=True)
    return str(place)


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({}, [0, 1, 2]),
        ({"video": True, "fps": 10.0, "range": "4:"}, [4, 5, 6]),
        ({"video": True, "fps": 5.0, "range": "0.2s:"}, [2, 4, 6]),
    ],
)
def test_its_frames_lie_over_the_footages(studio, shades, values, seen):
    given = {**values, "video": shades} if values else {}
    found = Control.of(studio.models.controlnet, Shot(frames=3, control=shades, **given), (8, 8)).frames
    assert found.shape == (3, 3, 8, 8)
    assert (found[:, :, :, 2:6].mean((1, 2, 3)) * 255 / 12).round().tolist() == seen
    assert (found[:, :, :, 0] - found[:, :, :, 4]).abs().max() < 1e-6, "it is cut, not stretched"


def test_footage_without_that_part_is_told(studio, place, shades):
    with pytest.raises(ValueError, match="walk: range is '6:', but it has 5 frames"):
        studio.check([shot(place, video=shades, fps=10.0, range="6:")])


def test_a_video_without_a_controlnet_is_refused(tmp_path, capsys):
    assert main(["render", "--control", "walk.mp4", "--out", str(tmp_path / "a.webp")]) == 2
    assert "there is no ControlNet to follow it: name one with --controlnet" in capsys.readouterr().err


def test_another_video_of_the_name_is_told(studio, place, tmp_path):
    made, frames = shot(place), torch.zeros(FRAMES, 64, 64, 3, dtype=torch.uint8).numpy()
    record.save(tmp_path / "a.webp", frames, studio, [made])
    assert record.load(tmp_path / "a.webp", studio) == ([made], [])
    video.save(frames, place / "walk", 8, "", force=True)
    (note,) = record.load(tmp_path / "a.webp", studio)[1]
    assert note.startswith("control walk was ")


class Published(nn.Module):
    """A ControlNet, of CompVis' own parts and the paper's words (Zhang et al., "Adding Conditional Control to
    Text-to-Image Diffusion Models", ICCV 2023)."""

    def __init__(self):
        super().__init__()
        trunk = plain.compvis_unet()
        self.time_embed, self.input_blocks, self.middle_block = trunk.time_embed, trunk.input_blocks, trunk.middle_block
        sides = [
            (3, 16, 1),
            (16, 16, 1),
            (16, 32, 2),
            (32, 32, 1),
            (32, 96, 2),
            (96, 96, 1),
            (96, 256, 2),
            (256, 32, 1),
        ]
        hint = [layer for a, b, stride in sides for layer in (nn.Conv2d(a, b, 3, stride, 1), nn.SiLU())]
        self.input_hint_block = nn.Sequential(*hint[:-1])
        widths = [32] * 4 + [64] * 3 + [128] * 5
        self.zero_convs = nn.ModuleList(nn.Sequential(nn.Conv2d(width, width, 1)) for width in widths)
        self.middle_block_out = nn.Sequential(nn.Conv2d(128, 128, 1))

    def forward(self, x, t, text, picture):
        from ldm.modules.diffusionmodules.util import timestep_embedding

        emb, out = self.time_embed(timestep_embedding(t, plain.CHANNELS)), []
        for i, (block, zero) in enumerate(zip(self.input_blocks, self.zero_convs)):
            x = block(x, emb, text)
            x = x + self.input_hint_block(picture) if i == 0 else x
            out.append(zero(x))
        return out, self.middle_block_out(self.middle_block(x, emb, text))


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["control_model.", ""])
def test_a_file_is_its_authors_own(place, studio, tmp_path, prefix):
    net = plain.fill(Published(), 3)
    path = published.save({prefix + name: x for name, x in net.state_dict().items()}, tmp_path / "control.pth")
    made = models.part(path, "ControlNetModel", "a ControlNet", studio.pipe.unet.config, torch.float32)
    g = torch.Generator().manual_seed(0)
    x, text = torch.randn(2, 4, 8, 8, generator=g), torch.randn(2, 77, plain.TEXT, generator=g)
    picture = torch.rand(2, 3, 64, 64, generator=g)
    down, middle = net(x, torch.tensor([300, 300]), text, picture)
    got, got_middle = made(x, 300, text, picture, return_dict=False)
    for theirs, ours in zip([*down, middle], [*got, got_middle], strict=True):
        assert (ours - theirs).norm() < 1e-5 * theirs.norm()


def test_a_controlnet_of_another_text_encoder_is_refused(place, tmp_path):
    from diffusers import ControlNetModel

    other = ControlNetModel.from_unet(plain.diffusers_unet(cross_attention_dim=64))
    other.save_pretrained(tmp_path / "net")
    with pytest.raises(ValueError, match="net: its cross_attention_dim is 64, the model's 48; expected a ControlNet"):
        models.load(Choice(place, place / "motion", controlnet=tmp_path / "net"), "cpu", torch.float32)


def test_a_folder_that_lacks_a_tensor_is_refused(place, tmp_path):
    folder = shutil.copytree(place / "net", tmp_path / "net")
    (path,) = folder.glob("*.safetensors")
    tensors = files.read(path)
    del tensors["controlnet_mid_block.weight"]
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ValueError, match="weights are missing; .*controlnet_mid_block.weight"):
        models.load(Choice(place, place / "motion", controlnet=folder), "cpu", torch.float32)
