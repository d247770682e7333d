"""From settings and files to what each frame gets."""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, fields

import pytest
import torch

from wplus_ext import Branch, Plan, load_direction, load_latent
from wplus_ext.library.directions import load
from wplus_ext.library.index import Library
from wplus_ext.library.resolve import resolve
from wplus_ext.settings import Settings, from_infotext


@pytest.fixture
def library(models):
    return Library([models / "wplus"])


def infotext(entries):
    """What the WebUI reads back: text."""
    return {"Steps": "20", **{key: str(value) for key, value in entries.items()}}


# Settings


def test_defaults_are_those_of_the_readme():
    assert asdict(Settings()) == {
        "enabled": False, "adapter": "", "mode": "residual", "identity": None, "tracks": "", "strength": "1",
        "start": 0.2, "end": 1.0, "negative": True,
    }  # fmt: skip


def test_dict_and_positional_arguments_say_the_same():
    values = [True, "a", "direct", "anna", "smile = 1", "0.5", 0.1, 0.9, True]
    names = [field.name for field in fields(Settings)]
    assert Settings.from_args(values) == Settings.from_args([dict(zip(names, values)), "", 3]) == Settings(*values)
    assert Settings.from_args(values[:2]).tracks == ""
    assert Settings.from_args([{"enabled": True, "adapter": None, "identity": None, "start": 0}]).start == 0.0


@pytest.mark.parametrize(
    "settings",
    [
        Settings(enabled=True, adapter="a", tracks="smile = 0:(0), 8:(1)\nage = 0.3", strength="0 > 1"),
        Settings(enabled=True, adapter="a b", identity="anna, 2: x", mode="direct", start=0.0, end=0.55),
        Settings(enabled=True, adapter="a", negative=False),
        Settings(enabled=True, adapter="a", start=1e-05, end=0.3333333),
        Settings(enabled=True, adapter="a", start=-0.0),
    ],
)
def test_infotext_reads_back(settings):
    assert Settings.from_dict(from_infotext(infotext(settings.to_infotext()))) == settings


def test_infotext_of_pictures_made_without_us():
    assert from_infotext({"Steps": "20"}) == {"enabled": False}
    assert from_infotext({"Prompt": "only words"}) == {}


def test_a_strangers_infotext_is_not_trusted():
    params = {"Steps": "20", "WPlus mode": "residual", "WPlus steps": "evil"}
    assert (from_infotext(params)["start"], from_infotext(params)["end"]) == (0.2, 1.0)


def test_infotext_has_no_empty_values():
    assert all(str(value) for value in Settings(enabled=True, adapter="a").to_infotext().values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trcks": "smile = 1"}, r"unknown field 'trcks' \(did you mean tracks\?\); expected enabled, adapter"),
        ({"mode": "both"}, "mode is 'both', expected one of residual, direct"),
        ({"start": 0.8, "end": 0.3}, "start is 0.8 and end 0.3, expected 0 <= start < end <= 1"),
        ({"start": -0.1}, "start is -0.1"),
        ({"end": 1.5}, "end is 1.5, expected 0 to 1"),
        ({"start": math.nan}, "start is nan"),
        ({"start": "0.2"}, r"start is '0.2' \(str\), expected a number"),
        ({"enabled": "yes"}, "enabled is 'yes'"),
        ({"enabled": 1}, r"enabled is 1 \(int\), expected true or false"),
        ({"negative": None}, "negative is None"),
        ({"tracks": ["smile = 1"]}, "tracks is .* expected a text"),
        ({"tracks": "smile = 99"}, "line 1, column 9: expected a number from -20 to 20"),
        ({"strength": "much"}, "strength 'much': line 1, column 1: expected a number or a key"),
        ({"strength": 1e6}, "strength '1000000'.*from -20 to 20"),
        ({"identity": 7}, "identity is 7"),
        ({"mode": "direct", "negative": False}, "negative is off in the direct mode"),
    ],
)
def test_wrong_settings(values, message):
    with pytest.raises(ValueError, match=message):
        Settings.from_dict(values)


def test_a_page_that_is_switched_off_is_not_looked_at():
    assert not Settings.from_args([False, "", "residual", "None", "half a trac"]).enabled
    with pytest.raises(ValueError, match="expected '='"):
        Settings.from_args([True, "", "residual", "None", "half a trac"])
    with pytest.raises(ValueError, match="10 arguments, expected at most 9"):
        Settings.from_args([True] * 10)


# Library


