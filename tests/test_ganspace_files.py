"""GANSpace's components and their tables: what can be used, and what is told of what cannot."""

from __future__ import annotations

import pytest
import torch

from wplus_ext.library import directions
from wplus_ext.library.index import Library
from wplus_ext.weights.kinds import identify

GOOD = {"mean": torch.zeros(1, 512), "comp": torch.eye(512)[:3, None], "std": torch.ones(3)}
LINE = ("smile", "1", "4", "8", "20")
BAD = {
    "NaN in a component": ({"comp": torch.full((3, 1, 512), float("nan"))}, "comp holds NaN"),
    "a negative deviation": ({"std": torch.tensor([1.0, -1.0, 1.0])}, "expected .3,. numbers above 0"),
    "a deviation of zero": ({"std": torch.zeros(3)}, "numbers above 0"),
    "components of W+": ({"comp": torch.zeros(3, 18, 512)}, "a PCA of StyleGAN's W"),
    "whole numbers": ({"comp": torch.zeros(3, 1, 512, dtype=torch.int64)}, "comp holds torch.int64, expected floats"),
    "a mean of another space": ({"mean": torch.zeros(256)}, "mean of shape .256"),
    "another number of deviations": ({"std": torch.ones(2)}, "expected .3,. numbers above 0"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "directions").mkdir()
    torch.save(GOOD, tmp_path / "directions" / "pca.pt")
    return tmp_path / "directions"


@pytest.mark.parametrize(("changed", "message"), BAD.values(), ids=BAD)
def test_components_that_are_no_such_thing(tmp_path, changed, message):
    torch.save(GOOD | changed, tmp_path / "pca.pt")
    with pytest.raises(ValueError, match=message):
        identify(tmp_path / "pca.pt")


@pytest.mark.parametrize("mark", ["\t", ",", ";"])
def test_a_table_with_other_marks_between_its_columns(folder, mark):
    (folder / "table.csv").write_text(mark.join(LINE) + "\n")
    assert Library([folder.parent]).names("directions") == ["smile"]


def test_a_byte_order_mark_eats_no_line(folder):
    (folder / "table.csv").write_text("\ufeff" + "\t".join(LINE) + "\n", encoding="utf-8")
    assert Library([folder.parent]).names("directions") == ["smile"]


def test_a_table_that_is_cut_short_is_told(folder):
    (folder / "table.csv").write_text("\t".join(LINE) + "\nage\t2\n")
    library = Library([folder.parent])
    assert library.names("directions") == ["pca"]
    assert "has 2 columns, expected 5" in str(library.left_out("directions")[0])


def test_another_table_beside_it_spoils_nothing(folder):
    (folder / "table.csv").write_text("\t".join(LINE) + "\n")
    (folder / "a.csv").write_text("date,steps\n2026,3\n")
    library = Library([folder.parent])
    assert library.names("directions") == ["smile"] and "a.csv" in str(library.left_out("directions")[0])


def test_the_hash_tells_components_apart(folder):
    (folder / "table.csv").write_text("smile\t1\t4\t8\t20\nage\t2\t4\t8\t20\n")
    library = Library([folder.parent])
    assert len({library.hash(entry) for entry in library.entries("directions")}) == 2


def test_the_hash_tells_layers_and_signs_apart(folder):
    found = set()
    for line in ("smile\t1\t4\t8\t20", "smile\t1\t4\t9\t20", "smile\t1\t4\t8\t-20"):
        (folder / "table.csv").write_text(f"{line}\n")
        library = Library([folder.parent])
        found.add(library.hash(library.find("directions", "smile")))
    assert len(found) == 3


def test_the_hash_is_not_of_the_usual_strength(folder):
    found = set()
    for line in ("smile\t1\t4\t8\t20", "smile\t1\t4\t8\t10"):
        (folder / "table.csv").write_text(f"{line}\n")
        library = Library([folder.parent])
        found.add(library.hash(library.find("directions", "smile")))
    assert len(found) == 1


def test_the_first_layers_coordinate_rules_the_step_of_all(folder):
    """As upstream's edit does."""
    (folder / "table.csv").write_text("smile\t1\t4\t8\t20\n")
    first = torch.randn(1, 512, generator=torch.Generator().manual_seed(2))
    library = Library([folder.parent])
    n, steps = directions.load(library.find("directions", "smile")).move(first, torch.tensor([5.0]), (0, 18))
    wanted = torch.zeros(18, 512)
    wanted[4:8, 1] = 5.0 - first[0, 1]
    assert torch.allclose(steps[0] * n, wanted, atol=1e-5)
