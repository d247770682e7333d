"""Steps before an edit begins, which videos of one seed and prompt share: computed once, and handed back.

Exact by construction: what the UNet gave is handed back where all that it was given is equal bit for bit, call by call
from the first on, where the same networks are in its weights, and nobody else's code is in it that could know more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...edit.attach import Live
from ...window import Window

MOST = 512 * 2**20  # bytes of the calls that are kept, in the computer's memory

Given = tuple[tuple[object, ...], dict[str, object]]


@dataclass(eq=False)
class Early:
    """The UNet calls before the edit, of jobs of one seed and prompt. ``saved`` counts those that were handed back.

    ``window`` is where the edit of the others is, for a job that has none.
    """

    window: Window = Window()
    saved: int = 0
    _unet: nn.Module | None = None
    _networks: object = None
    _calls: list[tuple[Given, Tensor]] = field(default_factory=list)
    _bytes: int = 0

    @contextmanager
    def shared(self, unet: nn.Module, live: Live, networks: object) -> Iterator[None]:
        """Keep calls and hand them back, of one batch, until the edit begins. ``networks`` are those in the weights.

        Where another extension has put code of its own into the UNet, or this is another one, or other networks are
        in it, nothing is done.
        """
        is_other = self._unet is not None and (self._unet is not unet or self._networks != networks)
        if is_other or is_foreign(unet):
            yield
            return
        self._unet, self._networks, own, at = unet, networks, unet.forward, 0

        def forward(*args: object, **kwargs: object) -> object:
            nonlocal at
            if at is None or not live.is_outside:
                at = None  # for the rest of the job
                return own(*args, **kwargs)
            if at == len(self._calls):
                at, given = at + 1, kept((args, kwargs))
                made = self._computed(given, lambda: own(*args, **kwargs))
                at = at if len(self._calls) == at else None
                return made
            given, made = self._calls[at]
            if not equal(given, (args, kwargs)):
                at = None
                return own(*args, **kwargs)
            at, self.saved = at + 1, self.saved + 1
            live.pass_over()
            return made.to(args[0].device, copy=True)

        unet.forward = forward
        try:
            yield
        finally:
            at = None  # somebody may hold on to it
            if unet.__dict__.get("forward") is forward:
                del unet.forward

    def _computed(self, given: Given, compute: Callable[[], object]) -> object:
        """What a call gives; it is kept where there is room, and it is nothing but a tensor that no chance had a part
        in."""
        before = chance()
        made = compute()
        is_plain = isinstance(made, Tensor) and all(map(torch.equal, before, chance()))
        size = sum(each.nbytes for each in (*tensors(given), *([made] if is_plain else [])))
        if is_plain and self._bytes + size <= MOST:
            self._bytes += size
            self._calls.append((given, made.to("cpu", copy=True)))
        return made


def is_foreign(unet: nn.Module) -> bool:
    """Whether somebody replaced what a part of a UNet does, as ControlNet does, or looks at what it gives."""
    return any("forward" in part.__dict__ or part._forward_hooks for part in unet.modules())


def chance() -> list[Tensor]:
    """The states of the random numbers."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else ())]


def kept(given: Given) -> Given:
    """What a call is given, as it is now: tensors as copies in the computer's memory."""

    def copied(value: object) -> object:
        return value.to("cpu", copy=True) if isinstance(value, Tensor) else value

    args, kwargs = given
    return tuple(map(copied, args)), {name: copied(value) for name, value in kwargs.items()}


def tensors(given: Given) -> list[Tensor]:
    """The tensors of what a call is given."""
    return [value for value in (*given[0], *given[1].values()) if isinstance(value, Tensor)]


def bits(tensor: Tensor) -> Tensor:
    """A tensor's bytes: by them 0 is not -0, and what is no number is equal to itself."""
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def equal(before: Given, now: Given) -> bool:
    """Whether two calls are given the same, bit for bit; other things than tensors must be plain."""

    def same(a: object, b: object) -> bool:
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            is_alike = (a.dtype, a.shape) == (b.dtype, b.shape)
            return is_alike and torch.equal(bits(a.to(b.device)), bits(b))
        return type(a) is type(b) and isinstance(a, (type(None), bool, int, float, str)) and a == b

    if len(before[0]) != len(now[0]) or before[1].keys() != now[1].keys():
        return False
    return all(map(same, before[0], now[0])) and all(same(before[1][name], now[1][name]) for name in now[1])
