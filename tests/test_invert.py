"""Photo to identity: the encoder against a plain form of it, the alignment against the published procedure, what is
kept of a person, and bad photos."""

from __future__ import annotations

import argparse
import base64
import io
import math
import os
import pickle
import sys
import types
import urllib.error
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

from wplus_ext.__main__ import main
from wplus_ext.library import identities as people
from wplus_ext.library.authoring import direction
from wplus_ext.library.index import Library
from wplus_ext.library.names import free_place
from wplus_ext.photos import faces, invert, photo
from wplus_ext.weights import encoder as e4e
from wplus_ext.weights.latents import load_latent
from wplus_ext.weights.pickles import read_tensors

FRONT = np.array([[200.0, 220], [290, 225], [247, 280], [205, 330], [280, 335]])  # a face of about 400 pixels


# The encoder


@pytest.fixture(scope="session")
def weights():
    """Random weights that keep the numbers in range, in half precision as far as the file goes."""
    g, state = torch.Generator().manual_seed(0), {}
    for name, shape in e4e.shapes().items():
        tensor = torch.randn(shape, generator=g)
        if name.endswith("running_var"):
            tensor = 0.5 + torch.rand(shape, generator=g)
        elif len(shape) == 4:
            tensor *= math.sqrt(2 / (shape[1] * shape[2] * shape[3]))
        elif name.endswith(("running_mean", "bias")) or len(shape) == 1:
            tensor = tensor * 0.1 + (0.0 if name.endswith(("running_mean", "bias")) else 1.0)
        state[name] = tensor.half()
    return state


@pytest.fixture(scope="session")
def published(weights, tmp_path_factory):
    """A file in the published layout, with foreign classes in it and a decoder that nobody wants."""
    path = tmp_path_factory.mktemp("encoder") / "e4e_ffhq_encode.pt"
    state = {f"encoder.{name}": tensor for name, tensor in weights.items() if name != "latent_avg"}
    state["encoder.input_layer.1.num_batches_tracked"] = torch.tensor(7)
    state["decoder.style.weight"] = torch.full((3, 3), torch.nan)
    options = argparse.Namespace(device="cuda", stylegan_size=1024, nested=argparse.Namespace(a=[1]))
    torch.save({"state_dict": state, "latent_avg": weights["latent_avg"], "opts": options}, path)
    return path


@pytest.fixture(scope="session")
def encoder(published):
    return e4e.Encoder.load(published)


def plain(state, x):
    """e4e's encoder, written down layer by layer with functions only."""
    state = {name: tensor.float() for name, tensor in state.items()}

    def conv(x, name, stride=1, pad=0):
        return F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), stride, pad)

    def norm(x, name):
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *parts, eps=1e-5)

    def prelu(x, name):
        return F.prelu(x, state[f"{name}.weight"])

    x = prelu(norm(conv(x, "input_layer.0", pad=1), "input_layer.1"), "input_layer.2")
    widths = [64] * 3 + [128] * 4 + [256] * 14 + [512] * 3
    kept = {}
    for i, width in enumerate(widths):
        name, stride = f"body.{i}", 2 if i in (0, 3, 7, 21) else 1
        shortcut = x[:, :, ::stride, ::stride]
        if x.shape[1] != width:
            shortcut = norm(conv(shortcut, f"{name}.shortcut_layer.0"), f"{name}.shortcut_layer.1")
        r = prelu(conv(norm(x, f"{name}.res_layer.0"), f"{name}.res_layer.1", pad=1), f"{name}.res_layer.2")
        r = norm(conv(r, f"{name}.res_layer.3", stride, 1), f"{name}.res_layer.4")
        gate = conv(F.relu(conv(r.mean((2, 3), keepdim=True), f"{name}.res_layer.5.fc1")), f"{name}.res_layer.5.fc2")
        x = kept[i] = r * torch.sigmoid(gate) + shortcut

    def larger(x, y):
        return F.interpolate(x, y.shape[2:], mode="bilinear", align_corners=True) + y

    p2 = larger(kept[23], conv(kept[20], "latlayer1"))
    p1 = larger(p2, conv(kept[6], "latlayer2"))
    rows = []
    for i in range(18):
        y = kept[23] if i < 3 else p2 if i < 7 else p1
        j = 0
        while y.shape[-1] > 1:
            y = F.leaky_relu(conv(y, f"styles.{i}.convs.{j}", 2, 1), 0.01)
            j += 2
        linear = f"styles.{i}.linear"
        rows.append(y.flatten(1) @ state[f"{linear}.weight"].T / math.sqrt(512) + state[f"{linear}.bias"])
    return torch.stack([rows[0]] + [rows[0] + row for row in rows[1:]], 1) + state["latent_avg"]


