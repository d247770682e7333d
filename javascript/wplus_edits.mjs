// What can be done to a curve, without a page: every function takes a schedule and gives a new one.
// Keys are named by their number in the schedule; `frames` is the length of the video.

import { Curve, LAYERS, MAX_PLACES, MAX_SIZE, formatTrack, parse, parseSchedule, place } from "./wplus_curve.mjs";

export const MAX_FRAME = 999_999;
const IN_OUT = [0.42, 0, 0.58, 1]; // what a Bezier begins as

export const round = (number, places = MAX_PLACES) => Number(number.toFixed(places)) + 0;
export const clamp = (number, low, high) => Math.min(Math.max(number, low), high);

/** Where each key lies, in frames. */
export function places(schedule, frames) {
    return schedule.keys.map((key) => place(key, schedule.keys.length, frames));
}

/** The numbers of the keys, from left to right. */
export function order(schedule, frames) {
    const at = places(schedule, frames);
    return at.map((_, i) => i).sort((a, b) => at[a] - at[b]);
}

const curves = new WeakMap(); // by schedule, which never changes

/** The curve, or null and the fault where it has none for this number of frames. */
export function curveOf(schedule, frames) {
    if (curves.get(schedule)?.frames !== frames) curves.set(schedule, { frames, ...made(schedule, frames) });
    return curves.get(schedule);
}

function made(schedule, frames) {
    try {
        return { curve: new Curve(schedule, frames), fault: null };
    } catch (fault) {
        return { curve: null, fault };
    }
}

/** Keys with positions of their own: evenly spread ones become percentages, a constant a key on frame 0. */
export function explicit(schedule) {
    const last = schedule.keys.length - 1;
    const keys = schedule.keys.map((key) => {
        if (key.unit !== "spread") return key;
        return last ? { ...key, unit: "percent", position: round((key.position * 100) / last) } : { ...key, unit: "frame" };
    });
    return { ...schedule, keys };
}

/**
 * A key on a frame, on the curve, which keeps its shape as far as four decimals can. Gives
 * `{schedule, key}`; the schedule is the same where that frame has a key.
 */
export function addKey(schedule, frames, frame) {
    const taken = places(schedule, frames).indexOf(frame);
    if (taken >= 0) return { schedule, key: taken };
    const made = explicit(schedule), { curve } = curveOf(schedule, frames);
    const key = { position: frame, unit: "frame", easing: "linear", bezier: null, column: 1 };
    key.value = curve ? round(curve.at(frame)) : 0;
    const sorted = order(made, frames), at = places(made, frames);
    const before = sorted.filter((i) => at[i] < frame).at(-1), after = sorted.find((i) => at[i] > frame);
    let keys = made.keys;
    if (before !== undefined) {
        key.easing = keys[before].easing;
        if (key.easing === "bez" && after !== undefined) {
            const [left, right] = split(keys[before].bezier, (frame - at[before]) / (at[after] - at[before]));
            keys = keys.map((old, i) => (i === before ? { ...old, bezier: left } : old));
            key.bezier = right;
        } else if (key.easing === "bez") key.bezier = IN_OUT;
    }
    const result = sort({ ...made, keys: [...keys, key] }, frames);
    return { schedule: result.schedule, key: result.numbers[keys.length] };
}

/**
 * The keys moved by whole frames and by a value. The group stays as it is within the video's first frame and
 * the largest values, and lands on no frame that has another key: then it moves as far as it can.
 */
export function moveKeys(schedule, frames, chosen, byFrames, byValue) {
    const at = places(schedule, frames), taken = new Set(at.filter((_, i) => !chosen.has(i)));
    const first = Math.min(...[...chosen].map((i) => at[i]));
    const values = [...chosen].map((i) => schedule.keys[i].value);
    byValue = clamp(byValue, -MAX_SIZE - Math.min(...values), MAX_SIZE - Math.max(...values));
    byFrames = Math.max(byFrames, -Math.floor(first));
    const target = (i, by) => clamp(by ? Math.round(at[i]) + by : at[i], 0, MAX_FRAME);
    const meet = (by) => {
        const targets = [...chosen].map((i) => target(i, by));
        return new Set(targets).size < targets.length || targets.some((frame) => taken.has(frame));
    };
    while (byFrames && meet(byFrames)) byFrames -= Math.sign(byFrames);
    const made = byFrames ? explicit(schedule) : schedule;
    const keys = made.keys.map((key, i) => {
        if (!chosen.has(i)) return key;
        const value = round(key.value + byValue);
        return byFrames ? { ...key, value, unit: "frame", position: target(i, byFrames) } : { ...key, value };
    });
    return { ...made, keys };
}

