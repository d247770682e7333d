"""Settings in files, as ``--like`` reads them: of later versions, and with anything in any place."""

from __future__ import annotations

import dataclasses
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from wplus_ext.settings import Settings
from wplus_ext.studio import record, video
from wplus_ext.studio.shot import Shot
from wplus_ext.version import VERSION

SHOT = [field.name for field in dataclasses.fields(Shot)]
EDIT = [field.name for field in dataclasses.fields(Settings)]


class Nameless:
    name, library = "miniature", None


@pytest.fixture
def load(tmp_path):
    """Reads settings from a file."""

    def load(content):
        info = PngInfo()
        info.add_text(video.KEY, content if isinstance(content, str) else json.dumps(content))
        Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info)
        return record.load(tmp_path / "a.png", Nameless())

    return load


def test_a_later_version_is_named_where_its_settings_are_unknown(load):
    with pytest.raises(ValueError) as told:
        load({"version": "99.0.1", "shots": [{"colour": 3}]})
    assert f"a.png: made by version 99.0.1, this is {VERSION} (unknown field 'colour'; expected prompt" in str(
        told.value
    )
    assert str(told.value).endswith("; update this one")


def test_a_later_version_is_told_where_they_are_known(load):
    _, notes = load({"version": "99.0", "model": "miniature", "shots": [{}]})
    assert len(notes) == 1 and notes[0].endswith(f"a.png was made by version 99.0, this is {VERSION}")


@pytest.mark.parametrize("version", [VERSION, "0.0.9", None, 7, [], {}, "x", "9" * 5000, "99\n", "９９"])
def test_of_others_nothing_is_said(load, version):
    assert load({"version": version, "model": "miniature", "shots": [{}]})[1] == []


@pytest.mark.parametrize("value", ["null", "true", "-1", "1e999", '"x"', "[]", "{}", "[" * 900 + "]" * 900])
def test_anything_in_any_place_is_one_line_that_names_the_file(load, value):
    places = [f'{{"shots": [{{"{name}": {value}}}]}}' for name in SHOT]
    places += [f'{{"shots": [{{"edit": {{"{name}": {value}}}}}]}}' for name in EDIT]
    refused = 0
    for text in [*places, f'{{"shots": {value}}}', f'{{"shots": [{value}]}}', value]:
        try:
            load(text if text.startswith("{") else f'{{"shots": [], "x": {text}}}')
        except ValueError as error:
            refused += 1
            assert "a.png: its settings are not those of render or sweep (" in str(error) and "\n" not in str(error)
    assert refused > len(EDIT)
