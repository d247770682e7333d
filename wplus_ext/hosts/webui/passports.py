"""Which row of a UNet call is which frame.

AnimateDiff cuts a batch into windows and publishes none of them, and other extensions reorder it
again. So each row carries a passport: one more token that says which frame it is and whether it is
negative, put on before the denoiser and taken off right before the UNet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import torch
from modules import script_callbacks, shared
from torch import Tensor, nn

from ...edit.attach import Live
from ...library.index import item_in
from .folders import TITLE
from .public import public

MAGIC = (97.0, -61.0, 29.0)  # no text token begins with these
DIGIT = 128  # bfloat16 holds whole numbers up to 256
PASSPORT = len(MAGIC) + 4  # then three digits of the frame, and 1 for a negative row

Attached = Callable[[nn.Module], AbstractContextManager[Live]]


class Pilot:
    """Follows the sampler: steps, checkpoints and rows."""

    def __init__(self, p: object, attached: Attached, frames: int, frame: int | None) -> None:
        self._p, self._attached = p, attached
        self._frames, self._frame = frames, frame  # frame: the only one, where images are redrawn one by one
        self._error: BaseException | None = None
        self._unet: nn.Module | None = None
        self._denoiser: nn.Module | None = None
        self._images: list[int] = []  # of each positive row
        self._count = 0  # images in the batch
        self._cursor = 0
        self._live: Live | None = None

    @contextmanager
    def flying(self) -> Iterator[None]:
        """Hooks on the UNet and on whatever denoiser comes, all gone afterwards."""
        with ExitStack() as self._on_unet, ExitStack() as self._on_denoiser:
            self._follow_unet()
            script_callbacks.on_cfg_denoiser(self._before_step)
            try:
                yield
            finally:
                script_callbacks.remove_callbacks_for_function(self._before_step)

    def _before_step(self, params: object) -> None:
        """On cfg_denoiser. The WebUI swallows exceptions here, so `_stamp` raises them."""
        denoiser = params.denoiser
        if denoiser.p is not self._p:
            return
        try:
            self._error = None
            self._follow_denoiser(denoiser.inner_model)
            self._follow_unet()
            self._read_batch(params)
            # Samplers of the second order, which count each of their calls, have as many times the steps.
            calls = max(denoiser.total_steps // max(getattr(denoiser, "steps", None) or denoiser.total_steps, 1), 1)
            self._live.step(denoiser.step, denoiser.total_steps, calls)
        except Exception as error:
            self._error = error

    def _read_batch(self, params: object) -> None:
        positive = params.text_cond.shape[0]
        # Under AND an image has several positive rows.
        parts = [len(image) for image in params.denoiser.sampler.sampler_extra_args["cond"].batch]
        self._images = [image for image, count in enumerate(parts) for _ in range(count)]
        self._count, self._cursor = len(parts), 0
        if len(self._images) != positive:
            raise RuntimeError(f"the batch has {positive} positive rows, expected {len(self._images)} from its prompts")

    def _follow_unet(self) -> None:
        """Attach to the checkpoint's UNet; a refiner or the hires pass may have changed it."""
        unet = getattr(getattr(shared.sd_model, "model", None), "diffusion_model", None)
        if unet is None:
            raise RuntimeError(
                f"the loaded model ({type(shared.sd_model).__name__}) has no UNet where AUTOMATIC1111's WebUI keeps "
                "its own; expected a Stable Diffusion 1.5 checkpoint in that WebUI"
            )
        if unet is self._unet:
            return
        self._on_unet.close()
        self._unet = None
        self._on_unet.callback(unet.register_forward_pre_hook(self._inspect, with_kwargs=True).remove)
        self._live = self._on_unet.enter_context(self._attached(unet))
        if (early := getattr(self._p, "wplus_early", None)) is not None:
            self._on_unet.enter_context(early.shared(unet, self._live, _networks(self._p)))
        self._unet = unet

    def _follow_denoiser(self, denoiser: nn.Module) -> None:
        if denoiser is not self._denoiser:
            self._on_denoiser.close()
            self._on_denoiser.callback(denoiser.register_forward_pre_hook(self._stamp, with_kwargs=True).remove)
            self._denoiser = denoiser

    def _stamp(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple:
        """Before the denoiser, and so before AnimateDiff cuts windows: give each row its passport."""
        if self._error is not None:
            with named():
                raise self._error
        text, *rest = kwargs["cond"]["c_crossattn"]
        rows = range(self._cursor, self._cursor + len(text))
        self._cursor = rows.stop
        text = torch.cat([text, passports([self._row(row) for row in rows], text)], 1)
        return args, {**kwargs, "cond": {**kwargs["cond"], "c_crossattn": [text, *rest]}}

    def _row(self, row: int) -> tuple[int, bool]:
        """Frame and sign of a row, counted from the step's first."""
        negative = row >= len(self._images)
        image = (row - len(self._images)) % self._count if negative else self._images[row]
        frame = image if self._frame is None else self._frame
        return min(frame, self._frames - 1), negative

    def _inspect(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple:
        """Before the UNet: read the passports and take them off."""
        text = kwargs["context"] if "context" in kwargs else args[2]
        with named():
            self._live.rows(*read_passports(text))
        text = text[:, :-1]
        if "context" in kwargs:
            return args, {**kwargs, "context": text}
        return (*args[:2], text, *args[3:]), kwargs


def _networks(p: object) -> list[dict[str, list[list[str]]]]:
    """The LoRAs and other networks that a batch's prompts ask for, those of the hires pass too: they are in the
    weights, not in the calls."""
    asked = [getattr(p, name, None) or {} for name in ("extra_network_data", "hr_extra_network_data")]
    return [{name: [list(each.items) for each in found] for name, found in those.items()} for those in asked]


def passports(rows: Sequence[tuple[int, bool]], like: Tensor) -> Tensor:
    """A token for each (frame, negative), (rows, 1, width) in the type of ``like``; exact in bfloat16."""
    tokens = torch.zeros(len(rows), 1, like.shape[2])
    for token, (frame, negative) in zip(tokens[:, 0], rows):
        digits = (frame % DIGIT, frame // DIGIT % DIGIT, frame // DIGIT**2)
        token[:PASSPORT] = torch.tensor([*MAGIC, *digits, negative])
    return tokens.to(like)


def read_passports(text: Tensor) -> tuple[list[int], list[bool]]:
    """The frames and signs of rows whose last token is a passport.

    Raises:
        RuntimeError: a row has none.
    """
    rows = text[:, -1, :PASSPORT].float().tolist()
    if any(tuple(row[: len(MAGIC)]) != MAGIC for row in rows):
        raise RuntimeError(
            "a UNet call came with rows that the sampler did not send; another extension calls or changes the UNet in "
            "a way that is not supported: switch it off, or the W+ Adapter"
        )
    digits = [[round(number) for number in row[len(MAGIC) :]] for row in rows]
    return [a + DIGIT * b + DIGIT**2 * c for a, b, c, _ in digits], [bool(sign) for *_, sign in digits]


@contextmanager
def named() -> Iterator[None]:
    """Say whose error it is: the person sees it among those of other extensions; and where files are missing, of what
    `javascript/wplus_leads.mjs` makes a button."""
    try:
        yield
    except Exception as error:
        item = item_in(error)
        raise RuntimeError(f"{TITLE}: {public(error)}{f' (Download: {item})' if item else ''}") from error
