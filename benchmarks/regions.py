"""What an edit in a region does outside of it, and to another face, measured on the miniature.

    python -m benchmarks.regions [SEEDS]

The exit code is 1 where a figure misses what is aimed at.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import torch

from wplus_ext.edit.places import SOFT, mask
from wplus_ext.edit.plan import Plan
from wplus_ext.library.resolve import resolve
from wplus_ext.miniature import world
from wplus_ext.miniature.measure import Ruler
from wplus_ext.settings import Settings
from wplus_ext.studio.pipeline import MINIATURE, Draft, Studio
from wplus_ext.studio.shot import Shot

FACE = (0.5, 0.58, 0.21, 0.24)  # around a drawn face, from its brows to its chin
SMILE, BACKGROUND = (world.FACTORS.index(name) for name in ("smile", "background"))
START = 0.3  # of the steps, from which on a video of two faces is made anew


def main(arguments: list[str]) -> int:
    """Print the figures; 0 where all are met."""
    seeds = range(int(arguments[0]) if arguments else 6)
    studio, ruler = Studio(), Ruler(MINIATURE)
    shot = Shot.from_dict({**studio.defaults(), "frames": 8})
    missed = [*_around_a_face(studio, ruler, shot, seeds), *_beside_another(studio, ruler, shot, seeds)]
    return int(any(missed))


def _line(name: str, value: float, target: float, at_least: bool = False) -> bool:
    """Print a figure; whether it is missed."""
    missed = value < target if at_least else value > target
    print(f"{name}: {value:.3f} ({'at least' if at_least else 'at most'} {target:g}){', missed' if missed else ''}")
    return missed


def _around_a_face(studio: Studio, ruler: Ruler, shot: Shot, seeds: range) -> list[bool]:
    """A smile in a region around the face, against one everywhere: what it gives, and what it does elsewhere."""
    size = studio.size(shot)
    outside = mask(FACE, size[::-1]).reshape(size[::-1]) == 0
    found = []
    for seed in seeds:
        edits = {name: _edited(shot, seed, value, regional) for name, value, regional in (
            ("none", 0.0, False), ("up", 0.6, False), ("down", -0.6, False), ("up in it", 0.6, True),
            ("down in it", -0.6, True),
        )}  # fmt: skip
        videos = {name: frames for name, (frames, _) in zip(edits, studio.render([*edits.values()]))}
        for way in ("up", "down"):  # what the reader sees of an edit in the background, where there is none
            videos[f"{way} pasted"] = np.where(outside[..., None], videos["none"], videos[f"{way} in it"])
        read = {name: ruler.factors(frames).numpy() for name, frames in videos.items()}
        found.append([_figures(videos, read, where, outside) for where in ("", " in it", " pasted")])
    (gain, background, pixels), (own_gain, own_background, own_pixels), (_, seen, _) = np.array(found).mean(0)
    print(f"a smile everywhere: {gain:.2f}, background {background:.3f}, pixels outside {pixels:.2f} of 255")
    print(f"background's change in a region {own_background:.3f}; read so in unedited surroundings too: {seen:.3f}")
    return [
        _line("smile in a region, of what it is without", own_gain / gain, 0.9, at_least=True),
        _line("background's change, of what it is without", own_background / background, 1 / 3),
        _line("change of the pixels outside, of what it is without", own_pixels / pixels, 1 / 3),
    ]


def _edited(shot: Shot, seed: int, value: float, regional: bool) -> Shot:
    text = f"smile{'[face]' * regional} = {value}"
    region = f"face = ({' '.join(map(str, FACE))})"
    return replace(shot, seed=seed, edit=Settings(enabled=True, tracks=text, regions=region, start=shot.edit.start))


def _figures(
    videos: dict[str, np.ndarray], read: dict[str, np.ndarray], where: str, outside: np.ndarray
) -> tuple[float, float, float]:
    """From down to up: the change of the smile; and on average of both from none: those of the background and of the
    pixels outside."""
    ways = [f"{way}{where}" for way in ("up", "down")]
    up, down = (read[way][..., SMILE].mean() for way in ways)
    background = [np.abs(read[way] - read["none"])[..., BACKGROUND].mean() for way in ways]
    pixels = [np.abs(videos[way].astype(float) - videos["none"])[:, outside].mean() for way in ways]
    return float(up - down), float(np.mean(background)), float(np.mean(pixels))


def _beside_another(studio: Studio, ruler: Ruler, shot: Shot, seeds: range) -> list[bool]:
    """Two faces side by side, of which one smiles in a region of its own: the change of the other's smile."""
    ratios = []
    for seed in seeds:
        draft = _side_by_side(studio, shot, seed)
        smiles = {}
        for side, value in (("none", 0.0), ("left", 0.6), ("right", 0.6)):
            plan = _plan(studio, shot, side, value)
            adapter = None if plan.is_empty else studio.library.adapter()
            frames = studio.finish(studio.advance(draft, None, adapter, plan))[0]
            halves = np.split(frames, 2, 2)
            smiles[side] = [float(ruler.factors(half)[..., SMILE].mean()) for half in halves]
        for own, side in enumerate(("left", "right")):
            moved = np.abs(np.array(smiles[side]) - smiles["none"])
            ratios.append((moved[1 - own], moved[own]))
    other, own = np.mean(ratios, 0)
    print(f"two faces: a smile in one's region moves it by {own:.2f}, the other by {other:.2f}")
    return [_line("the other face's change, of one's own", other / own, 0.2)]


def _side_by_side(studio: Studio, shot: Shot, seed: int) -> Draft:
    """Two videos of the miniature as one of twice their width, some of whose steps are to be taken again."""
    videos = [studio.advance(studio.begin(replace(shot, seed=2 * seed + i))) for i in range(2)]
    draft = studio.begin(replace(shot, seed=seed, width=2 * studio.size(shot)[0]))
    call = round(START * draft.calls)
    both = torch.cat([video.latents for video in videos], -1)
    noisy = draft.scheduler.add_noise(both, draft.latents, draft.scheduler.timesteps[call : call + 1])
    return replace(draft, latents=noisy, call=call)


def _plan(studio: Studio, shot: Shot, side: str, value: float) -> Plan:
    x = {"left": 0.25, "right": 0.75}.get(side, 0.5)
    region = f"one = ({x} {FACE[1]} {FACE[2] / 2} {FACE[3]})"
    settings = Settings(enabled=True, tracks=f"smile[one] = {value}", regions=region, start=0.0)
    return resolve(settings, studio.library).plan(shot.frames)


if __name__ == "__main__":
    print(f"ellipses fade from {1 - SOFT:g} to {1 + SOFT:g} of their size")
    sys.exit(main(sys.argv[1:]))