def test_names(library):
    assert library.names("directions") == ["age", "more/glasses", "smile"]
    assert library.names("latents") == ["anna", "oliver"]
    assert library.find("directions", "glasses").name == "more/glasses"  # the bare name is unique
    assert library.find("directions", "smile.pt").name == "smile"
    assert library.find("adapters").name == "wplus_adapter"


def test_names_that_are_not_unique(library, models):
    folder = models / "wplus" / "directions"
    torch.save(torch.ones(512), folder / "more" / "smile.pt")
    torch.save(torch.ones(512), folder / "age.pth")
    library.refresh()
    assert library.names("directions") == ["age.pt", "age.pth", "more/glasses", "more/smile", "smile"]
    assert library.find("directions", "smile").name == "smile"  # the whole name goes before a bare one
    assert library.find("directions", "age.pth").path.suffix == ".pth"
    with pytest.raises(ValueError, match="'age' is the name of several: age.pt, age.pth"):
        library.find("directions", "age")


@pytest.mark.parametrize("name", ["../secret", "more/../../x", "/etc/passwd", "C:\\x", "..\\x"])
def test_names_that_leave_the_folder(library, name):
    with pytest.raises(ValueError, match="leaves the folder: expected a name inside of"):
        library.find("latents", name)


def test_links_that_leave_the_folder_are_not_followed(library, models, tmp_path, caplog):
    torch.save(torch.ones(512), tmp_path / "outside.pt")
    (models / "wplus/latents/link.pt").symlink_to(tmp_path / "outside.pt")
    (models / "wplus/latents/folder").symlink_to(tmp_path)
    (models / "wplus/latents/inside.pth").symlink_to(models / "wplus/latents/anna.pth")
    assert library.names("latents") == ["anna", "inside", "oliver"]
    assert "link.pt is a link that leaves the folder" in caplog.text
    with pytest.raises(ValueError, match="no latent 'link'.*links that leave the folder are not followed"):
        library.latent("link")


def test_unknown_names_come_with_the_nearest(library):
    with pytest.raises(ValueError, match=r"no direction 'smyle' in .*directions \(did you mean smile\?\)"):
        library.find("directions", "smyle")
    with pytest.raises(ValueError, match="did you mean more/glasses"):
        library.find("directions", "glases")
    with pytest.raises(ValueError, match="no latent 'xyzzy' in .* among 2"):
        library.latent("xyzzy")


def test_a_folder_that_is_missing_empty_or_unreadable(tmp_path):
    for library in (Library([tmp_path / "none"]), Library([])):
        assert library.names("adapters") == []
        with pytest.raises(ValueError, match="there is no adapter in .*put wplus_adapter.bin there"):
            library.adapter()
    with pytest.raises(ValueError, match="latent 'anna': there is no latent"):
        Library([tmp_path]).latent("anna")


def test_several_roots(models, tmp_path):
    (tmp_path / "more" / "latents").mkdir(parents=True)
    for name in ("zoe.pt", "anna.pth"):
        torch.save(torch.ones(512), tmp_path / "more" / "latents" / name)
    both = Library([models / "wplus", tmp_path / "more", models / "wplus"])
    assert both.names("latents") == ["anna", "oliver", "zoe"]
    assert not torch.equal(both.latent("anna"), torch.ones(18, 512))  # the first root goes before the others


def test_every_listed_name_is_its_own(library, models, ganspace):
    folder = models / "wplus/directions"
    for name in ("ganspace/smile.pt", "grin.pt", "x.pt", "x.pt.pth", "up..down.pt"):
        torch.save(torch.ones(512), folder / name)
    library.refresh()
    for name in library.names("directions"):
        assert library.find("directions", name).name == name
    assert {"grin", "ganspace/grin", "ganspace/smile", "smile"} <= set(library.names("directions"))


def test_bad_files_do_not_spoil_the_listing(library, models, ganspace, tmp_path, caplog):
    folder = models / "wplus/directions/ganspace"
    (folder / "a.pt").write_bytes(b"\x80\x02 damaged")
    (folder / "b.csv").write_text("x\t" * 200_000)
    (folder / "c.csv").symlink_to(tmp_path / "nowhere.csv")
    (folder / "d.pt").symlink_to(folder / "d.pt")
    (tmp_path / "outside.csv").write_text("stolen\t1\t4\t6\t20\n")
    (folder / "e.csv").symlink_to(tmp_path / "outside.csv")
    names = library.names("directions")
    assert "ganspace/grin" in names and "ganspace/a" in names and "ganspace/stolen" not in names
    assert "e.csv is a link that leaves the folder" in caplog.text and "d.pt cannot be read" in caplog.text


