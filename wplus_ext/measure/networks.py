"""face-api's networks in plain torch: where faces are, their points, expressions, ages, and who they are.

Source: `@vladmandic/face-api` 1.7.15 (MIT), which has them from justadudewhohacks' face-api.js: a Tiny YOLO v2 of
depthwise separable convolutions, dense blocks of four for points and expressions, a small Xception for ages, and
dlib's ResNet. The modules' names are those of the published files' tensors, with dots for slashes.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..weights.shapes import Float, UInt8
from .files import read_tensors
from .layers import Block, Conv, Linear, Main, Reduction, Residual, Scaled, Separable, halved, leaky, same

MEAN = (122.782, 117.001, 104.298)  # of red, green and blue, which all but the detector take off
DETECTOR_MEAN = (117.001, 114.697, 97.404)
DETECTED_AT, FACE, PORTRAIT = 416, 112, 150  # pixels a side: of the detector, of a face, and of one to be recognized
ANCHORS = ((1.603231, 2.094468), (6.041143, 7.080126), (2.882459, 3.518061), (4.266906, 5.178857), (9.041765, 10.66308))
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
POINTS, NUMBERS = 68, 128


class Network(nn.Module):
    """A network whose tensors are a published file's; ``file`` is its name."""

    file = ""
    mean = MEAN

    @classmethod
    def load(cls, folder: str | Path) -> Network:
        """Read the network from a folder, ready to be asked. Raises as `read_tensors`."""
        with torch.device("meta"):
            network = cls()
        state = read_tensors(folder, cls.file, cls.shapes())
        network.load_state_dict({_dotted(name): _turned(name, x) for name, x in state.items()}, assign=True)
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @classmethod
    def shapes(cls) -> dict[str, tuple[int, ...]]:
        """The tensors of its file by name, with their shapes there."""
        with torch.device("meta"):
            state = cls().state_dict()
        return {name: tuple(_back(name, x).shape) for name, x in ((_slashed(n), x) for n, x in state.items())}

    def normal(self, pictures: Float[Tensor, "B 3 side side2"]) -> Float[Tensor, "B 3 side side2"]:
        """Pictures, 0 to 255, as the network takes them; a CPU is three times as fast with the channels last."""
        mean = torch.tensor(self.mean, dtype=pictures.dtype, device=pictures.device)
        return ((pictures - mean[:, None, None]) / 255).contiguous(memory_format=torch.channels_last)


class Detector(Network):
    """Pictures, 416 x 416 pixels in 0 to 255, to the scores and boxes of 13 x 13 places with 5 shapes each.

    Boxes are centre, width and height as parts of the picture's side; scores are 0 to 1.
    """

    file = "tiny_face_detector_model"
    mean = DETECTOR_MEAN

    def __init__(self) -> None:
        super().__init__()
        widths = (16, 32, 64, 128, 256, 512)
        self.conv0 = Conv(3, widths[0], 3)
        for i in range(1, len(widths)):
            setattr(self, f"conv{i}", Separable(widths[i - 1], widths[i]))
        self.conv8 = Conv(widths[-1], 5 * len(ANCHORS), 1)

    def forward(
        self, pictures: Float[Tensor, "B 3 416 416"]
    ) -> tuple[Float[Tensor, "B places"], Float[Tensor, "B places 4"]]:
        x = halved(leaky(self.conv0(self.normal(pictures))))
        for i in range(1, 6):
            x = halved(leaky(getattr(self, f"conv{i}")(x)), 2 if i < 5 else 1)
        x = self.conv8(x)
        side = x.shape[-1]
        x = x.unflatten(1, (len(ANCHORS), 5)).permute(0, 3, 4, 1, 2)  # B, row, column, anchor, numbers
        at = torch.arange(side, dtype=x.dtype, device=x.device)
        column, row = at[None, :, None], at[:, None, None]
        anchors = torch.tensor(ANCHORS, dtype=x.dtype, device=x.device)
        centre = torch.stack([x[..., 0].sigmoid() + column, x[..., 1].sigmoid() + row], -1)
        boxes = torch.cat([centre, x[..., 2:4].exp() * anchors], -1) / side
        return x[..., 4].sigmoid().flatten(1), boxes.flatten(1, 3)


