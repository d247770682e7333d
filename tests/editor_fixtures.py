"""Editors on a plain page, for the tests that name this file as their plugin."""

from __future__ import annotations

import editor_page
import pytest
from editor_page import KEYS, TRACKS, Editor


@pytest.fixture(scope="module")
def url():
    with editor_page.served() as url:
        yield url


@pytest.fixture(scope="module")
def chromium():
    """For one file: while playwright runs, no other test may start it."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if editor_page.CHROMIUM is None:
        pytest.skip("no Chromium is installed: the editor is not tested")
    with editor_page.launched(sync_api) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def window(chromium, url):
    with editor_page.opened(chromium, url) as window:
        yield window


@pytest.fixture
def page(window, url):
    """The page, loaded anew: that is quicker than a new one."""
    window.evaluate("localStorage.clear()")
    editor_page.visit(window, url)
    yield window
    window.mouse.up()  # which a test that failed may have left down
    faults, window.faults = window.faults, []
    assert faults == []


@pytest.fixture
def editor(page):
    """An editor of no text."""
    editor = Editor(page)
    editor.svg.wait_for()
    editor.settle()
    return editor


@pytest.fixture
def curve(editor):
    """An editor of four keys."""
    editor.type(KEYS)
    return editor


@pytest.fixture
def tracks(editor):
    """An editor of three tracks."""
    editor.type(TRACKS)
    return editor
