"""The miniature's world: drawn faces, their captions, and W+ latents that describe them.

A face is seven independent factors, each about -1 to 1, and a pose that nothing names. Everything is
drawn from a ``torch.Generator``, so that a seed gives the same world again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..weights.shapes import LAYERS, WIDTH

SIZE = 64  # pixels of a side
FACTORS = ("smile", "age", "eyes", "turn", "hair", "skin", "background")
POSE = ("x", "y", "tilt", "scale")
# The layers of W+ in which a factor lives, coarse to fine as in StyleGAN.
FACTOR_LAYERS = {
    "smile": (2, 12),
    "age": (0, 18),
    "eyes": (4, 12),
    "turn": (0, 8),
    "hair": (8, 18),
    "skin": (8, 18),
    "background": (12, 18),
}
PER_ALPHA = 0.25  # of a factor, for one length of its direction
MEAN_NORM, STEP_NORM, NUISANCE = 8.0, 4.0, 0.03  # per layer; NUISANCE is a deviation per number

_HAIR = ((0.10, 0.08, 0.09), (0.50, 0.24, 0.12), (0.93, 0.80, 0.42))
_SKIN = ((0.42, 0.27, 0.19), (0.76, 0.55, 0.42), (0.98, 0.85, 0.75))
_BACKGROUND = ((0.25, 0.42, 0.72), (0.55, 0.60, 0.58), (0.86, 0.55, 0.62))
_WORDS = {
    "hair": ("black", "brown", "blond"),
    "skin": ("dark", "tan", "light"),
    "background": ("blue", "grey", "pink"),
}


def faces(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Factors (count, 7) and poses (count, 4) of faces at random."""
    normal = torch.randn(count, 4, generator=generator) * 0.5
    uniform = torch.rand(count, 3, generator=generator) * 2 - 1
    factors = torch.cat([normal.clamp(-1.25, 1.25), uniform], 1)
    return factors, torch.randn(count, len(POSE), generator=generator).clamp(-2, 2) / 2


