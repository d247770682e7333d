"""How well faces are measured: ``python -m benchmarks.faces NETWORKS PHOTO [PHOTO …]``.

NETWORKS is the folder ``measure`` of a library; of each photo the largest upright face counts. Printed are, with what
is aimed at: how the smile follows the corners of the mouth, warped up and down by known amounts, upright and turned by
20 degrees; how far the smile of one face spreads over sizes from 64 to 512 pixels, turns up to 30 degrees, and light
from 0.6 to 1.5; how often faces that cross in a made-up video change their numbers; what a frame costs. Exit code 1
where something is missed.
"""

from __future__ import annotations

import itertools
import math
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from wplus_ext.measure.follow import measure
from wplus_ext.measure.reader import Face, Reader

SIDE = 512
CORNERS = (48, 54)  # of the mouth
LIFTED = 0.11  # eye distances, up and down
TURNS = (0, 20, -20)  # degrees


def main(arguments: list[str]) -> int:
    """Measure, and print."""
    if len(arguments) < 2:
        sys.exit(__doc__)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = Reader(arguments[0])
    photos = {path: _square(Path(path)) for path in arguments[1:]}
    seen = {name: photo for name, photo in photos.items() if _face(reader, photo)}
    for name in photos.keys() - seen.keys():
        print(f"{name}: no face that can be measured")
    if not seen:
        return 1
    met = [_line("a frame of 512x512, ms", _cost(reader, [*seen.values()][0]), 60)]
    spent = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    met.append(_line("memory of it and of the networks, MB", spent, 200))
    for name, photo in seen.items():
        ranks = [_follows(reader, photo, turn) for turn in TURNS]
        met.append(_line(f"{name}: rank correlation of smile and warp, the least", min(ranks), at_least=0.98))
        met.append(_line(f"{name}: spread of smile over sizes, turns and light", _spread(reader, photo), 0.1))
    for one, other in itertools.combinations(seen, 2):
        swaps = _swaps(reader, seen[one], seen[other])
        met.append(_line(f"{one} and {other} cross: frames with another's number", swaps, 0))
    return 0 if all(met) else 1


def _line(name: str, value: float, at_most: float | None = None, at_least: float | None = None) -> bool:
    is_met = value <= at_most if at_most is not None else value >= at_least
    target = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    print(f"{name:<80} {value:8.3f}  {target:<14} {'met' if is_met else 'MISSED'}", flush=True)
    return is_met


def _square(path: Path) -> Image.Image:
    photo = Image.open(path).convert("RGB")
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    return photo.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _face(reader: Reader, photo: Image.Image) -> Face | None:
    """The largest face, where it has numbers."""
    found = next(reader.read([np.asarray(photo)]))
    return found[0] if found and found[0].values else None


def _smile(reader: Reader, photo: Image.Image, face: Face, turn: float = 0.0) -> float:
    """The smile of a face of a photo of `SIDE` pixels in another form of it, turned against the clock by so many
    degrees; NaN where it is lost."""
    angle, middle = math.radians(turn), _middle(face) / SIDE - 0.5
    turned = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) @ middle
    found = next(reader.read([np.asarray(photo.rotate(turn, Image.Resampling.BICUBIC))]))
    away = [np.linalg.norm(_middle(each) / photo.width - 0.5 - turned) for each in found]
    nearest = found[int(np.argmin(away))] if found and min(away) < 0.5 * face.box.width / SIDE else None
    return nearest.values.get("smile", float("nan")) if nearest else float("nan")


def _middle(face: Face) -> np.ndarray:
    return np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])


def _cost(reader: Reader, photo: Image.Image) -> float:
    def timed() -> float:
        began = time.perf_counter()
        _face(reader, photo)
        return 1000 * (time.perf_counter() - began)

    return statistics.median([timed() for _ in range(20)][3:])


