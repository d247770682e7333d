"""The track language and its evaluator."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wplus_ext.curve import evaluate
from wplus_ext.tracks import Key, Schedule, Track, TrackError, format, parse, parse_schedule, plain

CHARACTERS = st.text(st.sampled_from("smile =[]:,()%>-0123456789.#\n loopsmoothbez/\tä٣"), max_size=60)


def numbers(low, high):
    return st.integers(round(low * 1e4), round(high * 1e4)).map(lambda n: n / 1e4)


@st.composite
def keys(draw, count):
    unit = draw(st.sampled_from(["frame", "percent"]))
    at = st.integers(0, 400).map(float) if unit == "frame" else numbers(0, 100)
    made = []
    for position in draw(st.lists(at, min_size=1, max_size=count, unique=True)):
        easing = draw(st.sampled_from(["linear", "smooth", "hold", "bez"]))
        x, y = numbers(0, 1), numbers(-2, 2)
        bezier = (draw(x), draw(y), draw(x), draw(y)) if easing == "bez" else None
        made.append(Key(position, draw(numbers(-20, 20)), unit, easing, bezier))
    return tuple(made)


@st.composite
def schedules(draw):
    if draw(st.booleans()):
        values = draw(st.lists(numbers(-20, 20), min_size=1, max_size=8))
        return Schedule(tuple(Key(float(i), v, "spread") for i, v in enumerate(values)), draw(st.booleans()))
    return Schedule(draw(keys(8)), draw(st.booleans()))


@st.composite
def tracks(draw):
    first = draw(st.integers(0, 17))
    layers = (first, draw(st.integers(first + 1, 18)))
    return Track(draw(st.sampled_from(["smile", "more/age 2", "ä-b.c", "loop"])), draw(schedules()), layers)


README = "smile = -0.7 > 0 > 0.7\nage   = 0:(0), 8:(0.2):smooth, 100%:(0.3)\n\n# a remark\nemotion_angry[0:8] = 0.4"


def test_the_readmes_example_has_three_tracks():
    assert [track.name for track in parse(README)] == ["smile", "age", "emotion_angry"]


def test_layers_and_lines_are_known():
    assert [(track.layers, track.line) for track in parse(README)] == [((0, 18), 1), ((0, 18), 2), ((0, 8), 5)]


def test_values_are_spread():
    assert evaluate(parse(README)[0].schedule, 5) == [-0.7, -0.35, 0.0, 0.35, 0.7]


def test_a_value_is_for_all_frames():
    assert evaluate(parse(README)[2].schedule, 3) == [0.4] * 3


def test_keys_are_at_their_frames():
    values = evaluate(parse(README)[1].schedule, 21)
    assert values[0] == 0 and values[4] == pytest.approx(0.1) and values[8] == 0.2 and values[20] == 0.3


def test_a_deforum_schedule_pastes_in():
    assert evaluate("0: (0), 10: (1.0), 20:(.5)", 21)[::5] == [0, 0.5, 1.0, 0.75, 0.5]


@given(st.lists(tracks(), max_size=5))
def test_parse_is_the_inverse_of_format(made):
    assert parse(format(made)) == made


@given(CHARACTERS)
@settings(max_examples=500)
def test_garbage_gives_a_fault_with_a_place_or_tracks(text):
    try:
        made = parse(text)
    except TrackError as error:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert f"line {error.line}, column {error.column}: expected" in str(error)
    else:
        assert parse(format(made)) == made


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("smile", 1, 6, "expected '=', found the end of the line"),
        ("= 3", 1, 1, "expected the name of a direction"),
        ("smile =", 1, 8, "expected a number or a key, found the end"),
        ("smile = 1e5", 1, 9, "expected a number from -20 to 20, found '1e5'"),
        ("smile = 21", 1, 9, "expected a number from -20 to 20"),
        ("smile = 0,5", 1, 9, "expected a point as the decimal sign, found '0,5': write 0.5"),
        ("smile = nan", 1, 9, "expected a number or a key"),
        ("smile = 0:(1+sin(t)), 9:(1)", 1, 12, "expected a number, found an expression: 1+sin(t); none are evaluated"),
        ("a = 1\n\n# x\n  b = 0:(1), 0:(2)", 4, 14, "expected one key a frame, found a second one"),
        ("a = 50%:(1), 50%:(2)", 1, 14, "expected one key a frame"),
        ("a[3:3] = 1", 1, 5, "expected layers [first:end] with first < end <= 18, found [3:3]"),
        ("a[0:19] = 1", 1, 5, "first < end <= 18"),
        ("a[0-8] = 1", 1, 4, "expected ':'"),
        ("a = 0:(1):wobble", 1, 11, "expected linear, smooth, hold or bez/x1/y1/x2/y2"),
        ("a = 0:(1):bez/2/0/0/0", 1, 15, "expected x1 from 0 to 1, found 2"),
        ("a = 0:(1):bez/0/0/0", 1, 20, "expected '/'"),
        ("a = 1.5:(1)", 1, 5, "a whole number from 0"),
        ("a = -1:(1)", 1, 5, "a whole number from 0"),
        ("a = 120%:(1)", 1, 5, "expected a percentage from 0 to 100, found 120"),
        ("a = 1234567:(1)", 1, 5, "at most 6 digits"),
        ("a = 0:1", 1, 7, "expected '('"),
        ("a = 0:(1), , ", 1, 12, "expected a frame or a percentage"),
        ("a = 1 > ", 1, 9, "expected a number"),
        ("a = ٣", 1, 5, "expected a number or a key"),
    ],
)
def test_faults(text, line, column, message):
    with pytest.raises(TrackError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + ", ".join(f"{i}:(0)" for i in range(10_000)), "at most 4096 keys"),
        ("a = " + " > ".join(["0"] * 10_000), "at most 4096 keys"),
        ("\n".join(["a = 1"] * 100), "line 65, column 1: expected at most 64 tracks"),
    ],
    ids=["keys", "values", "tracks"],
)
def test_too_much_is_refused_quickly(text, message):
    start = time.process_time()
    with pytest.raises(TrackError, match=message):
        parse(text)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "b" * 80_000,
        "a = 1" + "b" * 80_000,
        "a = 0:(1):bez/" + "b" * 80_000,
        "a = " + "b" * 40_000 + " " * 40_000 + "c",
        "a = " + "b " * 40_000,
        "a = x" + "1" * 80_000,
        "a = 0:" + "(" * 80_000,
        "a" + " " * 80_000 + "b",
    ],
    ids=["word", "after a number", "handle", "blanks after it", "words", "digits", "parentheses", "name"],
)
def test_what_might_be_an_expression_is_looked_at_quickly(text):
    start = time.process_time()
    with pytest.raises(TrackError):
        parse(text)
    assert time.process_time() - start < 1  # squared: some 25


@given(schedules(), st.integers(1, 300))
def test_values_are_finite_and_start_and_end_where_they_should(schedule, frames):
    try:
        values = evaluate(schedule, frames)
    except TrackError as error:  # frames and percentages may meet only once the video is known
        assert "two keys on frame" in str(error) or "loop within" in str(error)
        return
    assert len(values) == frames and all(map(math.isfinite, values))
    if len(schedule.keys) == 1:
        assert values == [schedule.keys[0].value] * frames


@given(st.lists(numbers(-20, 20), min_size=2, max_size=10), st.integers(2, 200), st.booleans())
def test_smooth_never_overshoots(levels, frames, loop):
    made = tuple(Key(100.0 * i / len(levels), v, "percent", "smooth") for i, v in enumerate(levels))
    values = evaluate(Schedule(made, loop), frames)
    assert min(levels) <= min(values) and max(values) <= max(levels)


@pytest.fixture
def smooth():
    return evaluate("0:(0):smooth, 10:(0.2):smooth, 20:(1):smooth, 30:(1)", 41)


def test_smooth_is_monotone_between_its_keys(smooth):
    assert smooth == sorted(smooth)


def test_smooth_is_flat_at_the_ends(smooth):
    assert 0 < smooth[1] < 0.01 and smooth[30:] == [1.0] * 11


def test_smooth_is_fritsch_and_butlands(smooth):
    """The slope at frame 10 is the weighted harmonic mean of the two secants 0.02 and 0.08."""
    width, rise, start, end = 10, 0.02, 0.0, (30 + 30) / (30 / 0.02 + 30 / 0.08)
    u = 9 / width
    wanted = 9 * (start + u * ((3 * rise - 2 * start - end) + u * (start + end - 2 * rise)))
    assert smooth[9] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("easing", "middle"), [("linear", 0.5), ("hold", 0.0), ("smooth", 0.5), ("bez/0.42/0/0.58/1", 0.5)]
)
def test_easings_at_the_middle(easing, middle):
    values = evaluate(f"0:(0):{easing}, 10:(1)", 11)
    assert values[0] == 0 and values[10] == 1
    assert values[5] == pytest.approx(middle, abs=1e-12)


def test_bezier_agrees_with_css():
    """ease-in-out at a quarter; the value that browsers compute."""
    assert evaluate("0:(0):bez/0.42/0/0.58/1, 4:(1)", 5)[1] == pytest.approx(0.12916, abs=1e-4)


def test_bezier_overshoots_where_it_is_drawn_so():
    assert max(evaluate("0:(0):bez/0.3/1.8/0.7/1, 20:(1)", 21)) > 1


def test_keys_past_the_end_still_shape_the_curve():
    assert evaluate("0:(0), 20:(1)", 11)[10] == 0.5


def test_keys_may_come_in_any_order():
    assert evaluate("5:(1), 2:(0)", 8) == [0, 0, 0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1, 1, 1]


TRIANGLE = [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25]


def test_a_loop_is_periodic():
    assert evaluate("loop 0:(0), 4:(1)", 8) == TRIANGLE


def test_a_loop_goes_on_over_its_end():
    shifted = evaluate("loop 2:(0):smooth, 6:(1):smooth", 8)
    assert shifted[0] == pytest.approx(0.5) and shifted[4] == pytest.approx(0.5)


def test_keys_past_the_end_are_no_part_of_a_loop():
    assert evaluate("loop 0:(0), 4:(1), 30:(9)", 8) == TRIANGLE


def test_a_loop_wants_a_key():
    with pytest.raises(TrackError, match="a key for the loop within the 8 frames"):
        evaluate("loop 30:(9)", 8)


@pytest.mark.parametrize(
    ("schedule", "value"),
    [
        ("-0.7 > 0 > 0.7", -0.7),
        ("100%:(0.3), 0%:(0.1)", 0.1),
        ("0:(0.5), 8:(1)", 0.5),
        ("0:(0), 8:(0.2):smooth, 100%:(0.3)", 0.0),
    ],
)
def test_a_single_frame_takes_the_first_key(schedule, value):
    assert evaluate(schedule, 1) == [value]


def test_keys_that_meet_in_this_video_are_refused():
    with pytest.raises(TrackError, match="two keys on frame 8 of 17"):
        evaluate("8:(0), 50%:(1)", 17)


def test_keys_that_do_not_meet_in_this_video_are_fine():
    assert len(evaluate("8:(0), 50%:(1)", 16)) == 16


def test_a_video_has_frames():
    with pytest.raises(ValueError, match="frames is 0"):
        evaluate("1", 0)


@pytest.mark.parametrize(
    ("number", "text"), [(-0.00001, "0"), (-0.0, "0"), (1 / 32, "0.0312"), (-3 / 32, "-0.0938"), (20, "20")]
)
def test_a_number_is_written_as_javascript_writes_it(number, text):
    assert plain(number) == text


def test_minus_zero_is_zero():
    assert str(parse_schedule("-0").keys[0].value) == "0.0"
