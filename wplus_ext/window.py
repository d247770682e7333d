"""When an edit is active: a part of the sampler's steps."""

from __future__ import annotations

from dataclasses import dataclass

EPSILON = 1e-9  # 0.07 * 100 is a little more than 7


@dataclass(frozen=True)
class Window:
    """The steps i of n, from 0, with ``start * n <= i < end * n``.

    Raises:
        ValueError: not ``0 <= start < end <= 1``.
    """

    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= 1:
            raise ValueError(f"start is {self.start:g} and end {self.end:g}, expected 0 <= start < end <= 1")

    @property
    def is_whole(self) -> bool:
        """Whether it holds every step, whatever their number."""
        return (self.start, self.end) == (0, 1)

    def active(self, step: int, steps: int) -> bool:
        """Whether it holds step ``step`` of ``steps``. Samplers that take more steps than they announce stay at
        the last one."""
        step = min(step, steps - 1)
        return self.start * steps <= step + EPSILON and step < self.end * steps - EPSILON

    def first(self, steps: int) -> int:
        """The first of ``steps`` steps that it holds. Raises ValueError where it holds none."""
        for step in range(steps):
            if self.active(step, steps):
                return step
        raise ValueError(
            f"none of the {steps} steps lies between start {self.start:g} and end {self.end:g}; "
            "expected some: lower start, raise end, or take more steps"
        )


def step_of(call: int, calls: int, steps: int) -> int:
    """The step, from 0, as a person counts them, that UNet call ``call`` of ``calls`` belongs to: of second order each
    of the ``steps`` has two calls, but for the last one, and PNDM's first one has more than the others."""
    return call * steps // calls
