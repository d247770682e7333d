// The editor's state: every command, without a page.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { pictureOf, scalesOf, scenesOf, wordsOf, controlsOf } from "../javascript/wplus_scene.mjs";
import { EditorState } from "../javascript/wplus_state.mjs";

const KEYS = "smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.25)";
const BEZIERS = "smile = 0:(0):bez/0.5/0/0.5/1, 6:(0.6):bez/0.5/0/0.5/1, 12:(0.9)";
const TWO = "smile = 0:(0), 4:(0.5)\nage = 0:(-0.5), 9:(-0.75), 12:(1)";

let state, written, said, now;

/** A state of a text, which is not yet written. */
function open(text) {
    now = 0;
    state = new EditorState({ direction: () => "glasses", now: () => now });
    [written, said] = [[], []];
    state.listen({ wrote: (news) => written.push(news), said: (news) => said.push(news) });
    state.setText(text);
}

/** What was written is this and nothing else. */
function wrote(...texts) {
    assert.deepEqual(written, texts);
}

/** Press a key, drag it to frames and values, and release it. */
function drag(number, ...stops) {
    state.begin();
    state.pick(state.active, number);
    for (const [frame, value, fine] of stops) state.dragKeys(number, frame, value, fine);
    state.end();
}

const chosen = () => [...state.chosen];

beforeEach(() => open(KEYS));

describe("texts from the page", () => {
    test("a text is taken and not written back", () => {
        assert.equal(state.track.name, "smile");
        wrote();
    });

    test("listeners are told of a change", () => {
        let count = 0;
        state.listen({ changed: () => count++ });
        state.moveCursor(3);
        assert.equal(count, 1);
    });

    test("a text that does not parse leaves the tracks as they were", () => {
        state.setText("smile = 0:(");
        assert.deepEqual([state.text, state.track.schedule.keys.length, state.editable], ["smile = 0:(", 4, null]);
        assert.match(state.fault.message, /line 1, column 12: expected a number/);
    });

    test("what was written comes back as no news", () => {
        state.pick(0, 1);
        state.remove();
        state.undo(-1);
        state.setText(written[0]);
        assert.equal(state.text, KEYS);
    });

    test("what was written is news where it is typed", () => {
        drag(1, [6, 0.5]);
        state.setText(`${written[0]}x`, true);
        state.setText(written[0], true);
        assert.deepEqual([state.text, state.fault], [written[0], null]);
    });

    test("long after it was written, it is news", () => {
        state.pick(0, 1);
        state.remove();
        state.undo(-1);
        now = 2001;
        state.setText(written[0]);
        assert.equal(state.text, written[0]);
    });

    test("a text ends a drag", () => {
        state.begin();
        state.pick(0, 1);
        state.dragKeys(1, 6, 0);
        state.setText("smile = 1");
        state.end();
        wrote();
        assert.equal(state.preview, null);
    });

    test("keys that are gone are no longer chosen", () => {
        state.choose([0, 3]);
        state.setText("smile = 0:(0), 4:(0.5)");
        assert.deepEqual(chosen(), [0]);
    });

    test("the active track stays so where others come above it, with its chosen keys", () => {
        open(TWO);
        state.pick(1, 1);
        state.setText(`glasses = 1\n${TWO}`, true);
        assert.deepEqual([state.track.name, chosen()], ["age", [1]]);
    });

    test("a chosen key is found where it lies, among keys that are new", () => {
        state.choose([1, 2]);
        state.setText("smile = 0:(0), 2:(0.1), 4:(0.5), 9:(1), 15:(0.25)", true);
        assert.deepEqual(chosen(), [2]);
    });

    test("of another track in its place no key is chosen", () => {
        state.choose([1]);
        state.setText("age = 0:(0), 4:(0.5)");
        assert.deepEqual(chosen(), []);
    });

    test("two tracks of one name are two", () => {
        open("smile = 0\nsmile = 1");
        state.mute(0);
        assert.deepEqual(state.tracks.map((track) => state.visible(track)), [false, true]);
    });
});

