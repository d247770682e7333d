"""Schedulers by the names that people know, with the betas that motion modules were trained with."""

from __future__ import annotations

from pathlib import Path

OWN = "own"
KINDS: dict[str, tuple[str, dict[str, object]]] = {  # diffusers' class, and what differs from its defaults
    "ddim": ("DDIMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "dpm++": ("DPMSolverMultistepScheduler", {}),
    "dpm++_karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpm++_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}
NAMES = (OWN, *KINDS)
LINEAR = "linear"
ANIMATEDIFF = {  # AnimateDiff's own noise schedule: configs/inference of guoyww/AnimateDiff
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": LINEAR,
    "clip_sample": False, "steps_offset": 1,
}  # fmt: skip
GOALS = ("prediction_type", "rescale_betas_zero_snr")  # what a UNet was trained to predict, whatever its betas
TRAINED = (*ANIMATEDIFF, *GOALS, "trained_betas")  # a model's own, whichever its scheduler
CHOSEN = ("timestep_spacing", "set_alpha_to_one")  # likewise, where they are said: classes have defaults of their own


def of_motion(name: str, **values: object):  # noqa: ANN201 - diffusers is optional
    """The scheduler of that name that AnimateDiff's motion modules were trained for, but for some values."""
    return _class(name).from_config({**ANIMATEDIFF, **values, **KINDS[name][1]})


def made(name: str, own):  # noqa: ANN001, ANN201 - diffusers is optional
    """A scheduler by its name, with what belongs to the model in a pipeline's ``own``, which ``"own"`` names itself."""
    if name == OWN:
        return own
    unsaid = own.config.get("_use_default_values", ())
    said = [key for key in CHOSEN if key not in unsaid]
    return of_motion(name, **_of(own, *TRAINED, *said))


def fitting(own, folder: Path, is_motions: bool, is_lcm: bool):  # noqa: ANN001, ANN201 - diffusers is optional
    """What goes with motion modules in place of the scheduler of a folder, and a sentence where that is another one.

    Args:
        is_motions: whether the folder is one of AnimateDiff's, whose scheduler is kept whatever its betas.
        is_lcm: whether the motion modules are AnimateLCM's, which want LCM in any folder.
    """
    says, kind = own.config.get("beta_schedule"), type(own).__name__.removesuffix("Scheduler")
    if says == LINEAR and (not is_lcm or kind == "LCM"):
        return own, ""
    if is_motions and not is_lcm:
        return (
            own,
            f"{folder}: its scheduler has {says} betas, and motion modules want {LINEAR} ones; it is left as it is",
        )
    name = "lcm" if is_lcm else "ddim"
    why = f"AnimateLCM's motion modules want LCM and {LINEAR} betas" if is_lcm else f"motion modules want {LINEAR} ones"
    note = f"{folder}: its scheduler is {kind} with {says} betas; {why}: {name} is used; --scheduler names another"
    return of_motion(name, **_of(own, *GOALS)), note


def _of(own, *keys: str) -> dict[str, object]:  # noqa: ANN001 - diffusers is optional
    """Those of a scheduler's settings that it has."""
    return {key: own.config[key] for key in keys if key in own.config}


def _class(name: str):  # noqa: ANN202 - diffusers is optional
    import diffusers

    return getattr(diffusers, KINDS[name][0])
