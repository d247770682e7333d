"""The house itself: no long modules, no long functions."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("wplus_ext", "scripts", "tests") for path in (ROOT / folder).rglob("*.py"))
LINES_OF_A_MODULE, LINES_OF_A_FUNCTION = 300, 50

every_module = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


def long_functions(text):
    """The functions in a module's text that are too long, with their lines."""
    functions = [x for x in ast.walk(ast.parse(text)) if isinstance(x, (ast.FunctionDef, ast.AsyncFunctionDef))]
    lengths = [(function.name, function.end_lineno - function.lineno + 1) for function in functions]
    return [(name, length) for name, length in lengths if length > LINES_OF_A_FUNCTION]


def test_the_modules_are_found():
    found = {path.relative_to(ROOT).as_posix() for path in FILES}
    assert {"wplus_ext/weights/adapter.py", "scripts/wplus.py", "tests/test_house.py"} <= found


@every_module
def test_no_module_is_long(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_OF_A_MODULE


@every_module
def test_no_function_is_long(path):
    assert long_functions(path.read_text(encoding="utf-8")) == []


def test_a_long_function_is_seen():
    lines = "\n".join(["        pass"] * LINES_OF_A_FUNCTION)
    text = f"class A:\n    def f():\n{lines}\n\n\nclass B:\n    def f():\n        pass\n"
    assert long_functions(text) == [("f", LINES_OF_A_FUNCTION + 1)]