describe("frames, identity and runs", () => {
    test("fewer frames take the cursor along", () => {
        state.moveCursor(15);
        state.setFrames(8, 8);
        assert.equal(state.cursor, 7);
    });

    test("another number of frames ends a drag", () => {
        state.begin();
        state.setFrames(8, 8);
        assert.equal(state.drag, null);
    });

    test("the same frames are no change", () => {
        state.listen({ changed: () => assert.fail("changed") });
        state.setFrames(16, 8);
        state.setIdentity(false);
    });

    test("an identity makes the axis alpha", () => {
        state.setIdentity(true);
        const scenes = scenesOf(state);
        assert.match(wordsOf(state, scenes).axis, /^alpha/);
        assert.equal(scalesOf(state, scenes).half, 8);
    });

    test("what a run changed is shown where it has as many frames", () => {
        state.setRun({ residual: [0.1, 0.2, 0.1], strip: null });
        assert.deepEqual([pictureOf(state, scenesOf(state)).changed, scalesOf(state, []).most], [[], 0]);
        state.setFrames(3, 8);
        assert.deepEqual([pictureOf(state, scenesOf(state)).changed, scalesOf(state, []).most], [[0.1, 0.2, 0.1], 0.2]);
        const { axis, readout } = wordsOf(state, scenesOf(state));
        assert.match(axis, /right axis: how much the last run changed, at most 20 %/);
        assert.match(readout, /changed 10\.00 %$/);
    });
});

describe("what a run reached", () => {
    const run = { residual: [0.1, 0.2, 0.1], strip: null };
    const reached = [
        { track: "smile", attribute: "smile", unit: 1, measured: [0.25, null, 0.5] },
        { track: "age", attribute: "age", unit: 20, measured: [40, 50, 30] },
    ];

    beforeEach(() => {
        open("smile = 0 > 1\nage = 0.5");
        state.setFrames(3, 8);
        state.setRun({ ...run, reached });
    });

    test("is drawn of the active track, with gaps", () => {
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [0.25, null, 0.5]);
        assert.match(wordsOf(state, scenesOf(state)).readout, /smile 0\.25 measured/);
    });

    test("is on the axis of alpha with an identity", () => {
        state.setIdentity(true);
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [2, null, 4]);
        state.setIdentity(false);
    });

    test("begins at 0 where it has another unit", () => {
        state.activate(1);
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, [0, 0.5, -0.5]);
        assert.match(wordsOf(state, scenesOf(state)).axis, /grey: age as the last run came out · 0 is its first frame/);
    });

    test("is not spoken of where no face was found", () => {
        state.setRun({ ...run, reached: reached.map((each) => ({ ...each, measured: [null, null, null] })) });
        assert.doesNotMatch(wordsOf(state, scenesOf(state)).axis, /grey/);
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, []);
    });

    test("is not shown of a run without it, or of another length", () => {
        state.setRun({ ...run, reached });
        state.setFrames(4, 8);
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, []);
        state.setFrames(3, 8);
        state.setRun(run);
        assert.deepEqual(pictureOf(state, scenesOf(state)).reached, []);
    });
});

