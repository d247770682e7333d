"""install.py: fast and quiet, and nothing of the host's is touched."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import install

ROOT = Path(__file__).parents[1]


def test_it_is_quiet_where_nothing_is_missing():
    done = subprocess.run([sys.executable, ROOT / "install.py"], capture_output=True, check=True, timeout=60)
    assert done.stdout == done.stderr == b""


def test_only_our_own_packages_are_installed_and_without_dependencies(monkeypatch):
    ran = []
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(install.subprocess, "run", lambda command, check: ran.append(command))
    install.install()
    assert [command[3:] for command in ran] == [["install", "--no-deps", "safetensors"]]


def test_what_the_webui_pins_is_not_ours_to_install():
    assert len(install.OWN) > 0 and not {"torch", "numpy", "gradio", "protobuf"} & set(install.OWN)


@pytest.mark.parametrize(("version", "told"), [("1.13.1+cu117", True), ("2.1.2", False), ("2.13.0+cpu", False)])
def test_an_old_torch_is_told(monkeypatch, capsys, version, told):
    monkeypatch.setattr(importlib.metadata, "version", lambda package: version)
    install.install()
    assert ("torch is 1.13.1+cu117, expected 2.1 or newer" in capsys.readouterr().out) == told


def test_the_library_imports_neither_the_webui_nor_gradio():
    code = "import sys, wplus_ext.bench, wplus_ext.library.index; print({*sys.modules} & {*sys.argv[1:]})"
    command = [sys.executable, "-c", code, "modules", "gradio"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True, timeout=120)
    assert done.stdout.strip() == "set()"