def variants(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Factors (count, 4, 7) and poses (count, 4, 4) of faces in four variants each.

    A face's variants differ in smile, age, eyes and turn, each uniform within -1.25 to 1.25, in pairs
    of opposite signs; all else is the same.
    """
    factors, pose = faces(count, generator)
    first = (torch.rand(count, 4, generator=generator) * 2 - 1) * 1.25
    second = first * (torch.randint(2, (count, 4), generator=generator) * 2 - 1)
    factors, pose = factors[:, None].repeat(1, 4, 1), pose[:, None].repeat(1, 4, 1)
    factors[..., :4] = torch.stack([first, -first, second, -second], 1)
    return factors, pose


def clips(count: int, frames: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Factors (count, frames, 7) and poses (count, frames, 4) of short clips.

    Heads sway and turn a little, eyes blink, and the expression drifts, in some clips far.
    """
    factors, pose = (x[:, None].repeat(1, frames, 1) for x in faces(count, generator))

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    time = torch.linspace(0, 1, frames)
    sway = torch.sin(2 * math.pi * (time * (0.5 + rand(1)) + rand(1)))
    pose[..., 0] += 0.25 * sway * rand(1)
    pose[..., 2] += 0.35 * sway * rand(1)
    factors[..., 3] += 0.25 * sway * rand(1)
    blink = torch.exp(-(((time * (frames - 1) - rand(1) * 2 * frames) / 1.2) ** 2))  # half of the clips have one
    factors[..., 2] += blink * (-1 - factors[..., 2])
    drift = torch.cos(2 * math.pi * (time * (0.25 + 0.75 * rand(1)) + rand(1)))
    far = (rand(1) < 0.6) * rand(1)
    smile = factors[..., 0] + 0.9 * far * (drift - drift.mean(1, keepdim=True))
    factors[..., 0] = smile.clamp(-1.25, 1.25)
    return factors, pose


def captions(factors: Tensor, generator: torch.Generator) -> list[str]:
    """A caption for each of (B, 7) factors. Hair, skin and background are named, each nine times of ten;
    smile, age, eyes and turn never."""
    texts = []
    for face in factors:
        named = torch.rand(3, generator=generator) < 0.9
        words = {name: _WORDS[name][_third(float(face[FACTORS.index(name)]))] for name in _WORDS}
        parts = [f"{words[name]} {name}" for name in ("hair", "skin") if named[list(_WORDS).index(name)]]
        text = "a face" + (f" with {' and '.join(parts)}" if parts else "")
        texts.append(text + (f" on a {words['background']} background" if named[2] else ""))
    return texts


def vocabulary() -> list[str]:
    """The words of all captions."""
    words = {word for choices in _WORDS.values() for word in choices} | set(_WORDS)
    return sorted(words | {"a", "face", "with", "and", "on"})


def _third(value: float) -> int:
    return min(int((value + 1) * 1.5), 2)


@dataclass(frozen=True, eq=False)
class LatentSpace:
    """W+ latents of true shape: ``mean`` (18, 512) and a direction for each factor (7, 18, 512), orthogonal,
    fixed once and for all."""

    mean: Tensor
    directions: Tensor = field(repr=False)

    @classmethod
    def make(cls, seed: int = 0) -> LatentSpace:
        """The space of a seed."""
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(LAYERS, 1 + len(FACTORS), WIDTH, generator=generator, dtype=torch.float64)
        rows = torch.linalg.qr(rows.transpose(1, 2))[0].transpose(1, 2).float()  # orthonormal in each layer
        directions = torch.zeros(len(FACTORS), LAYERS, WIDTH)
        for i, name in enumerate(FACTORS):
            first, end = FACTOR_LAYERS[name]
            directions[i, first:end] = rows[first:end, i + 1] * STEP_NORM * PER_ALPHA
        return cls(rows[:, 0] * MEAN_NORM, directions)

    def latents(self, factors: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents (B, 18, 512) of (B, 7) factors; with nuisance noise where there is a generator."""
        w = self.mean + torch.einsum("bk,kld->bld", factors / PER_ALPHA, self.directions)
        if generator is not None:
            w = w + torch.randn(w.shape, generator=generator) * NUISANCE
        return w

    def factors(self, w: Tensor) -> Tensor:
        """The factors (B, 7) of latents (B, 18, 512)."""
        sizes = self.directions.square().sum((1, 2))
        return torch.einsum("bld,kld->bk", w - self.mean, self.directions) / sizes * PER_ALPHA


@dataclass(frozen=True, eq=False)
class _Pen:
    """Draws on pictures (B, 3, 64, 64); the places ``x`` and ``y`` (B, 64, 64) are the face's own, and ``blur`` is the
    width of an edge."""

    x: Tensor
    y: Tensor
    blur: Tensor

    def inside(self, distance: Tensor) -> Tensor:
        return (0.5 - distance / self.blur).clamp(0, 1)

    def ellipse(self, cx: Tensor | float, cy: Tensor | float, rx: Tensor | float, ry: Tensor | float) -> Tensor:
        u, v = (self.x - cx) / rx, (self.y - cy) / ry
        length = (u * u + v * v).sqrt()
        slope = ((u / rx) ** 2 + (v / ry) ** 2).sqrt() / length.clamp_min(1e-6)
        return self.inside((length - 1) / slope.clamp_min(1e-6))

    def stroke(self, cx: Tensor | float, half: Tensor | float, at: Tensor, width: Tensor | float) -> Tensor:
        return self.inside((self.y - at).abs() - width) * self.inside((self.x - cx).abs() - half)

    def level(self, at: float) -> Tensor:
        """A height, as `stroke` takes it."""
        return self.y.new_tensor(at)


def draw(factors: Tensor, pose: Tensor) -> Tensor:
    """Pictures (B, 3, 64, 64) in -1 to 1 of (B, 7) factors and (B, 4) poses."""
    count = len(factors)
    smile, age, eyes, turn, hair, skin, background = (x.view(count, 1, 1) for x in factors.float().unbind(1))
    x0, y0, tilt, scale = (x.view(count, 1, 1) for x in pose.float().unbind(1))
    line = (torch.arange(SIZE) + 0.5) * 2 / SIZE - 1
    size = 0.66 * (1 + 0.06 * scale)
    px, py = (line.view(1, 1, -1) - 0.08 * x0) / size, (line.view(1, -1, 1) - 0.05 - 0.08 * y0) / size
    angle = 0.12 * tilt
    x, y = px * angle.cos() + py * angle.sin(), py * angle.cos() - px * angle.sin()
    pen = _Pen(x, y, 1.3 * 2 / SIZE / size)
    hair_colour, skin_colour = _ramp(_HAIR, hair), _ramp(_SKIN, skin)
    picture = _ramp(_BACKGROUND, background) * (1.08 - 0.16 * (py + 1)[:, None] / 2)
    picture, face = _draw_head(pen, picture, hair_colour, skin_colour, age, turn)
    picture = _draw_age(pen, picture, face, skin_colour, age, turn)
    picture = _draw_eyes(pen, picture, hair_colour, skin_colour, eyes, turn)
    picture = _draw_mouth(pen, picture, face, smile, turn)
    return picture.clamp(0, 1) * 2 - 1


def _draw_head(
    pen: _Pen, picture: Tensor, hair_colour: Tensor, skin_colour: Tensor, age: Tensor, turn: Tensor
) -> tuple[Tensor, Tensor]:
    """Shoulders, hair, neck and face; gives the picture and where the face is."""
    picture = _paint(picture, _colour(0.30, 0.33, 0.42), pen.ellipse(0, 1.75, 1.05, 0.72))
    picture = _paint(picture, hair_colour, pen.ellipse(-0.06 * turn, -0.10, 0.90, 1.02))
    picture = _paint(picture, skin_colour * 0.9, pen.ellipse(0, 0.95, 0.26, 0.40))
    face = pen.ellipse(0.04 * turn, 0.10 + 0.05 * age, 0.70 - 0.08 * age, 0.84 + 0.08 * age)
    picture = _paint(picture, skin_colour, face)
    fringe = face * pen.inside(pen.y + 0.50 - 0.10 * (pen.x + 0.4 * turn) ** 2)
    return _paint(picture, hair_colour, fringe), face


def _draw_age(pen: _Pen, picture: Tensor, face: Tensor, skin_colour: Tensor, age: Tensor, turn: Tensor) -> Tensor:
    """Red cheeks of the young, lines of the old."""
    dark, centre = skin_colour * 0.55, _centre(turn)
    old, young = ((age + 1) / 2).clamp(0, 1.15), ((1 - age) / 2).clamp(0, 1.15)
    for side in (-1, 1):
        cheek = pen.ellipse(centre + side * 0.42, 0.33, 0.17, 0.13)
        picture = _paint(picture, _colour(0.93, 0.42, 0.42), young * 0.5 * cheek)
    for at in (-0.41, -0.33):
        picture = _paint(picture, dark, face * old * 0.9 * pen.stroke(centre * 0.7, 0.34, pen.level(at), 0.02))
    for side in (-1, 1):
        fold = 0.28 + 0.75 * (side * (pen.x - centre) - 0.20)
        picture = _paint(picture, dark, old * 0.9 * pen.stroke(centre + side * 0.34, 0.10, fold, 0.025))
    return picture


def _draw_eyes(
    pen: _Pen, picture: Tensor, hair_colour: Tensor, skin_colour: Tensor, eyes: Tensor, turn: Tensor
) -> Tensor:
    """Eyes with their lids and brows, and the nose."""
    dark, centre, x = skin_colour * 0.55, _centre(turn), pen.x
    opened = ((eyes + 1) / 2).clamp(0, 1.12)
    for side in (-1, 1):
        ex = centre + side * 0.29 * (1 - 0.10 * turn * side)
        white = pen.ellipse(ex, -0.06, 0.18, 0.015 + 0.155 * opened)
        picture = _paint(picture, _colour(0.97, 0.97, 0.97), white)
        iris = pen.ellipse(ex + 0.03 * turn, -0.06, 0.085, 0.105)
        picture = _paint(picture, _colour(0.12, 0.14, 0.22), white * iris)
        lid = -0.06 - (0.015 + 0.155 * opened) * (1 - ((x - ex) / 0.20) ** 2).clamp_min(0).sqrt()
        picture = _paint(picture, dark * 0.6, pen.stroke(ex, 0.19, lid, 0.022))
        brow = pen.stroke(ex, 0.17, pen.level(-0.29) + 0.5 * (x - ex) ** 2, 0.028)
        picture = _paint(picture, hair_colour * 0.7, brow)
    nose = centre * 1.25
    return _paint(picture, dark, 0.8 * pen.stroke(nose, 0.085, 0.24 - 2.2 * (x - nose) ** 2, 0.025))


def _draw_mouth(pen: _Pen, picture: Tensor, face: Tensor, smile: Tensor, turn: Tensor) -> Tensor:
    """A mouth of two bows: a smile shows teeth between them, a frown is closed."""
    centre = _centre(turn)
    half = 0.38 + 0.05 * smile
    bow = 1 - ((pen.x - centre) / half) ** 2  # 1 in the middle, 0 at the corners
    joy, sorrow = smile.clamp_min(0), (-smile).clamp_min(0)
    middle = 0.54 - 0.15 * joy + 0.13 * sorrow + (0.26 * joy - 0.30 * sorrow) * bow
    gap = (0.14 * joy + 0.05 * sorrow) * bow.clamp_min(0)
    lips = face * pen.stroke(centre, half, middle, 0.05 + gap)
    picture = _paint(picture, _colour(0.66, 0.13, 0.18), lips)
    teeth = face * pen.stroke(centre, half, middle, gap - 0.045) * (4 * joy).clamp_max(1)
    return _paint(picture, _colour(0.97, 0.95, 0.92), teeth)


def _centre(turn: Tensor) -> Tensor:
    """Where the middle of the features is: they move with the head."""
    return 0.24 * turn


def _paint(picture: Tensor, colour: Tensor, cover: Tensor) -> Tensor:
    return picture + cover[:, None] * (colour - picture)


def _colour(*rgb: float) -> Tensor:
    return torch.tensor(rgb).view(1, 3, 1, 1)


def _ramp(colours: tuple[tuple[float, ...], ...], value: Tensor) -> Tensor:
    """The colour (B, 3, 1, 1) at -1 to 1 of a ramp of three."""
    low, middle, high = (torch.tensor(colour).view(1, 3, 1, 1) for colour in colours)
    value = value.view(-1, 1, 1, 1).clamp(-1, 1)
    return middle + value.clamp_min(0) * (high - middle) + (-value).clamp_min(0) * (low - middle)
