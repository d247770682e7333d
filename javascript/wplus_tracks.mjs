// The track language: the twin of wplus_ext/tracks.py, which says what it means; faults have the same words and places.
// No DOM; Node imports it as it stands. tests/vectors.json holds both to that.

import { PLAIN } from "./wplus_easings.mjs";
import { MAX_PLACES, Reader, rounded } from "./wplus_reader.mjs";

export { MAX_FRAME, MAX_KEYS, MAX_PLACES, MAX_SIZE, TrackError } from "./wplus_reader.mjs";

export const LAYERS = 18;
export const MAX_TRACKS = 64;
const BOM = /^\uFEFF/;

/**
 * Tracks of a text: `{name, schedule: {keys, loop}, layers: [first, end], region, line}`. A key is
 * `{position, value, unit: "frame" | "percent" | "spread", easing, bezier: [x1, y1, x2, y2] | null, column}`.
 * Throws TrackError.
 */
export function parse(text) {
    return readLines(text, "tracks", readTrack);
}

/** What is read from each line of a text that is neither blank nor a comment; `what` they are, in a fault. */
export function readLines(text, what, read) {
    const found = [];
    linesOf(text).forEach((line, i) => {
        const reader = new Reader(line, i + 1);
        if (reader.atEnd() || reader.peek("#")) return;
        if (found.length === MAX_TRACKS) reader.fail(`expected at most ${MAX_TRACKS} ${what}`);
        found.push(read(reader));
    });
    return found;
}

/** The lines of a text, without the mark that some editors put before it. */
export function linesOf(text) {
    return text.replace(BOM, "").replace(/\r\n?/g, "\n").split("\n");
}

/** One schedule, the part of a track that follows "=". Throws TrackError. */
export function parseSchedule(text) {
    const reader = new Reader(text.replace(BOM, ""), 1);
    const schedule = readSchedule(reader);
    reader.expectEnd();
    return schedule;
}

/** Tracks as text; what was parsed from a text is parsed from this again. */
export function format(tracks) {
    return tracks.map(formatTrack).join("\n");
}

/** One track as a line of text; all layers, and the whole picture, need no mention. */
export function formatTrack({ name, layers: [first, end], region = "", schedule }) {
    const limits = [first === 0 && end === LAYERS ? "" : `${first}:${end}`, region].filter(Boolean).join(", ");
    return `${name}${limits && `[${limits}]`} = ${formatSchedule(schedule)}`;
}

/** A track's name, with its region where it has one; empty of none. */
export function called(track) {
    return track?.region ? `${track.name}[${track.region}]` : (track?.name ?? "");
}

/** A schedule as text, without its track. */
export function formatSchedule({ keys, loop }) {
    const spread = keys[0].unit === "spread";
    const parts = spread ? keys.map(({ value }) => plain(value)) : keys.map((key) => formatKey(key));
    const body = parts.join(spread ? " > " : ", ");
    return loop ? `loop ${body}` : body;
}

/** A number as the language writes it: at most four places, no exponent, no trailing zeros, no minus before 0. */
export function plain(number) {
    return rounded(number).toFixed(MAX_PLACES).replace(/\.?0+$/, "");
}

/** A key as text; `text` is what stands in its parentheses. */
export function formatKey({ position, value, unit, easing, bezier }, inside = plain(value)) {
    let text = `${plain(position)}${unit === "percent" ? "%" : ""}:(${inside})`;
    if (easing !== "linear") text += `:${easing}`;
    return text + (bezier ?? []).map((number) => `/${plain(number)}`).join("");
}

function readTrack(reader) {
    const name = reader.name();
    let layers = [0, LAYERS], region = "";
    if (reader.take("[")) {
        const layered = reader.atDigit();
        if (layered) layers = readLayers(reader);
        if (!layered || reader.take(",")) {
            region = reader.region(layered ? "the name of a region" : "the first layer, or a region's name");
        }
        reader.expect("]");
    }
    reader.expect("=");
    const schedule = readSchedule(reader);
    reader.expectEnd();
    return { name, schedule, layers, region, line: reader.line };
}

function readLayers(reader) {
    const first = reader.whole("the first layer");
    reader.expect(":");
    const at = reader.at, end = reader.whole("the end of the layers");
    if (first < end && end <= LAYERS) return [first, end];
    return reader.fail(`expected layers [first:end] with first < end <= ${LAYERS}, found [${first}:${end}]`, "", at);
}

function readSchedule(reader) {
    const loop = reader.word("loop"), at = reader.at, first = reader.number("a number or a key");
    if (reader.peek(":") || reader.peek("%")) {
        reader.at = at;
        return { keys: readKeys(reader, () => reader.bracketed()), loop };
    }
    reader.limit(first, at);
    const values = [first];
    while (reader.take(">")) {
        reader.room(values.length);
        values.push(reader.value());
    }
    const spread = { unit: "spread", easing: "linear", bezier: null, column: 1 };
    return { keys: values.map((value, position) => ({ position, value, ...spread })), loop };
}

/** Keys to the end of a line; `bracketed` reads what stands in a key's parentheses, its value. */
export function readKeys(reader, bracketed) {
    const keys = [], seen = new Set();
    do {
        reader.room(keys.length);
        reader.skip();
        const at = reader.at, key = readKey(reader, bracketed), where = `${key.position} ${key.unit}`;
        if (seen.has(where)) reader.fail("expected one key a frame, found a second one", "", at);
        seen.add(where);
        keys.push(key);
    } while (reader.take(",") && !reader.atEnd());
    return keys;
}

function readKey(reader, bracketed) {
    const at = reader.at, column = reader.column();
    const position = reader.number("a frame or a percentage"), written = reader.since(at);
    const unit = reader.take("%") ? "percent" : "frame";
    if (unit === "frame") reader.frame(position, at);
    else if (!(position >= 0 && position <= 100)) {
        reader.fail(`expected a percentage from 0 to 100, found ${written}`, "", at);
    }
    reader.expect(":");
    const value = bracketed();
    const [easing, bezier] = reader.take(":") ? readEasing(reader) : ["linear", null];
    return { position, value, unit, easing, bezier, column };
}

function readEasing(reader) {
    for (const easing of PLAIN) if (reader.word(easing)) return [easing, null];
    if (!reader.word("bez")) reader.fail(`expected ${PLAIN.join(", ")} or bez/x1/y1/x2/y2`);
    const bezier = ["x1", "y1", "x2", "y2"].map((coordinate) => {
        reader.expect("/");
        reader.skip();
        const at = reader.at, number = reader.value(coordinate, ",:>)/");
        if (coordinate[0] === "x" && !(number >= 0 && number <= 1)) {
            reader.fail(`expected ${coordinate} from 0 to 1, found ${reader.since(at)}`, "", at);
        }
        return number;
    });
    return ["bez", bezier];
}
