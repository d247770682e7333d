// A place in a line of text, and what can be read from there: the twin of wplus_ext/reader.py, with the same words and
// places in its faults. No DOM; Node imports it as it stands.

export const MAX_KEYS = 4096; // in one schedule
export const MAX_SIZE = 20; // of a value
export const MAX_PLACES = 4; // decimals of a number; more are rounded
export const MAX_FRAME = 999_999;

// A name is looked at from its beginning alone: from each of its letters would take the square of its length.
const EXPRESSION = /\b\d*[A-Za-z_]\w*[ \t]*\(|[\w)][ \t]*[-+*/^]{1,2}[ \t]*[\w.(]|\b\d*(?:t|f|max_f)\b/;
const OPENED = /[-+]?[ \t]*\(/y; // where a number, or what follows one, is expected: an expression too
const WORDS = /[-+]?[ \t]*[A-Za-z_(]/y; // the same within parentheses, where nothing but a number can stand
const STOPS = ",:>)"; // what can follow a number that is not in parentheses
const SHOWN = 40; // characters of an expression
// What keyboards and pages write in place of the language's own signs: one for one, so that columns stay.
const BLANKS = /[\u00A0\u3000\uFEFF]/g;
const WIDE = /[，：（）＝＞＋－．％０-９\u2212]/g;
// What a message shows as an escape: what is not seen, or moves what stands beside it. A list of our own, since
// Unicode's tables are others in every Python and every browser.
const UNSEEN = new RegExp([
    String.raw`[\\\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164`,
    String.raw`\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]`,
].join(""), "u");
const folded = (sign) => (sign === "\u2212" ? "-" : String.fromCharCode(sign.charCodeAt(0) - 0xfee0));

/** A fault in a track text. `line` and `column` count from 1, columns in characters. */
export class TrackError extends Error {
    constructor(message, line = 1, column = 1) {
        super(`line ${line}, column ${column}: ${message}`);
        Object.assign(this, { name: "TrackError", fault: message, line, column });
    }
}

/** A number as the language keeps it: to four places, halfway to the even one, as Python rounds; −0 becomes 0. */
export function rounded(number) {
    const half = Math.abs(number * 32) % 2 === 1 ? Math.trunc(number * 1e4) : 0; // only 1/32 can be halfway
    const even = half % 2 === 0 ? half : half + Math.sign(number);
    return Number((half ? even / 1e4 : number).toFixed(MAX_PLACES)) + 0;
}

/** A line and how far it is read. */
export class Reader {
    constructor(text, line) {
        Object.assign(this, { text, line, at: 0, counted: { at: 0, letters: 0 } });
        this.signs = text.replace(BLANKS, " ").replace(WIDE, folded); // what is read
        this.last = { start: 0, end: -1 }; // number
        this.stops = ""; // what can follow it
        this.skip();
    }

    match(pattern) {
        pattern.lastIndex = this.at;
        return pattern.exec(this.signs)?.[0] ?? "";
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
        return this.signs.startsWith(mark, this.at);
    }

    take(mark) {
        const found = this.peek(mark);
        if (found) this.at += mark.length;
        return found;
    }

    expect(mark) {
        if (this.take(mark)) return;
        this.#explain();
        this.fail(`expected ${quoted(mark)}`);
    }

    atEnd() {
        this.skip();
        return this.at === this.text.length;
    }

    expectEnd() {
        if (this.atEnd()) return;
        this.#explain();
        this.fail("expected the end of the line");
    }

    /** Wide signs belong to a name where the line has an equals sign of its own. */
    name() {
        const pattern = /[^[\]=#]+/y, source = this.text.includes("=") ? this.text : this.signs;
        pattern.lastIndex = this.at;
        const length = pattern.exec(source)?.[0].length ?? 0;
        const name = withoutBlanksAtEnd(this.text.slice(this.at, this.at + length).replace(BLANKS, " "));
        if (!name) this.fail("expected the name of a direction");
        this.at += name.length;
        return name;
    }

    /** The name of a region: it begins with no digit, and has none of the signs that part what is in brackets. */
    region(what) {
        this.skip();
        const length = this.match(/[^[\]=#,:()0-9][^[\]=#,:()]*/y).length;
        const name = withoutBlanksAtEnd(this.text.slice(this.at, this.at + length).replace(BLANKS, " "));
        if (!name) this.fail(`expected ${what}`);
        this.at += name.length;
        return name;
    }

    atDigit() {
        this.skip();
        return Boolean(this.match(/[0-9]/y));
    }

    word(word) {
        this.skip();
        const found = this.match(/[A-Za-z]+/y) === word;
        if (found) this.at += word.length;
        return found;
    }

    /** A number, to four places. `stops` are the signs that can follow it, where more follows. */
    number(what, stops = STOPS) {
        this.skip();
        this.stops = stops;
        const text = this.match(/[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y);
        if (!text) {
            this.#refuseExpression(this.at, what);
            this.fail(`expected ${what}`);
        }
        this.last = { start: this.at, end: this.at + text.length };
        this.at += text.length;
        return rounded(Number(text));
    }

    /** Throw what is to be said of a number that goes on as none does: after a comma, or in an expression. */
    #explain() {
        const { start, end } = this.last, whole = this.signs.slice(start, end);
        const comma = this.at === end ? this.match(/,[0-9]+(?!,?[0-9])/y) : "";
        if (comma && /^[+-]?[0-9]+$/.test(whole)) {
            const found = quoted(this.text.slice(start, end + comma.length)), wanted = `${whole}.${comma.slice(1)}`;
            this.fail(`expected a point as the decimal sign, found ${found}: write ${wanted}`, "", start);
        }
        if (end >= 0) this.#refuseExpression(start, "a number");
    }

    /** Throw where an expression begins at `start` that goes on where the reading has come to. */
    #refuseExpression(start, what) {
        let depth = 0, end = start;
        for (; end < this.signs.length && (depth || !this.stops.includes(this.signs[end])); end++) {
            depth += { "(": 1, ")": -1 }[this.signs[end]] ?? 0;
        }
        const begins = this.match(this.stops.includes(":") ? OPENED : WORDS);
        if (end <= this.at || !(begins || EXPRESSION.test(this.signs.slice(start, end)))) return;
        const letters = Array.from(withoutBlanksAtEnd(this.text.slice(start, end).replace(BLANKS, " ")));
        const shown = escaped(letters.slice(0, SHOWN)) + (letters.length > SHOWN ? "…" : "");
        this.fail(`expected ${what}, found an expression: ${shown}; none are evaluated, write numbers`, "", start);
    }

    value(what = "a number", stops = undefined) {
        this.skip();
        const at = this.at, number = this.number(what, stops);
        this.limit(number, at);
        return number;
    }

    /** A value in parentheses. */
    bracketed() {
        this.expect("(");
        const start = this.at - 1, number = this.value("a number", "),");
        this.expect(")");
        this.last = { start, end: this.at }; // an expression may begin with it
        this.stops = STOPS;
        return number;
    }

    /** Numbers in parentheses, with blanks between them: what each is, and its least and most. */
    numbers(wanted) {
        this.expect("(");
        const start = this.at - 1, found = wanted.map(([what, low, high]) => {
            this.skip();
            const at = this.at, number = this.number(what, " \t)");
            if (number >= low && number <= high) return number;
            return this.fail(`expected ${what} from ${low} to ${high}, found ${this.since(at)}`, "", at);
        });
        this.expect(")");
        this.last = { start, end: this.at };
        this.stops = STOPS;
        return found;
    }

    limit(number, at) {
        if (Math.abs(number) <= MAX_SIZE) return;
        this.#explain();
        this.fail(`expected a number from -${MAX_SIZE} to ${MAX_SIZE}`, undefined, at);
    }

    room(keys) {
        if (keys === MAX_KEYS) this.fail(`expected at most ${MAX_KEYS} keys in a track`);
    }

    /** Check that the number that was read from there is one of a frame. */
    frame(number, at) {
        if (number >= 0 && number <= MAX_FRAME && Number.isInteger(number)) return;
        const long = number > MAX_FRAME ? " of at most 6 digits" : "";
        this.fail(`expected a frame, a whole number from 0${long}`, undefined, at);
    }

    /** What was read from there, as it was written. */
    since(at) {
        return this.text.slice(at, this.at);
    }

    whole(what) {
        this.skip();
        const digits = this.match(/[0-9]+/y), long = digits.length > 6;
        if (!digits || long || this.signs[this.at + digits.length] === ".") {
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

/** Of a text or its letters. */
function escaped(text) {
    const named = { "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\" };
    return Array.from(text, (letter) => {
        if (!UNSEEN.test(letter)) return letter;
        const hex = letter.codePointAt(0).toString(16);
        const [kind, length] = hex.length <= 2 ? ["x", 2] : hex.length <= 4 ? ["u", 4] : ["U", 8];
        return named[letter] ?? `\\${kind}${hex.padStart(length, "0")}`;
    }).join("");
}

/** As Python's repr writes it, but for which characters are escaped. */
function quoted(text) {
    const shown = escaped(text);
    return text.includes("'") && !text.includes('"') ? `"${shown}"` : `'${shown.replace(/'/g, "\\'")}'`;
}