describe("keys", () => {
    test("a key is added on the curve and chosen", () => {
        assert.equal(state.add(6), true);
        wrote("smile = 0:(0), 4:(0.5), 6:(0.125), 8:(-0.25), 15:(0.25)");
        assert.deepEqual(chosen(), [2]);
    });

    test("a key is added at a value, by steps, and is one step to undo", () => {
        state.add(6, -0.437);
        state.add(10, 0.4373, true);
        state.undo(-1);
        const at = "smile = 0:(0), 4:(0.5), 6:(-0.45), 8:(-0.25)";
        wrote(`${at}, 15:(0.25)`, `${at}, 10:(0.437), 15:(0.25)`, `${at}, 15:(0.25)`);
    });

    test("a key is added at the cursor", () => {
        state.moveCursor(2);
        state.add();
        wrote("smile = 0:(0), 2:(0.25), 4:(0.5), 8:(-0.25), 15:(0.25)");
    });

    test("where there is a key, it is chosen instead", () => {
        state.add(4);
        wrote();
        assert.deepEqual(chosen(), [1]);
    });

    test("without a track there is no key, and it is said why", () => {
        open("");
        assert.equal(state.add(4), false);
        assert.match(said[0], /There is no track yet/);
    });

    test("without a track nothing is set, suggested or moved", () => {
        open("");
        assert.equal(state.setKey({ value: 1 }), false);
        for (const act of ["remove", "loop", "flush"]) state[act]();
        state.suggest("hold");
        state.ease("hold");
        state.preset("1");
        state.nudge(1, 0);
        wrote();
    });

    test("a locked track gets no key, and it is said why", () => {
        state.lock(0);
        assert.equal(state.add(6), false);
        assert.deepEqual(said, ["This track is locked: unlock it first"]);
    });

    test("chosen keys are removed", () => {
        state.choose([1, 2]);
        state.remove();
        wrote("smile = 0:(0), 15:(0.25)");
        assert.deepEqual([chosen(), said], [[], ["2 keys removed"]]);
    });

    test("without any key the track is a constant", () => {
        state.choose([0, 1, 2, 3]);
        state.remove();
        wrote("smile = 0");
    });

    test("with none chosen nothing is removed", () => {
        state.remove();
        wrote();
    });

    test("the chosen key gets another value", () => {
        state.choose([1]);
        assert.equal(state.setKey({ value: 0.333 }), true);
        wrote("smile = 0:(0), 4:(0.333), 8:(-0.25), 15:(0.25)");
        assert.deepEqual(said, ["smile: frame 4, 0.333, linear"]);
    });

    test("the chosen key gets another frame, and stays chosen", () => {
        state.choose([1]);
        state.setKey({ frame: 20 });
        wrote("smile = 0:(0), 8:(-0.25), 15:(0.25), 20:(0.5)");
        assert.deepEqual(chosen(), [3]);
    });

    for (const wrong of [{ frame: 8 }, { frame: 1.5 }, { frame: NaN }, { frame: -1 }, { value: 21 }, { value: NaN }]) {
        test(`a key with ${JSON.stringify(wrong)} is refused`, () => {
            state.choose([1]);
            assert.equal(state.setKey(wrong), false);
            assert.match(said[0], /^Not changed: /);
            wrote();
        });
    }

    test("with several chosen, no key gets a value", () => {
        state.choose([1, 2]);
        assert.equal(state.setKey({ value: 1 }), false);
    });

    test("an easing is for the chosen keys", () => {
        state.choose([0]);
        state.ease("smooth");
        wrote("smile = 0:(0):smooth, 4:(0.5), 8:(-0.25), 15:(0.25)");
    });

    test("an easing is for all keys where none is chosen", () => {
        open("smile = 0:(0), 8:(1)");
        state.ease("hold");
        wrote("smile = 0:(0):hold, 8:(1):hold");
    });

    test("an easing is shown before it is chosen", () => {
        state.suggest("hold");
        assert.equal(pictureOf(state, scenesOf(state)).ghosts.length, 1);
        wrote();
    });

    test("an easing that is not chosen is forgotten", () => {
        state.suggest("hold");
        state.suggest(null);
        assert.deepEqual(pictureOf(state, scenesOf(state)).ghosts, []);
    });

    test("keys past the end are told", () => {
        open("smile = 0:(0), 30:(0.5)");
        assert.equal(scalesOf(state, scenesOf(state)).past, true);
    });
});

describe("what the language refuses is not written, and it is said", () => {
    /** Open a text; do something that would make another one that cannot be read. */
    function refused(text, act, message) {
        open(text);
        const before = { text: state.text, schedule: state.schedule, chosen: chosen(), active: state.active };
        act();
        wrote();
        assert.match(said.at(-1), message);
        const { schedule, active } = state;
        assert.deepEqual({ text: state.text, schedule, chosen: chosen(), active }, before);
        assert.equal(state.fault, null);
    }
    const full = (count) => Array.from({ length: count }, (_, i) => `a${i} = 1`).join("\n");

    test("a key where a track has as many as it may have", () => {
        const keys = Array.from({ length: 4096 }, (_, i) => `${2 * i}:(0)`).join(", ");
        const add = () => {
            state.setFrames(9000, 8);
            assert.equal(state.add(1), false);
        };
        refused(`smile = ${keys}`, add, /^Not changed: .*at most 4096 keys/);
    });

    test("one more track than there may be", () => {
        refused(`${full(64)}\n# [off] b = 1`, () => state.mute(64), /^Not changed: .*at most 64 tracks/);
        refused(full(64), () => state.pasteText("b = 1\nc = 1"), /^Not changed: .*at most 64 tracks/);
    });

    test("a direction whose name is none", () => {
        const named = new EditorState({ direction: () => "a#b" });
        named.pasteText("0.5");
        assert.deepEqual([named.text, named.fault], ["", null]);
    });

    test("anything into a text that cannot be read", () => {
        open(TWO);
        state.setText("smile = 0:(\nage = 1");
        state.drop(0);
        state.swap(0, 1);
        assert.equal(state.setLayers(0, 1, 8), false);
        wrote();
    });
});