def test_encoder_is_the_plain_form(encoder, weights):
    x = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        got, expected = encoder(x), plain(weights, x)
    assert got.shape == (2, 18, 512) and expected.std() > 0.3
    assert (got - expected).abs().max() < 1e-4 * expected.abs().max()
    assert (got[0] - got[1]).abs().max() > 1e-3  # it looks at the picture


def test_published_tensors():
    """Against a list of the names and shapes that omertov/encoder4editing's own encoder has."""
    lines = Path(__file__).with_name("e4e_encoder.txt").read_text().splitlines()
    expected = {name: tuple(map(int, shape.split("x"))) for name, shape in (line.split() for line in lines)}
    assert len(expected) == 569 and e4e.shapes() == expected | {"latent_avg": (18, 512)}


def test_converted_file_is_the_same(published, encoder, tmp_path, capsys):
    assert main(["convert", str(published), str(tmp_path / "e.safetensors")]) == 0
    assert main(["inspect", str(tmp_path / "e.safetensors")]) == 0
    assert "e4e's encoder: 267," in capsys.readouterr().out
    again = e4e.Encoder.load(tmp_path / "e.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(encoder.state_dict().values(), again.state_dict().values()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("body.5.res_layer.1.weight"), "missing (body.5.res_layer.1.weight"),
        (lambda s: s.update(extra=torch.zeros(2)), "too many (extra"),
        (lambda s: s.update({"latlayer2.bias": torch.zeros(3)}), "latlayer2.bias is (3,)"),
        (lambda s: s["latlayer2.bias"].fill_(math.inf), "latlayer2.bias holds NaN"),
        (lambda s: s.pop("latent_avg"), "missing (latent_avg"),
    ],
)
def test_other_files_are_refused(monkeypatch, weights, change, words):
    state = {name: tensor.clone() if name == "latlayer2.bias" else tensor for name, tensor in weights.items()}
    change(state)
    monkeypatch.setattr(e4e.files, "read", lambda path: state)
    with pytest.raises(ValueError) as error:
        e4e.Encoder.load("e.safetensors")
    assert words in str(error.value) and "e.safetensors" in str(error.value)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize("zipped", [True, False])
