"""What a UNet call of ComfyUI is: which frames its rows have, which of them are negative, which step it belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...edit.following import Call

CLOSE = 1e-3  # of a noise level, by which samplers that compute with its logarithm miss it


class Reader:
    """Says what the UNet calls of one sampling are, from the options that ComfyUI hands to each.

    Args:
        guider: ComfyUI's ``CFGGuider``, whose ``conds`` are lists of dicts by name.
        length: of the batch that is sampled, whose images are the frames of one video.
        size: height and width of what is sampled, where the edit has regions of it; else None.
    """

    def __init__(self, guider: object, length: int, size: tuple[int, int] | None = None) -> None:
        self._guider, self._length, self._size = guider, length, size
        self._run = object()

    def __call__(self, args: tuple, kwargs: dict) -> Call:
        """Raises RuntimeError for a call that is not ComfyUI's, or whose rows are of an unknown order."""
        options = kwargs.get("transformer_options") or {}
        parts, sigmas, levels = (options.get(name) for name in ("cond_or_uncond", "sigmas", "sample_sigmas"))
        if not parts or sigmas is None or levels is None:
            raise RuntimeError(
                "W+ Adapter: the UNet was called without ComfyUI's transformer_options (cond_or_uncond, sigmas and "
                "sample_sigmas), so that its rows are not known; use a sampler of ComfyUI's, or none of the edit"
            )
        x = args[0] if args else kwargs["x"]
        if self._size is not None and tuple(x.shape[-2:]) != self._size:
            raise RuntimeError(
                f"W+ Adapter: the edit has regions, and the UNet was called with a part of the picture, as prompts "
                f"that are kept to an area make it ({tuple(x.shape[-2:])} of {self._size}); leave out one of the two"
            )
        frames = self._frames(x, len(parts), options)
        negative = self._negative(parts, options.get("uuids") or ())
        return Call(negative, 1, frames, self._length, *step_of(sigmas, levels), self._run)

    def _frames(self, x: torch.Tensor, parts: int, options: dict) -> Sequence[int]:
        """The frames of each part: AnimateDiff-Evolved's window, ComfyUI's own, or all."""
        each, odd = divmod(len(x), parts)
        window = getattr(options.get("context_window"), "index_list", None)
        for found in ((options.get("ad_params") or {}).get("sub_idxs"), window, range(self._length)):
            if found is not None and len(found) == each and not odd:
                return list(found)
        raise RuntimeError(
            f"W+ Adapter: the UNet was called with {len(x)} rows in {parts} parts, of {self._length} frames, and no "
            "window says which; use the windows of AnimateDiff-Evolved or of ComfyUI itself"
        )

    def _negative(self, parts: Sequence[int], uuids: Sequence[object]) -> list[bool]:
        """Whether each part is negative: as the guider calls its prompts; where they do not tell, by its number, which
        is 1 in ComfyUI's own sampling."""
        names: dict[object, set[str]] = {}
        for name, conds in (getattr(self._guider, "conds", None) or {}).items():
            for cond in conds or ():
                names.setdefault(cond.get("uuid"), set()).add(name)
        found = [names.get(uuid, set()) for uuid in uuids] if len(uuids) == len(parts) else [set() for _ in parts]
        return [
            any("neg" in name for name in called) if len(called) == 1 else part == 1
            for part, called in zip(parts, found)
        ]


def step_of(sigmas: torch.Tensor, levels: torch.Tensor) -> tuple[int, int]:
    """The step, and of how many, of a call at the first of ``sigmas``. ``levels`` are those of the sampling, one more
    than it has steps; a call between two, as samplers of second order make them, belongs to the step that it is in."""
    now, levels = float(sigmas.reshape(-1)[0]), levels.tolist()
    starts, steps = levels[:-1], len(levels) - 1
    if levels[0] < levels[-1]:  # an inversion, which adds noise
        begun = sum(level <= now * (1 + CLOSE) for level in starts)
    else:
        begun = sum(level >= now * (1 - CLOSE) for level in starts)
    return max(begun - 1, 0), steps
