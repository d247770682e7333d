"""Files that are taken for photos: the formats that we name, by their own readers; all else is named."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageOps, features

from wplus_ext.photos import photo
from wplus_ext.photos.photo import HEIC, open_photo

NO_PHOTOS = {
    "a PostScript drawing": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n",
    "a PDF": b"%PDF-1.7\n",
    "a Photoshop file": b"8BPS\0\x01",
    "a video": b"\0\0\0\x18ftypmp42\0\0\0\0",
    "a ZIP archive": b"PK\x03\x04",
    "an empty file": b"",
    "not a picture that can be read": b"hello",
}


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(("what", "data"), NO_PHOTOS.items(), ids=NO_PHOTOS)
def test_what_is_no_photo_is_named(what, data):
    with pytest.raises(ValueError, match=f"x: {what}.*, expected a photo"):
        open_photo(data, "x")


@pytest.mark.parametrize("brand", HEIC)
def test_a_heic_picture_is_no_video(brand, monkeypatch):
    known = photo._is_known
    monkeypatch.setattr(photo, "_is_known", lambda kind: kind != "HEIF" and known(kind))
    with pytest.raises(ValueError, match="a HEIC picture, which needs the package pillow-heif"):
        open_photo(b"\0\0\0\x18ftyp" + brand + b"\0" * 99)


def test_no_program_draws_a_drawing(monkeypatch):
    called = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *args, **named: called.append(args))
    with pytest.raises(ValueError, match="a PostScript drawing"):
        open_photo(encoded(Image.new("RGB", (32, 32)), "EPS"), "x")
    assert called == []


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "PCX", "SGI", "DDS", "PDF"])
def test_pillows_other_formats_are_not_read(kind):
    with pytest.raises(ValueError, match="expected a photo"):
        open_photo(encoded(Image.new("RGB", (32, 32)), kind), "x")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_the_formats_that_we_name_are_read(kind):
    assert open_photo(encoded(Image.new("RGB", (32, 32), "red"), kind), "x").size == (32, 32)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_where_pillow_reads_it():
    assert open_photo(encoded(Image.new("RGB", (32, 32), "red"), "AVIF"), "x").getpixel((5, 5))[0] > 200


def heic(image, **options):
    """What a phone's file holds, read by the plugin as users have it."""
    pytest.importorskip("pillow_heif", reason="pillow-heif, which reads HEIC, is not installed").register_heif_opener()
    return encoded(image, "HEIF", **options)


def test_heic_where_its_plugin_is_installed():
    assert open_photo(heic(Image.new("RGB", (64, 32), "red")), "x").getpixel((5, 5))[0] > 200


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turn_of_a_heic_picture_is_taken_once(turn):
    image = Image.new("RGB", (64, 32), "black")
    image.paste("red", (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = turn
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(image, "PNG", exif=exif))))
    found = open_photo(heic(image, exif=exif.tobytes()), "x")
    assert found.size == expected.size
    assert np.abs(np.asarray(found).astype(int) - np.asarray(expected)).mean() < 16


@pytest.mark.parametrize("cut", [40, 200])
def test_a_heic_picture_that_is_cut_off_is_damaged(cut):
    data = heic(Image.new("RGB", (64, 32), "red"))
    with pytest.raises(ValueError, match="x: a damaged .*picture"):
        open_photo(data[:cut], "x")


@pytest.mark.parametrize(("kind", "what"), [(np.float32, "decimals"), (np.int32, "32 bits")])
def test_numbers_without_a_known_range_are_refused(kind, what):
    image = Image.fromarray(np.full((32, 32), 0.5 if kind == np.float32 else 70_000, kind))
    with pytest.raises(ValueError, match=f"its numbers have {what}, and what is white is not said; save it"):
        open_photo(encoded(image, "TIFF"), "x")


def test_sixteen_bits_become_eight():
    image = Image.fromarray(np.full((32, 32), 0x8000, np.uint16))
    assert open_photo(encoded(image, "PNG"), "x").getpixel((3, 3)) == (127, 127, 127)


def test_a_picture_of_many_bands_is_whole():
    """Converted band by band: no seam, nothing shifted."""
    levels = np.linspace(0, 255, 5000 * 1000).astype(np.uint8).reshape(5000, 1000)
    image = Image.fromarray(np.stack([levels, np.full_like(levels, 255)], 2), "LA")
    assert np.array_equal(np.asarray(open_photo(encoded(image, "PNG", compress_level=1), "x"))[..., 0], levels)


def test_a_text_chunk_that_is_too_long_names_the_file():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("a", "b" * (10 << 20), zip=True)
    with pytest.raises(ValueError, match="^x: a damaged picture"):
        open_photo(encoded(Image.new("RGB", (32, 32)), "PNG", pnginfo=info), "x")


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_turn_in_the_exif_is_taken_once(kind, turn, mode):
    if kind == "JPEG" and mode == "RGBA":
        pytest.skip("there is none")
    levels = np.arange(64 * 40, dtype=np.uint32).reshape(40, 64) // 16
    image = Image.fromarray(levels.astype(np.uint8)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(image, kind, exif=exif, **({"quality": 100} if kind == "JPEG" else {}))
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(np.asarray(open_photo(data, "x")), np.asarray(wanted))


def test_a_size_with_a_sixteen_in_it_is_no_depth():
    """The width of a phone's photo of 50 million pixels."""
    assert open_photo(encoded(Image.new("L", (8160, 6120)), "JPEG"), "x").size == (8160, 6120)


def test_a_scan_of_several_pages_is_told():
    page = Image.new("RGB", (32, 32))
    with pytest.raises(ValueError, match="x: 2 pages, expected a still picture"):
        open_photo(encoded(page, "TIFF", save_all=True, append_images=[page]), "x")