describe("choosing", () => {
    test("to pick a key chooses it, with the cursor", () => {
        state.pick(0, 2);
        assert.deepEqual([chosen(), state.cursor], [[2], 8]);
    });

    test("to pick one of several keeps them", () => {
        state.choose([1, 2]);
        state.pick(0, 2);
        assert.deepEqual(chosen(), [1, 2]);
    });

    test("to pick also adds, and takes away", () => {
        state.choose([1]);
        state.pick(0, 2, true);
        assert.deepEqual(chosen(), [1, 2]);
        state.pick(0, 1, true);
        assert.deepEqual(chosen(), [2]);
    });

    test("to pick a key of another track makes that the active one", () => {
        open(TWO);
        state.choose([0]);
        state.pick(1, 2);
        assert.deepEqual([state.active, chosen()], [1, [2]]);
    });

    test("the cursor stays within the frames", () => {
        state.moveCursor(99);
        assert.equal(state.cursor, 15);
    });

    test("what is chosen is a new set each time", () => {
        const before = state.chosen;
        state.chooseAlso(1);
        assert.equal(before.size, 0);
    });
});

describe("a drag", () => {
    test("is written once, at its end", () => {
        drag(1, [4.4, 0.47], [4.9, 0.21], [5.3, 0.1]);
        wrote("smile = 0:(0), 5:(0.1), 8:(-0.25), 15:(0.25)");
    });

    test("of less than half a step changes nothing", () => {
        drag(1, [4.4, 0.52]);
        wrote();
    });

    test("snaps to frames and to 0.05", () => {
        drag(1, [5.3, 0.384]);
        wrote("smile = 0:(0), 5:(0.4), 8:(-0.25), 15:(0.25)");
    });

    test("that is fine snaps to 0.001", () => {
        drag(1, [4, 0.3842, true]);
        wrote("smile = 0:(0), 4:(0.384), 8:(-0.25), 15:(0.25)");
    });

    test("is fine where that is switched on", () => {
        state.toggleFine();
        drag(3, [15, 0.3037]);
        wrote("smile = 0:(0), 4:(0.5), 8:(-0.25), 15:(0.304)");
    });

    test("moves all chosen keys as one", () => {
        state.choose([1, 2]);
        drag(1, [6, 0.6]);
        wrote("smile = 0:(0), 6:(0.6), 10:(-0.15), 15:(0.25)");
    });

    test("stops with the group at another key", () => {
        state.choose([1, 2, 3]);
        drag(1, [0, 0.5]);
        wrote("smile = 0:(0), 1:(0.5), 5:(-0.25), 12:(0.25)");
    });

    test("brings a key that lies a little beside its frame to the last one", () => {
        open("smile = 0:(0), 66.6667%:(0.5)");
        drag(1, [15, 0.5]);
        wrote("smile = 0:(0), 15:(0.5)");
    });

    test("stops at the last frame", () => {
        drag(3, [40, 0.25]);
        wrote();
    });

    test("brings a key from past the end", () => {
        open("smile = 0:(0), 30:(0.5)");
        drag(1, [10, 0.5]);
        wrote("smile = 0:(0), 10:(0.5)");
    });

    test("past another key keeps its key chosen", () => {
        drag(1, [10, 0.5]);
        wrote("smile = 0:(0), 8:(-0.25), 10:(0.5), 15:(0.25)");
        assert.deepEqual(chosen(), [2]);
    });

    test("shows what was before as a ghost, and the cursor goes along", () => {
        state.begin();
        state.pick(0, 1);
        state.dragKeys(1, 6, 0);
        assert.equal(pictureOf(state, scenesOf(state)).ghosts.length, 1);
        assert.equal(state.cursor, 6);
    });

    test("that is cancelled is as if it had not been", () => {
        state.choose([3]);
        state.begin();
        state.pick(0, 1);
        state.dragKeys(1, 6, 0);
        assert.equal(state.cancel(), true);
        state.end();
        wrote();
        assert.deepEqual([state.schedule.keys[1].value, chosen()], [0.5, [3]]);
    });

    test("of another track's key, cancelled, gives the track back too", () => {
        open(TWO);
        state.activate(1);
        state.choose([2]);
        state.begin();
        state.pick(0, 1);
        state.cancel();
        assert.deepEqual([state.active, chosen()], [1, [2]]);
        assert.equal(controlsOf(state).key.value, 1);
    });

    test("of nothing is nothing to cancel", () => {
        assert.equal(state.cancel(), false);
    });

    test("moves no key of a locked track", () => {
        state.lock(0);
        drag(1, [6, 0]);
        wrote();
    });

    test("moves nothing before it begins", () => {
        state.choose([1]);
        state.dragKeys(1, 6, 0);
        assert.equal(state.preview, null);
    });

    test("keeps evenly spread keys so while they move up and down", () => {
        open("smile = -0.7 > 0 > 0.7");
        drag(1, [7.5, 0.3]);
        wrote("smile = -0.7 > 0.3 > 0.7");
    });

    test("turns evenly spread keys into percentages where one moves along", () => {
        open("smile = -0.7 > 0.3 > 0.7");
        drag(1, [9.5, 0.3]);
        wrote("smile = 0%:(-0.7), 10:(0.3), 100%:(0.7)");
    });

    test("of a handle turns its neighbour along", () => {
        open(BEZIERS);
        state.begin();
        state.dragHandle(1, 0, 9, 0.75);
        state.end();
        wrote("smile = 0:(0):bez/0.5/0/0.5/0.75, 6:(0.6):bez/0.5/0.5/0.5/1, 12:(0.9)");
    });

    test("of a handle that is broken leaves its neighbour", () => {
        open(BEZIERS);
        state.begin();
        state.dragHandle(1, 0, 9, 0.75, true);
        state.end();
        wrote("smile = 0:(0):bez/0.5/0/0.5/1, 6:(0.6):bez/0.5/0.5/0.5/1, 12:(0.9)");
    });

    test("of a marquee chooses", () => {
        state.choose([0]);
        state.begin();
        state.dragBox({ x: 1, y: 2, width: 3, height: 4 }, [2, 3]);
        assert.deepEqual(chosen(), [2, 3]);
        assert.deepEqual(pictureOf(state, scenesOf(state)).marquee, { x: 1, y: 2, width: 3, height: 4 });
    });

    test("of a marquee with shift chooses beside what was chosen before", () => {
        state.choose([0]);
        state.begin();
        state.dragBox({}, [1, 2], true);
        state.dragBox({}, [2], true);
        assert.deepEqual(chosen(), [0, 2]);
    });
});

