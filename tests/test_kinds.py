"""What a file is, as ``inspect`` and ``convert`` say it."""

from __future__ import annotations

import plain
import pytest
import torch

from wplus_ext import Adapter, load_latent
from wplus_ext.__main__ import main
from wplus_ext.weights import kinds


@pytest.fixture
def latent(tmp_path):
    return plain.save(torch.randn(1, 18, 512), tmp_path / "w.pth")


@pytest.fixture
def table(tmp_path):
    (tmp_path / "names.csv").write_text("grin\t1\t4\t6\t20\nfrown\t2\t0\t18\t-15\n")
    return tmp_path / "names.csv"


@pytest.fixture
def pca(tmp_path):
    content = {"mean": torch.zeros(1, 512), "comp": torch.eye(3, 512)[:, None], "std": torch.ones(3)}
    return plain.save(content, tmp_path / "pca.pt")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("adapter_file", "16 cross-attentions, text width 48"),
        ("latent", "a vector for each of 18 layers"),
        ("pca", "GANSpace PCA with 3 components"),
        ("table", "GANSpace table of 2 directions"),
    ],
)
def test_what_a_file_is(request, capsys, name, words):
    assert main(["inspect", str(request.getfixturevalue(name))]) == 0
    assert words in capsys.readouterr().out


def test_a_latent_of_one_vector_is_called_that(tmp_path, capsys):
    assert main(["inspect", str(plain.save(torch.ones(512), tmp_path / "w.pt"))]) == 0
    assert "the same vector in all 18 layers" in capsys.readouterr().out


def test_a_converted_latent_is_the_same(latent, tmp_path):
    target = tmp_path / "to.safetensors"
    assert main(["convert", str(latent), str(target)]) == 0
    assert torch.equal(load_latent(target), load_latent(latent))


def test_a_converted_adapter_is_the_same(adapter_file, tmp_path):
    target = tmp_path / "to.safetensors"
    assert main(["convert", str(adapter_file), str(target)]) == 0
    before, after = Adapter.load(adapter_file).state(), Adapter.load(target).state()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_converted_pca_is_the_same(pca, tmp_path):
    target = tmp_path / "to.safetensors"
    assert main(["convert", str(pca), str(target)]) == 0
    before, after = kinds.identify(pca), kinds.identify(target)
    assert before.kind is after.kind is kinds.PCA
    assert all(torch.equal(tensor, after.content[name]) for name, tensor in before.content.items())


def test_nothing_else_is_left_beside_it(latent, tmp_path):
    assert main(["convert", str(latent), str(tmp_path / "to.safetensors")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["to.safetensors", "w.pth"]


@pytest.fixture
def precious(tmp_path):
    (tmp_path / "out.safetensors").write_bytes(b"precious")
    return tmp_path / "out.safetensors"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "{tmp}/none.pt"], "none.pt: No such file"),
        (["convert", "{adapter}", "{tmp}/a.bin"], "expected a name that ends in .safetensors"),
        (["convert", "{adapter}", "{tmp}/none/a.safetensors"], "no such folder, expected one"),
        (["convert", "{adapter}", "{tmp}/out.safetensors"], "exists; choose another name, or add --force"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, adapter_file, precious, capsys, arguments, message):
    assert main([part.format(tmp=tmp_path, adapter=adapter_file) for part in arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err and output.err.count("\n") == 1 and not output.out
    assert precious.read_bytes() == b"precious"


def test_a_file_is_written_over_by_force(adapter_file, precious):
    assert main(["convert", str(adapter_file), str(precious), "--force"]) == 0
    assert Adapter.load(precious).text == plain.TEXT
