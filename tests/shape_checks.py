"""Calls of wplus_ext/weights, wplus_ext/edit and wplus_ext/measure, with the shapes in every signature checked.

Run by test_shapes.py in a process of its own, since the checks are put in while the modules are imported. Prints by
name what each call raised.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from beartype import BeartypeConf, beartype

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))  # a whole number is a number
CHECKS = {}


def check(act):
    """One of the calls."""
    CHECKS[act.__name__] = act
    return act


@check
def tokens_of_a_latent(library):
    library.adapter.tokens(library.unets.latents(3))


@check
def tokens_of_a_wrong_shape(library):
    library.adapter.tokens(library.unets.latents(3)[:, :17])


@check
def tokens_of_whole_numbers(library):
    library.adapter.tokens(library.unets.latents(3).long())


@check
def folded_matrices(library):
    library.adapter.fold(0, library.adapter.tokens(library.unets.latents(3)), 8)


@check
def folded_matrices_of_a_wrong_shape(library):
    library.adapter.fold(0, library.adapter.tokens(library.unets.latents(3))[:, :3], 8)


@check
def an_adapters_state(library):
    library.adapter.state()


@check
def latents_as_files(library):
    from wplus_ext import load_direction, load_latent

    path = library.plain.save(library.unets.latents(), library.folder / "w.pt")
    load_latent(path)
    load_direction(path)


@check
def files_by_kind(library):
    from wplus_ext.weights.kinds import identify

    for path in (library.folder / "adapter.bin", library.plain.save(library.unets.latents(), library.folder / "v.npy")):
        found = identify(path)
        found.kind.describe(found.content)
        found.kind.tensors(found.content)


@check
def the_encoder(library):
    """On the device that computes nothing: shapes are all there is."""
    import torch

    from wplus_ext.weights.encoder import Encoder

    with torch.device("meta"):
        Encoder()(torch.zeros(2, 3, 256, 256))


@check
def the_encoder_on_a_wrong_shape(library):
    import torch

    from wplus_ext.weights.encoder import Encoder

    with torch.device("meta"):
        Encoder()(torch.zeros(2, 3, 128, 128))


@check
def a_face_that_is_measured(library):
    """Whatever these networks see in a picture: shapes are all there is."""
    import measured
    import torch

    from wplus_ext.measure import points
    from wplus_ext.measure.reader import Reader

    reader = Reader(measured.write_all(library.folder))
    frame = torch.from_numpy(measured.picture())
    points.find(reader._detector, frame[None], 0.5)
    picture, box = frame.permute(2, 0, 1).float(), points.Box(20, 20, 100, 100, 1)
    reader._face(picture, box, *points.look(reader._landmarks, picture, box))
    reader._face(picture, box, torch.rand(68, 2) * 100, 0.0)


@check
def a_face_of_a_wrong_shape(library):
    import measured
    import torch

    from wplus_ext.measure.networks import Landmarks

    measured.write(library.folder, Landmarks)
    Landmarks.load(library.folder)(torch.zeros(1, 4, 112, 112))


def edited(library, name, **values):
    """A UNet call under one of the plans, and the report of it."""
    from wplus_ext import Plan, attach

    unets = library.unets
    with attach(library.unet, library.adapter, Plan(unets.PLANS[name], **values)) as live:
        live.rows(unets.FRAMES, unets.NEGATIVE)
        unets.call(library.unet)
    live.report.to_dict()
    live.report.summary()


@check
def the_residual_of_one_direction(library):
    edited(library, "one direction")


@check
def the_residual_with_a_latent_per_frame(library):
    edited(library, "both per frame")


@check
def the_residual_of_several_branches(library):
    edited(library, "several branches")


@check
def the_residual_shared_and_per_frame(library):
    edited(library, "shared and per frame")


@check
def the_residual_without_negative_rows(library):
    edited(library, "several branches", negative=False)


@check
def the_direct_mode(library):
    edited(library, "shared and per frame", mode="direct")


@check
def the_direct_mode_with_a_latent_per_frame(library):
    edited(library, "a latent per frame", mode="direct")


@check
def a_branch_of_a_wrong_shape(library):
    from wplus_ext import Branch

    Branch(library.unets.latents()[:, :511])


class Library:
    """An adapter from a file, and a UNet that it fits."""

    def __init__(self, folder):
        import plain
        import torch
        import unets

        from wplus_ext import Adapter

        self.plain, self.unets, self.folder = plain, unets, folder
        torch.save(plain.checkpoint(), folder / "adapter.bin")
        self.adapter, self.unet = Adapter.load(folder / "adapter.bin"), plain.compvis_unet()


def main():
    from jaxtyping import install_import_hook

    install_import_hook(
        ["wplus_ext.weights", "wplus_ext.edit", "wplus_ext.measure"], f"{Path(__file__).stem}.checker"
    )  # for good
    raised = {}
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder))
        for name, act in CHECKS.items():
            try:
                act(library)
            except Exception as error:
                raised[name] = f"{type(error).__name__}: {error}"
    print(json.dumps({name: raised.get(name, "") for name in CHECKS}))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