describe("arrow keys", () => {
    test("move the chosen keys and are written once", () => {
        state.choose([0]);
        for (let i = 0; i < 5; i++) state.nudge(0, 0.01);
        assert.equal(state.flush(), true);
        wrote("smile = 0:(0.05), 4:(0.5), 8:(-0.25), 15:(0.25)");
    });

    test("move as far as there is room", () => {
        state.choose([1]);
        state.nudge(-10, 0);
        state.flush();
        wrote("smile = 0:(0), 1:(0.5), 8:(-0.25), 15:(0.25)");
    });

    test("without any, there is nothing to write", () => {
        assert.equal(state.flush(), false);
    });

    test("are written before a drag begins", () => {
        state.choose([1]);
        state.nudge(1, 0);
        state.begin();
        wrote("smile = 0:(0), 5:(0.5), 8:(-0.25), 15:(0.25)");
    });

    test("that are released while a drag goes on write nothing of it", () => {
        state.begin();
        state.pick(0, 1);
        state.dragKeys(1, 6, 0);
        assert.equal(state.flush(), false);
        wrote();
    });

    test("are taken back by cancel", () => {
        state.choose([1]);
        state.nudge(1, 0);
        assert.equal(state.cancel(), true);
        state.flush();
        wrote();
    });
});

describe("undo", () => {
    test("takes one edit back, and does it again", () => {
        drag(1, [5, 0.1], [6, 0.2]);
        state.undo(-1);
        state.undo(1);
        wrote("smile = 0:(0), 6:(0.2), 8:(-0.25), 15:(0.25)", KEYS, "smile = 0:(0), 6:(0.2), 8:(-0.25), 15:(0.25)");
        assert.deepEqual(said.slice(1), ["Undone", "Done again"]);
    });

    test("has nothing to do again at first", () => {
        assert.deepEqual([controlsOf(state).canUndo, controlsOf(state).canRedo], [true, false]);
        state.undo(1);
        wrote();
    });

    test("takes what was typed in one go back as one", () => {
        for (const text of [`${KEYS},`, `${KEYS}, 1`, `${KEYS}, 16:(1)`]) state.setText(text, true);
        state.undo(-1);
        wrote(KEYS);
    });

    test("forgets what was undone when there is another edit", () => {
        drag(1, [5, 0.5]);
        state.undo(-1);
        drag(1, [6, 0.5]);
        assert.equal(state.history.can(1), false);
    });
});

