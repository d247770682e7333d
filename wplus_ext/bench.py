"""What the edit costs, each figure as a ratio against the plain form in the same run."""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .edit.attach import attach
from .edit.plan import Branch, Plan
from .edit.report import Report
from .edit.residual import Folded
from .edit.rows import Compiled, segments
from .weights.adapter import GROUPS, Adapter, Layer
from .weights.shapes import LAYERS, WIDTH

WIDTHS = (320, 320, 640, 640, 1280, 1280, 1280, 1280, 1280, 640, 640, 640, 320, 320, 320, 1280)
LENGTHS = {320: 4096, 640: 1024, 1280: 256}  # tokens of a row at 64x64 latents; the middle block has 64
TEXT, HEADS, FRAMES = 768, 8, 16


def run(device: str, rows: int, repeats: int) -> None:
    """Print the figures of docs/miniature.md."""
    threads = f", {torch.get_num_threads()} threads" if device == "cpu" else f", {torch.cuda.get_device_name()}"
    print(f"{platform.machine()}{threads}, torch {torch.__version__}, Python {platform.python_version()}")
    dtype = torch.float32 if device == "cpu" else torch.float16
    adapter = random_adapter()
    w = torch.randn(LAYERS, WIDTH)
    plan = Plan([Branch(w, [(i + 1) / FRAMES for i in range(FRAMES)])])
    compiled = Compiled(adapter, plan)
    _layers(adapter, compiled, device, dtype, rows, repeats)
    _folding(adapter, repeats)
    _memory(adapter, compiled)
    _work(adapter, plan)


def random_adapter() -> Adapter:
    """Random weights in the shapes of the published file."""

    def weight(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns) / columns**0.5

    layers = tuple(Layer(weight(c, c), weight(c, TEXT), weight(c, TEXT)) for c in WIDTHS)
    projections = tuple(weight(TEXT, (b - a) * WIDTH) for a, b in GROUPS)
    return Adapter("random", projections, torch.ones(TEXT), torch.zeros(TEXT), layers)


def plain(f: Tensor, layer: Layer, tokens: Tensor, scales: Tensor) -> Tensor:
    """The formula as it is written: f + lambda * Attention(f W_q, tokens W_k, tokens W_v)."""
    rows, length, width = f.shape

    def heads(x: Tensor) -> Tensor:
        return x.view(x.shape[0], -1, HEADS, width // HEADS).transpose(1, 2)

    q, k, v = heads(f @ layer.q.T), heads((tokens @ layer.k.T)[None]), heads((tokens @ layer.v.T)[None])
    if f.device.type == "cpu":  # faster there than the fused form, whose keys are too few
        attended = ((q @ k.transpose(2, 3)) * (width // HEADS) ** -0.5).softmax(3) @ v
    else:
        attended = scaled_dot_product_attention(q, k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1))
    return f + scales[:, None, None] * attended.transpose(1, 2).reshape(rows, length, width)


def _layers(adapter: Adapter, compiled: Compiled, device: str, dtype: torch.dtype, rows: int, repeats: int) -> None:
    (segment,) = segments([compiled.row(i % FRAMES, False, i % FRAMES) for i in range(rows)])
    tokens = compiled.tokens[segment.terms[0][0]].to(device, dtype)
    scales = torch.tensor([scale for (scale,) in segment.scales], device=device, dtype=dtype)
    spent = {"plain": 0.0, "folded": 0.0}
    report = Report("residual", FRAMES, [], compiled.plan.scales)
    for number, width in enumerate(WIDTHS):
        _progress(number, len(WIDTHS))
        length = 64 if number == len(WIDTHS) - 1 else LENGTHS[width]
        f = torch.randn(rows, length, width, device=device, dtype=dtype)
        layer = Layer(*(getattr(adapter.layers[number], part).to(device, dtype) for part in "qkv"))
        folded = Folded(adapter, number, HEADS, compiled.tokens)

        def edit(f: Tensor = f, folded: Folded = folded) -> None:  # what the hook does, the measuring too
            report.add_squares(segment.tensors(f)[2], folded.measure(f, segment))
            folded.add(f, segment)

        spent["plain"] += _median(lambda f=f, layer=layer: plain(f, layer, tokens, scales), repeats, device)
        spent["folded"] += _median(edit, repeats, device)
    _progress(len(WIDTHS), len(WIDTHS))
    ratio, kind = spent["plain"] / spent["folded"], str(dtype).removeprefix("torch.")
    print(
        f"16 layers, {rows} rows, 64x64 latents, {kind}: folded {spent['folded']:.3f} s, "
        f"plain {spent['plain']:.3f} s: {ratio:.1f} times faster"
    )
    if device != "cpu":
        big = torch.randn(rows, LENGTHS[320], 320, device=device, dtype=dtype)
        folded = Folded(adapter, 0, HEADS, compiled.tokens)
        ours = _median(lambda: folded.add(big, segment), repeats, device)
        once = _median(lambda: big.mul_(1.0), repeats, device)
        print(f"first layer: {ours / once:.1f} times the time of reading and writing f once")


def _folding(adapter: Adapter, repeats: int) -> None:
    latents = torch.randn(FRAMES, LAYERS, WIDTH)

    def fold() -> None:
        tokens = adapter.tokens(latents)
        for layer in range(len(WIDTHS)):
            adapter.fold(layer, tokens, HEADS)

    print(f"folding {FRAMES} distinct latents: {_median(fold, repeats, 'cpu'):.3f} s on the CPU")


def _memory(adapter: Adapter, compiled: Compiled) -> None:
    like = torch.empty(0, dtype=torch.float16)
    size = 0
    for number in range(len(WIDTHS)):
        folded = Folded(adapter, number, HEADS, compiled.tokens)
        size += sum(matrix.numel() * matrix.element_size() for matrix in folded.matrices(like))
    print(f"matrices on the device, {FRAMES} frames of one latent and the negative rows, float16: {size / 1e6:.1f} MB")


def _work(adapter: Adapter, plan: Plan) -> None:
    """Count the multiply-adds of a whole UNet call, on shapes alone."""
    try:
        from diffusers import UNet2DConditionModel
    except ImportError:
        print("a whole UNet call by counted work: needs diffusers")
        return
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=TEXT)
        call = SimpleNamespace(x=torch.empty(2, 4, 64, 64), t=torch.empty(2), text=torch.empty(2, 77, TEXT))

    def count() -> int:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            unet(call.x, call.t, call.text)
        return counter.get_total_flops() // 2

    before = count()
    with attach(unet, adapter, plan) as live:
        live.rows([0, 0], [False, True])
        after = count()
    print(f"a whole UNet call by counted work: {after / before - 1:.2%} more ({(after - before) / 2e9:.2f} G a row)")


def _median(work: Callable[[], object], repeats: int, device: str) -> float:
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        with torch.no_grad():
            work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])  # the first one folds, and warms up


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r[{'#' * done}{'.' * (total - done)}]", end="\n" if done == total else "", file=sys.stderr, flush=True)
