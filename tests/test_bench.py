"""The figures that do not depend on the machine, and that the others are printed."""

from __future__ import annotations

import re

from wplus_ext.__main__ import main


def test_bench(capsys):
    assert main(["bench", "--device", "cpu", "--rows", "2", "--repeats", "1"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"16 layers, 2 rows, 64x64 latents, float32: folded [\d.]+ s, plain [\d.]+ s: [\d.]+ times", text)
    assert re.search(r"folding 16 distinct latents: [\d.]+ s", text)
    assert float(re.search(r"float16: ([\d.]+) MB", text)[1]) <= 8
    assert 0 < float(re.search(r"by counted work: ([\d.]+)% more", text)[1]) <= 2
