// What the numbers of a curve are counted in: plain ones, and those that were measured.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSchedule } from "../javascript/wplus_curve.mjs";
import { controlsOf, pictureOf, scalesOf, scenesOf, wordsOf } from "../javascript/wplus_scene.mjs";
import { EditorState } from "../javascript/wplus_state.mjs";
import { constantOf, textOf, unitsOf } from "../javascript/wplus_units.mjs";

const SMILE = { attribute: "smile", slope: 0.5, unit: 1, low: -1, high: 0.75, model: "toon" };
const AGE = { attribute: "age", slope: -10, unit: 20, low: -0.5, high: 1, model: "toon" };
const CALIBRATED = { "latent/smile": { lambda: SMILE, alpha: { ...SMILE, slope: 0.1, low: -4, high: 6 } } };
const PLAIN = { track: { name: "latent/smile" }, alpha: false, strength: 1, calibrated: CALIBRATED, counted: true };

/** A state with calibrations, in which values are counted in what they give. */
function counting(text, calibrated = { smile: { lambda: SMILE }, age: { lambda: AGE } }) {
    const state = new EditorState({});
    state.setText(text);
    state.setCalibrated(calibrated);
    state.toggleCounted();
    return state;
}

describe("what a value is shown as", () => {
    test("without a calibration, itself", () => {
        const units = unitsOf({ ...PLAIN, calibrated: {} });
        assert.deepEqual([units.low, units.high, units.scale, units.attribute], [-1, 1, 1, ""]);
        assert.equal(textOf(units, 0.1234), "0.1234");
    });

    test("with one, what it gives", () => {
        const units = unitsOf(PLAIN);
        assert.deepEqual([units.low, units.high, units.scale, units.attribute], [-1, 0.75, 0.5, "smile"]);
        assert.equal(textOf(units, 0.3), "0.15");
    });

    test("itself again, where it is not to be counted", () => {
        const { low, high, scale } = unitsOf({ ...PLAIN, counted: false });
        assert.deepEqual([low, high, scale], [-1, 0.75, 1]);
    });

    test("an alpha is another number", () => {
        const { low, high, scale } = unitsOf({ ...PLAIN, alpha: true });
        assert.deepEqual([low, high, scale], [-4, 6, 0.1]);
    });

    test("a strength multiplies it", () => {
        const { low, high, scale } = unitsOf({ ...PLAIN, strength: -0.5 });
        assert.deepEqual([low, high, scale], [-1.5, 2, -0.25]);
    });

    test("a strength that changes, or is none, says nothing", () => {
        for (const strength of [null, 0]) assert.equal(unitsOf({ ...PLAIN, strength }).found, null);
        assert.equal(unitsOf({ ...PLAIN, alpha: true, strength: 0.5 }).found, null);
    });

    test("a name without its folder is enough, where it is one's alone", () => {
        const track = { name: "smile" };
        assert.equal(unitsOf({ ...PLAIN, track }).scale, 0.5);
        const two = { ...CALIBRATED, "other/smile": { lambda: AGE } };
        assert.equal(unitsOf({ ...PLAIN, track, calibrated: two }).found, null);
    });

    test("what moves nothing is counted as itself, and its range is known", () => {
        const nothing = { "latent/smile": { lambda: { ...SMILE, attribute: "", slope: 0 } } };
        const { high, scale } = unitsOf({ ...PLAIN, calibrated: nothing });
        assert.deepEqual([high, scale], [0.75, 1]);
    });

    test("a constant is one number", () => {
        const found = ["0.5", "0:(0.5), 3:(0.5)", "0 > 1"].map((text) => constantOf(parseSchedule(text)));
        assert.deepEqual(found, [0.5, 0.5, null]);
    });
});

