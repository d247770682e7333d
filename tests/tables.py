"""Writes the tables of the docs that follow from the code: ``python tests/tables.py``.

A table stands between ``<!-- fields -->`` and ``<!-- /fields -->``, or another of the names in `TABLES`; what stands
there is written anew, and all else stays.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # where this is a script

from wplus_ext.__main__ import _parser  # noqa: E402
from wplus_ext.fields import Field, fields_of  # noqa: E402
from wplus_ext.hosts.webui.order import FIELDS_OF, Order  # noqa: E402
from wplus_ext.settings import Settings  # noqa: E402
from wplus_ext.studio.shot import Shot  # noqa: E402

COMMAND = "python tests/tables.py"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
PLACE = re.compile(r"(<!-- (?P<name>[a-z]+) -->\n).*?(<!-- /(?P=name) -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page's text with its tables as the code has them now. Raises KeyError for a table that there is not."""
    return PLACE.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}\n{match[3]}", text)


def fields_table() -> str:
    """The settings: of the page, the API, the infotext and the command line."""
    rows = [(f"`{f.name}`", f.label, _default(f), _allowed(f), _meaning(f)) for f in fields_of(Settings)]
    return _table(("field", "on the page", "default", "may be", "meaning"), rows)


def video_table() -> str:
    """The settings of a video, as options of the command line."""
    rows = [(_option(f), _default(f), _allowed(f), _meaning(f)) for f in fields_of(Shot)]
    return _table(("option", "default", "may be", "meaning"), rows)


def several_table() -> str:
    """What the script for several videos is asked for."""
    modes = {name: " and ".join(mode for mode in FIELDS_OF if name in FIELDS_OF[mode]) for name in _names(FIELDS_OF)}
    rows = [
        (f"`{f.name}`", f.label, modes.get(f.name, "all"), _default(f).replace("\n", "`, `"), _allowed(f), _meaning(f))
        for f in fields_of(Order)
    ]
    return _table(("field", "on the page", "of", "default", "may be", "meaning"), rows)


def commands_table() -> str:
    """The commands, with the help that they give."""
    (commands,) = (action for action in _parser()._actions if action.dest == "command")
    rows = [(f"`{action.dest}`", action.help.replace("%%", "%")) for action in commands._get_subactions()]
    return _table(("command", "what it does"), rows)


TABLES = {"fields": fields_table, "several": several_table, "video": video_table, "commands": commands_table}


def _names(fields: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for names in fields.values() for name in names]


def _meaning(field: Field) -> str:
    return f"{field.help}; {field.note}" if field.note else field.help


def _option(field: Field) -> str:
    if field.name in ("width", "height"):
        return f"`--size` ({field.name})"
    return f"`--{field.name.replace('_', '-')}`"


def _default(field: Field) -> str:
    if field.default is None:
        return "none"
    if field.default == "":
        return "empty"
    if field.kind is bool:
        return "on" if field.default else "off"
    return f"`{_number(field.default)}`" if field.kind in (int, float) else f"`{field.default}`"


def _allowed(field: Field) -> str:
    if field.choices:
        return " or ".join(f"`{choice}`" for choice in field.choices)
    if field.folder:
        return f"a name in `{field.folder}/`" + (", or none" if field.optional else "")
    what = {bool: "on or off", int: "a whole number", float: "a number", str: "a text"}[field.kind]
    return what if field.low is None else f"{what}, {_number(field.low)} to {_number(field.high)}"


def _number(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def main() -> None:
    """Rewrite the tables in place, and say where they changed."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        now = filled(text)
        if now != text:
            page.write_text(now, encoding="utf-8")
            print(f"{page.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
