"""The direct mode: tokens appended to the text."""

from __future__ import annotations

import plain
import pytest
import torch
from unets import F, call, edited, expected_rows, latents

from wplus_ext import Branch

BRANCHES = [Branch(latents(seed=1), [0.5, 0, 0.25, 1]), Branch(latents(F, seed=2), -0.5)]


@pytest.fixture
def texts(unet, adapter):
    """What the first cross-attention reads without and with the edit."""
    paths = plain.compvis_paths() if hasattr(unet, "input_blocks") else plain.diffusers_paths()
    attention, seen = unet.get_submodule(paths[0]), []
    handle = attention.to_k.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    try:
        call(unet)
        with edited(unet, adapter, BRANCHES, mode="direct"):
            call(unet)
    finally:
        handle.remove()
    return seen


def test_four_tokens_are_appended(texts):
    before, after = texts
    assert before.shape[1] == 77 and after.shape[1] == 77 + 4


def test_the_text_itself_stays(texts):
    before, after = texts
    assert torch.equal(after[:, :77], before)


def test_the_tokens_are_the_sum_of_the_terms(texts, state):
    _, after = texts
    for row, terms in zip(after, expected_rows(BRANCHES), strict=True):
        wanted = sum(scale * plain.phi(state, w) for scale, w in terms)
        assert torch.allclose(row[77:], wanted, atol=1e-5)


def test_the_picture_changes(unet, adapter):
    before = call(unet)
    with edited(unet, adapter, BRANCHES, mode="direct"):
        assert not torch.equal(call(unet), before)


def test_an_attention_without_text_is_refused(compvis, adapter):
    attention = compvis.get_submodule(plain.compvis_paths()[0])
    with edited(compvis, adapter, BRANCHES, [0], [False], mode="direct"), pytest.raises(RuntimeError, match="the text"):
        attention(torch.zeros(1, 4, 32))
