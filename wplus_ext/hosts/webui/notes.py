"""What is no fault, and leaves pictures as they are: said where the settings are made, and with the report."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

from ...library import directions
from ...library.index import Entry
from ...library.names import BLANKS, named_by
from ...settings import NO_IDENTITY, Settings
from ...tracks import Track

OFF = "W+ is off, so none of this is done: tick “Enable W+ Adapter”"


def note(settings: Settings) -> str:
    """Why these settings change nothing, for the page; empty where they do, or nothing is asked for."""
    if settings.enabled:
        why = idle(settings)
        return f"W+ is on and changes nothing: {why}" if why else ""
    return OFF if settings.parsed or settings.identity is not None else ""


def idle(settings: Settings) -> str:
    """Why an edit that is switched on changes nothing; empty where it does."""
    if not settings.parsed and settings.identity is None:
        return "all tracks are muted or comments" if settings.tracks.strip() else "there is no track and no identity"
    if not any(key.value for key in settings.schedule.keys):
        return "the strength is 0"
    values = [key.value for track in settings.parsed for key in track.schedule.keys]
    return "" if settings.identity is not None or any(values) else "all values of the tracks are 0"


def asked_for(args: Sequence[object], is_api: bool) -> bool:
    """Whether tracks or an identity, as far as they can be read, are left undone: on a page whose switch is off, or by
    a program that did not say whether it is on."""
    is_object = bool(args) and isinstance(args[0], Mapping)
    values = args[0] if is_object else dict(zip(Settings.__dataclass_fields__, args))
    if "enabled" in values if is_object else is_api or values.get("enabled") is not False:
        return False
    lines = [line.strip(BLANKS) for line in str(values.get("tracks") or "").splitlines()]
    return any(line and line[0] != "#" for line in lines) or values.get("identity") not in (None, "", NO_IDENTITY)


def refuse_zeros(tracks: Iterable[tuple[Track, Entry]]) -> None:
    """Raise ValueError for a direction that says nothing where its track has it: a job would be refused for it."""
    for track, entry in tracks:
        if named_by(track.name)[0] == "directions" and _says_nothing(entry, track.layers):
            raise ValueError(f"tracks, line {track.line}: {directions.zero_fault(track.name, track.layers)}")


def _says_nothing(entry: Entry, layers: tuple[int, int]) -> bool:
    try:
        return _is_zero(entry, entry.path.stat().st_mtime_ns, layers)
    except (ValueError, OSError):  # a file that cannot be used: the job says so
        return False


@functools.lru_cache(maxsize=64)
def _is_zero(entry: Entry, changed: int, layers: tuple[int, int]) -> bool:
    """Of a file as it was changed last: it is read once, however often a person types."""
    return not directions.load(entry).within(layers).any()