/** One key with a frame and a value of one's choice. Throws RangeError with what was expected. */
export function setKey(schedule, frames, number, frame, value) {
    const at = places(schedule, frames), moved = at[number] !== frame; // one between two frames may stay there
    const whole = Number.isInteger(frame) && frame >= 0 && frame <= MAX_FRAME;
    if (moved && !whole) throw new RangeError("expected a whole frame from 0");
    if (!(Math.abs(value) <= MAX_SIZE)) throw new RangeError(`expected a value from -${MAX_SIZE} to ${MAX_SIZE}`);
    if (moved && at.includes(frame)) throw new RangeError(`frame ${frame} has a key already`);
    const made = moved ? explicit(schedule) : schedule;
    const keys = made.keys.map((key, i) => {
        if (i !== number) return key;
        return moved ? { ...key, value: round(value), unit: "frame", position: frame } : { ...key, value: round(value) };
    });
    return { ...made, keys };
}

/** Without some keys; without any, a constant of the first one's value. */
export function removeKeys(schedule, frames, chosen) {
    const keys = explicit(schedule).keys.filter((_, i) => !chosen.has(i));
    if (keys.length) return { ...schedule, keys };
    const constant = parseSchedule("0"), { value } = schedule.keys[order(schedule, frames)[0]];
    return { ...constant, keys: [{ ...constant.keys[0], value }] };
}

/** The segments that start at some keys, with another easing. */
export function setEasing(schedule, chosen, easing) {
    const made = easing === "linear" ? schedule : explicit(schedule);
    const keys = made.keys.map((key, i) => {
        if (!chosen.has(i)) return key;
        return { ...key, easing, bezier: easing === "bez" ? (key.bezier ?? IN_OUT) : null };
    });
    return { ...made, keys };
}

/**
 * A Bezier's handle at a frame and a value: `end` 0 is the one at the key itself, 1 the one at the next key.
 * The neighbour's handle at the same key turns along, with its own length, unless the two are `broken`.
 */
export function moveHandle(schedule, frames, number, end, frame, value, broken) {
    const at = places(schedule, frames), sorted = order(schedule, frames), keys = [...schedule.keys];
    const segment = (index) => {
        const [a, b] = [sorted[index], sorted[index + 1]];
        if (keys[a]?.easing !== "bez" || b === undefined) return null;
        return { a, width: at[b] - at[a], rise: keys[b].value - keys[a].value, from: at[a], base: keys[a].value };
    };
    const index = sorted.indexOf(number), mine = segment(index);
    if (!mine) return schedule;
    const put = (s, which, x, y) => {
        const bezier = [...keys[s.a].bezier];
        bezier[2 * which] = round(clamp(x, 0, 1), 3);
        if (s.rise) bezier[2 * which + 1] = round(clamp(y, -MAX_SIZE, MAX_SIZE), 3);
        keys[s.a] = { ...keys[s.a], bezier };
    };
    put(mine, end, (frame - mine.from) / mine.width, (value - mine.base) / mine.rise);
    const other = segment(end ? index + 1 : index - 1);
    if (!broken && other && other.rise && mine.rise) {
        const [x1, y1, x2, y2] = keys[mine.a].bezier;
        const x = end ? (1 - x2) * mine.width : x1 * mine.width, y = end ? (1 - y2) * mine.rise : y1 * mine.rise;
        const [u1, , u2] = keys[other.a].bezier;
        const length = (end ? u1 : 1 - u2) * other.width; // along the frames, kept
        const slope = x > 1e-6 ? y / x : 0;
        if (end) put(other, 0, length / other.width, (slope * length) / other.rise);
        else put(other, 1, 1 - length / other.width, 1 - (slope * length) / other.rise);
    }
    return { ...schedule, keys };
}

/** The schedule with its keys from left to right, and the new number of each key by its old one. */
export function sort(schedule, frames) {
    const sorted = order(schedule, frames); // evenly spread keys are sorted as they are
    const numbers = sorted.map((_, old) => sorted.indexOf(old));
    return { schedule: { ...schedule, keys: sorted.map((i) => schedule.keys[i]) }, numbers };
}

