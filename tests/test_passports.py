"""Passports: tokens that say whose a row is."""

from __future__ import annotations

import importlib

import pytest
import torch

ROWS = [(frame, bool(frame % 3)) for frame in (*range(300), 9_999, 123_456, 2_000_000)]


@pytest.fixture
def passports(shared):
    return importlib.import_module("wplus_ext.hosts.webui.passports")


@pytest.fixture
def text(passports):
    """Tokens of a text, each row with its passport."""
    return torch.cat([torch.randn(len(ROWS), 77, 768), passports.passports(ROWS, torch.zeros(1, 1, 768))], 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_passports_survive_every_type(passports, text, dtype):
    frames, negative = passports.read_passports(text.to(dtype))
    assert list(zip(frames, negative, strict=True)) == ROWS


def test_rows_without_passports_are_refused(passports, text):
    with pytest.raises(RuntimeError, match="rows that the sampler did not send"):
        passports.read_passports(text[:, :-1])


def test_one_row_without_a_passport_is_refused(passports, text):
    text[7, -1] = 0
    with pytest.raises(RuntimeError, match="rows that the sampler did not send"):
        passports.read_passports(text)
