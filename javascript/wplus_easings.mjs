// How a curve goes from one key to the next: the twin of wplus_ext/easings.py, which says what each is. Both agree to
// the last bit: + - * / and comparisons, in the same order. A new easing is an entry here, and the same there.

import { words } from "./wplus_words.mjs";

const BISECTIONS = 53;

/**
 * By name, in the order of the buttons: what a person calls it, its button's icon, and `at(segment, x)`: the value `x`
 * frames after the segment's start. A segment is `{start, goal, width, slopes, bezier}`.
 */
export const EASINGS = {
    linear: {
        get title() { return words("linear"); },
        icon: "M4 19L20 5",
        at: ({ start, goal, width }, x) => start + (goal - start) * (x / width),
    },
    smooth: { get title() { return words("smooth"); }, icon: "M4 19C12 19 12 5 20 5", at: smooth },
    hold: { get title() { return words("hold"); }, icon: "M4 19H20V5", at: ({ start }) => start },
    bez: {
        get title() { return words("bezier"); },
        icon: "M4 19C16 19 8 5 20 5M4 19h8M20 5h-8",
        at: ({ start, goal, width, bezier }, x) => start + (goal - start) * cubicBezier(x / width, ...bezier),
    },
};

/** Those that are a word alone. */
export const PLAIN = Object.keys(EASINGS).filter((name) => name !== "bez");

function smooth({ start, goal, width, slopes: [d0, d1] }, x) {
    const u = x / width, rise = (goal - start) / width;
    const square = 3 * rise - 2 * d0 - d1, cube = d0 + d1 - 2 * rise;
    const value = start + x * (d0 + u * (square + u * cube));
    const [low, high] = start <= goal ? [start, goal] : [goal, start];
    return value < low ? low : value > high ? high : value;
}

function cubicBezier(x, x1, y1, x2, y2) {
    let low = 0, high = 1;
    for (let i = 0; i < BISECTIONS; i++) {
        const s = (low + high) / 2;
        if (part(s, x1, x2) < x) low = s;
        else high = s;
    }
    return part((low + high) / 2, y1, y2);
}

function part(s, a, b) {
    const r = 1 - s;
    return 3 * r * r * s * a + 3 * r * s * s * b + s * s * s;
}