describe("tracks", () => {
    beforeEach(() => open(TWO));

    test("another becomes the active one, with nothing chosen", () => {
        state.choose([1]);
        state.activate(1);
        assert.deepEqual([state.track.name, chosen()], ["age", []]);
    });

    test("a solo mutes all others in the text", () => {
        state.soloTrack(1);
        wrote("# [off] smile = 0:(0), 4:(0.5)\nage = 0:(-0.5), 9:(-0.75), 12:(1)");
        assert.deepEqual(pictureOf(state, scenesOf(state)).tracks.map(({ name }) => name), ["age"]);
        assert.equal(state.look(state.tracks[1]).solo, true);
    });

    test("after a solo all is as it was before", () => {
        const text = "# [off] smile = 1\nage = 1\n# a note = 1\nold = 1";
        open(text);
        state.soloTrack(0);
        state.soloTrack(1);
        state.soloTrack(1);
        assert.equal(state.text, text);
        assert.deepEqual(written.at(-2), "# [off] smile = 1\nage = 1\n# a note = 1\n# [off] old = 1");
    });

    test("a solo that was undone is none", () => {
        state.soloTrack(1);
        state.undo(-1);
        assert.equal(state.text, TWO);
        assert.equal(state.look(state.tracks[1]).solo, false);
    });

    test("a muted one is used again as it was written", () => {
        open("# note\n  # [off] smile[0:8]   = 0.50\nage = 1");
        state.mute(0);
        wrote("# note\nsmile[0:8]   = 0.50\nage = 1");
    });

    test("a muted one, which nobody sees, gets no key, and it is said why", () => {
        open("# [off] smile = 0:(0), 4:(0.5)\nage = 1");
        assert.equal(state.add(2), false);
        state.preset("1");
        wrote();
        assert.deepEqual(said, ["This track is muted: use it again to change it"]);
    });

    test("one that is muted has nothing chosen", () => {
        state.choose([1]);
        state.mute(0);
        assert.deepEqual(chosen(), []);
        state.choose([1]);
        state.remove();
        assert.equal(state.tracks[0].schedule.keys.length, 2);
    });

    test("a muted one gets other layers and stays muted", () => {
        open("#[off] smile = 1\nage = 1");
        state.setLayers(0, 1, 8);
        wrote("# [off] smile[0:8] = 1\nage = 1");
    });

    test("one whose name begins with a blank of another kind keeps it", () => {
        const text = "\u2028smile = 1\nage = 1";
        open(text);
        assert.equal(state.line, "\u2028smile = 1");
        state.mute(0);
        assert.deepEqual(state.tracks.map(({ name }) => name), ["\u2028smile", "age"]);
        state.mute(0);
        wrote("# [off] \u2028smile = 1\nage = 1", text);
    });

    test("a copied one whose name begins with a blank of another kind is pasted with it", () => {
        open("age = 1");
        state.pasteText("\u2028smile = 1\n\u2003eyes = 0 >\n1");
        wrote("age = 1\n\u2028smile = 1\n\u2003eyes = 0 > 1");
    });

    test("a muted one with a mark before its line is one", () => {
        open("age = 1\n\uFEFF# [off] smile = 1");
        assert.deepEqual(state.tracks.map(({ name, muted }) => [name, muted]), [["age", false], ["smile", true]]);
    });

    test("a muted one is copied as a track", () => {
        open("# [off] smile = 1");
        assert.equal(state.line, "smile = 1");
    });

    test("a comment is no track", () => {
        open("# smile = 1\n# [off]\n# [off] no track\n#off smile = 1\n# [on] smile = 1");
        assert.deepEqual(state.tracks, []);
    });

    test("a muted one with two keys on a frame is no fault", () => {
        open("# [off] smile = 0:(0), 0%:(1)");
        assert.equal(wordsOf(state, scenesOf(state)).fault, "");
    });

    test("in a text that does not parse none is muted", () => {
        state.setText("smile = 0:(");
        state.mute(0);
        state.soloTrack(0);
        wrote();
    });

    test("one that is muted is not drawn", () => {
        state.mute(1);
        wrote("smile = 0:(0), 4:(0.5)\n# [off] age = 0:(-0.5), 9:(-0.75), 12:(1)");
        assert.deepEqual(pictureOf(state, scenesOf(state)).tracks.map(({ name }) => name), ["smile"]);
    });

    test("the active one is drawn on top", () => {
        assert.deepEqual(pictureOf(state, scenesOf(state)).tracks.map(({ name }) => name), ["age", "smile"]);
    });

    test("each has a style of its own", () => {
        assert.deepEqual(scenesOf(state).map(({ style }) => style), [0, 1]);
    });

    test("one that is locked has nothing chosen", () => {
        state.choose([1]);
        state.lock(0);
        assert.deepEqual([chosen(), state.editable], [[], null]);
    });

    test("two change places, and the active one stays so", () => {
        state.swap(0, 1);
        wrote("age = 0:(-0.5), 9:(-0.75), 12:(1)\nsmile = 0:(0), 4:(0.5)");
        assert.equal(state.track.name, "smile");
    });

    test("one is removed, and the active one stays so", () => {
        open(`${TWO}\nglasses = 1`);
        state.activate(1);
        state.drop(0);
        wrote("age = 0:(-0.5), 9:(-0.75), 12:(1)\nglasses = 1");
        assert.equal(state.track.name, "age");
    });

    test("the last one, removed, leaves the one before as the active one", () => {
        state.activate(1);
        state.drop(1);
        assert.equal(state.track.name, "smile");
    });

    test("one gets other layers", () => {
        assert.equal(state.setLayers(1, 1, 8), true);
        wrote("smile = 0:(0), 4:(0.5)\nage[0:8] = 0:(-0.5), 9:(-0.75), 12:(1)");
    });

    for (const wrong of [19, 0, 1.5, NaN]) {
        test(`${wrong} is refused as the end of the layers`, () => {
            assert.equal(state.setLayers(1, 1, wrong), false);
            wrote();
        });
    }

    test("a preset fills as much of the axis of alpha", () => {
        state.setIdentity(true);
        state.preset("0:(0.7), 8:(-0.0312):bez/0.4/0.1/0.6/1");
        wrote("smile = 0:(5.6), 8:(-0.2496):bez/0.4/0.1/0.6/1\nage = 0:(-0.5), 9:(-0.75), 12:(1)");
    });

    test("a preset takes the place of the active one's schedule", () => {
        state.preset("-0.7 > 0 > 0.7");
        wrote("smile = -0.7 > 0 > 0.7\nage = 0:(-0.5), 9:(-0.75), 12:(1)");
    });

    test("one becomes a loop, and no longer", () => {
        state.loop();
        state.loop();
        wrote(TWO.replace("= 0:(0)", "= loop 0:(0)"), TWO);
    });

    test("comments stay", () => {
        open("# a note\n\nsmile = 0:(0), 4:(0.5)\n  # more\nage = 1");
        drag(1, [6, 0.5]);
        wrote("# a note\n\nsmile = 0:(0), 6:(0.5)\n  # more\nage = 1");
    });

    test("the active one is there as text", () => {
        assert.equal(state.line, "smile = 0:(0), 4:(0.5)");
    });
});