def test_a_large_library_is_listed_quickly(library, models, ganspace):
    folder = models / "wplus/directions/ganspace"
    for i in range(300):
        torch.save(torch.ones(4), folder / f"n{i}.pt")
    library.names("directions")
    start = time.perf_counter()
    library.refresh()
    assert len(library.names("directions")) == 306
    assert time.perf_counter() - start < 1


def test_files_that_no_track_can_name_are_said(library, models, caplog):
    torch.save(torch.ones(512), models / "wplus/directions/a=b.pt")
    assert "a=b" not in library.names("directions")
    assert "cannot be used as a name, rename it" in caplog.text


def test_an_adapter_is_read_again_only_when_it_changed(library, models):
    first = library.adapter()
    assert library.adapter("wplus_adapter") is first
    os.utime(models / "wplus/adapters/wplus_adapter.bin", ns=(1, 1))
    assert library.adapter() is not first


@pytest.fixture
def ganspace(models):
    """A small PCA in the published form, with its table."""
    g = torch.Generator().manual_seed(5)
    axes = torch.linalg.qr(torch.randn(512, 3, generator=g)).Q.T
    pca = {"mean": torch.randn(1, 512, generator=g), "comp": axes[:, None], "std": torch.tensor([4.0, 2.0, 1.0])}
    folder = models / "wplus/directions/ganspace"
    folder.mkdir()
    torch.save(pca, folder / "ffhq_pca.pt")
    (folder / "ganspace_configs.csv").write_text("grin\t1\t4\t6\t20\nfrown\t2\t0\t18\t-15\nbroken\t9\t0\t18\t20\n")
    return pca


def test_ganspace_moves_a_coordinate_to_a_target(library, ganspace):
    assert library.names("directions") == [
        "age", "ganspace/broken", "ganspace/frown", "ganspace/grin", "more/glasses", "smile",
    ]  # fmt: skip
    w = library.latent("anna")
    edited = resolve(Settings(identity="anna", tracks="grin = -3 > 5"), library).plan(2).branches[0].w

    def coordinate(x, component):
        return ((x - ganspace["mean"]) @ ganspace["comp"][component, 0]) / ganspace["std"][component]

    assert torch.allclose(coordinate(edited[0], 1)[4:6], torch.tensor(-3.0), atol=1e-4)
    assert torch.allclose(coordinate(edited[1], 1)[4:6], torch.tensor(5.0), atol=1e-4)
    assert torch.equal(edited[0, :4], w[:4]) and torch.equal(edited[1, 6:], w[6:])
    assert torch.allclose(coordinate(edited[0], 0), coordinate(w, 0), atol=1e-4)  # the others stay
    # Positive is more of what the name says: a published strength below zero turns the axis round.
    (frown,) = resolve(Settings(tracks="ganspace/frown = 1"), library).plan(1).branches
    assert (frown.w @ ganspace["comp"][2, 0] < 0).all()
    with pytest.raises(ValueError, match="the line of 'broken' does not fit ffhq_pca.pt"):
        load(library.find("directions", "broken"))


def test_upstreams_ganspace_table(data):
    library = Library([data])
    names = library.names("directions")
    assert "ganspace/big_smile" in names and "ganspace/ffhq_pca" not in names and "latent/age" in names
    direction = load(library.find("directions", "ganspace/big_smile"))
    assert direction.layers == (4, 5) and direction.vector[4].norm() > 0 and not direction.vector[5:].any()


# Plans


def test_without_an_identity_each_track_is_a_branch(library, models):
    settings = Settings(tracks="smile = -0.7 > 0 > 0.7\nage[0:8] = 0.5", strength="2")
    smile, age = resolve(settings, library).plan(3).branches
    n = load_direction(models / "wplus/directions/smile.pt")
    assert torch.equal(smile.w, n) and smile.scale == (-1.4, 0.0, 1.4)
    assert age.w[:8].any() and not age.w[8:].any() and age.scale == (1.0, 1.0, 1.0)


def test_with_an_identity_tracks_move_the_latent(library, models):
    settings = Settings(identity="anna", tracks="smile = 0 > 4\nage[0:8] = 2", strength="0.5 > 1", start=0, end=0.5)
    plan = resolve(settings, library).plan(2)
    (branch,) = plan.branches
    w = load_latent(models / "wplus/latents/anna.pth")
    smile, age = (load_direction(models / f"wplus/directions/{name}.pt") for name in ("smile", "age"))
    age[8:] = 0
    assert torch.allclose(branch.w[0], w + 2 * age, atol=1e-6)
    assert torch.allclose(branch.w[1], w + 4 * smile + 2 * age, atol=1e-6)
    assert branch.scale == (0.5, 1.0) and (plan.start, plan.end) == (0, 0.5)
    (steady,) = resolve(Settings(identity="anna", tracks="smile = 2"), library).plan(16).branches
    assert steady.w.shape == (18, 512)  # frames that are alike share a latent