def test_unpickle_runs_nothing_and_reads_what_is_wanted(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    shared = torch.arange(12.0).view(3, 4)
    content = {"a": {"x": shared.T, "y": shared[1:], "n": torch.arange(3)}, "half": torch.ones(2).half()}
    content |= {"opts": argparse.Namespace(x=1), "evil": Evil(), "p": torch.nn.Parameter(torch.ones(2)), "big": shared}
    torch.save(content, "a.pt", _use_new_zipfile_serialization=zipped)
    read = read_tensors("a.pt", lambda name: name != "big")
    assert set(read) == {"a.x", "a.y", "a.n", "half", "p"} and not (tmp_path / "evil").exists()
    assert torch.equal(read["a.x"], shared.T) and torch.equal(read["a.y"], shared[1:])
    assert read["half"].dtype == torch.float16 and torch.equal(read["a.n"], torch.arange(3))
    whole = (tmp_path / "a.pt").read_bytes()
    for size in (0, 1, 20, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.pt").write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cut.pt"):
            read_tensors("cut.pt", lambda name: True)


def test_unpickle_refuses_what_is_no_torch_file(tmp_path):
    (tmp_path / "a.pt").write_bytes(pickle.dumps({"state_dict": 1}))
    with pytest.raises(ValueError, match="not a file that torch.save wrote"):
        read_tensors(tmp_path / "a.pt", lambda name: True)


# Alignment


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


def turned(landmarks, degrees, centre=(247.0, 280.0), scale=1.0, shift=(0.0, 0.0)):
    a = math.radians(degrees)
    matrix = scale * np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    return (landmarks - centre) @ matrix.T + centre + shift


@pytest.mark.parametrize("degrees", [0, 20, -75, 90, 180])
@pytest.mark.parametrize("scale", [1.0, 0.04, 6.0])
def test_quad_is_ffhqs(degrees, scale):
    landmarks = turned(FRONT, degrees, scale=scale, shift=(-130.0, 15.0))
    assert np.abs(photo.quad(landmarks) - ffhq(landmarks)).max() < 1e-6


def scene(corners, size):
    """A picture that says in red and green where in the quad a pixel lies, 0 to 255 from edge to edge."""
    ys, xs = np.mgrid[: size[1], : size[0]] + 0.0
    right, down = corners[3] - corners[0], corners[1] - corners[0]
    at = np.stack([xs, ys], -1) - corners[0]
    u, v = (at @ axis / (axis @ axis) for axis in (right, down))
    return Image.fromarray((np.stack([u, v, 0 * u], -1).clip(0, 1) * 255).round().astype(np.uint8))


@pytest.mark.parametrize("degrees", [0, 30, -100])
@pytest.mark.parametrize("scale", [1.0, 0.2, 2.5])
def test_align_cuts_the_quad(degrees, scale):
    landmarks = turned(FRONT, degrees, scale=scale, shift=(500.0, 500.0))
    cut = np.asarray(photo.align(scene(ffhq(landmarks), (1600, 1600)), landmarks), float)
    ramp = (np.arange(256) + 0.5) / 256 * 255
    assert cut.shape == (256, 256, 3)
    assert np.abs(cut[8:-8, 8:-8, 0] - ramp[8:-8]).max() < 4 / min(scale, 1)  # half a pixel of the photo, and rounding
    assert np.abs(cut[8:-8, 8:-8, 1] - ramp[8:-8, None]).max() < 4 / min(scale, 1)


def test_beyond_the_border_it_is_mirrored():
    landmarks = turned(FRONT, 0, shift=(-180.0, -60.0))
    g = np.random.default_rng(0)
    image = Image.fromarray(g.integers(0, 255, (420, 300, 3), np.uint8)).resize((600, 840), Image.BICUBIC)
    pixels, corners = np.asarray(image), photo.quad(landmarks)
    assert corners[0][0] < -20
    pad = 300
    large = Image.fromarray(np.pad(pixels, ((pad, pad), (pad, pad), (0, 0)), "reflect"))
    expected = np.asarray(photo.align(large, landmarks + pad), int)
    assert np.abs(np.asarray(photo.align(image, landmarks), int) - expected).max() <= 1
    one = photo.align(Image.new("RGB", (1, 1), "red"), landmarks)
    assert one.getpixel((128, 128)) == (255, 0, 0)


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2)), np.zeros((4, 2)), np.full((5, 2), np.nan)])
def test_landmarks_of_no_face(landmarks):
    with pytest.raises(ValueError, match="expected"):
        photo.quad(landmarks)