describe("a lock", () => {
    const PAIR = "smile[0:8] = 0 > 1\nsmile[8:18] = 0.5";
    const locked = () => state.tracks.filter((track) => state.look(track).locked).map(({ source }) => source);
    const [FIRST, SECOND] = PAIR.split("\n");

    for (const [name, act] of [
        ["a pasted schedule", () => state.pasteText("0.7")],
        ["a pasted track", () => state.pasteText("age = 1")],
        ["other layers", () => assert.equal(state.setLayers(0, 1, 4), false)],
        ["its removal", () => state.drop(0)],
    ]) {
        test(`keeps its track from ${name}, and it is said`, () => {
            open(PAIR);
            state.lock(0);
            act();
            wrote();
            assert.deepEqual(said, ["Not changed: smile is locked, unlock it first"]);
        });
    }

    test("lets its track be muted, and others be added", () => {
        open("smile = 1");
        state.lock(0);
        state.mute(0);
        state.pasteText("age = 1\nglasses = 1");
        wrote("# [off] smile = 1", "# [off] smile = 1\nage = 1\nglasses = 1");
        assert.deepEqual(locked(), ["smile = 1"]);
    });

    for (const [name, act, left = FIRST] of [
        ["changes places", () => state.swap(0, 1)],
        ["changes places, and back by undo", () => (state.swap(0, 1), state.undo(-1))],
        ["is typed below another", () => state.setText(`smile = 3\n${PAIR}`, true)],
        ["is typed anew", () => state.setText(PAIR.replace("0 > 1", "0 > 2"), true), "smile[0:8] = 0 > 2"],
        ["is muted in the text", () => state.setText(`# [off] ${PAIR}`)],
        ["stays where the other goes", () => state.drop(1)],
    ]) {
        test(`goes with a track of the same name that ${name}`, () => {
            open(PAIR);
            state.lock(0);
            act();
            assert.deepEqual(locked(), [left]);
        });
    }

    test("is not another track's of the same line", () => {
        open("smile = 1\nsmile = 1\nage = 1");
        state.lock(1);
        state.swap(1, 2);
        state.drop(0);
        assert.deepEqual(state.tracks.map((track) => state.look(track).locked), [false, true]);
    });

    test("stays while another of the same name is removed", () => {
        open(PAIR);
        state.lock(1);
        state.drop(0);
        assert.deepEqual(locked(), [SECOND]);
    });
});

