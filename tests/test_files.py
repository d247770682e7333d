"""Files: what is read, and what is refused with which words."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import plain
import pytest
import torch
from safetensors.torch import save_file

from wplus_ext import Adapter, load_direction, load_latent
from wplus_ext.__main__ import main


class Evil:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def save(tensor, path):
    if path.suffix == ".npy":
        np.save(path, tensor.numpy())
    elif path.suffix == ".safetensors":
        save_file({"w": tensor.contiguous()}, path)
    else:
        torch.save(tensor, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".npy", ".safetensors"])
@pytest.mark.parametrize("shape", [(1, 18, 512), (18, 512), (1, 512), (512,)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_every_stored_form_of_a_latent(tmp_path, suffix, shape, dtype):
    stored = torch.randn(shape).to(dtype)
    for load in (load_latent, load_direction):
        w = load(save(stored, tmp_path / f"w{suffix}"))
        assert w.shape == (18, 512) and w.dtype == torch.float32
        assert torch.equal(w, stored.float().reshape(-1, 512).expand(18, 512))


def test_upstreams_latents_and_directions(data):
    for path in sorted(data.glob("latents/*.pth")):
        assert 45 < load_latent(path).norm() < 50  # saved from a GPU
    assert load_direction(data / "directions/interfacegan/smile.pt")[7].norm() == pytest.approx(1, abs=1e-4)
    for path in sorted(data.glob("directions/latent/*.npy")):
        assert 0.3 < load_direction(path)[0].norm() < 1.3
    with pytest.raises(ValueError, match="a GANSpace file with 80 components, expected one direction"):
        load_direction(data / "directions/ganspace/ffhq_pca.pt")


def test_a_pickle_that_runs_code_is_not_run(tmp_path):
    mark = tmp_path / "it-ran"
    torch.save({"w_proj": Evil(mark)}, tmp_path / "evil.bin")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Evil(mark)))
    np.save(tmp_path / "evil.npy", np.array([Evil(mark)], dtype=object), allow_pickle=True)
    for name, load in (("evil.bin", Adapter.load), ("old.pt", load_latent), ("evil.npy", load_direction)):
        with pytest.raises(ValueError, match="it was not run|nothing in it was run") as caught:
            load(tmp_path / name)
        assert name in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["a.bin", "a.pt", "a.safetensors", "a.npy"])
def test_damaged_files(tmp_path, state, name):
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(flat(state), path)
    elif path.suffix == ".npy":
        np.save(path, np.zeros((18, 512)))
    else:
        torch.save(state, path)
    whole = path.read_bytes()
    for content, message in (
        (b"", "the file is empty"),
        (whole[: len(whole) // 2], "damaged or cut short|not a whole"),
        (b"<!DOCTYPE html><title>404</title>" * 9, "damaged|not a whole"),
        (b"just some words\n" * 30, "damaged|not a whole"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as caught:
            (load_latent if path.suffix == ".npy" else Adapter.load)(path)
        assert str(path) in str(caught.value)


def flat(state):  # the flat form, as `convert` writes it
    return {f"{part}.{name}": tensor for part, tensors in state.items() for name, tensor in tensors.items()}


def test_an_unknown_ending_and_a_missing_file(tmp_path):
    (tmp_path / "w.txt").write_text("0.1 0.2")
    with pytest.raises(ValueError, match="expected a .safetensors, .npy, .pt, .pth or .bin file, got '.txt'"):
        load_latent(tmp_path / "w.txt")
    with pytest.raises(FileNotFoundError):
        load_latent(tmp_path / "nothing.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(1, 14, 512), r"shape \(1, 14, 512\); expected one tensor of shape"),
        (torch.zeros(18, 256), r"shape \(18, 256\)"),
        (torch.full((512,), float("nan")), "NaN or infinite"),
        (torch.full((18, 512), float("inf")), "NaN or infinite"),
        (torch.zeros(18, 512, dtype=torch.int64), "torch.int64; expected float16"),
        ([1.0, 2.0], "holds a list"),
        ({"a": torch.zeros(512), "b": torch.zeros(512)}, r"holds 2 entries \(a, b\)"),
    ],
)
def test_what_is_no_latent(tmp_path, content, message):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=message):
        load_latent(tmp_path / "w.pt")


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".safetensors"])
@pytest.mark.parametrize("stored", [torch.float32, torch.float16])
def test_adapters_in_every_stored_form(tmp_path, state, suffix, stored):
    cast = {part: {name: tensor.to(stored) for name, tensor in group.items()} for part, group in state.items()}
    path = tmp_path / f"wplus_adapter_stage1{suffix}"
    if suffix == ".safetensors":
        save_file(flat(cast), path)
    else:
        torch.save(cast, path)
    adapter = Adapter.load(path)
    assert adapter.widths == plain.WIDTHS and adapter.text == plain.TEXT
    assert all(torch.equal(tensor, flat(cast)[name].float()) for name, tensor in adapter.state().items())


def test_tokens(adapter, state):
    w = torch.randn(3, 18, 512)
    assert torch.allclose(adapter.tokens(w), torch.stack([plain.phi(state, x) for x in w]), atol=1e-5)
    # With no identity the length of a direction says nothing; the zero latent is the norm's bias.
    assert torch.allclose(adapter.tokens(w * 1000), adapter.tokens(w * 10), atol=1e-3)
    bias = state["w_proj"]["norm.bias"]
    assert torch.equal(adapter.tokens(torch.zeros(1, 18, 512))[0], bias.expand(4, -1))
    with pytest.raises(ValueError, match=r"w has shape \(18, 512\), expected \(B, 18, 512\)"):
        adapter.tokens(w[0])


def changed(state, **changes):
    """A copy of a checkpoint with tensors replaced, or taken out where the new one is None."""
    copy = {part: dict(group) for part, group in state.items()}
    for name, tensor in changes.items():
        part, _, key = name.partition("/")
        if tensor is None:
            del copy[part][key]
        else:
            copy[part][key] = tensor
    return copy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wplus_adapter/5.to_v_wplus.weight": None}, "'wplus_adapter.5.to_v_wplus.weight' is missing"),
        ({"w_proj/proj_3.weight": None}, "'w_proj.proj_3.weight' is missing"),
        ({"w_proj/norm.bias": None}, "'w_proj.norm.bias' is missing"),
        ({"w_proj/proj_0.bias": torch.zeros(48)}, "unexpected tensor 'w_proj.proj_0.bias'"),
        ({"wplus_adapter/2.to_k_wplus.weight": torch.zeros(2, 2)}, "unexpected tensor 'wplus_adapter.2.to_k_wplus"),
        ({"w_proj/proj_1.weight": torch.zeros(48, 7)}, r"of shape \(48, 7\), expected floats of \(48, 2048\)"),
        ({"wplus_adapter/1.to_q_wplus.weight": torch.zeros(32, 31)}, r"\(32, 31\), expected floats of \(32, 32\)"),
        ({"wplus_adapter/3.to_k_wplus.weight": torch.zeros(32, 9)}, r"\(32, 9\), expected floats of \('any', 48\)"),
        ({"w_proj/norm.weight": torch.full((48,), float("nan"))}, "'w_proj.norm.weight' holds NaN"),
        ({"w_proj/norm.weight": torch.ones(48, dtype=torch.int32)}, "'w_proj.norm.weight' is torch.int32"),
        ({"w_proj/norm.weight": "text"}, "'w_proj.norm.weight' is a str, expected a tensor"),
    ],
)
def test_wrong_tensors_are_named(tmp_path, state, changes, message):
    torch.save(changed(state, **changes), tmp_path / "a.bin")
    with pytest.raises(ValueError, match=message):
        Adapter.load(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"lora_unet_down_blocks_0.lora_up.weight": torch.zeros(2, 2)}, "looks like a LoRA"),
        ({"image_proj": {"w": torch.zeros(2)}, "ip_adapter": {"1.to_k_ip.weight": torch.zeros(2)}}, "IP-Adapter"),
        ({"model.diffusion_model.x": torch.zeros(2)}, "looks like a checkpoint"),
        ({"encoder.x": torch.zeros(2), "latent_avg": torch.zeros(2)}, "e4e encoder"),
        ({"state_dict": {"x": torch.zeros(2)}, "epoch": 3}, "'epoch' is a int, expected a tensor"),
        (torch.zeros(3), "holds a Tensor, expected the dict of a W\\+ adapter"),
    ],
)
def test_other_peoples_files_as_adapter(tmp_path, content, message):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=message):
        Adapter.load(tmp_path / "a.pt")


def test_an_adapter_as_latent(tmp_path, adapter_file):
    with pytest.raises(ValueError, match="this is an adapter: it belongs into the adapters folder"):
        load_latent(adapter_file)


def test_a_zip_that_is_no_torch_file(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("readme.txt", "hello")
    (tmp_path / "a.pt").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="damaged or cut short"):
        load_latent(tmp_path / "a.pt")


def test_inspect_and_convert(tmp_path, adapter_file, capsys):
    latent = save(torch.randn(1, 18, 512), tmp_path / "w.pth")
    assert main(["inspect", str(adapter_file)]) == 0
    assert "16 cross-attentions, text width 48" in capsys.readouterr().out
    assert main(["inspect", str(latent)]) == 0
    assert "a vector for each of 18 layers" in capsys.readouterr().out
    for source, load in ((adapter_file, Adapter.load), (latent, load_latent)):
        target = tmp_path / f"{source.stem}.safetensors"
        assert main(["convert", str(source), str(target)]) == 0
        before, after = load(source), load(target)
        same = torch.equal(before, after) if source == latent else before.state().keys() == after.state().keys()
        assert same
        if source == adapter_file:
            assert all(torch.equal(tensor, after.state()[name]) for name, tensor in before.state().items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pth", "w.safetensors", "wplus_adapter.safetensors"]


def test_the_command_line_says_what_is_wrong_in_one_line(tmp_path, adapter_file, capsys):
    target = tmp_path / "out.safetensors"
    target.write_bytes(b"precious")
    for arguments, message in (
        (["inspect", str(tmp_path / "none.pt")], "none.pt: No such file"),
        (["convert", str(adapter_file), str(tmp_path / "a.bin")], "expected a name that ends in .safetensors"),
        (["convert", str(adapter_file), str(tmp_path / "none" / "a.safetensors")], "no such folder, expected one"),
        (["convert", str(adapter_file), str(target)], "exists; choose another name, or add --force"),
    ):
        assert main(arguments) == 2
        output = capsys.readouterr()
        assert message in output.err and output.err.count("\n") == 1 and not output.out
    assert target.read_bytes() == b"precious"
    assert main(["convert", str(adapter_file), str(target), "--force"]) == 0
    assert Adapter.load(target).text == plain.TEXT


@pytest.mark.parametrize("name", ["w.pt", "w.npy", "w.safetensors"])
def test_damage_anywhere_is_a_clear_error(tmp_path, name):
    """Whatever a damaged file makes the readers raise, a person sees one kind of error."""
    path = save(torch.randn(18, 512), tmp_path / name)
    whole, g = bytearray(path.read_bytes()), np.random.default_rng(0)
    for _ in range(150):
        broken = whole.copy()
        for at in g.integers(0, min(len(broken), 700), 8):
            broken[at] = g.integers(256)
        path.write_bytes(broken[: g.integers(1, len(broken))] if g.random() < 0.3 else broken)
        try:
            assert load_latent(path).shape == (18, 512)
        except ValueError as error:
            assert str(path) in str(error)


def test_a_cut_legacy_file_is_not_called_evil(tmp_path):
    path = tmp_path / "w.pt"
    torch.save(torch.randn(18, 512), path, _use_new_zipfile_serialization=False)
    assert load_latent(path).shape == (18, 512)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="damaged"):
        load_latent(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.zeros(18, 512).to_sparse(), "tensors and numbers .torch._utils._rebuild_sparse_tensor.; it was not run"),
        ({"mean": 1, "comp": 1, "std": 1}, r"holds 3 entries \(mean, comp, std\)"),
    ],
)
def test_odd_tensors(tmp_path, content, message):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=message):
        load_direction(tmp_path / "w.pt")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(ValueError, match="a folder, expected a file"):
        load_direction(tmp_path / "folder.pt")
