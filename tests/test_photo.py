"""Photos: read whatever they are, and faces cut out of them by the published procedure."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import FRONT, encoded, noise, turned
from PIL import Image

from wplus_ext.photos import photo

# Read


@pytest.fixture
def striped():
    """Green, with a red left quarter."""
    image = Image.new("RGB", (40, 20), (10, 200, 30))
    image.paste((250, 0, 0), (0, 0, 10, 20))
    return image


def test_a_photo_is_turned_as_its_exif_says(striped):
    exif = striped.getexif()
    exif[274] = 6  # turned to the right
    turned_photo = photo.open_photo(encoded(striped, "JPEG", exif=exif, quality=95))
    assert turned_photo.size == (20, 40) and turned_photo.getpixel((10, 3))[0] > 200


def test_a_grey_photo_becomes_rgb(striped):
    assert photo.open_photo(encoded(striped.convert("L"))).getpixel((30, 5)) == (124,) * 3


def test_what_is_transparent_becomes_white(striped):
    clear = striped.convert("RGBA")
    clear.putalpha(0)
    assert photo.open_photo(encoded(clear)).getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_become_eight():
    deep = Image.fromarray(np.full((16, 16), 32768, np.uint16))
    assert photo.open_photo(encoded(deep)).getpixel((1, 1)) == (127, 127, 127)


def test_cmyk_becomes_rgb():
    assert photo.open_photo(encoded(Image.new("CMYK", (16, 16)), "JPEG")).mode == "RGB"


def test_the_smallest_photo_is_read():
    assert photo.open_photo(encoded(Image.new("RGB", (16, 16)))).size == (16, 16)


@pytest.mark.parametrize(
    ("size", "read"),
    [
        ((10_000, 10_000), (5_000, 5_000)),  # 100 megapixels, decoded smaller
        ((9_248, 6_936), (4_624, 3_468)),
        ((9_000, 7_000), (9_000, 7_000)),
    ],
)
def test_a_large_jpeg_is_halved_while_it_is_decoded(size, read):
    assert photo.open_photo(encoded(Image.new("L", size), "JPEG", quality=20)).size == read


def animation():
    first, *others = [Image.effect_noise((8, 8), 50) for _ in range(3)]
    return encoded(first, "GIF", save_all=True, append_images=others)


def cut():
    jpeg = encoded(Image.effect_noise((200, 200), 60), "JPEG")
    return jpeg[: len(jpeg) // 2]


BAD = {
    "an empty file": lambda: b"",
    "an SVG drawing": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a web page": lambda: b"<!DOCTYPE html><p>",
    "not a picture": lambda: b"hello",
    "damaged": cut,
    "animation of 3 frames": animation,
    "1x1 pixels, expected at least 16": lambda: encoded(Image.new("RGB", (1, 1))),
    "9000x9000 pixels": lambda: encoded(Image.new("1", (9_000, 9_000))),
    "million pixels": lambda: encoded(Image.new("1", (20_000, 20_000))),
}


@pytest.mark.parametrize("words", BAD)
def test_bad_photos(words):
    with pytest.raises(ValueError, match="the photo: .*" + words):
        photo.open_photo(BAD[words]())


def test_a_photo_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        photo.open_photo(tmp_path / "none.png")


# Cut out


def ffhq(lm):
    """The published procedure, with the eyes' and mouth's points as given: corners of the quad."""
    eye_left, eye_right, _, mouth_left, mouth_right = lm
    eye_avg, mouth_avg = (eye_left + eye_right) * 0.5, (mouth_left + mouth_right) * 0.5
    eye_to_eye, eye_to_mouth = eye_right - eye_left, mouth_avg - eye_avg
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x = x / np.hypot(*x) * max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = np.flipud(x) * [-1, 1]
    c = eye_avg + eye_to_mouth * 0.1
    return np.stack([c - x - y, c - x + y, c + x + y, c + x - y])


@pytest.mark.parametrize("degrees", [0, 20, -75, 90, 180])
@pytest.mark.parametrize("scale", [1.0, 0.04, 6.0])
def test_quad_is_ffhqs(degrees, scale):
    landmarks = turned(FRONT, degrees, scale=scale, shift=(-130.0, 15.0))
    assert np.abs(photo.quad(landmarks) - ffhq(landmarks)).max() < 1e-6


def scene(corners, size):
    """A picture that says in red and green where in the quad a pixel lies, 0 to 255 from edge to edge."""
    y, x = np.ogrid[: size[1], : size[0]]
    right, down = corners[3] - corners[0], corners[1] - corners[0]
    u, v = (((x - corners[0][0]) * a + (y - corners[0][1]) * b) / (a * a + b * b) for a, b in (right, down))
    return Image.fromarray((np.stack([u, v, 0 * u], -1).clip(0, 1) * 255).round().astype(np.uint8))


@pytest.mark.parametrize("degrees", [0, 30, -100])
@pytest.mark.parametrize("scale", [1.0, 0.2, 2.5, 3.0])  # the last one is made smaller first
def test_align_cuts_the_quad(degrees, scale):
    landmarks = turned(FRONT, degrees, scale=scale, shift=(600.0, 600.0))
    cut = np.asarray(photo.align(scene(ffhq(landmarks), (1800, 1800)), landmarks), float)
    ramp = (np.arange(256) + 0.5) / 256 * 255
    assert cut.shape == (256, 256, 3)
    assert np.abs(cut[8:-8, 8:-8, 0] - ramp[8:-8]).max() < 4 / min(scale, 1)  # half a pixel of the photo, and rounding
    assert np.abs(cut[8:-8, 8:-8, 1] - ramp[8:-8, None]).max() < 4 / min(scale, 1)


def test_a_very_large_face_is_averaged_not_sampled():
    """A pixel of the cut stands for nine by nine of the photo: their noise averages out."""
    landmarks = turned(FRONT, 10, scale=6.0, shift=(1250.0, 1220.0))
    grain = noise(3000, 3000)
    assert np.asarray(grain).std() > 70
    assert np.asarray(photo.align(grain, landmarks), float).std() < 20  # sampled it would be about 50


def test_beyond_the_border_it_is_mirrored():
    landmarks = turned(FRONT, 0, shift=(-180.0, -60.0))
    image = noise(420, 300).resize((600, 840), Image.BICUBIC)
    assert photo.quad(landmarks)[0][0] < -20
    pad = 300
    large = Image.fromarray(np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)), "reflect"))
    expected = np.asarray(photo.align(large, landmarks + pad), int)
    assert np.abs(np.asarray(photo.align(image, landmarks), int) - expected).max() <= 1


def test_a_single_pixel_is_mirrored_too():
    assert photo.align(Image.new("RGB", (1, 1), "red"), FRONT).getpixel((128, 128)) == (255, 0, 0)


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.zeros((4, 2)), np.full((5, 2), np.nan)])
def test_landmarks_of_no_face(landmarks):
    with pytest.raises(ValueError, match="expected"):
        photo.quad(landmarks)
