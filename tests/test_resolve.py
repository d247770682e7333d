"""From settings and a library to what each frame gets, and to the fingerprints of the files."""

from __future__ import annotations

import pytest
import torch

from wplus_ext import load_direction, load_latent
from wplus_ext.library.index import Library
from wplus_ext.library.resolve import resolve
from wplus_ext.settings import Settings


@pytest.fixture
def library(models):
    return Library([models / "wplus"])


@pytest.fixture
def folder(models):
    return models / "wplus"


# Without an identity


def test_each_track_is_a_branch(library, folder):
    smile, _ = resolve(Settings(tracks="smile = 1\nage = 1"), library).plan(3).branches
    assert torch.equal(smile.w, load_direction(folder / "directions/smile.pt"))


def test_strength_multiplies_every_track(library):
    settings = Settings(tracks="smile = -0.7 > 0 > 0.7\nage = 0.5", strength="2")
    smile, age = resolve(settings, library).plan(3).branches
    assert smile.scale == (-1.4, 0.0, 1.4) and age.scale == (1.0, 1.0, 1.0)


def test_a_track_may_be_for_some_layers(library):
    (age,) = resolve(Settings(tracks="age[0:8] = 0.5"), library).plan(3).branches
    assert age.w[:8].any(1).all() and not age.w[8:].any()


# With one


@pytest.fixture
def moved(library):
    settings = Settings(identity="anna", tracks="smile = 0 > 4\nage[0:8] = 2", strength="0.5 > 1", start=0, end=0.5)
    return resolve(settings, library).plan(2)


def test_tracks_move_the_latent(moved, folder):
    w = load_latent(folder / "latents/anna.pth")
    smile, age = (load_direction(folder / f"directions/{name}.pt") for name in ("smile", "age"))
    age[8:] = 0
    (branch,) = moved.branches
    assert torch.allclose(branch.latent(0), w + 2 * age, atol=1e-6)
    assert torch.allclose(branch.latent(1), w + 4 * smile + 2 * age, atol=1e-6)


def test_the_strength_is_lambda(moved):
    assert moved.branches[0].scale == (0.5, 1.0)


def test_the_window_is_the_settings(moved):
    assert (moved.start, moved.end) == (0, 0.5)


def test_frames_that_are_alike_share_a_latent(library):
    (steady,) = resolve(Settings(identity="anna", tracks="smile = 2"), library).plan(16).branches
    assert not steady.curves and steady.base is not None


def latents_of(plan):
    (branch,) = plan.branches
    return torch.stack([branch.latent(frame) for frame in range(plan.frames)])


@pytest.fixture
def people(folder):
    return [load_latent(folder / f"latents/{name}.pth") for name in ("anna", "oliver")]


def test_a_track_morphs_to_another_identity(library, people):
    anna, oliver = people
    w = latents_of(resolve(Settings(identity="anna", tracks="@oliver = 0 > 1"), library).plan(3))
    assert torch.allclose(w, torch.stack([anna, (anna + oliver) / 2, oliver]), atol=1e-5)


def test_a_morph_and_a_smile_add_up(library, folder, people):
    anna, oliver = people
    smile = load_direction(folder / "directions/smile.pt")
    w = latents_of(resolve(Settings(identity="anna", tracks="smile = 2\n@oliver = 0 > 1"), library).plan(3))
    assert torch.allclose(w[0], anna + 2 * smile, atol=1e-5) and torch.allclose(w[2], oliver + 2 * smile, atol=1e-5)


def test_a_morph_may_be_for_some_layers(library, people):
    anna, oliver = people
    settings = Settings(identity="anna", tracks="@oliver = 0 > 1\n@oliver[0:4] = 0 > -1")
    w = latents_of(resolve(settings, library).plan(3))
    assert torch.allclose(w[1][4:], (anna + oliver)[4:] / 2, atol=1e-5)
    assert torch.allclose(w[2][4:], oliver[4:], atol=1e-5) and torch.allclose(w[2][:4], anna[:4], atol=1e-5)


# In regions

REGIONS = "left = (0.3 0.4 0.1 0.2)\nright = 0:(0.6 0.4 0.1 0.2), 2:(0.8 0.4 0.1 0.2)"
LEFT, RIGHT = ((0.3, 0.4, 0.1, 0.2),), ((0.6, 0.4, 0.1, 0.2), (0.7, 0.4, 0.1, 0.2), (0.8, 0.4, 0.1, 0.2))


def rounded(ellipses):
    return tuple(tuple(round(number, 9) for number in ellipse) for ellipse in ellipses)


def test_a_track_is_kept_to_its_region(library):
    settings = Settings(tracks="smile[left] = 1\nage[0:8, right] = 1\nsmile = 0.5", regions=REGIONS)
    found = resolve(settings, library)
    left, right, whole = found.plan(3).branches
    assert left.region == LEFT and rounded(right.region) == RIGHT and whole.region is None
    assert not right.w[8:].any() and found.names == ["smile[left]", "age[right]", "smile"]


def test_an_identitys_tracks_add_up_in_their_regions(library, folder):
    settings = Settings(
        identity="anna", tracks="smile[left] = 2\nage = 1\nage[right] = 0 > 2", strength="0.5", regions=REGIONS
    )
    found = resolve(settings, library)
    whole, left, right = found.plan(3).branches
    anna = load_latent(folder / "latents/anna.pth")
    smile, age = (load_direction(folder / f"directions/{name}.pt") for name in ("smile", "age"))
    assert [len(each.scale) for each in (whole, left, right)] == [3, 3, 3] and whole.scale[0] == left.scale[0] == 0.5
    assert whole.without[0] == LEFT and rounded(whole.without[1]) == RIGHT and whole.region is None
    assert left.region == LEFT and rounded(right.region) == RIGHT
    assert torch.allclose(whole.latent(2), anna + age, atol=1e-6)
    assert torch.allclose(left.latent(2), anna + age + 2 * smile, atol=1e-6)
    assert torch.allclose(right.latent(2), anna + 3 * age, atol=1e-6)
    assert found.names == ["anna", "anna[left]", "anna[right]"]


