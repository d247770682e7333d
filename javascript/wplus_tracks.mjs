// The track language: the twin of wplus_ext/tracks.py, which says what it means; faults have the same words and places.
// No DOM; Node imports it as it stands. tests/vectors.json holds both to that.

import { PLAIN } from "./wplus_easings.mjs";

export const LAYERS = 18;
export const MAX_KEYS = 4096;
export const MAX_TRACKS = 64;
export const MAX_SIZE = 20;
export const MAX_PLACES = 4;

/** A fault in a track text. `line` and `column` count from 1, columns in characters. */
export class TrackError extends Error {
    constructor(message, line = 1, column = 1) {
        super(`line ${line}, column ${column}: ${message}`);
        Object.assign(this, { name: "TrackError", fault: message, line, column });
    }
}

/**
 * Tracks of a text: `{name, schedule: {keys, loop}, layers: [first, end], line}`. A key is
 * `{position, value, unit: "frame" | "percent" | "spread", easing, bezier: [x1, y1, x2, y2] | null, column}`.
 * Throws TrackError.
 */
export function parse(text) {
    const tracks = [];
    text.replace(/\r\n?/g, "\n").split("\n").forEach((line, i) => {
        const reader = new Reader(line, i + 1);
        if (reader.atEnd() || reader.peek("#")) return;
        if (tracks.length === MAX_TRACKS) reader.fail(`expected at most ${MAX_TRACKS} tracks`);
        tracks.push(readTrack(reader));
    });
    return tracks;
}

/** One schedule, the part of a track that follows "=". Throws TrackError. */
export function parseSchedule(text) {
    const reader = new Reader(text, 1);
    const schedule = readSchedule(reader);
    reader.expectEnd();
    return schedule;
}

/** Tracks as text; what was parsed from a text is parsed from this again. */
export function format(tracks) {
    return tracks.map(formatTrack).join("\n");
}

/** One track as a line of text; all layers need no mention. */
export function formatTrack({ name, layers: [first, end], schedule }) {
    const layers = first === 0 && end === LAYERS ? "" : `[${first}:${end}]`;
    return `${name}${layers} = ${formatSchedule(schedule)}`;
}

/** A schedule as text, without its track. */
export function formatSchedule({ keys, loop }) {
    const spread = keys[0].unit === "spread";
    const body = spread ? keys.map((key) => plain(key.value)).join(" > ") : keys.map(formatKey).join(", ");
    return loop ? `loop ${body}` : body;
}

/**
 * A number as the language writes it: at most four places, no exponent, no trailing zeros, no minus before 0. Halfway
 * between two it is the even one, as Python's is; that can only be with 1/32.
 */
export function plain(number) {
    const half = Math.abs(number * 32) % 2 === 1 ? Math.trunc(number * 1e4) : 0;
    const even = half % 2 === 0 ? half : half + Math.sign(number);
    return (half ? even / 1e4 : number).toFixed(MAX_PLACES).replace(/\.?0+$/, "").replace(/^-0$/, "0");
}

function formatKey({ position, value, unit, easing, bezier }) {
    let text = `${plain(position)}${unit === "percent" ? "%" : ""}:(${plain(value)})`;
    if (easing !== "linear") text += `:${easing}`;
    return text + (bezier ?? []).map((number) => `/${plain(number)}`).join("");
}

function readTrack(reader) {
    const name = reader.name();
    let layers = [0, LAYERS];
    if (reader.take("[")) {
        const first = reader.whole("the first layer");
        reader.expect(":");
        const at = reader.at, end = reader.whole("the end of the layers");
        if (!(first < end && end <= LAYERS)) {
            reader.fail(`expected layers [first:end] with first < end <= ${LAYERS}, found [${first}:${end}]`, "", at);
        }
        reader.expect("]");
        layers = [first, end];
    }
    reader.expect("=");
    const schedule = readSchedule(reader);
    reader.expectEnd();
    return { name, schedule, layers, line: reader.line };
}

