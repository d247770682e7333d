"""The layers of face-api's networks, as TensorFlow has them: an edge that is added is right and below."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..weights.shapes import Float


class Conv(nn.Module):
    """A convolution, whose edges are left out."""

    def __init__(self, source: int, width: int, side: int) -> None:
        super().__init__()
        self.filters, self.bias = nn.Parameter(torch.empty(width, source, side, side)), nn.Parameter(torch.empty(width))

    def forward(self, x: Float[Tensor, "B source h w"], stride: int = 1) -> Float[Tensor, "B C h2 w2"]:
        return F.conv2d(x, self.filters, self.bias, stride)


class Separable(nn.Module):
    """A convolution of 3 x 3 within each channel, and one of 1 x 1 over them."""

    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.depthwise_filter = nn.Parameter(torch.empty(source, 1, 3, 3))
        self.pointwise_filter = nn.Parameter(torch.empty(width, source, 1, 1))
        self.bias = nn.Parameter(torch.empty(width))

    def forward(self, x: Float[Tensor, "B source h w"], stride: int = 1) -> Float[Tensor, "B C h2 w2"]:
        x = F.conv2d(same(x) if stride == 2 else x, self.depthwise_filter, None, stride, 2 - stride, 1, x.shape[1])
        return F.conv2d(x, self.pointwise_filter, self.bias)


class Block(nn.Module):
    """Four convolutions, each of which sees the sum of all before it; the first halves the picture."""

    def __init__(self, source: int, width: int, first: bool) -> None:
        super().__init__()
        self.conv0 = Conv(source, width, 3) if first else Separable(source, width)
        self.conv1, self.conv2, self.conv3 = (Separable(width, width) for _ in range(3))

    def forward(self, x: Float[Tensor, "B source h w"]) -> Float[Tensor, "B C h2 w2"]:
        total = (self.conv0(same(x), 2) if isinstance(self.conv0, Conv) else self.conv0(x, 2)).relu()
        seen = total
        for conv in (self.conv1, self.conv2, self.conv3):
            total = total + conv(seen)
            seen = total.relu()
        return seen


class Reduction(nn.Module):
    """Xception's block that halves the picture, beside a shortcut of 1 x 1."""

    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.separable_conv0, self.separable_conv1 = Separable(source, width), Separable(width, width)
        self.expansion_conv = Conv(source, width, 1)

    def forward(self, x: Float[Tensor, "B source h w"], seen: Float[Tensor, "B source h w"]) -> Tensor:
        seen = self.separable_conv1(self.separable_conv0(seen).relu())
        seen = F.max_pool2d(F.pad(seen, (0, 1, 0, 1), value=-torch.inf), 3, 2)
        return seen + self.expansion_conv(x, 2)


class Main(nn.Module):
    """Xception's block that keeps the picture's size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.separable_conv0, self.separable_conv1, self.separable_conv2 = (Separable(width, width) for _ in range(3))

    def forward(self, x: Float[Tensor, "B C h w"], seen: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        return x + self.separable_conv2(self.separable_conv1(self.separable_conv0(seen).relu()).relu())


class Linear(nn.Module):
    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.weights, self.bias = nn.Parameter(torch.empty(width, source)), nn.Parameter(torch.empty(width))

    def forward(self, x: Float[Tensor, "B source"]) -> Float[Tensor, "B C"]:
        return F.linear(x, self.weights, self.bias)


class Scaled(nn.Module):
    """A convolution, and a factor and a sum for each channel."""

    def __init__(self, source: int, width: int, side: int) -> None:
        super().__init__()
        self.conv, self.scale = Conv(source, width, side), nn.Module()
        self.scale.weights, self.scale.biases = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))

    def forward(self, x: Float[Tensor, "B source h w"], stride: int, edge: int) -> Float[Tensor, "B C h2 w2"]:
        factor = self.scale.weights
        filters, bias = self.conv.filters * factor[:, None, None, None], self.conv.bias * factor + self.scale.biases
        return F.conv2d(x, filters, bias, stride, edge)


class Residual(nn.Module):
    """Two convolutions beside a shortcut, which halves the picture and doubles its channels where they do."""

    def __init__(self, source: int, width: int, down: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = Scaled(source, width, 3), Scaled(width, width, 3)
        self.down = down

    def forward(self, x: Float[Tensor, "B source h w"]) -> Float[Tensor, "B C h2 w2"]:
        if not self.down:
            return (x + self.conv2(self.conv1(x, 1, 1).relu(), 1, 1)).relu()
        seen = self.conv2(self.conv1(x, 2, 0).relu(), 1, 1)
        short = F.avg_pool2d(x, 2)
        seen = F.pad(seen, (0, short.shape[3] - seen.shape[3], 0, short.shape[2] - seen.shape[2]))
        short = F.pad(short, (0, 0, 0, 0, 0, seen.shape[1] - short.shape[1]))
        return (short + seen).relu()


def leaky(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
    return F.leaky_relu_(x, 0.1)  # in place: the detector's are large


def halved(x: Float[Tensor, "B C h w"], stride: int = 2) -> Float[Tensor, "B C h2 w2"]:
    """The largest of 2 x 2, also at the right and lower edges."""
    if stride == 1:
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1)
    return F.max_pool2d(x, 2, 2, ceil_mode=True)


def same(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h2 w2"]:
    """A picture of an even side with the edge that 3 x 3 in steps of two need: TensorFlow's is right and below."""
    return F.pad(x, (0, 1, 0, 1))