test("after a solo, tracks that changed places are muted as they were", () => {
    open("smile[0:8] = 1\n# [off] smile[8:18] = 1\nage = 1");
    state.soloTrack(2);
    state.swap(0, 1);
    state.soloTrack(2);
    assert.equal(state.text, "# [off] smile[8:18] = 1\nsmile[0:8] = 1\nage = 1");
});

describe("pasting", () => {
    beforeEach(() => open("smile = 0\nage = 1"));

    test("a schedule becomes the active track's", () => {
        state.pasteText("0:(0.5), 12: (1.2),\n 15:(0)");
        wrote("smile = 0:(0.5), 12:(1.2), 15:(0)\nage = 1");
    });

    test("a track takes the active one's place", () => {
        state.pasteText("glasses = 1");
        wrote("glasses = 1\nage = 1");
    });

    test("several tracks are added", () => {
        state.pasteText("glasses = 1\nage = 2");
        wrote("smile = 0\nage = 1\nglasses = 1\nage = 2");
    });

    test("a schedule without a track becomes one of the direction", () => {
        open("");
        state.pasteText("0.5");
        wrote("glasses = 0.5");
    });

    test("what is none is refused, and what is chosen stays", () => {
        state.choose([0]);
        state.pasteText("0:(sin(t))");
        wrote();
        assert.match(said[0], /^Not pasted: line 1, column 4/);
        assert.deepEqual(chosen(), [0]);
    });

    test("nothing is pasted into a text that does not parse", () => {
        state.setText("smile = 0:(");
        state.pasteText("0.5");
        wrote();
    });
});

describe("what is seen", () => {
    test("the readout has the frame, the time, the value and the easing", () => {
        state.pick(0, 1);
        assert.equal(wordsOf(state, scenesOf(state)).readout, "frame 4 · 0.50 s · smile 0.5 · linear");
    });

    test("without frames a second there is no time", () => {
        state.setFrames(16, 0, "the frames are the images of the batch");
        assert.equal(wordsOf(state, scenesOf(state)).readout, "frame 0 · smile 0");
        assert.match(wordsOf(state, scenesOf(state)).axis, /images of the batch$/);
    });

    test("two keys on one frame are a fault of the track", () => {
        open("smile = 0:(0), 0%:(1)");
        assert.match(wordsOf(state, scenesOf(state)).fault, /^smile: two keys on frame 0 of 16/);
    });

    test("of an empty text there is nothing", () => {
        open("");
        assert.equal(wordsOf(state, scenesOf(state)).readout, "frame 0 · 0.00 s");
        assert.equal(controlsOf(state).key, null);
    });

    test("the axis grows with the values", () => {
        open("smile = 1.8");
        assert.equal(scalesOf(state, scenesOf(state)).half, 2);
    });

    test("chosen Bezier keys have handles", () => {
        open(BEZIERS);
        state.choose([1]);
        const [{ handles }] = scenesOf(state);
        assert.deepEqual(handles.map(({ frame, value }) => [frame, value]), [[3, 0], [3, 0.6], [9, 0.6], [9, 0.9]]);
    });

    test("an easing is that of all chosen keys, or none", () => {
        open("smile = 0:(0):hold, 4:(1), 8:(0)");
        assert.equal(controlsOf(state).easing, null);
        state.choose([0]);
        assert.equal(controlsOf(state).easing, "hold");
    });
});
