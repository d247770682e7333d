// Words in the language of the page, and in English where there is none.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { EASINGS } from "../javascript/wplus_easings.mjs";
import { EditorState } from "../javascript/wplus_state.mjs";
import { words } from "../javascript/wplus_words.mjs";

afterEach(() => delete globalThis.localization);

describe("words", () => {
    test("without a page are English", () => {
        assert.equal(words("Copied"), "Copied");
        assert.equal(words("{0}, key {1} of {2}", "smile", 1, 3), "smile, key 1 of 3");
    });

    test("are the page's where it has them", () => {
        globalThis.localization = { Copied: "Kopiert" };
        assert.deepEqual(["Copied", "Pasted"].map((text) => words(text)), ["Kopiert", "Pasted"]);
    });

    test("have their values where the language has them", () => {
        globalThis.localization = { "{0} of {1}": "{1}の{0}" };
        assert.equal(words("{0} of {1}", 8, "{0}"), "{0}の8");
    });

    test("are not what every object has", () => {
        globalThis.localization = {};
        assert.equal(words("constructor"), "constructor");
    });
});

test("a language is no part of the text", () => {
    const told = "{0}: frame {1}, {2}, {3}";
    globalThis.localization = { strength: "Stärke", linear: "geradlinig", [told]: "{0} {1} {2} {3}" };
    const written = [], said = [], state = new EditorState();
    state.listen({ wrote: (text) => written.push(text), said: (text) => said.push(text) });
    state.open("smile = 0:(0), 4:(0.5)\n# [strength] 0.5");
    state.choose([1]);
    state.setKey({ value: 0.25 });
    assert.deepEqual(written, ["smile = 0:(0), 4:(0.25)\n# [strength] 0.5"]);
    assert.deepEqual(said, ["smile 4 0.25 geradlinig"]);
    assert.equal(state.tracks.at(-1).name, "Stärke");
    assert.equal(EASINGS.linear.title, "geradlinig");
});
