"""Forms in which people have latents and adapters, each read without running anything."""

from __future__ import annotations

import argparse
import collections
import zipfile

import numpy as np
import plain
import pytest
import torch

from wplus_ext import Adapter, load_latent
from wplus_ext.weights.kinds import ADAPTER, LATENT, PCA, identify

W = torch.randn(18, 512, generator=torch.Generator().manual_seed(1))
NOISE = [torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 8, 8)]
FORMS = {
    "an array": W.numpy(),
    "an array in a dict": {"w": W[None].numpy()},
    "a list of one": [W],
    "a projector's dict": {"face.png": {"img": torch.zeros(3, 256, 256), "latent": W, "noise": NOISE}},
    "a dict with a name and a number": {"w_plus": W[None], "name": "anna", "loss": 0.1},
    "a batch of one": W[None],
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
def test_a_latent_in_a_torch_file(tmp_path, content, zipped):
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    assert torch.equal(load_latent(tmp_path / "w.pt"), W)


def test_a_latent_is_identified_in_its_dict(tmp_path):
    torch.save(FORMS["a projector's dict"], tmp_path / "w.pt")
    assert identify(tmp_path / "w.pt").kind is LATENT


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpys_archive(tmp_path, save):
    save(tmp_path / "w.npz", w=W[None].numpy())
    assert torch.equal(load_latent(tmp_path / "w.npz"), W)


def test_two_latents_of_two_names_are_not_guessed_between(tmp_path):
    np.savez(tmp_path / "w.npz", anna=W.numpy(), oliver=W.numpy())
    with pytest.raises(ValueError, match="2 entries .*, 2 of them latents"):
        load_latent(tmp_path / "w.npz")


def test_a_batch_is_averaged(tmp_path):
    torch.save(torch.stack([W, 3 * W]), tmp_path / "w.pt")
    assert torch.allclose(load_latent(tmp_path / "w.pt"), 2 * W)


def test_one_of_a_batch(tmp_path):
    torch.save(torch.stack([W, 3 * W]), tmp_path / "w.pt")
    assert torch.equal(load_latent(tmp_path / "w.pt", number=1), 3 * W)


def test_a_number_beyond_the_batch(tmp_path):
    torch.save(torch.stack([W, 3 * W]), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="latent 2 of 2, expected 0 to 1"):
        load_latent(tmp_path / "w.pt", number=2)


def test_an_array_of_texts_is_no_latent(tmp_path):
    torch.save(np.array(["a"] * 512), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="w.pt: .*an array of something else than numbers|w.pt: .*array of"):
        load_latent(tmp_path / "w.pt")


def test_a_namespace_is_named(tmp_path):
    torch.save({"w": W, "opts": argparse.Namespace(x=1)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="argparse.Namespace.; it was not run"):
        load_latent(tmp_path / "w.pt")


def test_ganspaces_own_archive(tmp_path):
    arrays = {"lat_mean": np.zeros((1, 512)), "lat_comp": np.eye(512)[:3, None], "lat_stdev": np.ones(3)}
    np.savez(tmp_path / "pca.npz", act_comp=np.zeros((3, 9)), **arrays)
    assert identify(tmp_path / "pca.npz").kind is PCA


def test_upstreams_training_checkpoint_is_an_adapter(tmp_path, state):
    flat = {f"w_proj_model.{name}": tensor for name, tensor in state["w_proj"].items()}
    flat |= {f"adapter_modules.{name}": tensor for name, tensor in state["wplus_adapter"].items()}
    torch.save({**flat, "unet.conv_in.weight": torch.zeros(3)}, tmp_path / "pytorch_model.bin")
    assert identify(tmp_path / "pytorch_model.bin").kind is ADAPTER
    assert torch.equal(Adapter.load(tmp_path / "pytorch_model.bin").tokens(W[None]), plain_tokens(state))


def plain_tokens(state):
    return Adapter.of(state, "published.bin").tokens(W[None])


def test_the_plain_form_agrees(state):
    assert torch.allclose(plain_tokens(state)[0], plain.phi(state, W), atol=1e-5)


def parameter():
    made = torch.nn.Parameter(W.clone())
    made.note = "by hand"
    return made


BESIDE = {
    "numpy's number": np.float32(0.1),
    "a size": torch.Size([18, 512]),
    "a set": {1, 2},
    "a frozen set": frozenset({1}),
    "a device": torch.device("cpu"),
    "a type": torch.float16,
    "a counter": collections.Counter("ab"),
    "a default dict": collections.defaultdict(list, a=[1]),
    "an ordered dict": collections.OrderedDict(a=1),
}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
def test_what_people_keep_beside_a_latent(tmp_path, beside, zipped):
    torch.save({"latent": W, "beside": beside}, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    assert torch.equal(load_latent(tmp_path / "w.pt"), W)


def test_a_parameter_with_a_note(tmp_path):
    torch.save(parameter(), tmp_path / "w.pt")
    assert torch.equal(load_latent(tmp_path / "w.pt"), W)


def test_an_archive_with_an_object_beside_the_numbers(tmp_path):
    np.savez(tmp_path / "w.npz", w=W.numpy(), meta=np.array({"a": 1}))
    assert torch.equal(load_latent(tmp_path / "w.npz"), W)


def test_numbers_of_a_big_endian_machine_are_refused(tmp_path):
    torch.save(W, tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as archive, zipfile.ZipFile(tmp_path / "big.pt", "w") as other:
        for name in archive.namelist():
            if not name.endswith("byteorder"):
                other.writestr(name, archive.read(name))
        other.writestr(f"{archive.namelist()[0].partition('/')[0]}/byteorder", "big")
    with pytest.raises(ValueError, match="big-endian"):
        load_latent(tmp_path / "big.pt")
