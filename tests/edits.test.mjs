// What can be done to a schedule and to a text, without a page.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { evaluate, formatSchedule, parse, parseSchedule, plain } from "../javascript/wplus_curve.mjs";
import * as edits from "../javascript/wplus_edits.mjs";
import { SHAPES, styleOf } from "../javascript/wplus_styles.mjs";
import { History, withLine, withPasted, withSwapped, withTrack } from "../javascript/wplus_text.mjs";
import { axisHalf } from "../javascript/wplus_scene.mjs";

const FRAMES = 16;

describe("a schedule", () => {
    test("is never changed, only made anew", () => {
        const schedule = parseSchedule("0:(0), 4:(0.5)");
        edits.moveKeys(schedule, FRAMES, new Set([1]), 2, 0.1);
        assert.equal(formatSchedule(schedule), "0:(0), 4:(0.5)");
    });

    test("keeps the form of a Bezier that gets a key", () => {
        const { schedule, key } = edits.addKey(parseSchedule("0:(0):bez/0.42/0/0.58/1, 10:(1)"), FRAMES, 5);
        assert.equal(formatSchedule(schedule), "0:(0):bez/0.42/0/0.71/0.5, 5:(0.5):bez/0.29/0.5/0.58/1, 10:(1)");
        assert.equal(key, 1);
    });

    test("gets no key above the largest value, where its Bezier goes higher", () => {
        const { schedule } = edits.addKey(parseSchedule("0:(10):bez/0.5/3/0.5/3, 15:(15)"), FRAMES, 7);
        const text = formatSchedule(schedule);
        assert.match(text, /, 7:\(20\):bez/);
        assert.equal(formatSchedule(parseSchedule(text)), text);
    });

    test("has the easing of the segment in a key that is added to it", () => {
        const { schedule } = edits.addKey(parseSchedule("0:(0):hold, 10:(1)"), FRAMES, 5);
        assert.equal(formatSchedule(schedule), "0:(0):hold, 5:(0):hold, 10:(1)");
    });

    test("of one value gets a key as one on frame 0 and another", () => {
        const { schedule } = edits.addKey(parseSchedule("0.5"), FRAMES, 5);
        assert.equal(formatSchedule(schedule), "0:(0.5), 5:(0.5)");
    });

    for (const [text, frame, name] of [
        ["0:(0):smooth, 6:(1):smooth, 15:(-0.5)", 3, "a smooth segment"],
        ["0:(0):smooth, 6:(1):smooth, 15:(-0.5)", 9, "a smooth segment at the end"],
        ["0:(0):smooth, 5:(0.4), 9:(0.7):smooth, 15:(1)", 7, "a segment between smooth ones"],
        ["loop 2:(0):smooth, 6:(1):smooth, 11:(-0.5):smooth", 14, "the last segment of a smooth loop"],
        ["loop 2:(0):smooth, 6:(1):smooth, 11:(-0.5):smooth", 0, "the last segment of a loop, at its beginning"],
        ["loop 2:(0), 6:(1), 11:(-0.5):bez/0.3/0.2/0.6/0.9", 13, "a Bezier that ends a loop"],
        ["loop 2:(0), 6:(1), 11:(-0.5):hold", 1, "a hold that ends a loop"],
        ["loop 2:(0), 6:(1), 11:(-0.5), 40:(3)", 14, "a loop with a key past the end"],
    ]) {
        test(`keeps its curve where ${name} gets a key`, () => {
            const before = parseSchedule(text), { schedule } = edits.addKey(before, FRAMES, frame);
            const values = evaluate(parseSchedule(formatSchedule(schedule)), FRAMES);
            const changes = evaluate(before, FRAMES).map((value, i) => Math.abs(value - values[i]));
            assert.equal(schedule.keys.length, before.keys.length + 1);
            assert.ok(Math.max(...changes) < 2e-4, `by ${Math.max(...changes)}: ${formatSchedule(schedule)}`);
        });
    }

    for (const [text, frame, name] of [
        ["0:(19.557):bez/0.5699/2.9204/0.0216/0.2497, 15:(-14.9443)", 8, "four decimals of a handle are too few"],
        ["0:(0.3):bez/0.72/0.6/0.03/0.51, 15:(0.9)", 5, "a handle would lie outside of its segment"],
        ["0:(-0.9):bez/0.88/1.4/0.94/1.3, 15:(-3.5)", 10, "a handle would reach too high"],
    ]) {
        test(`keeps its curve as well as can be where ${name}`, () => {
            const before = parseSchedule(text), { schedule } = edits.addKey(before, FRAMES, frame);
            const values = evaluate(parseSchedule(formatSchedule(schedule)), FRAMES);
            const changes = evaluate(before, FRAMES).map((value, i) => Math.abs(value - values[i]));
            assert.ok(Math.max(...changes) < 1e-3, `by ${Math.max(...changes)}: ${formatSchedule(schedule)}`);
        });
    }

    test("goes on with its last easing behind its last key", () => {
        const { schedule } = edits.addKey(parseSchedule("0:(0):hold, 4:(1):hold"), FRAMES, 9);
        assert.equal(formatSchedule(schedule), "0:(0):hold, 4:(1):hold, 9:(1):hold");
    });

    for (const [text, frame, made] of [
        ["0:(0):smooth, 10:(1)", 5, "0:(0):smooth, 5:(0.9):smooth, 10:(1)"],
        ["0:(0):bez/0.4/0/0.6/1, 10:(1)", 5, "0:(0):bez/0.4/0/0.6/1, 5:(0.9):bez/0.4/0/0.6/1, 10:(1)"],
        ["4:(0):hold, 10:(1)", 2, "2:(0.9):hold, 4:(0):hold, 10:(1)"],
        ["0 > 1", 5, "0%:(0), 5:(0.9), 100%:(1)"],
        ["0 > 1", 15, "0 > 0.9"],
    ]) {
        test(`${text} gets a key of any value on frame ${frame}`, () => {
            const { schedule, key } = edits.putKey(parseSchedule(text), FRAMES, frame, 0.9);
            assert.equal(formatSchedule(schedule), made);
            assert.equal(schedule.keys[key].value, 0.9);
        });
    }

    test("has its keys sorted, and says which is which", () => {
        const { schedule, numbers } = edits.sort(parseSchedule("8:(1), 0:(0), 4:(2)"), FRAMES);
        assert.equal(formatSchedule(schedule), "0:(0), 4:(2), 8:(1)");
        assert.deepEqual(numbers, [2, 0, 1]);
    });

    test("moves no key above the largest value", () => {
        const moved = edits.moveKeys(parseSchedule("0:(19.5), 4:(1)"), FRAMES, new Set([0, 1]), 0, 5);
        assert.equal(formatSchedule(moved), "0:(20), 4:(1.5)");
    });

    test("leaves a key between two frames there when only its value is set", () => {
        const set = edits.setKey(parseSchedule("0 > 1 > 0"), FRAMES, 1, 7.5, 0.5);
        assert.equal(formatSchedule(set), "0 > 0.5 > 0");
    });

    describe("of evenly spread keys", () => {
        const all = new Set([0, 1, 2, 3]);

        for (const [values, frames, expected] of [
            ["0 > 1 > 0", 16, "0%:(0), 50%:(1), 100%:(0)"],
            ["0 > 1 > 0 > 1", 17, "0%:(0), 33.3333%:(1), 66.6667%:(0), 100%:(1)"],
            ["0 > 1 > 0 > 1", 16, "0:(0), 5:(1), 10:(0), 15:(1)"],
            ["0 > 1 > 2 > 3 > 2 > 1 > 0", 16,
                "0:(0), 16.6667%:(1), 5:(2), 50%:(3), 10:(2), 83.3333%:(1), 15:(0)"],
            ["1", 16, "0:(1)"],
        ]) {
            test(`${values} over ${frames} frames has keys where they were`, () => {
                const made = edits.explicit(parseSchedule(values), frames);
                assert.equal(formatSchedule(made), expected);
            });
        }

        test("holds from the frame of each key", () => {
            for (let keys = 2; keys <= 13; keys++) {
                for (let width = 1; width <= 8; width++) {
                    const schedule = parseSchedule(Array.from({ length: keys }, (_, i) => i).join(" > "));
                    const frames = (keys - 1) * width + 1;
                    const held = edits.setEasing(schedule, frames, new Set(schedule.keys.keys()), "hold");
                    const values = evaluate(held, frames).filter((_, frame) => frame % width === 0);
                    assert.deepEqual(values, schedule.keys.map((key) => key.value));
                }
            }
        });

        test("keeps its values with another easing", () => {
            const schedule = edits.setEasing(parseSchedule("0 > 1 > 0 > 1"), FRAMES, all, "hold");
            assert.deepEqual(evaluate(schedule, FRAMES), [..."0000011111000001"].map(Number));
        });
    });

    describe("with a key a little beside a frame", () => {
        const text = "0:(0), 33.3333%:(1), 66.6667%:(0), 15:(1)";

        test("gets no second one on that frame", () => {
            const schedule = parseSchedule(text);
            assert.deepEqual(edits.addKey(schedule, FRAMES, 10), { schedule, key: 2 });
        });

        test("has none moved onto it", () => {
            const moved = edits.moveKeys(parseSchedule(text), FRAMES, new Set([0]), 5, 0);
            assert.equal(formatSchedule(moved), text.replace("0:", "4:"));
        });

        test("has none set onto it", () => {
            assert.throws(() => edits.setKey(parseSchedule(text), FRAMES, 0, 5, 0), /frame 5 has a key already/);
        });

        test("has it set onto the frame itself", () => {
            assert.match(formatSchedule(edits.setKey(parseSchedule(text), FRAMES, 1, 5, 1)), / 5:\(1\), 66/);
        });

        test("has it moved to the first frame", () => {
            const moved = edits.moveKeys(parseSchedule("33.3333%:(1), 15:(0)"), FRAMES, new Set([0]), -5, 0);
            assert.equal(formatSchedule(moved), "0:(1), 15:(0)");
        });
    });

    test("has the fault in place of a curve where two keys meet", () => {
        const { curve, fault } = edits.curveOf(parseSchedule("0:(0), 0%:(1)"), FRAMES);
        assert.equal(curve, null);
        assert.match(fault.message, /two keys on frame 0 of 16/);
    });

    test("has one curve, however often it is asked for", () => {
        const schedule = parseSchedule("0 > 1");
        assert.equal(edits.curveOf(schedule, FRAMES).curve, edits.curveOf(schedule, FRAMES).curve);
    });

    test("keeps a handle's x within its segment", () => {
        const moved = edits.moveHandle(parseSchedule("4:(0):bez/0.5/0/0.5/1, 8:(1)"), FRAMES, 0, 0, 1, 0.5, false);
        assert.equal(formatSchedule(moved), "4:(0):bez/0/0.5/0.5/1, 8:(1)");
    });
});

