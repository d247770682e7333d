"""What torch.compile made of a UNet, undone while it is edited: compiled code does not see hooks put on it later."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn

WORD = (
    "W+ Adapter: torch.compile's code does not see an edit, so the UNet runs uncompiled while it is edited; "
    "afterwards it is compiled as before"
)


def bare(module: nn.Module) -> nn.Module:
    """The module that ``torch.compile(module)`` wraps, or itself."""
    while isinstance(inner := module._modules.get("_orig_mod"), nn.Module):
        module = inner
    return module


@contextmanager
def eagerly(unet: nn.Module) -> Iterator[None]:
    """Run a UNet and its parts uncompiled, with one warning: those of ``module.compile()``, as
    ``compile_repeated_blocks`` has it, those in the wrapper of ``torch.compile(module)``, those whose ``forward`` is
    compiled.

    Raises:
        ValueError: ``unet`` is itself such a wrapper, which whoever holds it would go on calling.
    """
    if bare(unet) is not unet:
        raise ValueError(
            "the UNet is wrapped by torch.compile, whose code does not see hooks that are put on it later: give, and "
            "call, the module in it (unet._orig_mod), or use unet.compile() instead"
        )
    with ExitStack() as stack:
        found = [*_undone(unet, stack)]
        if found:
            warnings.warn(WORD, stacklevel=2)
        yield


def _undone(unet: nn.Module, stack: ExitStack) -> Iterator[nn.Module]:
    """Each module that was compiled, and is not until the stack is closed."""
    for module in [part for part in unet.modules() if bare(part) is part]:
        if getattr(module, "_compiled_call_impl", None) is not None:  # module.compile()
            stack.callback(setattr, module, "_compiled_call_impl", module._compiled_call_impl)
            module._compiled_call_impl = None
            yield module
        forward = vars(module).get("forward")
        if (plain := getattr(forward, "_torchdynamo_orig_callable", None)) is not None:
            stack.callback(setattr, module, "forward", forward)
            module.forward = plain
            yield module
        for name, child in [*module._modules.items()]:
            if child is not None and bare(child) is not child:
                module._modules[name] = bare(child)
                stack.callback(_put_back, module, name, child)
                yield child


def _put_back(parent: nn.Module, name: str, child: nn.Module) -> None:
    if parent._modules.get(name) is bare(child):  # nobody has replaced it meanwhile
        parent._modules[name] = child