def _follows(reader: Reader, photo: Image.Image, turn: float) -> float:
    """Spearman's correlation of the smile with nine lifts of the mouth's corners."""
    face = _face(reader, photo)
    points = face.points
    eyes = float(np.linalg.norm(points[42:48].mean(0) - points[36:42].mean(0)))
    lifts = np.linspace(-LIFTED, LIFTED, 9) * eyes
    warped = [_warped(photo, [tuple(points[i]) for i in CORNERS], 0.22 * eyes, lift) for lift in lifts]
    smiles = np.array([_smile(reader, each, face, turn) for each in warped])
    if not np.isfinite(smiles).all():
        return float("nan")
    return float(np.corrcoef(smiles.argsort().argsort(), np.arange(9))[0, 1])


def _warped(photo: Image.Image, places: list[tuple[float, float]], width: float, up: float) -> Image.Image:
    """What lies at some places moved up by so many pixels, less and less around them."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    lift = sum(torch.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * width**2)) for px, py in places) * up
    grid = torch.stack([2 * x / SIDE - 1, 2 * (y + lift) / SIDE - 1], -1)[None]
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float()
    moved = torch.nn.functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)[0]
    return Image.fromarray(moved.permute(1, 2, 0).round().clamp(0, 255).byte().numpy())


def _spread(reader: Reader, photo: Image.Image) -> float:
    """The smile's range over a face as it is, in other sizes, turned, darker and brighter; NaN where it is lost."""
    face = _face(reader, photo)
    smiles = [_smile(reader, photo, face)]
    for side in (64, 96, 128, 192, 256, 384, 512):  # of the face
        whole = max(round(SIDE * side / max(face.box.width, face.box.height)), 1)
        smiles.append(_smile(reader, photo.resize((whole, whole), Image.Resampling.LANCZOS), face))
    smiles += [_smile(reader, photo, face, turn) for turn in (-30, -20, -10, 10, 20, 30)]
    smiles += [_smile(reader, ImageEnhance.Brightness(photo).enhance(light), face) for light in (0.6, 0.8, 1.25, 1.5)]
    return float(np.ptp(smiles))


def _crossing(heads: list[tuple[Image.Image, Image.Image]], frames: int = 30) -> Iterator[tuple[np.ndarray, list]]:
    """Frames in which the second head passes before the first, and where both are."""
    for i in range(frames):
        part, picture = i / (frames - 1), Image.new("RGB", (640, 384), (110, 120, 130))
        places = [(40 + 400 * part, 60.0), (440 - 400 * part, 75.0)]
        for (head, mask), (x, y) in zip(heads, places):
            picture.paste(head, (round(x), round(y)), mask)
        yield np.asarray(picture), [(x + 100, y + 120) for x, y in places]


def _swaps(reader: Reader, *photos: Image.Image) -> int:
    heads = [_head(photo, _face(reader, photo)) for photo in photos]
    frames, places = zip(*_crossing(heads))
    numbers: list[list[int]] = [[], []]
    for found, centres in zip(measure(frames, reader).frames, places):
        for number, face in found.items():
            away = [np.linalg.norm(_middle(face) - centre) for centre in centres]
            if min(away) < 60 and max(away) > 90:  # not where one hides the other
                numbers[int(np.argmin(away))].append(number)
    return sum(len(each) - max(map(each.count, each), default=0) for each in numbers)


def _head(photo: Image.Image, face: Face) -> tuple[Image.Image, Image.Image]:
    (x, y), radius = _middle(face), 0.75 * face.box.height
    head = photo.crop(tuple(map(round, (x - radius, y - 1.2 * radius, x + radius, y + 1.2 * radius))))
    mask = Image.new("L", (200, 240))
    ImageDraw.Draw(mask).ellipse((8, 4, 192, 236), fill=255)
    return head.resize((200, 240), Image.Resampling.LANCZOS), mask.filter(ImageFilter.GaussianBlur(4))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
