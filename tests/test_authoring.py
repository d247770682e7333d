"""New directions: made from two sets of latents, on the command line too."""

from __future__ import annotations

import pytest
import torch

from wplus_ext.__main__ import main
from wplus_ext.library.authoring import direction, make_direction
from wplus_ext.library.index import Library
from wplus_ext.weights.latents import load_direction


@pytest.fixture
def root(tmp_path):
    """A library with the latents a, b, c, d."""
    (tmp_path / "wplus" / "latents").mkdir(parents=True)
    g = torch.Generator().manual_seed(0)
    for name in "abcd":
        torch.save(torch.randn(1, 18, 512, generator=g), tmp_path / "wplus" / "latents" / f"{name}.pth")
    return tmp_path / "wplus"


def test_a_direction_is_the_way_between_two_sets():
    g = torch.Generator().manual_seed(0)
    n = torch.randn(18, 512, generator=g)
    n /= n.norm(dim=1, keepdim=True)
    latents = torch.randn(40, 18, 512, generator=g) * 0.01
    made = direction(list(latents[:20]), list(latents[20:] + 3 * n))
    assert (made * n).sum(1).min() > 0.99 and made.norm(dim=1).mean() == pytest.approx(1.0)


def test_between_equal_sets_there_is_none():
    latents = list(torch.randn(4, 18, 512))
    with pytest.raises(ValueError, match="same mean"):
        direction(latents, latents)


@pytest.mark.parametrize("value", [3e38, 1e20, 1e-4])
def test_large_and_small_numbers_make_a_direction(value):
    w = torch.full((18, 512), value)
    assert torch.allclose(direction([-w], [w]), torch.full((18, 512), 512**-0.5))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_numbers_that_are_none_make_no_direction(value):
    with pytest.raises(ValueError, match="no direction can be made"):
        direction([torch.zeros(18, 512)], [torch.full((18, 512), value)])


def test_a_direction_that_is_made_is_listed(root):
    library = Library([root])
    assert library.names("directions") == []
    path = make_direction(library, "joy", ["a"], ["b"])
    assert library.names("directions") == ["joy"]
    assert torch.equal(load_direction(path), direction([library.latent("a")], [library.latent("b")]))


@pytest.mark.parametrize("sets", [((), ("a",)), (("a",), ())])
def test_a_direction_needs_both_sets(root, sets):
    with pytest.raises(ValueError, match="needs latents without the attribute and latents with it"):
        make_direction(Library([root]), "joy", *sets)


def command(root, *arguments):
    return main(["directions", "--wplus", str(root), *arguments])


def test_the_command_takes_names_and_files(root, capsys):
    file = str(root / "latents" / "d.pth")
    assert command(root, "--make", "joy", "--without", "a", "b", "--with", "c", file) == 0
    assert "joy: a step, layers 0 to 17, norm of a layer 1.00" in capsys.readouterr().out
    library = Library([root])
    a, b, c, d = map(library.latent, "abcd")
    assert torch.equal(load_direction(root / "directions/joy.safetensors"), direction([a, b], [c, d]))


def test_the_command_lists_directions(root, capsys):
    make_direction(Library([root]), "joy", ["a"], ["b"])
    assert command(root) == 0
    assert capsys.readouterr().out.count("joy: a step, layers 0 to 17, norm of a layer 1.00") == 1


def test_the_command_says_what_a_known_one_does(root, capsys):
    assert command(root, "--make", "smile", "--without", "a", "--with", "c") == 0
    assert "smile (a broader smile): a step, layers 0 to 17" in capsys.readouterr().out


def test_the_command_does_not_write_over_a_direction(root, capsys):
    make_direction(Library([root]), "joy", ["a"], ["b"])
    before = (root / "directions/joy.safetensors").read_bytes()
    assert command(root, "--make", "joy", "--without", "a", "--with", "c") == 2
    assert "exists" in capsys.readouterr().err
    assert (root / "directions/joy.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--make", ""], "the name '': expected a name"),
        (["--with", "a"], "--with and --without need --make"),
        (["--without", "a"], "--with and --without need --make"),
        (["--force"], "--force needs --make"),
    ],
)
def test_the_command_drops_no_option(root, capsys, arguments, words):
    assert command(root, *arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name, what", [("typo", "no such folder"), ("file", "a file")])
def test_a_library_that_is_none_is_told(tmp_path, capsys, name, what):
    (tmp_path / "file").touch()
    assert command(tmp_path / name) == 2
    assert f"{tmp_path / name}: {what}, expected the folder of a library" in capsys.readouterr().err


def test_the_command_needs_both_sets(root, capsys):
    assert command(root, "--make", "joy", "--without", "a") == 2
    assert "needs latents" in capsys.readouterr().err
