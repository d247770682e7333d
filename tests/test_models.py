"""Models as people have them: checkpoints, motion modules and VAEs in single files, folders of one variant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import diffusers
import pipelines
import plain
import published
import pytest
import torch
from safetensors.torch import save_file

from wplus_ext.__main__ import main
from wplus_ext.studio import models, single
from wplus_ext.studio.models import MINIATURE, Choice
from wplus_ext.weights import files

F32 = torch.float32
FILE = "sd/{}/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of Stable Diffusion, the configuration of it, motion modules that do nothing, and a checkpoint."""
    place = tmp_path_factory.mktemp("models")
    published.configuration(published.folder(place / "sd"), place / "config")
    tensors, _ = published.checkpoint()
    published.save(tensors, place / "face.safetensors")
    published.save(tensors, place / "face.ckpt")
    still = published.motion_adapter()
    for name, parameter in still.named_parameters():
        if ".proj_out." in name:
            parameter.data.zero_()
    published.save(published.motion_tensors(still), place / "still.ckpt")
    return place


def loaded(place, **values):
    """What is made of the checkpoint there, and of other models."""
    names = {"model": "face.safetensors", "motion": "still.ckpt", "config": "config", **values}
    return models.load(Choice(**{name: place / value for name, value in names.items() if value}), "cpu", F32)


def bare(tensors):
    """A text encoder's tensors, as all versions of transformers name them."""
    return {name.removeprefix("text_model."): x for name, x in tensors.items() if "position_ids" not in name}


def vae(place, path):
    """The VAE in a file or folder, for that of the configuration there."""
    return models.part(path, "AutoencoderKL", "a VAE", single.vae_config(place / "config"), F32)


def same(got, wanted):
    return all(torch.equal(got[name], wanted[name]) for name in wanted) and got.keys() == wanted.keys()


# Checkpoints


@pytest.fixture(scope="module", params=["face.safetensors", "face.ckpt"])
def pipe(request, place):
    return loaded(place, model=request.param).pipe


@torch.no_grad()
def test_a_checkpoints_unet_is_compvis_own(pipe):
    _, (unet, _, _) = published.checkpoint()
    g = torch.Generator().manual_seed(0)
    x, text = torch.randn(3, 4, 8, 8, generator=g), torch.randn(3, 77, plain.TEXT, generator=g)
    wanted = unet(x, torch.full((3,), 400), context=text)
    got = pipe.unet(x.transpose(0, 1)[None], 400, text).sample[0].transpose(0, 1)
    assert (got - wanted).norm() < 1e-5 * wanted.norm()


@torch.no_grad()
def test_a_checkpoints_vae_is_compvis_own(pipe):
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    got, wanted = pipe.vae.decode(z).sample, published.checkpoint()[1][1].decode(z)
    assert (got - wanted).norm() < 1e-5 * wanted.norm()


@torch.no_grad()
def test_a_checkpoints_text_encoder_is_the_one_it_was(pipe):
    ids = torch.tensor([[0, 5, 7, 1]])
    assert torch.equal(pipe.text_encoder(ids)[0], published.checkpoint()[1][2](ids)[0])


def test_its_scheduler_is_animatediffs_and_nothing_is_to_be_said(place):
    made = loaded(place)
    assert (type(made.pipe.scheduler).__name__, made.notes) == ("DDIMScheduler", [])
    config = made.pipe.scheduler.config
    assert (config.beta_schedule, config.clip_sample, config.steps_offset) == ("linear", False, 1)


def test_old_checkpoints_name_the_text_encoder_otherwise(place, tmp_path):
    tensors = {name.replace("text_model.", ""): tensor for name, tensor in published.checkpoint()[0].items()}
    old = published.save(tensors, tmp_path / "old.ckpt")
    wanted = bare(published.checkpoint()[1][2].state_dict())
    assert same(bare(loaded(place, model=old).pipe.text_encoder.state_dict()), wanted)


# Motion modules


@pytest.mark.parametrize(
    ("middle", "longest", "prefix"), [(False, 24, ""), (True, 32, "module."), (False, 32, "")], ids=["v1", "v2", "v3"]
)
def test_motion_modules_are_those_of_the_file(tmp_path, middle, longest, prefix):
    adapter = published.motion_adapter(middle, longest)
    path = published.save(published.motion_tensors(adapter, prefix=prefix), tmp_path / "mm.ckpt")
    made, is_lcm = single.motion(path, F32)
    assert same(made.state_dict(), adapter.state_dict()) and not is_lcm
    assert (made.config.use_motion_mid_block, made.config.motion_max_seq_length) == (middle, longest)


