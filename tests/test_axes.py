"""Axes of the WebUI's X/Y/Z plot."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest
import torch

from wplus_ext.settings import Settings

LABELS = ["Tracks", "Strength", "Identity", "Adapter", "Mode", "Start"]


class AxisOption:
    """The WebUI's."""

    def __init__(self, label, type, apply, confirm=None, choices=None):
        self.label, self.type, self.apply, self.confirm, self.choices = label, type, apply, confirm, choices


@pytest.fixture
def grid(shared):
    """The plot's script, loaded, with our axes in it."""
    grid = SimpleNamespace(AxisOption=AxisOption, axis_options=[])
    grid_script = type("Script", (), {"__module__": "xyz_grid.py"})
    sys.modules["modules.scripts"].scripts_data.append(SimpleNamespace(script_class=grid_script, module=grid))
    importlib.import_module("wplus_ext.hosts.webui.axes").add_axes()
    return grid


@pytest.fixture
def axes(grid):
    return {option.label.removeprefix("[W+] "): option for option in grid.axis_options}


def test_axes_are_added(axes, grid):
    assert list(axes) == LABELS and all(option.label.startswith("[W+] ") for option in grid.axis_options)


def test_a_reloaded_page_does_not_double_them(grid):
    importlib.import_module("wplus_ext.hosts.webui.axes").add_axes()
    assert len(grid.axis_options) == len(LABELS)


def test_without_the_plot_nothing_is_added(shared):
    importlib.import_module("wplus_ext.hosts.webui.axes").add_axes()
    assert sys.modules["modules.scripts"].scripts_data == []


def test_choices_are_those_of_the_library(axes):
    assert axes["Identity"].choices() == ["None", "anna", "oliver"]


def test_a_cell_has_settings_of_its_own(axes):
    p, values = SimpleNamespace(), ["smile = 0.5; age = 1"]
    axes["Tracks"].confirm(p, values)
    axes["Tracks"].apply(p, values[0], values)
    axes["Start"].apply(p, 0.4, [0.4])
    made = Settings.from_args([False], p.wplus_overrides)
    assert made.enabled and made.tracks == "smile = 0.5\n age = 1" and made.start == 0.4


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        ("Tracks", "smile", "expected '='"),
        ("Tracks", "smyle = 1", "tracks, line 1: there is no direction 'smyle'"),
        ("Identity", "annna", "did you mean anna"),
        ("Start", 3.0, "start is 3"),
        ("Tracks", "nothing = 1", "direction 'nothing' is zero"),
    ],
)
def test_what_cannot_be_is_told_before_the_plot_begins(axes, models, axis, value, message):
    torch.save(torch.zeros(1, 512), models / "wplus/directions/nothing.pt")
    with pytest.raises(RuntimeError, match=message):
        axes[axis].confirm(SimpleNamespace(), [value])


def test_a_morph_may_be_plotted(axes):
    """Its identity is the page's, or another axis'."""
    axes["Tracks"].confirm(SimpleNamespace(), ["@oliver = 0 > 1"])
    with pytest.raises(RuntimeError, match="no latent 'olivr'"):
        axes["Tracks"].confirm(SimpleNamespace(), ["@olivr = 1"])


def test_numbers_are_the_plots_own_with_faults_of_ours(axes):
    kind = axes["Start"].type
    assert kind == float and kind != int and kind("0.4") == 0.4  # noqa: E721 - as the plot asks
    with pytest.raises(RuntimeError, match="^W\\+ Adapter: start is 'early', expected numbers"):
        kind("early")
