// What can be done to a schedule, without a page: every function takes one and gives a new one.
// Keys are named by their number in the schedule; `frames` is the length of the video.

import { Curve, MAX_SIZE, parseSchedule, place } from "./wplus_curve.mjs";
import { bounded, clamp, round, split } from "./wplus_split.mjs";
import { words } from "./wplus_words.mjs";

export { clamp, round } from "./wplus_split.mjs";
export const MAX_FRAME = 999_999;
const IN_OUT = [0.42, 0, 0.58, 1]; // what a Bezier begins as
const TURNED = 5e-4; // by so much a smooth segment may turn: then no value changes by as much as 1e-4

/** Where each key lies, in frames. */
export function places(schedule, frames) {
    return schedule.keys.map((key) => place(key, schedule.keys.length, frames));
}

/**
 * The same as a person sees it: a key that a percentage of four decimals, or a shorter one, leaves a little beside a
 * frame is on it.
 */
export function seenPlaces(schedule, frames) {
    const reach = Math.min(1e-4 * frames, 0.1);
    return places(schedule, frames).map((at) => (Math.abs(at - Math.round(at)) <= reach ? Math.round(at) : at));
}

/** Whether a frame lies behind the video's last. */
export function isPast(frame, frames) {
    return frame > frames - 1 + 1e-9;
}

/** The numbers of the keys, from left to right. */
export function order(schedule, frames) {
    const at = places(schedule, frames);
    return at.map((_, i) => i).sort((a, b) => at[a] - at[b]);
}

const curves = new WeakMap(); // by schedule, which never changes

/** `{curve, fault}`: the curve, or null and the fault where it has none for this number of frames. */
export function curveOf(schedule, frames) {
    if (curves.get(schedule)?.frames !== frames) curves.set(schedule, { frames, ...attempt(schedule, frames) });
    return curves.get(schedule);
}

function attempt(schedule, frames) {
    try {
        return { curve: new Curve(schedule, frames), fault: null };
    } catch (fault) {
        return { curve: null, fault };
    }
}

/**
 * Keys with positions of their own: evenly spread ones become percentages, a constant a key on frame 0. Where four
 * decimals would leave one beside its frame, those that lie on frames become keys on frames.
 */
export function explicit(schedule, frames) {
    if (schedule.keys[0].unit !== "spread") return schedule;
    const last = schedule.keys.length - 1, at = places(schedule, frames);
    const percents = schedule.keys.map((key) => {
        return { ...key, unit: "percent", position: last && round((key.position * 100) / last) };
    });
    const exact = places({ keys: percents }, frames), whole = at.map(Number.isInteger);
    const missed = !last || whole.some((on, i) => on && exact[i] !== at[i]);
    const keys = percents.map((key, i) => (missed && whole[i] ? { ...key, unit: "frame", position: at[i] } : key));
    return { ...schedule, keys };
}

/**
 * A key on a frame, on the curve, which keeps its shape as far as four decimals can: a smooth segment becomes the two
 * Beziers that it is, and so does a neighbour that would turn with the key. Gives `{schedule, key}`; the schedule is
 * the same where that frame has a key.
 */
export function addKey(schedule, frames, frame) {
    const taken = seenPlaces(schedule, frames).indexOf(frame);
    if (taken >= 0) return { schedule, key: taken };
    const made = explicit(schedule, frames), { curve } = curveOf(made, frames);
    const key = { position: frame, unit: "frame", easing: "linear", bezier: null, column: 1 };
    key.value = curve ? round(clamp(curve.at(frame), -MAX_SIZE, MAX_SIZE)) : 0; // a Bezier may go further
    const segment = curve && segmentAt(curve, frame);
    let { keys } = made;
    if (segment?.bezier) {
        const [left, right] = split(segment, curve, frame, key.value);
        Object.assign(key, { easing: "bez", bezier: right });
        keys = keys.map((old) => (old === segment.key ? { ...old, easing: "bez", bezier: left } : old));
    } else key.easing = (segment?.key ?? made.keys[order(made, frames).at(-1)]).easing;
    if (key.easing === "bez") key.bezier ??= IN_OUT; // it begins no segment
    const grown = { ...made, keys: [...keys, key] };
    const result = sort(curve ? unturned(grown, curve, frames) : grown, frames);
    return { schedule: result.schedule, key: result.numbers[keys.length] };
}

