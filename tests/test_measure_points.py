"""Where a face's points are, whatever its place, size, roll and light; a stand-in finds dots for the network."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wplus_ext.measure import points
from wplus_ext.measure.reader import portrait

LEFT, RIGHT, MOUTH = (-30.0, 0.0), (30.0, 0.0), (0.0, 66.0)  # of a face of 60 pixels between the eyes


def placed(x=200.0, y=140.0, size=1.0, roll=0.0):
    """Where these are in a frame."""
    c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    return [(x + size * (a * c - b * s), y + size * (a * s + b * c)) for a, b in (LEFT, RIGHT, MOUTH)]


def frame(places, radius=2.0):
    """Red dots where the eyes are, a blue one for the mouth."""
    places = [(float(a), float(b)) for a, b in places]
    y, x = torch.meshgrid(torch.arange(300) + 0.5, torch.arange(400) + 0.5, indexing="ij")
    picture = torch.zeros(3, 300, 400)
    for channel, (a, b) in zip((0, 0, 2), places):
        picture[channel] += 200 * torch.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * radius**2))
    return picture


class Dots:
    """Finds the dots of a crop, as a network finds points: the left eye is the one that it sees on the left."""

    def __init__(self):
        self.seen = []

    def __call__(self, crops):
        self.seen.append(crops)
        found = torch.zeros(len(crops), 68, 2)
        at = (torch.arange(crops.shape[-1]) + 0.5) / crops.shape[-1]
        for crop, out in zip(crops, found):
            half = crop.shape[-1] // 2
            left, right = crop[0].clone(), crop[0].clone()
            left[:, half:], right[:, :half] = 0, 0
            for weight, rows in ((crop[2], slice(0, 68)), (left, points.LEFT_EYE), (right, points.RIGHT_EYE)):
                total = weight.sum().clamp(min=1e-6)
                out[rows] = torch.stack([(weight.sum(0) * at).sum(), (weight.sum(1) * at).sum()]) / total
        return found


def looked(places, radius=2.0):
    middle, side = np.mean(places, 0), 2 * math.dist(places[0], places[1])
    box = points.Box(*(middle - side / 2).tolist(), side, side, 1.0)
    network = Dots()
    return network, *points.look(network, frame(places, radius), box)


@pytest.mark.parametrize(
    "where", [{}, {"roll": 25}, {"roll": -30}, {"size": 0.5}, {"size": 1.9, "y": 110}, {"x": 60, "y": 50, "size": 0.6}]
)
def test_points_are_where_they_are_in_the_frame(where):
    places = placed(**where)
    _, found, differ = looked(places, radius=2 * where.get("size", 1))
    for rows, place in ((points.LEFT_EYE, places[0]), (points.RIGHT_EYE, places[1]), (slice(48, 68), places[2])):
        assert np.allclose(found[rows].mean(0).numpy(), place, atol=1)
    assert differ < 0.02


def test_a_face_is_looked_at_upright():
    network, _, _ = looked(placed(roll=25))
    eyes = [(found[points.RIGHT_EYE] - found[points.LEFT_EYE]).mean(0) for found in Dots()(network.seen[1][:1])]
    assert abs(math.degrees(math.atan2(eyes[0][1], eyes[0][0]))) < 2


def test_the_last_looks_differ_and_have_mirror_images():
    network, _, _ = looked(placed())
    last = network.seen[-1]
    assert len(last) == 2 * points.LOOKS
    assert torch.equal(last[points.LOOKS :], last[: points.LOOKS].flip(3))
    assert all(not torch.allclose(last[0], other) for other in last[1 : points.LOOKS])


def test_looks_are_spread_as_far_as_is_said():
    crops = [points._nearby(points.Crop(200, 150, 100, 0.0), i) for i in range(points.LOOKS)]
    for found, most in (
        ([crop.angle for crop in crops], points.TURN),
        ([math.log(crop.side / 100) for crop in crops], points.ZOOM),
        ([(crop.x - 200) / 100 for crop in crops], points.SHIFT),
        ([(crop.y - 150) / 100 for crop in crops], points.SHIFT),
    ):
        assert most / 2 < max(found) <= most and -most <= min(found) < -most / 2


@pytest.mark.parametrize("light", [0.4, 1.2])
def test_a_dark_frame_is_looked_at_as_a_light_one(light):
    picture, box, seen = frame(placed()) / 2 + 80, points.Box(140, 110, 120, 120, 1.0), []
    for at in (picture, picture * light):
        network = Dots()
        points.look(network, at, box)
        seen.append(network.seen[0])
    assert torch.allclose(*seen, atol=0.1)


def test_looks_that_find_other_places_differ():
    class Shaking(Dots):
        def __call__(self, crops):
            found = super().__call__(crops)
            return found + 0.1 * torch.randn(len(crops), 1, 2, generator=torch.Generator().manual_seed(0))

    places = placed()
    assert points.look(Shaking(), frame(places), points.Box(140, 80, 120, 120, 1.0))[1] > 0.1


def test_a_large_face_is_smoothed_before_it_is_made_small():
    stripes = torch.zeros(3, 300, 400)
    stripes[:, :, ::2] = 200.0
    small = points.cut(stripes, [points.Crop(200, 150, 240, 0.0)], 24)
    assert (small - 100).abs().max() < 1


def test_what_lies_beyond_the_frame_is_black():
    seen = points.cut(torch.full((3, 300, 400), 100.0), [points.Crop(0, 150, 50, 0.0)], 50)[0, 0]
    assert (seen[:, :24] == 0).all() and (seen[:, 26:] > 99).all()


@pytest.mark.parametrize("roll", [0, 30, -80])
def test_a_portrait_has_the_eyes_and_the_mouth_where_dlib_has_them(roll):
    places = torch.tensor(placed(roll=roll)).float()
    at = torch.zeros(68, 2)
    at[points.LEFT_EYE], at[points.RIGHT_EYE], at[48:] = places
    crop = portrait(at)
    seen = points.cut(frame(placed(roll=roll)), [crop], 150)
    found = Dots()(seen)[0]
    three = torch.stack([found[points.LEFT_EYE][0], found[points.RIGHT_EYE][0], found[60]])
    assert torch.allclose(three.mean(0), torch.tensor([0.5, 0.43]), atol=0.01)
    assert float((three[:2] - three[2]).norm(dim=1).mean()) == pytest.approx(0.45, abs=0.01)