# Photos


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_photos_are_read():
    image = Image.new("RGB", (40, 20), (10, 200, 30))
    image.paste((250, 0, 0), (0, 0, 10, 20))
    exif = image.getexif()
    exif[274] = 6  # turned to the right
    turned_photo = photo.open_photo(encoded(image, "JPEG", exif=exif, quality=95))
    assert turned_photo.size == (20, 40) and turned_photo.getpixel((10, 3))[0] > 200
    assert photo.open_photo(encoded(image.convert("L"))).getpixel((30, 5)) == (124,) * 3
    clear = image.convert("RGBA")
    clear.putalpha(0)
    assert photo.open_photo(encoded(clear)).getpixel((5, 5)) == (255, 255, 255)
    deep = Image.fromarray(np.full((16, 16), 32768, np.uint16))
    assert photo.open_photo(encoded(deep)).getpixel((1, 1)) == (127, 127, 127)
    assert photo.open_photo(encoded(Image.new("CMYK", (16, 16)), "JPEG")).mode == "RGB"
    assert photo.open_photo(encoded(Image.new("RGB", (16, 16)))).size == (16, 16)
    large = photo.open_photo(encoded(Image.new("L", (10_000, 10_000)), "JPEG", quality=20))
    assert large.size == (5_000, 5_000)  # 100 megapixels, decoded smaller
    assert photo.open_photo(encoded(Image.new("L", (9_248, 6_936)), "JPEG")).size == (4_624, 3_468)
    assert photo.open_photo(encoded(Image.new("L", (9_000, 7_000)), "JPEG")).size == (9_000, 7_000)


def test_bad_photos(tmp_path):
    frames = [Image.effect_noise((8, 8), 50) for _ in range(3)]
    jpeg = encoded(Image.effect_noise((200, 200), 60), "JPEG")
    cases = {
        b"": "an empty file",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>": "an SVG drawing",
        b"<!DOCTYPE html><p>": "a web page",
        b"hello": "not a picture",
        jpeg[: len(jpeg) // 2]: "damaged",
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]): "animation of 3 frames",
        encoded(Image.new("RGB", (1, 1))): "1x1 pixels, expected at least 16",
        encoded(Image.new("1", (9_000, 9_000))): "9000x9000 pixels",
        encoded(Image.new("1", (20_000, 20_000))): "million pixels",
    }
    for data, words in cases.items():
        with pytest.raises(ValueError, match="the photo: .*" + words):
            photo.open_photo(data)
    with pytest.raises(FileNotFoundError):
        photo.open_photo(tmp_path / "none.png")


def face(x, width=100.0):
    return faces.Face(FRONT, (x, 50.0, x + width, 150.0), 0.9)


def seen(*faces_of_it):
    return invert.Seen("a.png", tuple(invert.Crop(Image.new("RGB", (8, 8)), "", one) for one in faces_of_it))


def test_the_only_face_is_taken():
    assert seen(face(1)).choose(None).face.box[0] == 1


def test_a_face_is_taken_by_its_number():
    assert seen(face(1), face(2)).choose(2).face.box[0] == 2


@pytest.mark.parametrize(
    ("count", "number", "words"),
    [
        (2, None, "2 faces, expected one; choose by number: 1 at (0, 50), 2 at (1, 50)"),
        (20, None, "20 faces"),
        (1, 2, "face 2, expected 1 to 1"),
    ],
)
def test_a_face_that_is_not_chosen_is_told(count, number, words):
    with pytest.raises(ValueError) as error:
        seen(*(face(i) for i in range(count))).choose(number)
    assert words in str(error.value) and "a.png" in str(error.value)


# People


