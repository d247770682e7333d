"""wplus() on the pipelines and schedulers of diffusers: rows, calls and result against the plain formula."""

from __future__ import annotations

import plain
import pytest
from pipelines import BRANCHES, STEPS, F, by_formula, is_video, make, rows, run
from unets import difference

from wplus_ext import Plan, wplus


@pytest.fixture(scope="module")
def unets():
    return {"motion": plain.motion_unet(), "image": plain.diffusers_unet()}


ANIMATE, IMAGE = "AnimateDiff", "StableDiffusion"
# A pipeline, a scheduler, what it is called with, the parts of each call's batch (negative, positive or perturbed), and
# of each call whether it is edited, from a quarter of the steps on.
TABLE = [
    (ANIMATE, "DDIM", {}, "np", "0111"),
    (ANIMATE, "DDIM", {"guidance": 1.0}, "p", "0111"),
    (ANIMATE, "EulerDiscrete", {}, "np", "0111"),
    (ANIMATE, "EulerAncestralDiscrete", {}, "np", "0111"),
    (ANIMATE, "PNDM", {}, "np", "00111"),
    (ANIMATE, "PNDM", {"skip_prk_steps": False}, "np", "0000111111111"),
    (ANIMATE, "HeunDiscrete", {}, "np", "0011111"),
    (ANIMATE, "LCM", {"guidance": 1.0}, "p", "0111"),
    (ANIMATE, "DPMSolverMultistep", {}, "np", "0111"),
    (ANIMATE, "DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++"}, "np", "0111"),
    (ANIMATE, "DPMSolverSinglestep", {}, "np", "0111"),
    (ANIMATE, "KDPM2Discrete", {}, "np", "0011111"),
    (ANIMATE, "KDPM2AncestralDiscrete", {}, "np", "0011111"),
    (ANIMATE, "UniPCMultistep", {}, "np", "0111"),
    (ANIMATE, "DDIM", {"videos": 2}, "np", "0111"),
    (f"{ANIMATE}PAG", "DDIM", {}, "npp", "0111"),
    (f"{ANIMATE}PAG", "EulerDiscrete", {"guidance": 1.0}, "pp", "0111"),
    (f"{ANIMATE}PAG", "HeunDiscrete", {"pag_scale": 0.0}, "np", "0011111"),
    (f"{ANIMATE}ControlNet", "DDIM", {}, "np", "0111"),
    (f"{ANIMATE}ControlNet", "PNDM", {"guidance": 1.0}, "p", "00111"),
    (f"{ANIMATE}SparseControlNet", "DDIM", {}, "np", "0111"),
    (f"{ANIMATE}VideoToVideo", "DDIM", {"steps": 8}, "np", "0111"),
    (f"{ANIMATE}VideoToVideo", "HeunDiscrete", {"steps": 8}, "np", "0011111"),
    (IMAGE, "DDIM", {}, "np", "0111"),
    (IMAGE, "PNDM", {}, "np", "00111"),
    (IMAGE, "HeunDiscrete", {"guidance": 1.0}, "p", "0011111"),
    (f"{IMAGE}PAG", "EulerDiscrete", {}, "npp", "0111"),
    (f"{IMAGE}PAG", "LCM", {"guidance": 1.0}, "pp", "0111"),
    (f"{IMAGE}Img2Img", "DDIM", {"steps": 8}, "np", "0111"),
    (f"{IMAGE}Img2Img", "PNDM", {"steps": 8}, "np", "00111"),
    (f"{IMAGE}Img2Img", "DPMSolverMultistep", {"steps": 8, "guidance": 1.0}, "p", "0111"),
]
OF_THE_SCHEDULER = ("skip_prk_steps", "algorithm_type")


@pytest.mark.parametrize(("kind", "name", "options", "parts", "edited"), TABLE)
def test_the_table(unets, adapter, state, kind, name, options, parts, edited):
    own = {key: options[key] for key in OF_THE_SCHEDULER if key in options}
    options = {key: value for key, value in options.items() if key not in own}
    pipe = make(kind, unets["motion" if kind.startswith(ANIMATE) else "image"], name, **own)
    before = run(pipe, **options)
    active = rows(BRANCHES, parts, F, options.get("videos", 1))
    calls = [active if each == "1" else [[]] * len(active) for each in edited]
    with by_formula(pipe.unet, state, calls) as batches:
        wanted = run(pipe, **options)
    with wplus(pipe, adapter, Plan(BRANCHES, start=0.25)) as live:
        got = run(pipe, **options)
    told = live.report.to_dict()
    assert (told["unet_calls"], told["edited_calls"]) == (len(edited), edited.count("1"))
    assert (told["layers"], told["steps"], told["edited_steps"], told["frames"]) == (16, STEPS, STEPS - 1, F)
    assert set(batches) == {len(parts) * (options.get("videos", 1) if is_video(pipe) else F)}
    assert difference(got, wanted) < 1e-5
    assert difference(wanted, before) > 3e-4, "the edit is too small for the comparison to mean anything"
