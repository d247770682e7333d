"""Direct embedding, the earlier method: the W+ tokens are appended to the text tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.hooks import RemovableHandle

from ..weights.shapes import TOKENS, Float
from .report import Report
from .rows import Compiled, Enter, Row, total
from .sites import Site


class Direct:
    """Appends the sum of each row's terms to the text, in a forward pre-hook on each cross-attention."""

    touches = True  # every row attends to four more tokens

    def __init__(self, compiled: Compiled, report: Report) -> None:
        self._compiled, self.report = compiled, report
        self._appended: Float[Tensor, "rows 4 text"] | None = None

    def announce(self, rows: Sequence[Row]) -> None:
        """Say what the rows of the following UNet calls get."""
        tokens = self._compiled.tokens
        self._appended = torch.zeros(len(rows), *tokens.shape[1:])
        for appended, row in zip(self._appended, rows):
            for term, scale in zip(row.terms, row.scales):
                appended += scale * total(term, tokens)

    def hook(self, layer: int, site: Site, enter: Enter) -> list[RemovableHandle]:
        """Edit a cross-attention wherever ``enter`` allows it."""
        return [site.attention.register_forward_pre_hook(partial(self._append, site, enter), with_kwargs=True)]

    def _append(self, site: Site, enter: Enter, module: nn.Module, args: tuple, kwargs: dict) -> tuple | None:
        mine = enter(len(args[0] if args else kwargs["hidden_states"]))
        if mine is None:
            return None
        names = [name for name in ("context", "encoder_hidden_states") if kwargs.get(name) is not None]
        if not names and len(args) < 2:
            raise RuntimeError(f"W+ Adapter: {site.path} was called without the text that the direct mode appends to")
        text = self._longer(kwargs[names[0]] if names else args[1], mine)
        if kwargs.get("attention_mask") is not None:  # a bias: nothing is masked
            kwargs = {**kwargs, "attention_mask": pad(kwargs["attention_mask"], (0, TOKENS))}
        if names:
            return args, {**kwargs, names[0]: text}
        return (args[0], text, *args[2:]), kwargs

    def _longer(self, text: Tensor | tuple, mine: slice) -> Tensor | tuple:
        """The text with the tokens of these rows; of an IP-Adapter's tuple, which has pictures behind it, the text."""
        if isinstance(text, tuple):
            return (self._longer(text[0], mine), *text[1:])
        return torch.cat([text, self._appended[mine].to(text)], 1)
