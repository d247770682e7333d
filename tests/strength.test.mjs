// The strength of all tracks, or of the identity: a curve beside theirs, without a page.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { controlsOf, pictureOf, scalesOf, scenesOf, wordsOf } from "../javascript/wplus_scene.mjs";
import { EditorState } from "../javascript/wplus_state.mjs";
import { apart, together } from "../javascript/wplus_text.mjs";

const TWO = "smile = 0:(0), 4:(0.5)\nage = 1";

let state, written, said;

/** A state of tracks and their strength, which are not yet written. */
function open(tracks, strength) {
    state = new EditorState({ direction: () => "glasses" });
    [written, said] = [[], []];
    state.listen({ wrote: (text) => written.push(apart(text)), said: (text) => said.push(text) });
    state.open(together(tracks, strength));
}

/** What was written last, and nothing else, is this. */
function wrote(tracks, strength) {
    assert.deepEqual(written, [{ tracks, strength }]);
}

const rows = () => controlsOf(state).tracks.map(({ name }) => name);
const drawn = () => pictureOf(state, scenesOf(state)).tracks.map(({ name }) => name);

describe("one text", () => {
    for (const tracks of ["", TWO, "\n", `${TWO}\n\n`, "# [strength] 2\nsmile = 1", "# a note"]) {
        test(`of ${JSON.stringify(tracks)} and a strength is taken apart again`, () => {
            assert.deepEqual(apart(together(tracks, " 0 > 1 ")), { tracks, strength: "0 > 1" });
        });
    }

    for (const wrong of ["", "0 >", "sin(t)", "1\n2"]) {
        test(`leaves out ${JSON.stringify(wrong)}, which is no strength`, () => {
            assert.deepEqual(apart(together(TWO, wrong)), { tracks: TWO, strength: null });
        });
    }
});

describe("the strength", () => {
    beforeEach(() => open(TWO, "0 > 1"));

    test("has the last row, and is drawn where it is not 1", () => {
        assert.deepEqual([rows(), drawn()], [["smile", "age", "strength"], ["age", "strength", "smile"]]);
        open(TWO, "1");
        assert.deepEqual([rows(), drawn()], [["smile", "age", "strength"], ["age", "smile"]]);
        state.activate(2);
        assert.deepEqual(drawn(), ["smile", "age", "strength"]);
    });

    test("has no row without a track or an identity", () => {
        open("", "0.5");
        assert.deepEqual([rows(), drawn()], [[], []]);
        state.setIdentity(true);
        assert.deepEqual([rows(), drawn(), state.track], [["strength"], ["strength"], undefined]);
        state.activate(0);
        state.setIdentity(false);
        assert.deepEqual([rows(), state.track], [[], undefined]);
    });

    test("is edited as a track is, and undone", () => {
        state.activate(2);
        state.add(8, 0.3);
        state.undo(-1);
        const edited = { tracks: TWO, strength: "0%:(0), 8:(0.3), 100%:(1)" };
        assert.deepEqual(written, [edited, { tracks: TWO, strength: "0 > 1" }]);
        assert.equal(said[0], "strength: frame 8, 0.3, linear");
    });

    test("stays as it was written while a track is edited", () => {
        open(TWO, "0:( 1.0 ),  8:(0)");
        state.drop(1);
        wrote("smile = 0:(0), 4:(0.5)", "0:( 1.0 ),  8:(0)");
    });

    test("is 1 again by its button", () => {
        state.drop(2);
        wrote(TWO, "1");
        assert.equal(state.track.name, "smile");
    });

    test("remains the active one while it is, and is never so by chance", () => {
        state.activate(2);
        state.setText(together(`${TWO}\nglasses = 1`, "0 > 1"));
        assert.equal(state.track.strength, true);
        open("smile = 1", "0.5");
        state.drop(0);
        assert.equal(state.track, undefined);
        state.undo(-1);
        assert.equal(state.track.name, "smile");
    });

    test("is not taken for a direction of that name", () => {
        open("strength = 1\nage = 1", "0.5");
        state.lock(0);
        state.setText(together("age = 1", "0.5"));
        state.setText(together("strength = 2\nage = 1", "0.5"));
        state.setCalibrated({ strength: { lambda: { attribute: "smile", slope: 1, unit: 1, low: -1, high: 1 } } });
        state.activate(2);
        assert.equal(state.units.found, null);
        assert.deepEqual(state.tracks.map((track) => state.look(track).locked), [false, false, false]);
    });

    test("is neither muted nor moved by what is done to the tracks", () => {
        state.soloTrack(1);
        assert.equal(state.look(state.tracks[1]).solo, true);
        state.pasteText("glasses = 1\nhair = 1");
        assert.equal(state.text, "# [off] smile = 0:(0), 4:(0.5)\nage = 1\nglasses = 1\nhair = 1\n# [strength] 0 > 1");
        assert.deepEqual(new Set(state.tracks.map(({ id }) => id)).size, 5);
    });

    test("takes a pasted schedule, and no pasted track", () => {
        state.activate(2);
        state.pasteText("0:(1), 8:(0)");
        state.pasteText("glasses = 1");
        const strength = "0:(1), 8:(0)";
        assert.deepEqual(written, [{ tracks: TWO, strength }, { tracks: `${TWO}\nglasses = 1`, strength }]);
    });

    test("that is locked is not changed", () => {
        state.lock(2);
        state.drop(2);
        assert.deepEqual([written, said], [[], ["Not changed: strength is locked, unlock it first"]]);
    });

    test("that could not be read any more is refused", () => {
        open("smile = 1", Array.from({ length: 4096 }, (_, i) => `${2 * i}:(0)`).join(", "));
        state.setFrames(9000, 8);
        state.activate(1);
        assert.equal(state.add(1), false);
        assert.match(said.at(-1), /^Not changed: .*at most 4096 keys/);
    });

    test("multiplies what a calibration says", () => {
        state.setCalibrated({ smile: { lambda: { attribute: "smile", slope: 1, unit: 1, low: -1, high: 0.5 } } });
        assert.equal(state.units.found, null); // it changes
        state.setText(together(TWO, "0.5"));
        assert.deepEqual([state.units.low, state.units.high], [-2, 1]);
    });
});

describe("with an identity", () => {
    beforeEach(() => {
        open("smile = 4", "0.5");
        state.setIdentity(true);
    });

    test("alpha and strength each fill their own half of the axis", () => {
        const stretches = () => scenesOf(state).map(({ stretch }) => stretch);
        assert.deepEqual([stretches(), scalesOf(state, scenesOf(state)).half], [[1, 8], 8]);
        state.activate(1);
        assert.deepEqual([stretches(), scalesOf(state, scenesOf(state)).half], [[1 / 8, 1], 1]);
    });

    test("a curve that leaves its half takes the axis of the other along", () => {
        state.setText(together("smile = 4", "1.5"));
        assert.equal(scalesOf(state, scenesOf(state)).half, 12);
        state.activate(1);
        assert.equal(scalesOf(state, scenesOf(state)).half, 1.5);
    });

    test("the axis and the readout are of the active one", () => {
        state.activate(1);
        const { axis, readout } = wordsOf(state, scenesOf(state));
        assert.match(axis, /^strength/);
        assert.match(readout, /strength 0\.5$/);
    });

    test("a preset of the strength has its own values", () => {
        state.activate(1);
        state.preset("0 > 0.7");
        wrote("smile = 4", "0 > 0.7");
    });
});
