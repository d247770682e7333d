"""The steps in which an edit is active."""

from __future__ import annotations

import pytest

from wplus_ext.window import Window


def active(start, end, steps):
    return [step for step in range(steps) if Window(start, end).active(step, steps)]


@pytest.mark.parametrize(
    ("start", "end", "steps", "wanted"),
    [
        (0.2, 0.6, 30, range(6, 18)),
        (0.1, 0.7, 10, range(1, 7)),
        (0.0, 1.0, 5, range(5)),
        (0.5, 1.0, 5, range(3, 5)),  # 2.5
        (0.0, 0.5, 5, range(3)),
        (0.9, 0.95, 3, []),
        (0.500001, 1.0, 10, range(6, 10)),  # settings keep six decimals: these are told apart
        (0.0, 0.500001, 10, range(6)),
        (0.0, 0.499999, 10, range(5)),
    ],
)
def test_the_steps_between_start_and_end(start, end, steps, wanted):
    assert active(start, end, steps) == list(wanted)


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 7, 10, 20, 25, 30, 50, 100, 150])
def test_a_start_that_falls_on_a_step_is_that_step(steps):
    """However the product is rounded: 0.07 * 100 is a little more than 7."""
    for step in range(steps):
        rounded = round(step / steps, 6)  # as settings keep it
        if rounded * steps == pytest.approx(step, abs=1e-10):
            assert active(rounded, 1.0, steps)[0] == step


@pytest.mark.parametrize("steps", [2, 3, 5, 7, 10, 20, 25, 30, 50, 100, 150])
def test_an_end_that_falls_on_a_step_ends_before_it(steps):
    for step in range(1, steps):
        rounded = round(step / steps, 6)
        if rounded * steps == pytest.approx(step, abs=1e-10):
            assert active(0.0, rounded, steps)[-1] == step - 1


def test_products_that_are_rounded_up_and_down_are_among_these():
    assert 0.07 * 100 > 7 and 0.29 * 100 < 29


def test_where_two_windows_meet_each_step_is_in_one():
    for steps in range(1, 101):
        first, second = active(0.0, 0.3, steps), active(0.3, 1.0, steps)
        assert first + second == list(range(steps))


def test_a_sampler_may_overrun_its_steps():
    assert Window(0.2, 0.6).active(40, 30) is False and Window().active(40, 30) is True


def test_only_the_whole_is_whole():
    assert Window().is_whole
    assert not Window(0.1, 1.0).is_whole and not Window(0.0, 0.9).is_whole


@pytest.mark.parametrize(("start", "end", "steps", "first"), [(0.0, 1.0, 5, 0), (0.5, 1.0, 5, 3), (0.2, 0.6, 30, 6)])
def test_the_first_step(start, end, steps, first):
    assert Window(start, end).first(steps) == first


def test_no_step_at_all_is_told():
    window = Window(0.9, 0.95)
    with pytest.raises(ValueError, match="none of the 3 steps lies between start 0.9 and end 0.95; expected some"):
        window.first(3)


@pytest.mark.parametrize(("start", "end"), [(-0.1, 1), (0, 1.1), (0.5, 0.5), (0.8, 0.3), (float("nan"), 1)])
def test_what_is_no_window(start, end):
    with pytest.raises(ValueError, match="expected 0 <= start < end <= 1"):
        Window(start, end)


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, 0.001), (0.999, 1)])
def test_the_ends_of_the_range_are_in_it(start, end):
    assert (Window(start, end).start, Window(start, end).end) == (start, end)
