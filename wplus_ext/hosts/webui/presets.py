"""Curves to begin with."""

from __future__ import annotations

from dataclasses import replace

from ...tracks import format_schedule, parse_schedule

PRESETS = {  # of lambda; of an identity's alpha they are so much larger
    "From less to more": "-0.7 > 0 > 0.7",
    "There and back": "0 > 0.7 > 0",
    "Steady": "0.5",
    "Fade in": "0 > 0.7",
    "Pulse, again and again": "loop 0%:(0):smooth, 50%:(0.7):smooth",
    "Blink: down and up in the middle": "0%:(0), 45%:(0):smooth, 50%:(-0.7):smooth, 55%:(0)",
}
ALPHA = 8  # half of the axis of alpha, where that of lambda is 1; as in wplus_units.mjs


def preset_of(title: str, alpha: bool) -> str:
    """A preset's schedule, as large as lambda, or alpha, is meant to be."""
    schedule = parse_schedule(PRESETS[title])
    if not alpha:
        return format_schedule(schedule)
    keys = tuple(replace(key, value=round(key.value * ALPHA, 4)) for key in schedule.keys)
    return format_schedule(replace(schedule, keys=keys))
