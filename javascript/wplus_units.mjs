// What the numbers of a curve are counted in: lambda or alpha, as they are written, or the attribute of which a
// direction's calibration says how much they give. No page.

import { plain } from "./wplus_curve.mjs";
import { words } from "./wplus_words.mjs";

const KNOWN = { lambda: 1, alpha: 8, strength: 1 }; // the customary halves of the axis; as in measure/goals.py
const USUAL = {
    get lambda() { return words("lambda: usually −1 to 1, and 0 changes nothing"); },
    get alpha() { return words("alpha of the identity: usually −8 to 8, and 0 changes nothing"); },
    get strength() { return words("strength of all tracks, or of the identity: usually 0 to 1"); },
};

function numberOf(track, alpha) {
    return track?.strength ? "strength" : alpha ? "alpha" : "lambda";
}

/** The usual half of a track's axis. */
export function customaryOf(track, alpha) {
    return KNOWN[numberOf(track, alpha)];
}

/**
 * How a track's values are shown: `{number, customary, low, high, attribute, scale, grain, found}`; `number` is what
 * they are.
 *
 * Values are usual, or faces were measured to hold, from `low` to `high`; `customary` is the usual half. An `attribute`
 * that is not empty is what they are shown as, where it is `counted`: 1 of the curve is `scale` of it, and `grain` of
 * the curve counts 1. Args: the track, whether its values are alpha, what they are multiplied by (null: not by one
 * number), and what was `calibrated`, by direction and by "lambda" or "alpha".
 */
export function unitsOf({ track, alpha, strength, calibrated, counted }) {
    const number = numberOf(track, alpha), customary = KNOWN[number], range = { low: -customary, high: customary };
    const plainly = { number, customary, ...range, attribute: "", scale: 1, grain: 1, found: null };
    const found = track ? named(calibrated, track.name)?.[number] : null;
    if (!found || !strength || (alpha && strength !== 1)) return plainly; // of a strength of 1 it was measured
    const by = alpha ? 1 : strength, [low, high] = [found.low / by, found.high / by].sort((a, b) => a - b);
    if (!counted || !found.attribute || !found.slope) return { ...plainly, low, high, found };
    const scale = found.slope * by, { attribute, unit } = found;
    return { ...plainly, low, high, found, attribute, scale, grain: unit / Math.abs(scale) };
}

/** A direction's own, or of the only one of that name in a folder. */
function named(calibrated, name) {
    if (calibrated[name]) return calibrated[name];
    const ends = Object.keys(calibrated).filter((other) => other.endsWith(`/${name}`));
    return ends.length === 1 ? calibrated[ends[0]] : null;
}

/** A value of the curve as it is shown. */
export function textOf({ scale }, value) {
    return plain(scale === 1 ? value : Number((value * scale).toFixed(3)));
}

/** What the axis is, in words. */
export function axisOf({ number, low, high, attribute, found }) {
    if (!found) return USUAL[number];
    if (attribute) return words("{0}, as measured on {1}: shaded where faces no longer hold", attribute, found.model);
    return words("{0}: faces were measured to hold from {1} to {2}", number, signed(low), signed(high));
}

function signed(value) {
    return `${value < 0 ? "−" : ""}${plain(Number(Math.abs(value).toFixed(2)))}`;
}

/** The one number that a schedule is, or null. */
export function constantOf({ keys: [first, ...others] }) {
    return others.every(({ value }) => value === first.value) ? first.value : null;
}