def test_people_are_kept(tmp_path):
    folder, w = tmp_path / "latents", torch.randn(18, 512)
    picture = Image.new("RGB", (256, 256), (200, 100, 50))
    path = people.save(free_place(folder, " anna b "), w, picture, ["ab" * 32])
    library = Library([tmp_path])
    assert library.names("latents") == ["anna b"] and torch.equal(library.latent("anna b"), w)
    person = people.read_person(path)
    assert person.sources == ("ab" * 32,) and person.date.endswith("Z") and person.thumbnail.size == (128, 128)
    assert np.abs(np.array(person.thumbnail.getpixel((64, 64))) - (200, 100, 50)).max() < 8
    with pytest.raises(ValueError, match="exists"):
        people.save(free_place(folder, "ANNA B"), -w, picture, [])
    people.save(free_place(folder, "anna b", replace=True), -w, picture, [], replace=True)
    library.refresh()
    assert torch.equal(library.latent("anna b"), -w)
    renamed = people.rename(path, "Anna B")
    assert renamed.name == "Anna B.safetensors"
    place = people.remove(renamed)
    library.refresh()
    assert library.names("latents") == [] and place.exists()
    assert people.restore(place) == renamed and renamed.exists()
    first = next(iter((folder / people.TRASH).iterdir()))  # the one that was replaced
    with pytest.raises(ValueError, match="rename it first"):
        people.restore(first)
    people.rename(renamed, "other")
    assert torch.equal(Library([tmp_path]).latent("other"), -w)
    people.restore(first)
    assert sorted(Library([tmp_path]).names("latents")) == ["anna b", "other"]


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a\\b", "..", ".a", "a.", "x" * 300, "a[1]", "a=b", "con", "None", "3x3", "a\nb"]
)
def test_names_that_cannot_be(tmp_path, name):
    with pytest.raises(ValueError, match="name"):
        people.save(free_place(tmp_path, name), torch.zeros(18, 512), Image.new("RGB", (8, 8)), [])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_lost_on_a_full_disk(tmp_path, monkeypatch):
    picture = Image.new("RGB", (8, 8))
    path = people.save(free_place(tmp_path, "anna"), torch.ones(18, 512), picture, [])

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(people.files, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        people.save(free_place(tmp_path, "anna", replace=True), torch.zeros(18, 512), picture, [], replace=True)
    assert Library([tmp_path.parent]) and people.read_person(path).thumbnail is not None
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["anna.safetensors"]


def test_a_file_from_elsewhere_says_nothing(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"x")
    (tmp_path / "b.safetensors").write_bytes(b"x" * 40)
    for name in ("a.pth", "b.safetensors"):
        assert people.read_person(tmp_path / name) == people.Person(tmp_path / name)


def test_direction_from_two_sets():
    g = torch.Generator().manual_seed(0)
    n = torch.randn(18, 512, generator=g)
    n /= n.norm(dim=1, keepdim=True)
    latents = torch.randn(40, 18, 512, generator=g) * 0.01
    made = direction(list(latents[:20]), list(latents[20:] + 3 * n))
    assert (made * n).sum(1).min() > 0.99 and made.norm(dim=1).mean() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="same mean"):
        direction(list(latents), list(latents))


# The command line


@pytest.fixture
def library(tmp_path, published):
    folder = tmp_path / "wplus"
    (folder / "encoders").mkdir(parents=True)
    (folder / "encoders" / published.name).symlink_to(published)
    return folder