def test_animatelcms_have_no_positions_in_the_file(tmp_path):
    adapter = published.motion_adapter()
    path = published.save(published.motion_tensors(adapter, positions=False), tmp_path / "AnimateLCM_sd15_t2v.ckpt")
    made, is_lcm = single.motion(path, F32)
    assert same(made.state_dict(), adapter.state_dict()) and is_lcm


def test_animatelcm_brings_its_scheduler(place, tmp_path):
    tensors = published.motion_tensors(published.motion_adapter(), positions=False)
    path = published.save(tensors, tmp_path / "lcm.ckpt")
    made = loaded(place, motion=path).pipe.scheduler
    assert (type(made).__name__, made.config.beta_schedule) == ("LCMScheduler", "linear")
    (note,) = loaded(place, model="sd", config=None, motion=path).notes
    assert "its scheduler is PNDM with scaled_linear betas; AnimateLCM's motion modules want LCM" in note


def test_a_folders_own_motion_modules_give_way_to_others(place, tmp_path):
    loaded(place, model="sd", config=None).pipe.save_pretrained(tmp_path / "video")
    adapter = published.motion_adapter(middle=False, longest=24, seed=4)
    adapter.save_pretrained(tmp_path / "motion")
    unet = loaded(place, model=tmp_path / "video", config=None, motion=tmp_path / "motion").pipe.unet.state_dict()
    assert same({name: x for name, x in unet.items() if ".motion_modules." in name}, adapter.state_dict())
    assert torch.equal(unet["conv_in.weight"], files.read(place / FILE.format("unet"))["conv_in.weight"])


@pytest.mark.parametrize("model", [{}, {"model": "sd", "config": None}], ids=["checkpoint", "folder"])
def test_motion_modules_of_another_family_are_named(place, tmp_path, model):
    diffusers.MotionAdapter(published.SIDES[:3]).save_pretrained(tmp_path / "xl")
    with pytest.raises(
        ValueError, match=r"xl: its block_out_channels is \[.*\], the model's \[.*; expected motion mod"
    ):
        loaded(place, motion=tmp_path / "xl", **model)


# VAEs


@pytest.mark.parametrize("start", ["", "first_stage_model."])
def test_a_vae_in_a_file_takes_the_place_of_the_models_own(place, tmp_path, start):
    wanted = published.autoencoder(8)
    tensors = {start + name: tensor for name, tensor in wanted.state_dict().items()}
    path = published.save({**tensors, "loss.logvar": torch.zeros(())}, tmp_path / "better.ckpt")
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        got, wanted = vae(place, path).decode(z).sample, wanted.decode(z)
    assert (got - wanted).norm() < 1e-5 * wanted.norm()


@pytest.mark.parametrize("name", ["sd", "sd/vae", "sd/vae/diffusion_pytorch_model.safetensors"])
def test_a_vae_may_be_diffusers(place, name):
    wanted = files.read(place / "sd/vae/diffusion_pytorch_model.safetensors")
    assert same(vae(place, place / name).state_dict(), wanted)


@pytest.mark.parametrize("model", [{}, {"model": "sd", "config": None}], ids=["checkpoint", "folder"])
def test_a_vae_of_another_kind_is_named(place, tmp_path, model):
    pipelines.vae().save_pretrained(tmp_path / "flat")
    with pytest.raises(ValueError, match="flat: its latents have 4 channels and are 1 times smaller than the picture"):
        loaded(place, vae=tmp_path / "flat", **model)


def test_a_vae_that_says_no_scaling_factor_is_named(place, tmp_path):
    folder = shutil.copytree(place / "sd/vae", tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "scaling_factor": 0}))
    with pytest.raises(ValueError, match="odd: scaling_factor is 0, expected a number above 0"):
        loaded(place, vae=folder)


def test_a_checkpoint_without_a_vae_wants_one(place, tmp_path):
    tensors = {name: x for name, x in published.checkpoint()[0].items() if not name.startswith("first_stage_model.")}
    bare = published.save(tensors, tmp_path / "bare.safetensors")
    with pytest.raises(ValueError, match="no VAE in it; name one with --vae"):
        loaded(place, model=bare)
    assert loaded(place, model=bare, vae="sd").pipe.vae


# Folders