def test_two_people_in_two_regions(library, people):
    settings = Settings(tracks="@anna[left] = 1\n@oliver[right] = 0.5 > 1", strength="0.8", regions=REGIONS)
    anna, oliver = resolve(settings, library).plan(3).branches
    assert torch.equal(anna.w, people[0]) and torch.equal(oliver.w, people[1])
    assert anna.region == LEFT and oliver.scale == pytest.approx((0.4, 0.6, 0.8))


def test_a_person_alone_is_everywhere(library, people):
    (anna,) = resolve(Settings(tracks="@anna = 1"), library).plan(1).branches
    assert torch.equal(anna.w, people[0]) and anna.region is None


def test_a_region_that_cannot_be_evaluated_says_so(library):
    settings = Settings(tracks="smile[a] = 1", regions="\na = 0:(0 0 1 1), 0%:(1 1 1 1)")
    with pytest.raises(ValueError, match="regions, line 2, column 18: two keys on frame 0 of 3"):
        resolve(settings, library).plan(3)


# Nothing, and what cannot be


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(tracks="smile = 0"), Settings(tracks="smile = 1", strength="0")]
)
def test_nothing_asked_is_nothing_done(library, settings):
    assert resolve(settings, library).plan(4).is_empty


def test_an_identity_by_itself_is_something(library):
    assert not resolve(Settings(identity="anna"), library).plan(4).is_empty


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(tracks="# x\nsmyle = 1"), "tracks, line 2: there is no direction 'smyle'"),
        (Settings(identity="anna", tracks="@olivr = 1"), "line 1: there is no latent 'olivr'"),
        (Settings(identity="../anna"), "^latent '../anna' leaves the folder"),
        (Settings(adapter="other"), "there is no adapter 'other'"),
    ],
)
def test_names_that_there_are_not(library, settings, message):
    with pytest.raises(ValueError, match=message):
        resolve(settings, library)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(tracks="smile = 3:(1), 100%:(2)"), "tracks, line 1, column 16: two keys on frame 3 of 4"),
        (Settings(strength="3:(1), 100%:(2)", tracks="smile = 1"), "strength, column 8: two keys on frame 3 of 4"),
        (Settings(tracks="nothing = 1"), "tracks, line 1: direction 'nothing' is zero in the layers 0:18"),
        (Settings(tracks="coarse = 1\ncoarse[4:8] = 1"), "tracks, line 2: direction 'coarse' is zero in the layers 4:"),
    ],
)
def test_plans_that_cannot_be_made(library, folder, settings, message):
    torch.save(torch.zeros(512), folder / "directions/nothing.pt")
    torch.save(torch.cat([torch.ones(4, 512), torch.zeros(14, 512)]), folder / "directions/coarse.pt")
    resolved = resolve(settings, library)
    with pytest.raises(ValueError, match=message):
        resolved.plan(4)


def test_the_adapters_own_name_is_told(library):
    assert resolve(Settings(), library).with_adapter().settings.adapter == "wplus_adapter"


# Fingerprints


def fingerprints(library, **settings):
    return resolve(Settings(**settings), library).fingerprints()


def test_fingerprints_name_every_file(library):
    found = fingerprints(library, identity="anna", tracks="smile = 1\nage = 2\nsmile[0:4] = 1")
    assert list(found) == ["WPlus adapter hash", "WPlus identity hash", "WPlus direction hashes"]
    assert found["WPlus direction hashes"].count(": ") == 2


def test_without_identity_and_tracks_there_is_the_adapter(library):
    assert list(fingerprints(library)) == ["WPlus adapter hash"]


@pytest.mark.parametrize(
    ("file", "entry"),
    [
        ("adapters/wplus_adapter.bin", "WPlus adapter hash"),
        ("latents/anna.pth", "WPlus identity hash"),
        ("directions/age.pt", "WPlus direction hashes"),
    ],
)
def test_a_fingerprint_changes_with_its_file_alone(library, folder, file, entry):
    before = fingerprints(library, identity="anna", tracks="age = 2")
    torch.save(torch.ones(1, 512), folder / file)
    after = fingerprints(library, identity="anna", tracks="age = 2")
    assert [name for name in before if before[name] != after[name]] == [entry]


def test_a_morphs_fingerprint_is_of_the_other_latent(library):
    found = fingerprints(library, identity="anna", tracks="@oliver = 0 > 1")["WPlus direction hashes"]
    assert found == f"@oliver: {library.hash(library.find('latents', 'oliver'))}"


def test_a_components_fingerprint_is_of_the_numbers(library, folder, ganspace):
    before = fingerprints(library, tracks="grin = 1")
    torch.save({**ganspace, "std": ganspace["std"] * 2}, folder / "directions/ganspace/ffhq_pca.pt")
    assert fingerprints(library, tracks="grin = 1")["WPlus direction hashes"] != before["WPlus direction hashes"]


def test_a_components_fingerprint_is_not_of_the_table(library, folder, ganspace):
    before = fingerprints(library, tracks="grin = 1")
    with open(folder / "directions/ganspace/ganspace_configs.csv", "a") as table:
        table.write("smirk\t0\t4\t6\t20\n")
    assert fingerprints(library, tracks="grin = 1") == before