/** A key on a frame, of any value; where it parts a segment, both parts have its easing. Gives what `addKey` gives. */
export function putKey(schedule, frames, frame, value) {
    const taken = seenPlaces(schedule, frames).indexOf(frame);
    if (taken >= 0) {
        const valued = schedule.keys.map((key, i) => (i === taken ? { ...key, value } : key));
        return { schedule: { ...schedule, keys: valued }, key: taken };
    }
    const made = explicit(schedule, frames), { keys } = made;
    const sorted = order(made, frames), at = places(made, frames);
    const { easing, bezier } = keys[sorted.findLast((i) => at[i] < frame) ?? sorted[0]];
    const key = { position: frame, unit: "frame", value, easing, bezier, column: 1 };
    const result = sort({ ...made, keys: [...keys, key] }, frames);
    return { schedule: result.schedule, key: result.numbers[keys.length] };
}

/** The segment of a curve that a frame lies within: `{key, place, width, start, goal, bezier}`; null outside of all. */
function segmentAt(curve, frame) {
    const i = curve.places.findLastIndex((where) => where < frame);
    return i < 0 || i + 1 === curve.keys.length ? null : segmentOf(curve, i);
}

/** The segment that starts at a curve's key `i`, with the Bezier that it is, or null where it is none. */
function segmentOf({ places: at, keys, slopes }, i) {
    const key = keys[i], width = at[i + 1] - at[i], start = key.value, goal = keys[i + 1].value;
    const third = width / 3 / (goal - start || 1); // a cubic: its frames go evenly
    const smooth = [1 / 3, slopes[i] * third, 2 / 3, 1 - slopes[i + 1] * third];
    const bezier = key.easing === "smooth" ? smooth : key.bezier;
    return { key, place: at[i], width, start, goal, slopes: slopes.slice(i, i + 2), bezier };
}

/** A schedule that has got a key, with Beziers for the smooth segments that this would turn. */
function unturned(grown, curve, frames) {
    const next = curveOf(grown, frames).curve;
    const keys = grown.keys.map((key) => {
        const [before, after] = [curve, next].map((one) => one ? one.keys.indexOf(key, one.first) : -1);
        if (key.easing !== "smooth" || !(before >= 0) || !(after >= 0) || before + 1 === curve.keys.length) return key;
        const [old, now] = [segmentOf(curve, before), segmentOf(next, after)];
        const turned = old.slopes.some((slope, end) => Math.abs(slope - now.slopes[end]) * old.width > TURNED);
        return turned ? { ...key, easing: "bez", bezier: bounded(old.bezier) } : key;
    });
    return { ...grown, keys };
}

/**
 * The keys moved by whole frames and by a value. The group stays as it is within the video's first frame and
 * the largest values, and lands on no frame that has another key: then it moves as far as it can.
 */
export function moveKeys(schedule, frames, chosen, byFrames, byValue) {
    const at = seenPlaces(schedule, frames), taken = new Set(at.filter((_, i) => !chosen.has(i)));
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
    const made = byFrames ? explicit(schedule, frames) : schedule;
    const keys = made.keys.map((key, i) => {
        if (!chosen.has(i)) return key;
        const value = round(key.value + byValue);
        return byFrames ? { ...key, value, unit: "frame", position: target(i, byFrames) } : { ...key, value };
    });
    return { ...made, keys };
}

/** One key with a frame and a value of one's choice. Throws RangeError with what was expected. */
export function setKey(schedule, frames, number, frame, value) {
    const moved = places(schedule, frames)[number] !== frame; // one between two frames may stay there
    const others = seenPlaces(schedule, frames).filter((_, i) => i !== number);
    const whole = Number.isInteger(frame) && frame >= 0 && frame <= MAX_FRAME;
    if (moved && !whole) throw new RangeError(words("expected a whole frame from 0"));
    if (!(Math.abs(value) <= MAX_SIZE)) {
        throw new RangeError(words("expected a value from {0} to {1}", -MAX_SIZE, MAX_SIZE));
    }
    if (moved && others.includes(frame)) throw new RangeError(words("frame {0} has a key already", frame));
    const made = moved ? explicit(schedule, frames) : schedule;
    const keys = made.keys.map((key, i) => {
        if (i !== number) return key;
        const valued = { ...key, value: round(value) };
        return moved ? { ...valued, unit: "frame", position: frame } : valued;
    });
    return { ...made, keys };
}

/** Without some keys; without any, a constant of the first one's value. */
export function removeKeys(schedule, frames, chosen) {
    const keys = explicit(schedule, frames).keys.filter((_, i) => !chosen.has(i));
    if (keys.length) return { ...schedule, keys };
    const constant = parseSchedule("0"), { value } = schedule.keys[order(schedule, frames)[0]];
    return { ...constant, keys: [{ ...constant.keys[0], value }] };
}

/** The segments that start at some keys, with another easing. */
export function setEasing(schedule, frames, chosen, easing) {
    const made = easing === "linear" ? schedule : explicit(schedule, frames);
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
