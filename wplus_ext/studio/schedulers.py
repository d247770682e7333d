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


def of_motion(name: str):  # noqa: ANN201 - diffusers is optional
    """The scheduler of that name that AnimateDiff's motion modules were trained for."""
    return _class(name).from_config({**ANIMATEDIFF, **KINDS[name][1]})


def made(name: str, own):  # noqa: ANN001, ANN201 - diffusers is optional
    """A scheduler by its name, with the betas of a pipeline's ``own``, which ``"own"`` names itself."""
    if name == OWN:
        return own
    kept = {key: own.config.get(key, ANIMATEDIFF[key]) for key in ("clip_sample", "steps_offset")}
    return _class(name).from_config(own.config, **{**kept, **KINDS[name][1]})


def fitting(own, folder: Path, is_motions: bool, is_lcm: bool):  # noqa: ANN001, ANN201 - diffusers is optional
    """What goes with motion modules in place of the scheduler of a folder, and a sentence where that is another one.

    Args:
        is_motions: whether the folder is one of AnimateDiff's, whose scheduler is kept whatever it says.
        is_lcm: whether the motion modules are AnimateLCM's.
    """
    says = own.config.get("beta_schedule")
    if is_motions and says == LINEAR:
        return own, ""
    if is_motions:
        return (
            own,
            f"{folder}: its scheduler has {says} betas, and motion modules want {LINEAR} ones; it is left as it is",
        )
    if says == LINEAR and not is_lcm:
        return own, ""
    name = "lcm" if is_lcm else "ddim"
    why = f"AnimateLCM's motion modules want LCM and {LINEAR} betas" if is_lcm else f"motion modules want {LINEAR} ones"
    was = f"{type(own).__name__.removesuffix('Scheduler')} with {says} betas"
    return of_motion(name), f"{folder}: its scheduler is {was}; {why}: {name} is used; --scheduler names another"


def _class(name: str):  # noqa: ANN202 - diffusers is optional
    import diffusers

    return getattr(diffusers, KINDS[name][0])