describe("an editor that counts in what was measured", () => {
    test("a key's value is written as lambda", () => {
        const state = counting("smile = 0:(0), 8:(0.5)");
        state.choose([1]);
        assert.equal(state.setKey({ value: 0.3 }), true);
        assert.equal(state.text, "smile = 0:(0), 8:(0.6)");
    });

    test("a frame alone keeps the value", () => {
        const state = counting("smile = 0:(0), 8:(0.1233)");
        state.choose([1]);
        state.setKey({ frame: 9 });
        assert.equal(state.text, "smile = 0:(0), 9:(0.1233)");
    });

    test("arrows and drags go by steps of what is shown", () => {
        const state = counting("smile = 0:(0), 8:(0.5)");
        state.choose([1]);
        state.nudge(0, 0.01);
        state.flush();
        assert.equal(state.text, "smile = 0:(0), 8:(0.52)");
        state.begin();
        state.dragKeys(1, 8, 0.79);
        state.end();
        assert.equal(state.text, "smile = 0:(0), 8:(0.8)"); // 0.4 of a smile
    });

    test("a key is added by steps of what is shown", () => {
        const state = counting("smile = 0:(0), 8:(0.5)");
        state.add(4, 0.79);
        assert.equal(state.text, "smile = 0:(0), 4:(0.8), 8:(0.5)"); // 0.4 of a smile
    });

    test("an age is counted in years", () => {
        const state = counting("age = 0:(0.5)"), scenes = scenesOf(state);
        assert.match(wordsOf(state, scenes).readout, /age -5/);
        assert.match(wordsOf(state, scenes).axis, /^age, as measured on toon/);
        state.choose([0]);
        state.nudge(0, 0.01);
        state.flush();
        assert.equal(state.text, "age = 0:(0.52)"); // 0.02 of its unit, against its sign: 0.2 years
    });

    test("the scales know the range and the scale", () => {
        const state = counting("smile = 0.5"), { low, high, scale } = scalesOf(state, scenesOf(state));
        assert.deepEqual([low, high, scale], [-1, 0.75, 0.5]);
    });

    test("what was reached lies where the axis says", () => {
        const state = counting("smile = 0.5");
        state.setFrames(2, 8);
        const reached = [{ track: "smile", attribute: "smile", unit: 1, measured: [0, 0.3] }];
        state.setRun({ residual: [0, 0], reached });
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [0, 0.6]);
        state.toggleCounted();
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [0, 0.3]);
    });

    test("the button is for a track of which something is known", () => {
        const state = counting("smile = 0.5\nhair = 0.1");
        assert.equal(controlsOf(state).units.found.attribute, "smile");
        state.activate(1);
        assert.equal(controlsOf(state).units.found, null);
        assert.match(wordsOf(state, scenesOf(state)).axis, /^lambda: usually −1 to 1/);
    });
});

describe("regions of tracks", () => {
    test("a track is kept to one, and let out again", () => {
        const state = new EditorState({});
        state.setText("smile[0:8] = 0 > 1");
        state.setRegions(["left", "right"]);
        assert.equal(state.setRegion(0, "left"), true);
        assert.equal(state.text, "smile[0:8, left] = 0 > 1");
        assert.deepEqual(controlsOf(state).tracks[0].region, "left");
        state.setRegion(0, "");
        assert.equal(state.text, "smile[0:8] = 0 > 1");
    });

    test("it stays while keys move", () => {
        const state = new EditorState({});
        state.setText("smile[left] = 0:(0), 8:(0.5)");
        state.choose([1]);
        state.setKey({ value: 0.3 });
        assert.equal(state.text, "smile[left] = 0:(0), 8:(0.3)");
    });

    test("a locked track keeps it", () => {
        const state = new EditorState({});
        state.setText("smile = 1");
        state.lock(0);
        assert.equal(state.setRegion(0, "left"), false);
        assert.equal(state.text, "smile = 1");
    });

    test("what was reached is that of the track's own region", () => {
        const state = new EditorState({});
        state.setText("smile[left] = 0.5\nsmile[right] = 0.5");
        state.setFrames(1, 8);
        const reached = [["left", 0.2], ["right", 0.4]].map(([region, value]) => {
            return { track: `smile[${region}]`, attribute: "smile", unit: 1, measured: [value] };
        });
        state.setRun({ residual: [0], reached });
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [0.2]);
        state.activate(1);
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [0.4]);
    });
});