def test_invert_command(library, published, encoder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(invert.Encoder, "load", lambda path: encoder)
    (library / "encoders" / published.name).unlink()
    (library / "encoders" / published.name).write_bytes(b"")  # links that leave the folder are not followed
    g = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(g.integers(0, 255, (300, 300, 3), np.uint8)).save(tmp_path / name)
    photos = [str(tmp_path / name) for name in ("a.png", "b.png")]
    start = ["invert", "--wplus", str(library), "-o"]
    assert main([*start, "anna", "--aligned", photos[0]]) == 0
    assert main([*start, "both", "--aligned", *photos]) == 0
    one, both = Library([library]).latent("anna"), Library([library]).latent("both")
    with torch.no_grad():
        seen = encoder(photo.as_input(photo.as_aligned(photo.open_photo(photos[0]))))[0]
        other = encoder(photo.as_input(photo.as_aligned(photo.open_photo(photos[1]))))[0]
    assert torch.allclose(one, seen, atol=1e-4) and torch.allclose(both, (seen + other) / 2, atol=1e-4)
    assert len(people.read_person(library / "latents" / "both.safetensors").sources) == 2
    capsys.readouterr()
    for arguments, words in (
        (["anna", "--aligned", photos[0]], "exists"),
        (["a/b", "--aligned", photos[0]], "'/'"),
        (["new", "--aligned", str(tmp_path / "none.png")], "none.png: No such file"),
        (["new", "--encoder", "other", "--aligned", photos[0]], "no encoder 'other'"),
        (["new", "--device", "cuda:9", "--aligned", photos[0]], "the device 'cuda:9' cannot be used"),
        (["new", "--device", "gpu", "--aligned", photos[0]], "the device 'gpu' cannot be used"),
    ):
        assert main([*start, *arguments]) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1


def test_faces_are_found_and_cut(library, encoder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(invert.Encoder, "load", lambda path: encoder)
    (library / "encoders" / "e.pt").write_bytes(b"")
    image = Image.effect_noise((500, 500), 80).convert("RGB")
    image.save(tmp_path / "a.png")
    monkeypatch.setattr(faces.Detector, "__init__", lambda self, device="cpu", folder=None: None)
    monkeypatch.setattr(faces.Detector, "find", lambda self, image: [face(1), face(2)])
    start = ["invert", str(tmp_path / "a.png"), "-o", "anna", "--wplus", str(library), "--encoder", "e"]
    assert main(start) == 2 and main([*start, "--face", "2"]) == 0
    assert "a.png: 2 faces, expected one" in capsys.readouterr().err
    thumbnail = people.read_person(library / "latents" / "anna.safetensors").thumbnail
    expected = photo.align(image, FRONT).resize((128, 128), Image.LANCZOS)
    assert np.abs(np.asarray(thumbnail, int) - np.asarray(expected, int)).mean() < 12


def facexlib(monkeypatch, module, make):
    """Put a stand-in for one of facexlib's modules in place; ``make`` gives its network."""
    name = {"detection": "init_detection_model", "parsing": "init_parsing_model"}[module]
    monkeypatch.setitem(sys.modules, "facexlib", types.ModuleType("facexlib"))
    monkeypatch.setitem(sys.modules, f"facexlib.{module}", SimpleNamespace(**{name: make}))


def test_background_and_clothes_become_white(library, encoder, tmp_path, monkeypatch):
    def parser(pictures):
        assert tuple(pictures.shape) == (1, 3, 512, 512) and pictures.max() <= 1
        classes = torch.zeros(1, 512, 512, dtype=torch.long)  # background
        classes[:, 128:384, 128:384], classes[:, 384:] = 1, 18  # skin, clothes
        return F.one_hot(classes, 19).permute(0, 3, 1, 2).float(), None

    facexlib(monkeypatch, "parsing", lambda name, device, model_rootpath: parser)
    picture = Image.new("RGB", (256, 256), (200, 30, 40))
    bare = np.asarray(faces.without_background([picture])[0])
    assert bare.shape == (256, 256, 3) and (bare[72:184, 72:184] == (200, 30, 40)).all()
    assert (bare[:56] == 255).all() and (bare[200:] == 255).all() and (bare[:, :56] == 255).all()
    assert 40 < bare[64, 128, 1] < 250  # a soft edge

    monkeypatch.setattr(invert.Encoder, "load", lambda path: encoder)
    (library / "encoders" / "e.pt").write_bytes(b"")
    picture.save(tmp_path / "a.png")
    start = ["invert", str(tmp_path / "a.png"), "--wplus", str(library), "--encoder", "e"]
    assert main([*start, "--aligned", "--bare", "-o", "anna"]) == 0
    thumbnail = people.read_person(library / "latents" / "anna.safetensors").thumbnail
    assert min(thumbnail.getpixel((5, 5))) > 245 and thumbnail.getpixel((64, 64))[1] < 60


def test_only_what_is_written_over_is_put_away(tmp_path):
    w, picture = torch.ones(18, 512), Image.new("RGB", (256, 256))
    people.save(free_place(tmp_path, "chris"), w, picture, [])
    for other in ("chris.pt", "Chris.safetensors"):
        (tmp_path / other).write_bytes(b"another")
        with pytest.raises(ValueError, match="another file"):
            people.save(free_place(tmp_path, "chris", replace=True), 2 * w, picture, [], replace=True)
        assert (tmp_path / other).read_bytes() == b"another" and not (tmp_path / people.TRASH).exists()
        (tmp_path / other).unlink()
    people.save(free_place(tmp_path, "chris", replace=True), 2 * w, picture, [], replace=True)
    (before,) = (tmp_path / people.TRASH).iterdir()
    assert torch.equal(load_latent(before), w) and torch.equal(load_latent(tmp_path / "chris.safetensors"), 2 * w)


def test_a_cut_thumbnail_is_none(tmp_path):
    path = people.save(free_place(tmp_path, "a"), torch.ones(18, 512), Image.effect_noise((256, 256), 90), [])
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    picture = base64.b64decode(metadata["wplus_thumbnail"])
    metadata["wplus_thumbnail"] = base64.b64encode(picture[: len(picture) // 2]).decode()
    save_file({"w": torch.ones(18, 512)}, path, metadata)
    assert people.read_person(path).thumbnail is None and people.read_person(path).date


@pytest.mark.parametrize("module", ["detection", "parsing"])
def test_without_facexlib_or_its_weights(monkeypatch, tmp_path, module):
    picture = Image.new("RGB", (256, 256))
    use = {
        "detection": lambda: faces.Detector(folder=tmp_path),
        "parsing": lambda: faces.without_background([picture], folder=tmp_path),
    }[module]

    def fails(error):
        def make(name, device, model_rootpath):
            assert model_rootpath == str(tmp_path)
            raise error

        return make

    monkeypatch.setitem(sys.modules, f"facexlib.{module}", None)
    with pytest.raises(ValueError, match="pip install facexlib, or "):
        use()
    facexlib(monkeypatch, module, fails(urllib.error.URLError("no route")))
    with pytest.raises(OSError, match=r"cannot be had .*no route.*put \w+\.pth into .*, or "):
        use()
    for error in (RuntimeError("cut short"), AttributeError("None: cut short")):  # the latter in the WebUI
        facexlib(monkeypatch, module, fails(error))
        with pytest.raises(ValueError, match=r"damaged .*cut short.*delete \w+\.pth"):
            use()


def test_directions_command(tmp_path, capsys):
    library, g = tmp_path / "wplus", torch.Generator().manual_seed(0)
    (library / "latents").mkdir(parents=True)
    for name in ("a", "b", "c", "d"):
        torch.save(torch.randn(1, 18, 512, generator=g), library / "latents" / f"{name}.pth")
    start = ["directions", "--wplus", str(library)]
    assert (
        main([*start, "--make", "joy", "--without", "a", "b", "--with", "c", str(library / "latents" / "d.pth")]) == 0
    )
    assert main(start) == 0
    said = capsys.readouterr().out
    assert said.count("joy: a step, layers 0 to 17, norm of a layer 1.00") == 2
    assert main([*start, "--make", "smile", "--without", "a", "--with", "c"]) == 0
    assert "smile (a broader smile): a step, layers 0 to 17" in capsys.readouterr().out
    assert main([*start, "--make", "joy", "--without", "a", "--with", "c"]) == 2
    assert main([*start, "--make", "joy2", "--without", "a"]) == 2
    assert "exists" in (errors := capsys.readouterr().err) and "needs latents" in errors
