"""The shapes in the signatures of wplus_ext/weights, edit and measure are those of the tensors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jaxtyping", reason="jaxtyping is not installed: shapes in signatures are not checked")
checks = pytest.importorskip("shape_checks", reason="beartype is not installed: shapes in signatures are not checked")

WRONG = {name for name in checks.CHECKS if "wrong_shape" in name or "whole_numbers" in name}


@pytest.fixture(scope="module")
def raised():
    """What each call raised, in a process where every signature is checked."""
    command = [sys.executable, Path(checks.__file__)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", sorted(checks.CHECKS.keys() - WRONG))
def test_shapes_are_those_of_the_signature(raised, name):
    assert raised[name] == ""


@pytest.mark.parametrize("name", sorted(WRONG))
def test_the_checks_are_alive(raised, name):
    assert raised[name].startswith("TypeCheckError: ")
