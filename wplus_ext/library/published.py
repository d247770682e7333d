"""What is published for the library: the W+ Adapter's files and face-api's, their licences, and what they are."""

from __future__ import annotations

from dataclasses import dataclass

from ..weights import encoder
from .index import UPSTREAM
from .pins import COMMIT, FACES_COMMIT, PINS, Pin

RELEASE = f"{UPSTREAM}/releases/download/v1/"
RAW = UPSTREAM.replace("github.com", "raw.githubusercontent.com") + f"/{COMMIT}/w_direction/"
FACES = "https://github.com/vladmandic/face-api"
FACES_RAW = FACES.replace("github.com", "raw.githubusercontent.com") + f"/{FACES_COMMIT}/model/"
NETWORKS = (
    "tiny_face_detector_model", "face_landmark_68_model", "face_expression_model", "age_gender_model",
    "face_recognition_model",
)  # fmt: skip
LICENCE = f"""\
The W+ Adapter's weights, its encoder and its directions are S-Lab's (Copyright 2023), under the NTU S-Lab License 1.0.
In short, which does not replace the licence itself: they may be used, changed and passed on for non-commercial
purposes only; copies keep the notice, the conditions and the disclaimer; the authors' names do not advertise what is
made from them; they come without any warranty; for commercial use one asks their authors. The full text:
{UPSTREAM}/blob/main/LICENSE"""
FACES_LICENCE = f"""\
The networks that measure faces are face-api's, Copyright (c) Vladimir Mandic, under the MIT License: free for every
purpose, without any warranty; copies keep this notice. The full text:
{FACES}/blob/master/LICENSE"""
DIRECTIONS = {  # the published ones, and what more of each is
    "age": "older", "angle_horizontal": "the head turned sideways", "angle_pitch": "the head raised or lowered",
    "beauty": "more even features", "emotion_angry": "angrier", "emotion_disgust": "more disgusted",
    "emotion_easy": "calmer", "emotion_fear": "more afraid", "emotion_happy": "happier", "emotion_sad": "sadder",
    "emotion_surprise": "more surprised", "eyes_open": "eyes wider open", "face_shape": "another shape of face",
    "gender": "from one sex's look to the other's", "glasses": "glasses", "height": "a longer face",
    "smile": "a broader smile", "width": "a wider face",
}  # fmt: skip

TITLES = {  # what they are called in plain words, where that is not their name
    "angle_horizontal": "turn the head", "angle_pitch": "nod", "beauty": "even features", "emotion_angry": "anger",
    "emotion_disgust": "disgust", "emotion_easy": "calm", "emotion_fear": "fear", "emotion_happy": "happiness",
    "emotion_sad": "sadness", "emotion_surprise": "surprise", "height": "length of face",
    "width": "width of face",
}  # fmt: skip
FIRST = ("smile", "age", "eyes_open", "angle_horizontal", "angle_pitch")  # that people use first


@dataclass(frozen=True)
class Item:
    """Something to get: ``files`` are addresses with their places in the library, each of at most so many bytes."""

    what: str
    files: tuple[tuple[str, str], ...]
    most: int = 1 << 24
    licence: str = LICENCE

    @property
    def asks(self) -> bool:
        """Whether its licence has to be accepted first; a free one is shown alone."""
        return self.licence == LICENCE


ITEMS = {
    "adapter": Item(
        "the W+ adapter, 155 MB", ((f"{RELEASE}wplus_adapter.bin", "adapters/wplus_adapter.bin"),), 1 << 28
    ),
    "adapter-stage1": Item(
        "the adapter's first stage, 155 MB",
        ((f"{RELEASE}wplus_adapter_stage1.bin", "adapters/wplus_adapter_stage1.bin"),),
        1 << 28,
    ),
    "encoder": Item(
        "e4e's encoder, for photos, 1.2 GB",
        ((f"{RELEASE}{encoder.PUBLISHED}", "encoders/e4e_ffhq_encode.safetensors"),),
        1 << 31,
    ),
    "directions": Item(
        "edit directions, 2 MB",
        tuple((f"{RAW}latent_directions/{name}.npy", f"directions/latent/{name}.npy") for name in DIRECTIONS)
        + tuple((f"{RAW}interfacegan_directions/{n}.pt", f"directions/interfacegan/{n}.pt") for n in ("age", "smile"))
        # The table first: without it the other one is no use.
        + tuple((f"{RAW}gan_space/{n}", f"directions/ganspace/{n}") for n in ("ganspace_configs.csv", "ffhq_pca.pt")),
    ),
    "measure": Item(
        "networks that measure faces, 8 MB, MIT licence",
        tuple(
            (f"{FACES_RAW}{name}{end}", f"measure/{name}{end}")
            for name in NETWORKS
            for end in ("-weights_manifest.json", ".bin")
        ),
        licence=FACES_LICENCE,
    ),
}


def pin(url: str) -> Pin | None:
    """What a file of that address is; None where that is not known: of the release's, which GitHub does not say."""
    return next((PINS.get(url.removeprefix(raw)) for raw in (RAW, FACES_RAW) if url.startswith(raw)), None)