function readSchedule(reader) {
    const loop = reader.word("loop"), at = reader.at, first = reader.number("a number or a key");
    if (reader.peek(":") || reader.peek("%")) {
        reader.at = at;
        return { keys: readKeys(reader), loop };
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

function readKeys(reader) {
    const keys = [], seen = new Set();
    do {
        reader.room(keys.length);
        reader.skip();
        const at = reader.at, key = readKey(reader), where = `${key.position} ${key.unit}`;
        if (seen.has(where)) reader.fail("expected one key a frame, found a second one", "", at);
        seen.add(where);
        keys.push(key);
    } while (reader.take(","));
    return keys;
}

function readKey(reader) {
    const at = reader.at, column = reader.column();
    let position = reader.number("a frame or a percentage"), unit = "frame";
    if (reader.take("%")) {
        unit = "percent";
        if (!(position >= 0 && position <= 100)) {
            reader.fail(`expected a percentage from 0 to 100, found ${plain(position)}`, "", at);
        }
    } else {
        reader.at = at;
        position = reader.whole("a frame, a whole number from 0");
    }
    reader.expect(":");
    reader.expect("(");
    const value = reader.value();
    reader.expect(")");
    const [easing, bezier] = reader.take(":") ? readEasing(reader) : ["linear", null];
    return { position, value, unit, easing, bezier, column };
}

function readEasing(reader) {
    for (const easing of PLAIN) if (reader.word(easing)) return [easing, null];
    if (!reader.word("bez")) reader.fail(`expected ${PLAIN.join(", ")} or bez/x1/y1/x2/y2`);
    const bezier = ["x1", "y1", "x2", "y2"].map((coordinate) => {
        reader.expect("/");
        reader.skip();
        const at = reader.at, number = reader.value(coordinate);
        if (coordinate[0] === "x" && !(number >= 0 && number <= 1)) {
            reader.fail(`expected ${coordinate} from 0 to 1, found ${plain(number)}`, "", at);
        }
        return number;
    });
    return ["bez", bezier];
}

/** A place in a line, and what can be read from there. */
class Reader {
    constructor(text, line) {
        Object.assign(this, { text, line, at: 0, counted: { at: 0, letters: 0 } });
        this.skip();
    }

    match(pattern) {
        pattern.lastIndex = this.at;
        return pattern.exec(this.text)?.[0] ?? "";
    }

    skip() {
        this.at += this.match(/[ \t]*/y).length;
    }

    /**
     * Counted as Python counts: a character outside of the basic plane is one. Counted on from where it was asked for
     * last: a line of many keys is counted once.
     */
    column() {
        if (this.at < this.counted.at) this.counted = { at: 0, letters: 0 };
        const { at, letters } = this.counted;
        this.counted = { at: this.at, letters: letters + Array.from(this.text.slice(at, this.at)).length };
        return this.counted.letters + 1;
    }

    fail(message, found, at = this.at) {
        this.at = at;
        if (found === undefined) {
            const rest = Array.from(this.text.slice(at)).slice(0, 12).join("");
            found = rest ? `, found ${quoted(rest)}` : ", found the end of the line";
        }
        throw new TrackError(message + found, this.line, this.column());
    }

    peek(mark) {
        this.skip();
        return this.text.startsWith(mark, this.at);
    }

    take(mark) {
        const found = this.peek(mark);
        if (found) this.at += mark.length;
        return found;
    }

    expect(mark) {
        if (!this.take(mark)) this.fail(`expected ${quoted(mark)}`);
    }

    atEnd() {
        this.skip();
        return this.at === this.text.length;
    }

    expectEnd() {
        if (!this.atEnd()) this.fail("expected the end of the line");
    }

    name() {
        const name = withoutBlanksAtEnd(this.match(/[^[\]=#]+/y));
        if (!name) this.fail("expected the name of a direction");
        this.at += name.length;
        return name;
    }

    word(word) {
        this.skip();
        const found = this.match(/[A-Za-z]+/y) === word;
        if (found) this.at += word.length;
        return found;
    }

    number(what) {
        this.skip();
        const text = this.match(/[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)/y);
        if (!text) this.fail(`expected ${what}`);
        if ((text.split(".")[1] ?? "").length > MAX_PLACES) this.fail(`expected at most ${MAX_PLACES} decimal places`);
        this.at += text.length;
        return Number(text) + 0; // -0 becomes 0
    }

    value(what = "a number") {
        this.skip();
        const at = this.at, number = this.number(what);
        this.limit(number, at);
        return number;
    }

    limit(number, at) {
        if (Math.abs(number) <= MAX_SIZE) return;
        this.fail(`expected a number from -${MAX_SIZE} to ${MAX_SIZE}`, undefined, at);
    }

    room(keys) {
        if (keys === MAX_KEYS) this.fail(`expected at most ${MAX_KEYS} keys in a track`);
    }

    whole(what) {
        this.skip();
        const digits = this.match(/[0-9]+/y), long = digits.length > 6;
        if (!digits || long || this.text[this.at + digits.length] === ".") {
            this.fail(`expected ${what}${long ? " of at most 6 digits" : ""}`);
        }
        this.at += digits.length;
        return Number(digits);
    }
}

/** A pattern would look at every blank within again and again. */
function withoutBlanksAtEnd(text) {
    let end = text.length;
    while (end && " \t".includes(text[end - 1])) end -= 1;
    return text.slice(0, end);
}

/** As Python's repr writes it. */
function quoted(text) {
    const named = { "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\" };
    const hex = (letter) => named[letter] ?? `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
    // eslint-disable-next-line no-control-regex -- they are what is to be replaced
    const shown = text.replace(/[\x00-\x1f\x7f-\xa0\xad\\]/g, hex);
    return text.includes("'") && !text.includes('"') ? `"${shown}"` : `'${shown.replace(/'/g, "\\'")}'`;
}
