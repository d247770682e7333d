"""face-api's networks: their files read and refused, and what they compute beside what the package itself computed.

The numbers of the package (`@vladmandic/face-api` 1.7.15 on tfjs' WASM) are of the same files and the same picture.
"""

from __future__ import annotations

import json

import measured
import numpy as np
import pytest
import torch

from wplus_ext.measure import networks, points
from wplus_ext.measure.files import MANIFEST, read_tensors
from wplus_ext.measure.reader import NETWORKS

ONE = networks.Landmarks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return measured.write_all(tmp_path_factory.mktemp("measure"))


@pytest.fixture(scope="module")
def picture():
    return torch.from_numpy(measured.picture())[None]


def read(folder):
    return read_tensors(folder, ONE.file, ONE.shapes())


def close(mine, theirs):
    return np.allclose(mine, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


# What the networks compute


def test_points_are_the_packages(folder, picture):
    seen = ONE.load(folder)(networks.fitted(picture, 112, True))[0].numpy() * 200 - (0, 20)
    theirs = [[907.8515, 54.3458], [-138.7590, -1596.2677], [-1542.6644, -3248.1363], [2692.6100, 1356.3081]]
    assert close(seen[[0, 1, 2, 67]], theirs)


def test_expressions_are_the_packages(folder, picture):
    seen = networks.Expressions.load(folder)(networks.fitted(picture, 112, True))[0]
    assert close(seen.numpy(), [0.833461, 0.132233, 0.000245, 0.000009, 0.001744, 0.000111, 0.032197])


def test_ages_are_the_packages(folder, picture):
    assert close(networks.Ages.load(folder)(networks.fitted(picture, 112, True)).numpy(), [-12.888808])


def test_vectors_are_the_packages(folder, picture):
    seen = networks.Recognition.load(folder)(networks.fitted(picture, 150, True))[0].numpy()
    assert close([*seen[:4], np.linalg.norm(seen)], [-0.184870, -0.144909, 0.068444, 0.256349, 2.259898])


def test_boxes_are_the_packages(folder, picture):
    (found,) = points.find(networks.Detector.load(folder), picture, 0.05)
    assert len(found) == 253
    assert close(found[0], [107.8700, 126.2216, 46.4009, 72.2963, 0.635617])
    assert close(found[1], [77.1673, 145.3899, 46.0704, 64.2397, 0.613483])


def test_boxes_are_as_sure_as_is_asked(folder, picture):
    detector = networks.Detector.load(folder)
    (sure,), (all_of_them,) = (points.find(detector, picture, least) for least in (0.58, 0.05))
    assert sure == [box for box in all_of_them if box.score > 0.58] and 0 < len(sure) < 100


@pytest.mark.parametrize("network", NETWORKS)
def test_a_batch_is_computed_as_each_of_it(folder, network):
    side = {networks.Detector: 416, networks.Recognition: 150}.get(network, 112)
    batch = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 255
    made = network.load(folder)
    both, one = made(batch), made(batch[1:])
    for x, y in zip(both, one) if isinstance(both, tuple) else [(both, one)]:
        assert torch.allclose(x[1:], y, atol=1e-4)


# Their files


def test_packed_numbers_are_scaled(tmp_path):
    measured.write(tmp_path, ONE)
    data, entry = measured.packed("dense0/conv0/filters", (3, 3, 3, 32))
    packed = entry["quantization"]
    expected = np.frombuffer(data, np.uint8).reshape(3, 3, 3, 32) * packed["scale"] + packed["min"]
    assert np.allclose(read(tmp_path)["dense0/conv0/filters"].numpy(), expected, atol=1e-6)


def test_a_file_that_is_cut_short(tmp_path):
    measured.write(tmp_path, ONE)
    path = tmp_path / f"{ONE.file}.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"bytes, expected [\d,]+ by its manifest; download both again"):
        read(tmp_path)


def test_the_manifest_of_another_network(tmp_path):
    measured.write(tmp_path, networks.Ages)
    (tmp_path / f"{networks.Ages.file}{MANIFEST}").rename(tmp_path / f"{ONE.file}{MANIFEST}")
    with pytest.raises(ValueError, match="manifest of another network .*take face_landmark_68_model"):
        read(tmp_path)


CHANGES = {
    "fc/bias is missing": lambda entries: entries.pop(),
    "more is too many": lambda entries: entries.append({"name": "more", "shape": [1], "dtype": "float32"}),
    r"fc/bias has the shape \(135,\), expected \(136,\)": lambda entries: entries[-1].update(shape=[135]),
    "the same tensor twice": lambda entries: entries.append(entries[-1]),
    "numbers of the kind 'int32'": lambda entries: entries[-1].update(dtype="int32"),
    "no weights manifest": lambda entries: entries[-1].pop("shape"),
    "without a name or a shape": lambda entries: entries[-1].update(shape=[-136]),
    "OverflowError": lambda entries: entries[0]["quantization"].update(scale=10**400),
    "holds NaN or infinite": lambda entries: entries[0]["quantization"].update(scale=1e39),
}


@pytest.mark.parametrize("fault", CHANGES)
@pytest.mark.filterwarnings("error")
def test_a_manifest_that_is_not_the_networks(tmp_path, fault):
    measured.write(tmp_path, ONE, CHANGES[fault])
    with pytest.raises(ValueError, match=fault):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"weights": 3}', "[" * 100_000, "\xff"])
def test_what_is_no_manifest(tmp_path, text):
    measured.write(tmp_path, ONE)
    (tmp_path / f"{ONE.file}{MANIFEST}").write_text(text, encoding="latin1")
    with pytest.raises(ValueError, match="no weights manifest .*download it again"):
        read(tmp_path)


def test_a_manifest_of_a_shape_without_end(tmp_path):
    def grow(entries):
        entries[0]["shape"] = [1 << 20] * 50

    measured.write(tmp_path, ONE, grow)
    with pytest.raises(ValueError, match="has the shape"):
        read(tmp_path)


def test_a_file_far_too_large(tmp_path, monkeypatch):
    measured.write(tmp_path, ONE)
    monkeypatch.setattr("wplus_ext.measure.files.LARGEST", 1 << 10)
    with pytest.raises(ValueError, match="is it the right file"):
        read(tmp_path)


def test_paths_that_a_manifest_names_are_not_followed(tmp_path):
    measured.write(tmp_path, ONE)
    path = tmp_path / f"{ONE.file}{MANIFEST}"
    path.write_text(json.dumps([group | {"paths": ["../secret"]} for group in json.loads(path.read_text())]))
    assert read(tmp_path).keys() == ONE.shapes().keys()
