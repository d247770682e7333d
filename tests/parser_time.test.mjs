// The parser takes a time in proportion to the text: a page that parses on every letter must not freeze.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TrackError, format, parse } from "../javascript/wplus_curve.mjs";
import { withPasted } from "../javascript/wplus_text.mjs";

const TEXTS = {
    "many keys": (n) => `smile = ${Array.from({ length: n }, (_, i) => `${i}:(0.5)`).join(", ")}`,
    "many values": (n) => `smile = ${Array(n).fill("0.5").join(" > ")}`,
    "blanks within a name": (n) => `a${" ".repeat(n)}b = 1`,
    "blanks after a name": (n) => `a${" ".repeat(n)}= 1`,
    "blanks between a name's letters": (n) => `${"a ".repeat(n)}= 1`,
    "blanks in a line": (n) => `smile =${" ".repeat(n)}1`,
    "letters outside of the basic plane": (n) => `${"\u{1f600}".repeat(n)} = 0:(1), 1:(2)`,
    "empty lines": (n) => "\n".repeat(n),
    // and what is looked at as an expression
    "a word for a number": (n) => `a = ${"b".repeat(n)}`,
    "a word after a number": (n) => `a = 1${"b".repeat(n)}`,
    "a word for a handle": (n) => `a = 0:(1):bez/${"b".repeat(n)}`,
    "a word with blanks after it": (n) => `a = ${"b".repeat(n / 2)}${" ".repeat(n / 2)}c`,
    "words": (n) => `a = ${"b ".repeat(n / 2)}`,
    "digits and a word": (n) => `a = x${"1".repeat(n)}`,
    "parentheses": (n) => `a = 0:${"(".repeat(n)}`,
};

const PASTED = {
    "keys on lines of their own": (n) => Array.from({ length: n }, (_, i) => `${i}:(0.5)`).join("\n"),
    "blanks after a number": (n) => `0:(1)\n1${" ".repeat(n)}x`,
    "muted tracks": (n) => "# [off] a = 1\n".repeat(n),
};

/** What a text comes to, or its fault: that takes time as well. */
function attempt(act) {
    try {
        act();
    } catch (fault) {
        if (!(fault instanceof TrackError)) throw fault;
    }
}

function seconds(work) {
    const times = Array.from({ length: 9 }, () => {
        const start = performance.now();
        work();
        return performance.now() - start;
    });
    return Math.min(...times) / 1000;
}

for (const [name, make] of Object.entries(TEXTS)) {
    test(`linear in ${name}`, () => {
        const short = make(500), long = make(4000), read = (text) => attempt(() => parse(text));
        read(long); // the engine has seen it
        const ratio = seconds(() => read(long)) / Math.max(seconds(() => read(short)), 1e-4);
        assert.ok(ratio < 32, `eight times the text takes ${ratio.toFixed(1)} times as long`); // squared: 64
    });

    test(`quick with ${name}`, () => {
        const text = make(name.startsWith("many") ? 4096 : 40_000);
        assert.ok(seconds(() => attempt(() => parse(text))) < 0.2);
    });
}

for (const [name, make] of Object.entries(PASTED)) {
    test(`quick where ${name} are pasted`, () => {
        const text = make(16_000);
        assert.ok(seconds(() => attempt(() => withPasted("", text, undefined, "smile"))) < 0.2);
    });
}

test("a text of many keys is written quickly", () => {
    const tracks = parse(TEXTS["many keys"](4096));
    assert.ok(seconds(() => format(tracks)) < 0.2);
});