describe("a text", () => {
    const text = "# a note\nsmile = 0\n\nage = 1";

    test("changes in the track's line alone", () => {
        const [, age] = parse(text);
        assert.equal(withTrack(text, { ...age, layers: [0, 8] }), "# a note\nsmile = 0\n\nage[0:8] = 1");
    });

    test("keeps its other lines where two tracks change places", () => {
        assert.equal(withSwapped(text, ...parse(text)), "# a note\nage = 1\n\nsmile = 0");
    });

    for (const [name, pasted] of [
        ["on several lines", "0:(0),\n8:(0.5),\r\n15:(1)"],
        ["on several lines without commas", "0: (0)\n\n8: (0.5)\n 15: (1)"],
        ["on several lines with a comma at the end", "\n0:(0),\n  8:(0.5),\n\t15:(1),\n"],
        ["with a line's end within a key", "0:\n(0), 8:(0.5), 15\n:(1)"],
        ["from a table of another program", "0.0:(0.00001),8.0:(5e-1),15.0:(1.00000)"],
        ["in wide signs", "０：（０），\n８：（０．５），\n１５：（１）"],
        ["with a note above", "# from elsewhere\n0:(0), 8:(0.5)\n15:(1)"],
        ["with a note that has an equals sign", "# fps = 8\n0:(0), 8:(0.5)\n# [off] peak = here\n15:(1)"],
        ["with a note within", "0:(0),\n# second = peak\n8:(0.5)\n# third ＝ peak\n15:(1)"],
    ]) {
        test(`takes keys ${name}`, () => {
            const [track] = parse("smile = 1");
            assert.equal(withPasted("smile = 1", pasted, track, "age"), "smile = 0:(0), 8:(0.5), 15:(1)");
        });
    }

    test("takes tracks whose keys are on several lines", () => {
        const pasted = "smile =\n 0:(0),\n 8:(1)\nage ＝ 0 >\n 1\n\n# a note\nold = loop\n0:(0)\n4:(1)";
        const together = withPasted("", pasted, undefined, "age");
        assert.equal(together, "smile = 0:(0), 8:(1)\nage = 0 > 1\nold = loop 0:(0), 4:(1)");
    });

    test("takes muted tracks, and no other comment", () => {
        const together = withPasted("age = 1", "# fps = 8\n# [off] old = 1\nsmile = 0 > 1\n# x = 2", undefined, "age");
        assert.equal(together, "age = 1\n# [off] old = 1\nsmile = 0 > 1");
    });

    test("says of a pasted expression that it is one", () => {
        const paste = () => withPasted("", "0:(0), 8:(sin(3.14*t/8))", undefined, "age");
        assert.throws(paste, /an expression: sin\(3\.14\*t\/8\)/);
    });

    test("of nothing becomes a line", () => {
        assert.equal(withLine(" \n", "age = 1"), "age = 1");
    });
});

test("a history keeps 200 texts besides the present one", () => {
    const history = new History("0");
    for (let i = 1; i <= 300; i++) history.push(String(i));
    let first;
    while (history.can(-1)) first = history.step(-1);
    assert.equal(first, "100");
});

test("the axis holds every value, and at least what is customary", () => {
    assert.deepEqual([[], [0.5], [1.2], [-2.9], [20]].map((values) => axisHalf(values)), [1, 1, 1.5, 3, 20]);
});

for (const [number, text] of [[-0.00001, "0"], [-0, "0"], [1 / 32, "0.0312"], [-3 / 32, "-0.0938"], [20, "20"]]) {
    test(`${number} is written ${text}, as Python writes it`, () => assert.equal(plain(number), text));
}

test("after the last style comes the first", () => {
    assert.deepEqual([styleOf(1), styleOf(SHAPES.length)], [1, 0]);
});