def test_a_track_morphs_to_another_identity(library, models):
    settings = Settings(identity="anna", tracks="smile = 2\n@oliver = 0 > 1\n@oliver[0:4] = 0 > -1")
    anna, oliver = (load_latent(models / f"wplus/latents/{name}.pth") for name in ("anna", "oliver"))
    smile = load_direction(models / "wplus/directions/smile.pt")
    w = resolve(settings, library).plan(3).branches[0].w - 2 * smile
    assert torch.allclose(w[0], anna, atol=1e-5) and torch.allclose(w[1][4:], (anna + oliver)[4:] / 2, atol=1e-5)
    assert torch.allclose(w[2][4:], oliver[4:], atol=1e-5) and torch.allclose(w[2][:4], anna[:4], atol=1e-5)
    hashes = resolve(settings, library).fingerprints()["WPlus direction hashes"]
    assert f"@oliver: {library.hash(library.find('latents', 'oliver'))}" in hashes


def test_nothing_asked_is_nothing_done(library):
    for settings in (Settings(), Settings(tracks="smile = 0"), Settings(tracks="smile = 1", strength="0")):
        assert resolve(settings, library).plan(4).is_empty
    assert not resolve(Settings(identity="anna"), library).plan(4).is_empty


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(tracks="# x\nsmyle = 1"), "tracks, line 2: there is no direction 'smyle'"),
        (Settings(tracks="smile = 3:(1), 100%:(2)"), "tracks, line 1, column 16: two keys on frame 3 of 4"),
        (Settings(strength="3:(1), 100%:(2)", tracks="smile = 1"), "strength, column 8: two keys on frame 3 of 4"),
        (Settings(tracks="@oliver = 1"), "line 1: '@oliver' leads from an identity to another one: choose"),
        (Settings(identity="anna", tracks="@olivr = 1"), "line 1: there is no latent 'olivr'"),
        (Settings(identity="../anna"), "identity.*|latent '../anna' leaves the folder"),
    ],
)
def test_plans_that_cannot_be_made(library, settings, message):
    with pytest.raises(ValueError, match=message):
        resolve(settings, library).plan(4)


def test_a_direction_that_says_nothing_is_refused(library, models):
    torch.save(torch.zeros(512), models / "wplus/directions/nothing.pt")
    with pytest.raises(ValueError, match="tracks, line 1: direction 'nothing' is zero in the layers 0:18"):
        resolve(Settings(tracks="nothing = 1"), library).plan(4)


def test_fingerprints_name_every_file(library, models):
    settings = Settings(identity="anna", tracks="smile = 1\nage = 2\nsmile[0:4] = 1")
    before = resolve(settings, library).fingerprints()
    assert list(before) == ["WPlus adapter hash", "WPlus identity hash", "WPlus direction hashes"]
    assert before["WPlus direction hashes"].count(": ") == 2
    torch.save(torch.ones(1, 512), models / "wplus/directions/age.pt")
    after = resolve(settings, library).fingerprints()
    assert after["WPlus adapter hash"] == before["WPlus adapter hash"]
    assert after["WPlus direction hashes"] != before["WPlus direction hashes"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Branch(torch.zeros(14, 512)), r"w has shape \(14, 512\), expected \(18, 512\) or \(F, 18, 512\)"),
        (lambda: Branch(torch.full((18, 512), math.nan)), "w holds NaN"),
        (lambda: Branch(torch.zeros(18, 512), [1.0, math.inf]), "expected a finite number or a list of them"),
        (
            lambda: Branch(torch.zeros(3, 18, 512), [1.0, 2.0]),
            "w has 3 frames and scale 2, expected the same",
        ),
        (lambda: Branch(torch.zeros(18, 512), []), "w has 1 frames and scale 0"),
        (lambda: Plan([Branch(torch.zeros(18, 512), [1] * n) for n in (2, 3)]), r"the branches have \[2, 3\] frames"),
        (lambda: Plan([], start=0.5, end=0.5), "start is 0.5 and end 0.5"),
        (lambda: Plan([], mode="both"), "mode is 'both'"),
        (lambda: Plan([], mode="direct", negative=False), "negative is off in the direct mode"),
    ],
)
def test_wrong_plans(make, message):
    with pytest.raises(ValueError, match=message):
        make()