@pytest.mark.parametrize("kind", ["fp16.safetensors", "bin"])
def test_a_folder_of_other_weights_is_read(place, tmp_path, kind):
    folder = shutil.copytree(place / "sd", tmp_path / "sd")
    for path in [*folder.rglob("*.safetensors")]:
        tensors = files.read(path)
        path.unlink()
        stem = "pytorch_model" if (kind, path.stem) == ("bin", "model") else path.stem
        new = path.with_name(f"{stem}.{kind}")
        torch.save(tensors, new) if kind == "bin" else save_file(tensors, new, {"format": "pt"})
    made = loaded(place, model=folder, config=None).pipe
    assert same(made.vae.state_dict(), files.read(place / "sd/vae/diffusion_pytorch_model.safetensors"))
    assert same(bare(made.text_encoder.state_dict()), bare(files.read(place / "sd/text_encoder/model.safetensors")))


def test_a_motion_folder_of_fp16_alone_is_read(place, tmp_path):
    adapter = published.motion_adapter(seed=4)
    adapter.save_pretrained(tmp_path / "motion", variant="fp16")
    made = loaded(place, motion=tmp_path / "motion").pipe.motion_adapter
    assert same(made.state_dict(), adapter.state_dict())


def test_a_pickle_in_a_folder_is_not_run(place, tmp_path):
    folder = shutil.copytree(place / "sd", tmp_path / "sd")
    (folder / "text_encoder" / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1), "y": Path("x")}, folder / "text_encoder" / "pytorch_model.bin")
    with pytest.raises(ValueError, match="pytorch_model.bin: a pickle that asks for more than tensors .* was not run"):
        loaded(place, model=folder, config=None)


# What cannot be


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("model", "still.ckpt", "ckpt: motion modules of AnimateDiff; expected a checkpoint of Stable Diffusion 1.5"),
        ("motion", "face.ckpt", "ckpt: a checkpoint of Stable Diffusion 1.5; expected motion modules of AnimateDiff"),
        ("vae", "still.ckpt", "still.ckpt: motion modules of AnimateDiff; expected a VAE"),
        ("controlnet", "face.ckpt", "face.ckpt: a checkpoint of Stable Diffusion 1.5; expected a ControlNet"),
        ("controlnet", "sd/vae", "vae: a AutoencoderKL; expected a ControlNet, a file or a diffusers folder"),
        ("motion", "", "a checkpoint has no motion modules; name some with --motion"),
        ("motion", "nowhere", "nowhere: no such file or folder; expected a motion adapter"),
        ("config", "sd/vae", "unet/config.json: no such file; --config names a diffusers folder"),
        ("model", "sd", "config: --config is for a checkpoint, and .*sd is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(place, name, value, message):
    with pytest.raises(ValueError, match=message):
        loaded(place, **{name: value})


def test_a_checkpoint_that_lacks_a_tensor_is_refused(place, tmp_path):
    tensors = {**published.checkpoint()[0]}
    del tensors["model.diffusion_model.output_blocks.5.1.proj_out.bias"]
    with pytest.raises(ValueError, match=r"face.safetensors: cannot be loaded \(1 tensors are missing, up_blocks.1"):
        loaded(place, model=published.save(tensors, tmp_path / "face.safetensors"))


def test_a_checkpoint_of_other_sizes_than_the_configuration_is_refused(place):
    with pytest.raises(ValueError, match="face.safetensors: cannot be loaded .* of the sizes in"):
        models.load(Choice(place / "face.safetensors", place / "still.ckpt", config=MINIATURE), "cpu", F32)


def test_without_hub_and_configuration_it_is_told_what_to_name(place, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda *args, **more: (_ for _ in ()).throw(OSError("no net"))
    )
    with pytest.raises(
        ValueError, match=r"cannot be had from the Hub \(no net\); name a diffusers folder .* with --config"
    ):
        loaded(place, config=None)


def test_a_kept_configuration_of_the_hub_is_used(place, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download",
        lambda name, **more: asked.append(more["local_files_only"]) or place / "config",
    )
    assert loaded(place, config=None).pipe and asked == [True]


# The command


def test_a_checkpoint_renders_and_a_changed_model_is_told(place, tmp_path, capsys):
    model = shutil.copy(place / "face.ckpt", tmp_path / "face.ckpt")
    given = ["--motion", str(place / "still.ckpt"), "--config", str(place / "config"), "--model", str(model)]
    given += ["--size", "64x64", "--frames", "2", "--steps", "2", "--start", "0", "--scheduler", "euler"]
    assert main(["render", *given, "--out", str(tmp_path / "a.webp")]) == 0
    published.save({**published.checkpoint()[0], "x": torch.zeros(1)}, Path(model))
    capsys.readouterr()
    assert main(["render", *given, "--like", str(tmp_path / "a.webp"), "--out", str(tmp_path / "b.webp")]) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith("note: model face.ckpt was ") and "a.webp was made, and is " in note
