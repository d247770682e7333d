"""The nodes: an adapter is loaded, names are picked, an edit is applied to a MODEL, and told after sampling."""

from __future__ import annotations

import json

from comfy.patcher_extension import WrappersMP

from ...library.index import Entry
from . import inputs
from .images import IdentityFromImage, Measure
from .inputs import ADAPTER, CATEGORY, LATENT, LIBRARY, NUMBERS, TRACKS
from .sampling import KEY, Edit, Edits, Loaded
from .values import Drawn, strength_of


class LoadAdapter:
    """Loads an adapter of models/wplus/adapters."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "load", (ADAPTER,), ("adapter",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {"required": {"adapter": inputs.names("adapters")}}

    @classmethod
    def IS_CHANGED(cls, adapter: str) -> str:
        return inputs.digest("adapters", adapter)

    def load(self, adapter: str) -> tuple[Loaded]:
        return (Loaded(adapter, inputs.digest("adapters", adapter), LIBRARY.adapter(adapter)),)


class PickLatent:
    """Picks an identity of models/wplus/latents."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "pick", (LATENT,), ("identity",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {"required": {"latent": inputs.names("latents")}}

    @classmethod
    def IS_CHANGED(cls, latent: str) -> str:
        return inputs.digest("latents", latent)

    def pick(self, latent: str) -> tuple[Entry]:
        return (LIBRARY.find("latents", latent),)


class PickDirection:
    """Picks a direction of models/wplus/directions, and gives its name, as tracks write it."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "pick", ("STRING",), ("name",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {"required": {"direction": inputs.names("directions")}}

    @classmethod
    def IS_CHANGED(cls, direction: str) -> str:
        return inputs.digest("directions", direction)

    def pick(self, direction: str) -> tuple[str]:
        return (direction,)


class DrawTrack:
    """Makes a track of other nodes' numbers: one a frame, one for all, or a CURVE over the video."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "draw", (TRACKS,), ("drawn",)
    INPUT_IS_LIST = True  # numbers come as one list, or one by one

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        size = {"min": -20.0, "max": 20.0, "step": 0.01}
        return {
            "required": {
                "track": ("STRING", {"default": "smile", "tooltip": "a direction, as in smile or smile[0:8, left]"}),
                "numbers": inputs.linked(NUMBERS, "one for each frame, or one for all"),
                "low": ("FLOAT", {"default": 0.0, **size, "tooltip": "what a 0 among the numbers means"}),
                "high": ("FLOAT", {"default": 1.0, **size, "tooltip": "what a 1 among the numbers means"}),
            },
            "optional": {"drawn": (TRACKS, {"tooltip": "tracks of another such node, which stay"})},
        }

    @classmethod
    def IS_CHANGED(cls, track: list, **_: object) -> str:
        return inputs.digests(track[0] and f"{track[0]} = 0")

    def draw(self, track: list, numbers: list, low: list, high: list, drawn: list | None = None) -> tuple[Drawn]:
        given = numbers[0] if len(numbers) == 1 else numbers
        return ((drawn[0] if drawn else Drawn()).and_(track[0], given, low[0], high[0]),)


class Apply:
    """Edits the faces of what is sampled with a MODEL. Several in a row add up."""

    CATEGORY, FUNCTION = CATEGORY, "apply"
    RETURN_TYPES, RETURN_NAMES = ("MODEL", "FLOAT", "STRING"), ("model", "floats", "settings")
    OUTPUT_TOOLTIPS = (
        "samples with the edit",
        "the first track, or the strength where there is none, at each frame",
        "what is asked for, with the files' hashes, as JSON",
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        frames = {"default": 16, "min": 1, "max": 4096, "tooltip": "of floats and of the editor, where no latent says"}
        return {
            "required": {
                "model": ("MODEL", {"tooltip": "of Stable Diffusion 1.5, with AnimateDiff or without"}),
                "adapter": (ADAPTER, {"tooltip": "of the node Load W+ Adapter"}),
                **{name: inputs.widget(name) for name in ("tracks", "strength", "start", "end", "negative", "regions")},
                "mode": inputs.widget("mode"),
                "frames": ("INT", frames),
            },
            "optional": {
                "identity": (LATENT, {"tooltip": inputs.BY_NAME["identity"].help}),
                "drawn": (TRACKS, {"tooltip": "more tracks, of the node W+ Track"}),
                "strengths": inputs.linked(NUMBERS, "one for each frame or one for all, instead of strength"),
                "latent": ("LATENT", {"tooltip": "what will be sampled: says how many frames there are"}),
            },
        }

    @classmethod
    def IS_CHANGED(cls, tracks: str | None = None, **_: object) -> str:
        return inputs.digests(tracks)

    def apply(
        self,
        model: object,
        adapter: Loaded,
        frames: int,
        identity: Entry | None = None,
        drawn: Drawn | None = None,
        strengths: object = None,
        latent: dict | None = None,
        **values: object,
    ) -> tuple[object, list[float], str]:
        """Raises ValueError, which turns the node red, for whatever cannot be."""
        drawn, lengths = drawn or Drawn(), []
        if strengths is not None:
            values["strength"], length = strength_of(strengths)
            lengths = [("strengths", length)]
        values["tracks"] = "\n".join([values["tracks"], *drawn.lines])
        edit = Edit.of(values, adapter.name, identity, LIBRARY, (*lengths, *drawn.lengths))
        before = model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY)
        edits = before[0].and_(adapter, edit) if before else Edits(adapter, [edit])
        edits.check(model.model.diffusion_model)
        if latent is not None:
            frames = len(latent["samples"])
            edits.plan(frames)
        edited = model.clone()
        edited.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
        edited.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, edits)
        return edited, edit.floats(frames), json.dumps(edit.asked(), ensure_ascii=False, indent=1)


class Report:
    """Tells what the last sampling with an edited MODEL did. It waits for what was sampled, and hands that on."""

    CATEGORY, FUNCTION, RETURN_TYPES, RETURN_NAMES = CATEGORY, "tell", ("STRING", "LATENT"), ("report", "latent")
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "model": ("MODEL", {"tooltip": "of the node Apply W+"}),
                "latent": ("LATENT", {"tooltip": "what was sampled with it"}),
            }
        }

    def tell(self, model: object, latent: dict) -> dict:
        """Raises ValueError for a MODEL without an edit, or with which nothing was sampled."""
        edits = model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY)
        if not edits:
            raise ValueError("this model has no W+ edit; connect the model of the node Apply W+")
        text = edits[0].told()
        return {"ui": {"text": [text]}, "result": (text, latent)}


NODES = {
    "WPlusLoadAdapter": (LoadAdapter, "Load W+ Adapter"),
    "WPlusLatent": (PickLatent, "W+ Latent"),
    "WPlusDirection": (PickDirection, "W+ Direction"),
    "WPlusTrack": (DrawTrack, "W+ Track"),
    "WPlusApply": (Apply, "Apply W+"),
    "WPlusReport": (Report, "W+ Report"),
    "WPlusIdentityFromImage": (IdentityFromImage, "W+ Identity from Image"),
    "WPlusMeasure": (Measure, "W+ Measure"),
}
NODE_CLASS_MAPPINGS = {name: node for name, (node, _) in NODES.items()}
NODE_DISPLAY_NAME_MAPPINGS = {name: label for name, (_, label) in NODES.items()}
