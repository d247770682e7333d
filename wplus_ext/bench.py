"""What the edit costs, each figure as a ratio against the plain form in the same run."""

from __future__ import annotations

import math
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from .edit.attach import attach
from .edit.plan import Branch, Plan
from .edit.report import Report
from .edit.residual import Folded
from .edit.rows import Compiled, Segment, segments, total
from .weights.adapter import GROUPS, Adapter, Layer
from .weights.shapes import LAYERS, WIDTH

WIDTHS = (320, 320, 640, 640, 1280, 1280, 1280, 1280, 1280, 640, 640, 640, 320, 320, 320, 1280)
SHRUNK = {320: 1, 640: 2, 1280: 4}  # by how much a layer's side is smaller than the latents'; the middle block's, 8
TEXT, HEADS, SEED = 768, 8, 0
SHORT, LONG = 16, 300  # frames
CURVE = "two curves of alpha"
ALPHA, REGION = 8.0, (0.5, 0.4, 0.2, 0.3)  # the largest; about that of a face


def lengths(size: int) -> list[int]:
    """Tokens of a row in each of the 16 layers, for latents of this side."""
    return [max(size // (8 if i == len(WIDTHS) - 1 else SHRUNK[width]), 1) ** 2 for i, width in enumerate(WIDTHS)]


@dataclass
class Bench:
    """Figures of an edit on a device, printed as they come and kept by name.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        rows: of a UNet call.
        repeats: of which a figure is the median.
        size: side of the latents.
    """

    device: str
    rows: int
    repeats: int
    size: int = 64
    figures: dict[str, object] = field(default_factory=dict)

    def run(self) -> dict[str, object]:
        """All figures: times in seconds, memory in bytes, ratios."""
        torch.manual_seed(SEED)
        self.dtype = torch.float32 if self.device == "cpu" else torch.float16
        self.adapter = random_adapter()
        self.figures |= {"torch": torch.__version__, "device": self._machine(), "rows": self.rows, "size": self.size}
        print(f"{self._machine()}, torch {torch.__version__}, Python {platform.python_version()}")
        for name, branch in cases(self.rows).items():
            self._case(name, Plan([branch]))
        self._region()
        self._growth()
        self._work()
        self._step()
        return self.figures

    def _machine(self) -> str:
        if self.device != "cpu":
            return torch.cuda.get_device_name()
        return f"{platform.machine()}, {torch.get_num_threads()} threads"

    def _case(self, name: str, plan: Plan) -> None:
        """Folding, the device's memory and the 16 layers against the plain form, of a plan."""
        compiled = Compiled(self.adapter, plan)
        (segment,) = segments([compiled.row(i % plan.frames, False, i) for i in range(self.rows)], compiled.steady)
        layers = [Folded(self.adapter, i, HEADS, compiled.tokens) for i in range(len(WIDTHS))]
        start = time.perf_counter()
        Compiled(self.adapter, plan)
        like = torch.empty(0, device=self.device, dtype=self.dtype)
        for folded in layers:
            folded.matrices(segment.numbers, like)
        folding = time.perf_counter() - start
        size = 2 * sum(2 * folded.matrices(segment.numbers, like)[0].numel() for folded in layers)  # in half precision
        ours, plain, once = self._layers(layers, segment)
        self.figures[name] = {
            "frames": plan.frames, "folding": folding, "memory": size, "edit": ours, "plain": plain,
            "plain/edit": plain / ours, "edit/copy": ours / once,
        }  # fmt: skip
        print(
            f"{name}, {plan.frames} frames: folded in {folding:.3f} s, {size / 1e6:.1f} MB on the device in half "
            f"precision\n  16 layers, {self.rows} rows, {str(self.dtype).removeprefix('torch.')}: {ours:.3f} s, "
            f"plain {plain:.3f} s, {plain / ours:.1f} times faster; {ours / once:.1f} times one copy of f"
        )

    def _layers(self, layers: Sequence[Folded], segment: Segment) -> tuple[float, float, float]:
        """The times of the edit with its measuring, of the plain form, and of one copy of f, all 16 layers together."""
        spent = [0.0, 0.0, 0.0]
        report = Report("residual", self.rows, [], [[1.0]] * self.rows)
        # As the plain form has them.
        tokens = torch.stack([total(term, layers[0].tokens) for (term,) in segment.distinct])
        tokens = tokens.to(self.device, self.dtype)
        scales = torch.tensor([scale for (scale,) in segment.scales], device=self.device, dtype=self.dtype)
        for i, (folded, length) in enumerate(zip(layers, lengths(self.size))):
            _progress(i, len(WIDTHS))
            f = torch.randn(self.rows, length, WIDTHS[i], device=self.device, dtype=self.dtype)
            layer = Layer(*(getattr(self.adapter.layers[i], part).to(self.device, self.dtype) for part in "qkv"))

            edit = partial(_edited, folded, f, segment, report)

            def copy(f: Tensor = f) -> None:
                f.clone()

            def formula(f: Tensor = f, layer: Layer = layer) -> None:
                plain(f, layer, tokens, scales)

            for place, work in enumerate((edit, formula, copy)):
                spent[place] += self._median(work)
        _progress(len(WIDTHS), len(WIDTHS))
        return tuple(spent)

    def _region(self) -> None:
        """The 16 layers of an edit in a region against those of the same one everywhere."""
        report, spent = Report("residual", self.rows, [], [[1.0]] * self.rows), [0.0, 0.0]
        w = torch.randn(LAYERS, WIDTH)
        compiled = [Compiled(self.adapter, Plan([Branch(w, region=region)])) for region in (None, REGION)]
        for i, length in enumerate(lengths(self.size)):
            f = torch.randn(self.rows, length, WIDTHS[i], device=self.device, dtype=self.dtype)
            for place, each in enumerate(compiled):
                (segment,) = segments([each.row(0, False, row) for row in range(self.rows)], each.steady)
                folded = Folded(self.adapter, i, HEADS, each.tokens)
                folded.grid = (math.isqrt(length),) * 2
                spent[place] += self._median(partial(_edited, folded, f, segment, report))
        self.figures["region/everywhere"] = spent[1] / spent[0]
        print(f"in a region: {spent[1] / spent[0]:.2f} times the same edit everywhere")

    def _growth(self) -> None:
        """What a frame costs in one step over all frames, of a short video and of a long one."""
        cost = {}
        for frames in (SHORT, LONG):
            compiled = Compiled(self.adapter, Plan([moved(frames)]))
            layers = [Folded(self.adapter, i, HEADS, compiled.tokens) for i in range(len(WIDTHS))]
            sizes = zip(lengths(self.size), WIDTHS)
            f = [torch.randn(SHORT, *size, device=self.device, dtype=self.dtype) for size in sizes]

            def step(frames: int = frames, compiled: Compiled = compiled, layers: list = layers, f: list = f) -> None:
                for first in range(0, frames, SHORT):
                    rows = [compiled.row(min(first + i, frames - 1), False, 0) for i in range(SHORT)]
                    (segment,) = segments(rows, compiled.steady)
                    for folded, each in zip(layers, f):
                        folded.add(each, segment)

            calls = -(-frames // SHORT)
            cost[frames] = self._median(step) / (calls * SHORT)
        ratio = cost[LONG] / cost[SHORT]
        self.figures["time a frame"] = {"short": cost[SHORT], "long": cost[LONG], "long/short": ratio}
        print(f"{CURVE}: a frame of {LONG} takes {ratio:.2f} times one of {SHORT} ({1e3 * cost[SHORT]:.1f} ms)")

    def _work(self) -> None:
        """Count the multiply-adds of a whole UNet call, on shapes alone."""
        from torch.utils.flop_counter import FlopCounterMode

        in_place = dict.fromkeys((torch.ops.aten.addmm_, torch.ops.aten.baddbmm_), _product)  # which it does not know

        with torch.device("meta"):
            unet = _unet()
        if unet is None:
            return

        def count() -> int:
            with FlopCounterMode(display=False, custom_mapping=in_place) as counter, torch.no_grad():
                call(unet, 2, self.size, "meta", torch.float32)
            return counter.get_total_flops() // 2

        before = count()
        with attach(unet, self.adapter, Plan([moved(SHORT)])) as live:
            live.rows([1, 1], [False, True])
            call(unet, 2, self.size, "meta", torch.float32)  # folds
            after = count()
        self.figures |= {"counted work": after / before, "multiply-adds": after - before}
        print(
            f"a whole UNet call by counted work: {after / before - 1:.2%} more ({(after - before) / 2e9:.2f} G a row)"
        )

    def _step(self) -> None:
        """Time a whole UNet call with the edit and without, in turns."""
        unet = _unet()
        if unet is None:
            return
        unet = (unet if self.dtype == torch.float32 else unet.half()).to(self.device).eval()
        rows = 2 if self.device == "cpu" else self.rows

        def timed() -> float:
            return self._time(lambda: call(unet, rows, self.size, self.device, self.dtype))

        timed()  # warms up
        ratios = []
        for _ in range(self.repeats):
            without = timed()
            with attach(unet, self.adapter, Plan([moved(SHORT)])) as live:
                live.rows([i % SHORT for i in range(rows)], [False] * rows)
                timed()  # folds
                ratios.append(timed() / without)
        middle, lowest, highest = statistics.median(ratios), min(ratios), max(ratios)
        self.figures["whole step"] = {"ratio": middle, "lowest": lowest, "highest": highest, "rows": rows}
        print(
            f"a whole UNet call of {rows} rows by time: {middle:.3f} times one without ({lowest:.3f} to {highest:.3f})"
        )

    def _median(self, work: Callable[[], object]) -> float:
        times = [self._time(work) for _ in range(self.repeats + 1)]
        return statistics.median(times[1:])  # the first one folds, and warms up

    def _time(self, work: Callable[[], object]) -> float:
        start = time.perf_counter()
        with torch.no_grad():
            work()
        if self.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start


def random_adapter() -> Adapter:
    """Random weights in the shapes of the published file."""

    def weight(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns) / columns**0.5

    layers = tuple(Layer(weight(c, c), weight(c, TEXT), weight(c, TEXT)) for c in WIDTHS)
    projections = tuple(weight(TEXT, (b - a) * WIDTH) for a, b in GROUPS)
    return Adapter("random", projections, torch.ones(TEXT), torch.zeros(TEXT), layers)


def cases(rows: int) -> dict[str, Branch]:
    """What is measured: a latent for all frames, one with two curves of alpha, and a latent for each of ``rows``."""
    scales = [(i + 1) / SHORT for i in range(SHORT)]
    return {
        "one latent": Branch(torch.randn(LAYERS, WIDTH), scales),
        CURVE: moved(LONG),
        "a latent a frame": Branch(torch.randn(rows, LAYERS, WIDTH)),
    }


def moved(frames: int) -> Branch:
    """A latent with two curves of alpha."""
    generator = torch.Generator().manual_seed(SEED)
    w, *directions = torch.randn(3, LAYERS, WIDTH, generator=generator)
    up = [ALPHA * (2 * i / (frames - 1) - 1) for i in range(frames)]
    return Branch(w, 1.0, [(directions[0] / 4, up), (directions[1] / 4, up[::-1])])


def _edited(folded: Folded, f: Tensor, segment: Segment, report: Report) -> None:
    """What the hook does, the measuring too."""
    matrices = folded.stack(segment, f)
    report.add_squares(segment.tensors(f).frames, folded.measure(f, segment, matrices))
    folded.add(f, segment, matrices)


def plain(f: Tensor, layer: Layer, tokens: Tensor, scales: Tensor) -> Tensor:
    """The formula as it is written: f + lambda * Attention(f W_q, tokens W_k, tokens W_v)."""
    rows, length, width = f.shape

    def heads(x: Tensor) -> Tensor:
        return x.view(x.shape[0], -1, HEADS, width // HEADS).transpose(1, 2)

    q, k, v = heads(f @ layer.q.T), heads(tokens @ layer.k.T), heads(tokens @ layer.v.T)
    if f.device.type == "cpu":  # faster there than the fused form, whose keys are too few
        attended = ((q @ k.transpose(2, 3)) * (width // HEADS) ** -0.5).softmax(3) @ v
    else:
        attended = scaled_dot_product_attention(q, k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1))
    return f + scales[:, None, None] * attended.transpose(1, 2).reshape(rows, length, width)


def call(unet: nn.Module, rows: int, size: int, device: str, dtype: torch.dtype) -> None:
    """A call of a UNet of diffusers."""
    x = torch.zeros(rows, 4, size, size, device=device, dtype=dtype)
    unet(x, torch.full((rows,), 500, device=device), torch.zeros(rows, 77, TEXT, device=device, dtype=dtype))


def _product(added: Sequence[int], a: Sequence[int], b: Sequence[int], **more: object) -> int:
    """The operations of a product of matrices of these shapes."""
    return 2 * math.prod(a) * b[-1]


def _unet() -> nn.Module | None:
    """A UNet of SD 1.5's widths; None without diffusers, which is said."""
    try:
        from diffusers import UNet2DConditionModel
    except ImportError:
        print("a whole UNet call: needs diffusers")
        return None
    return UNet2DConditionModel(cross_attention_dim=TEXT)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r[{'#' * done}{'.' * (total - done)}]", end="\n" if done == total else "", file=sys.stderr, flush=True)
