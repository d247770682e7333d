// A Bezier that gets a key within: the two that take its place, as far as the language can write them. No page.

import { MAX_PLACES, MAX_SIZE } from "./wplus_curve.mjs";
import { EASINGS } from "./wplus_easings.mjs";

const CLOSE = 5e-4; // a curve that is missed by no more is left alone
const SAMPLES = 64; // frames that are looked at
const ROUNDS = 20; // with steps of one length
const LONGEST = 0.05, SHORTEST = 1 / 10 ** MAX_PLACES; // of the steps

/** To some decimal places; −0 becomes 0. */
export const round = (number, decimals = MAX_PLACES) => Number(number.toFixed(decimals)) + 0;
export const clamp = (number, low, high) => Math.min(Math.max(number, low), high);

/**
 * The Beziers of a segment of a curve, `{place, width, start, goal, bezier}`, that is cut in two at a frame, where a
 * key of this value is.
 */
export function split({ place, width, start, goal, bezier: [x1, y1, x2, y2] }, curve, frame, value) {
    let low = 0, high = 1;
    for (let i = 0; i < 40; i++) {
        const s = (low + high) / 2;
        if (cut(0, x1, x2, 1, s).middle < (frame - place) / width) low = s;
        else high = s;
    }
    const h = cut(0, x1, x2, 1, low), v = cut(0, y1, y2, 1, low), middle = (value - start) / (goal - start || 1);
    const part = (number, from, to) => (to === from ? 0 : (number - from) / (to - from));
    const left = [part(h.a, 0, h.middle), part(v.a, 0, middle), part(h.ab, 0, h.middle), part(v.ab, 0, middle)];
    const right = [part(h.bc, h.middle, 1), part(v.bc, middle, 1), part(h.c, h.middle, 1), part(v.c, middle, 1)];
    const before = { place, width: frame - place, start, goal: value };
    const after = { place: frame, width: place + width - frame, start: value, goal };
    return [closest(left, before, curve), closest(right, after, curve)];
}

/**
 * The Bezier of a segment that comes closest to a curve on its frames, of those near to one: that one may have more
 * decimals than can be written, or handles that reach too far. One number of it goes a step at a time, which becomes
 * shorter where none helps.
 */
function closest(bezier, segment, curve) {
    const { place, width, start, goal } = segment, every = Math.max(1, Math.ceil(width / SAMPLES)), points = [];
    for (let x = Math.ceil(place) - place; x <= width; x += every) points.push({ x, value: curve.at(place + x) });
    const values = points.map(({ value }) => value), high = Math.max(...values) - Math.min(...values);
    const lengths = [1, high / (Math.abs(goal - start) || 1)]; // along the frames, and along the values
    const miss = (tried) => points.reduce((sum, { x, value }) => {
        return sum + (EASINGS.bez.at({ ...segment, bezier: tried }, x) - value) ** 4; // the largest counts most
    }, 0);
    let best = bounded(bezier), least = miss(best);
    const stepped = (number, by) => bounded(best.map((old, i) => (i === number ? old + by : old)));
    for (let step = LONGEST; least > CLOSE ** 4 && step > SHORTEST / 2; step /= 2) {
        for (let rounds = 0, better = true; better && rounds < ROUNDS; rounds++) {
            better = false;
            for (let i = 0; i < 8; i++) {
                const by = Math.max(step * lengths[i % 2], SHORTEST), tried = stepped(i % 4, i < 4 ? by : -by);
                const missed = miss(tried);
                if (missed < least) [best, least, better] = [tried, missed, true];
            }
        }
    }
    return best;
}

/** A Bezier as the language can write it. */
export function bounded(bezier) {
    return bezier.map((number, i) => round(i % 2 ? clamp(number, -MAX_SIZE, MAX_SIZE) : clamp(number, 0, 1)));
}

/** De Casteljau's points of one coordinate. */
function cut(p0, p1, p2, p3, s) {
    const mix = (a, b) => a + (b - a) * s;
    const a = mix(p0, p1), b = mix(p1, p2), c = mix(p2, p3), ab = mix(a, b), bc = mix(b, c);
    return { a, ab, middle: mix(ab, bc), bc, c };
}
