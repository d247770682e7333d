// Regions of the picture, in text: the twin of wplus_ext/regions.py, which says what they mean; faults have the same
// words and places. No DOM; Node imports it as it stands.

import { evaluate } from "./wplus_curve.mjs";
import { formatKey, plain, readKeys, readLines } from "./wplus_tracks.mjs";

const PARTS = [
    ["the centre's x", -1, 2], ["the centre's y", -1, 2], ["half the width", 0, 2], ["half the height", 0, 2],
];
export const BOUNDS = PARTS.map(([, low, high]) => [low, high]);
const EXPECTED = "four numbers in parentheses, such as (0.5 0.4 0.2 0.3), or keys with them";

/** Regions of a text: `{name, parts, line}`, with the schedules of its ellipse's four numbers. Throws TrackError. */
export function parseRegions(text) {
    const names = new Set();
    return readLines(text, "regions", (reader) => {
        const at = reader.at, region = readRegion(reader);
        if (names.has(region.name)) {
            reader.fail(`expected one region of a name, found a second ${region.name}`, "", at);
        }
        names.add(region.name);
        return region;
    });
}

/** Regions as text; what was parsed from a text is parsed from this again. */
export function formatRegions(regions) {
    return regions.map(({ name, parts }) => `${name} = ${formatParts(parts)}`).join("\n");
}

/** Where a region is at each frame: `[x, y, half the width, half the height]`, parts of the picture's. */
export function ellipsesOf({ parts }, frames) {
    const [x, y, wide, high] = parts.map((part) => evaluate(part, frames));
    return x.map((_, i) => [x[i], y[i], Math.max(wide[i], 0), Math.max(high[i], 0)]); // a Bezier may go further
}

function formatParts(parts) {
    const body = parts[0].keys.map((key, i) => {
        const inside = parts.map(({ keys }) => plain(keys[i].value)).join(" ");
        return key.unit === "spread" ? `(${inside})` : formatKey(key, inside);
    }).join(", ");
    return parts[0].loop ? `loop ${body}` : body;
}

function readRegion(reader) {
    const name = reader.region("the name of a region");
    reader.expect("=");
    const loop = reader.word("loop"), keys = reader.peek("(") ? [readConstant(reader)] : readKeyed(reader);
    reader.expectEnd();
    const parts = PARTS.map((_, i) => ({ keys: keys.map((key) => ({ ...key, value: key.value[i] })), loop }));
    return { name, parts, line: reader.line };
}

function readConstant(reader) {
    const value = reader.numbers(PARTS);
    return { position: 0, value, unit: "spread", easing: "linear", bezier: null, column: 1 };
}

function readKeyed(reader) {
    const { at } = reader;
    reader.number(EXPECTED);
    const isKey = reader.peek(":") || reader.peek("%");
    reader.at = at;
    if (!isKey) reader.fail(`expected ${EXPECTED}`);
    return readKeys(reader, () => reader.numbers(PARTS));
}