/** A Bezier cut in two where its curve has come to `x`. */
function split([x1, y1, x2, y2], x) {
    let low = 0, high = 1;
    for (let i = 0; i < 40; i++) {
        const s = (low + high) / 2;
        if (cut(0, x1, x2, 1, s).middle < x) low = s;
        else high = s;
    }
    const h = cut(0, x1, x2, 1, low), v = cut(0, y1, y2, 1, low);
    const part = (number, from, to) => (to === from ? 0 : round((number - from) / (to - from), 3));
    const left = [part(h.a, 0, h.middle), part(v.a, 0, v.middle), part(h.ab, 0, h.middle), part(v.ab, 0, v.middle)];
    const right = [part(h.bc, h.middle, 1), part(v.bc, v.middle, 1), part(h.c, h.middle, 1), part(v.c, v.middle, 1)];
    return [left, right].map((b) => b.map((number, i) => (i % 2 ? clamp(number, -MAX_SIZE, MAX_SIZE) : clamp(number, 0, 1))));
}

/** De Casteljau's points of one coordinate. */
function cut(p0, p1, p2, p3, s) {
    const mix = (a, b) => a + (b - a) * s;
    const a = mix(p0, p1), b = mix(p1, p2), c = mix(p2, p3), ab = mix(a, b), bc = mix(b, c);
    return { a, ab, middle: mix(ab, bc), bc, c };
}

// The text, line by line: what a person wrote beside the tracks stays.

/** `{text, tracks, fault}` of a text; the tracks are null where it does not parse. */
export function read(text) {
    try {
        return { text, tracks: parse(text), fault: null };
    } catch (fault) {
        return { text, tracks: null, fault };
    }
}

const linesOf = (text) => text.replace(/\r\n?/g, "\n").split("\n");

/** The line of a track. */
export function lineOf(text, track) {
    return linesOf(text)[track.line - 1].trim();
}

/** The text with one track changed. */
export function withTrack(text, track) {
    return linesOf(text).map((line, i) => (i + 1 === track.line ? formatTrack(track) : line)).join("\n");
}

/** The text without a track. */
export function withoutTrack(text, track) {
    return linesOf(text).filter((_, i) => i + 1 !== track.line).join("\n");
}

/** The text with two tracks' lines exchanged. */
export function withSwapped(text, a, b) {
    const lines = linesOf(text);
    [lines[a.line - 1], lines[b.line - 1]] = [lines[b.line - 1], lines[a.line - 1]];
    return lines.join("\n");
}

/**
 * The text after pasting another: tracks are added, or take the place of the active one where it is one track;
 * a schedule alone, as Deforum's, becomes the active track's, or a new track's of that name. Throws TrackError.
 */
export function withPasted(text, pasted, active, name) {
    pasted = pasted.trim();
    if (!pasted.includes("=")) {
        const schedule = parseSchedule(pasted.replace(/\s+/g, " "));
        if (active) return withTrack(text, { ...active, schedule });
        return withLine(text, formatTrack({ name, layers: [0, LAYERS], schedule }));
    }
    const tracks = parse(pasted);
    if (active && tracks.length === 1) return withTrack(text, { ...tracks[0], line: active.line });
    return tracks.reduce((all, track) => withLine(all, formatTrack(track)), text);
}

/** The text with one more line. */
export function withLine(text, line) {
    return text.trim() ? `${text.replace(/\s+$/, "")}\n${line}` : line;
}

/** Texts to go back and forth in. What is typed in one go is one of them. */
export class History {
    #texts;
    #at = 0;
    #typing = false;

    constructor(text) {
        this.#texts = [text];
    }

    push(text, typed = false) {
        if (text === this.#texts[this.#at]) return;
        if (typed && this.#typing) this.#texts[this.#at] = text;
        else this.#texts = [...this.#texts.slice(Math.max(this.#at - 199, 0), this.#at + 1), text];
        this.#at = this.#texts.length - 1;
        this.#typing = typed;
    }

    /** The text one step back (-1) or forth (1), or null where there is none. */
    step(by) {
        const text = this.#texts[this.#at + by];
        if (text === undefined) return null;
        this.#at += by;
        this.#typing = false;
        return text;
    }

    can(by) {
        return this.#texts[this.#at + by] !== undefined;
    }
}