class _Dense(Network):
    """Faces, 112 x 112 pixels in 0 to 255, by four dense blocks to ``count`` numbers."""

    count = 0

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, 256)
        for i in range(4):
            setattr(self, f"dense{i}", Block(widths[i], widths[i + 1], first=i == 0))
        self.fc = Linear(widths[-1], self.count)

    def numbers(self, faces: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B count"]:
        x = self.normal(faces)
        for i in range(4):
            x = getattr(self, f"dense{i}")(x)
        return self.fc(x.mean((2, 3)))


class Landmarks(_Dense):
    """Faces to 68 points, x first, as parts of the side; in iBUG's order: jaw 17, brows 5 and 5, nose 9, eyes 6 and 6,
    mouth 20, of each pair first the one that is left in the picture."""

    file = "face_landmark_68_model"
    count = 2 * POINTS

    def forward(self, faces: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 68 2"]:
        return self.numbers(faces).unflatten(1, (POINTS, 2))


class Expressions(_Dense):
    """Faces to how likely each of `EXPRESSIONS` is; the sum is 1."""

    file = "face_expression_model"
    count = len(EXPRESSIONS)

    def forward(self, faces: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 7"]:
        return self.numbers(faces).softmax(1)


class Ages(Network):
    """Faces, 112 x 112 pixels in 0 to 255, to ages in years."""

    file = "age_gender_model"

    def __init__(self) -> None:
        super().__init__()
        self.entry_flow = nn.ModuleDict(
            {"conv_in": Conv(3, 32, 3), "reduction_block_0": Reduction(32, 64), "reduction_block_1": Reduction(64, 128)}
        )
        self.middle_flow = nn.ModuleDict({f"main_block_{i}": Main(128) for i in range(2)})
        self.exit_flow = nn.ModuleDict({"reduction_block": Reduction(128, 256), "separable_conv": Separable(256, 512)})
        self.fc = nn.ModuleDict({"age": Linear(512, 1), "gender": Linear(512, 2)})  # the latter is in the file

    def forward(self, faces: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, " B"]:
        x = self.entry_flow["conv_in"](same(self.normal(faces)), 2).relu()
        x = self.entry_flow["reduction_block_0"](x, x)
        for block in (
            self.entry_flow["reduction_block_1"],
            *self.middle_flow.values(),
            self.exit_flow["reduction_block"],
        ):
            x = block(x, x.relu())
        x = self.exit_flow["separable_conv"](x).relu()
        return self.fc["age"](x.mean((2, 3)))[:, 0]


class Recognition(Network):
    """Faces, 150 x 150 pixels in 0 to 255, to 128 numbers: of one person less than about 0.6 apart (dlib)."""

    file = "face_recognition_model"

    def __init__(self) -> None:
        super().__init__()
        self.conv32_down = Scaled(3, 32, 7)
        for name, source, width in self._parts():
            setattr(self, name, Residual(source, width, down="down" in name))
        self.fc = nn.Parameter(torch.empty(256, NUMBERS))

    @staticmethod
    def _parts() -> list[tuple[str, int, int]]:
        """The residual blocks in their order: name, channels in and out."""
        parts = [(f"conv32_{i}", 32, 32) for i in (1, 2, 3)]
        for width, count in ((64, 3), (128, 2), (256, 2)):
            parts.append((f"conv{width}_down", width // 2, width))
            parts += [(f"conv{width}_{i}", width, width) for i in range(1, count + 1)]
        return [*parts, ("conv256_down_out", 256, 256)]

    def forward(self, faces: Float[Tensor, "B 3 150 150"]) -> Float[Tensor, "B 128"]:
        x = F.max_pool2d(self.conv32_down(self.normal(faces), 2, 0).relu(), 3, 2)
        for name, _, _ in self._parts():
            x = getattr(self, name)(x)
        return x.mean((2, 3)) @ self.fc


def fitted(pictures: UInt8[Tensor, "B h w 3"], side: int, centred: bool) -> Float[Tensor, "B 3 side side"]:
    """Pictures as the package fits them to a network: made square with black, at the right and lower edges or on both
    sides, then bilinear from the pixels' corners (pixel i lies at i * size / side), without smoothing."""
    x = pictures.permute(0, 3, 1, 2)
    height, width = x.shape[2:]
    more = abs(height - width)
    before = more - (more + 1) // 2 if centred else 0  # JavaScript rounds a half up
    edges = (before, more - before)
    x = F.pad(x, (*edges, 0, 0) if width < height else (0, 0, *edges))
    at = torch.arange(side, dtype=torch.float64) * (x.shape[2] / side)
    low = at.long()
    part = (at - low).to(x.device, torch.float32)
    low = low.to(x.device)
    high = (low + 1).clamp(max=x.shape[2] - 1)
    rows = torch.lerp(x[:, :, low].float(), x[:, :, high].float(), part[:, None])
    return torch.lerp(rows[..., low], rows[..., high], part)


def _slashed(name: str) -> str:
    return name.replace(".", "/")


def _dotted(name: str) -> str:
    return name.replace("/", ".")


def _turned(name: str, x: Tensor) -> Tensor:
    """A tensor of the file as torch has it: TensorFlow's convolutions are height, width, in, out."""
    if x.ndim == 4:
        x = x.permute(2, 3, 0, 1) if name.endswith("depthwise_filter") else x.permute(3, 2, 0, 1)
    elif x.ndim == 2 and name != "fc":
        x = x.T
    return x.contiguous()


def _back(name: str, x: Tensor) -> Tensor:
    """The same the other way round."""
    if x.ndim == 4:
        return x.permute(2, 3, 0, 1) if name.endswith("depthwise_filter") else x.permute(2, 3, 1, 0)
    return x.T if x.ndim == 2 and name != "fc" else x
