"""Files that would cost much or run something: refused, or read at the price of what they hold. All loaders on many of
them: ``python -m benchmarks.files``."""

from __future__ import annotations

import random
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("memory is measured on Linux", allow_module_level=True)

from benchmarks import files, hostile

pytestmark = pytest.mark.once  # the readers are the same in both worlds

PICTURES = (".png", ".jpg", ".gif", ".tiff")


@pytest.mark.parametrize("name", hostile.KINDS)
def test_a_small_file_costs_little_and_runs_nothing(tmp_path, name):
    place = tmp_path / "directions"
    place.mkdir()
    path = hostile.KINDS[name](place, random.Random(1))
    loader = files.LOADERS["photo" if path.suffix in PICTURES else "identify"]
    spent = files.cost(loader, path)
    assert spent.fault == "" and spent.seconds < files.LONGEST and spent.size < files.MOST + files.kept(path)
    assert not (place / "ran").exists()
