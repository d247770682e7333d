// The regions' state: every command, without a page.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Ellipses } from "../javascript/wplus_ellipses.mjs";

const STILL = "left = (0.3 0.4 0.1 0.2)\nright = (0.7 0.4 0.1 0.2)";
const MOVING = "a = 0:(0.2 0.4 0.1 0.2), 8:(0.6 0.4 0.1 0.2):smooth, 15:(0.6 0.8 0.1 0.2)";

let regions, written, said, now;

function open(text) {
    now = 0;
    regions = new Ellipses(() => now);
    [written, said] = [[], []];
    regions.listen({ wrote: (news) => written.push(news), said: (news) => said.push(news) });
    regions.setText(text);
}

/** Drag the active region on a frame, and release it. */
function drag(frame, ...ellipses) {
    for (const ellipse of ellipses) regions.put(16, frame, ellipse);
    regions.commit();
}

beforeEach(() => open(STILL));

describe("texts from the page", () => {
    test("are not written back", () => {
        assert.deepEqual(regions.regions.map(({ name }) => name), ["left", "right"]);
        assert.deepEqual(written, []);
    });

    test("that cannot be read leave the regions as they were, and no command changes them", () => {
        regions.setText("left = (0.3");
        assert.equal(regions.regions.length, 2);
        regions.add();
        regions.put(16, 0, [0, 0, 1, 1]);
        regions.toggleKey(16, 0);
        assert.deepEqual([regions.preview, written], [null, []]);
        assert.match(said.at(-1), /^Not changed: line 1/);
    });

    test("that were written come back as no news for a while", () => {
        regions.add();
        regions.add();
        regions.setText(written[0]);
        assert.equal(regions.text, written[1]);
        now += 3000;
        regions.setText(written[0]);
        assert.equal(regions.text, written[0]);
    });

    test("keep the active region, by its name", () => {
        regions.activate(1);
        regions.setText("new = (0 0 1 1)\nright = (0.7 0.4 0.1 0.2)\nleft = (0 0 1 1)");
        assert.equal(regions.regions[regions.active].name, "right");
    });
});

describe("a drag", () => {
    test("is shown at once and written once", () => {
        regions.put(16, 3, [0.5, 0.4, 0.1, 0.2]);
        assert.equal(regions.shown[0].parts[0].keys[0].value, 0.5);
        assert.deepEqual(written, []);
        drag(3, [0.6, 0.4, 0.1, 0.2]);
        assert.deepEqual(written, ["left = (0.6 0.4 0.1 0.2)\nright = (0.7 0.4 0.1 0.2)"]);
    });

    test("moves a region that never moves on all frames", () => {
        drag(3, [0.6, 0.4, 0.1, 0.2]);
        assert.equal(regions.regions[0].parts[0].keys.length, 1);
    });

    test("makes a key on a frame of one that does", () => {
        open(MOVING);
        drag(4, [0.5, 0.5, 0.1, 0.2]);
        assert.equal(regions.text, MOVING.replace(", 8:", ", 4:(0.5 0.5 0.1 0.2), 8:"));
    });

    test("changes the key that is there", () => {
        open(MOVING);
        drag(8, [0.5, 0.5, 0.3, 0.2]);
        assert.equal(regions.text, MOVING.replace("(0.6 0.4 0.1 0.2)", "(0.5 0.5 0.3 0.2)"));
    });

    test("keeps the easing of the segment in which it makes a key", () => {
        open(MOVING);
        drag(12, [0.5, 0.5, 0.3, 0.2]);
        assert.match(regions.text, /12:\(0.5 0.5 0.3 0.2\):smooth/);
    });

    test("stays in what the language takes, and large enough to be held", () => {
        drag(0, [-5, 7, 0, 9]);
        assert.match(regions.text, /^left = \(-1 2 0.01 2\)/);
    });

    test("rounds to a thousandth", () => {
        drag(0, [0.12345, 0.5, 0.1, 0.2]);
        assert.match(regions.text, /^left = \(0.123 0.5 0.1 0.2\)/);
    });

    test("that is cancelled is as if it had not been", () => {
        regions.put(16, 3, [0.5, 0.4, 0.1, 0.2]);
        assert.equal(regions.cancel(), true);
        assert.equal(regions.commit(), false);
        assert.deepEqual([written, regions.shown], [[], regions.regions]);
    });

    test("to where it was writes nothing", () => {
        drag(0, [0.3, 0.4, 0.1, 0.2]);
        assert.deepEqual(written, []);
    });

    test("keeps comments and other lines", () => {
        open(`# faces\n\n${STILL}`);
        regions.activate(1);
        drag(0, [0.8, 0.4, 0.1, 0.2]);
        assert.equal(regions.text, "# faces\n\nleft = (0.3 0.4 0.1 0.2)\nright = (0.8 0.4 0.1 0.2)");
    });
});

describe("keys", () => {
    test("one makes a still region move from then on", () => {
        regions.toggleKey(16, 5);
        assert.match(regions.text, /^left = 5:\(0.3 0.4 0.1 0.2\)/);
        assert.equal(regions.hasKey(regions.regions[0], 16, 5), true);
        drag(10, [0.5, 0.4, 0.1, 0.2]);
        assert.match(regions.text, /^left = 5:\(0.3 0.4 0.1 0.2\), 10:\(0.5 0.4 0.1 0.2\)/);
    });

    test("one more is where the region is", () => {
        open("a = 0:(0 0.4 0.1 0.2), 10:(1 0.4 0.1 0.2)");
        regions.toggleKey(11, 5);
        assert.match(regions.text, /5:\(0.5 0.4 0.1 0.2\)/);
    });

    test("one is taken away, and with the last one the region is still where it was", () => {
        open("a = 0:(0 0.4 0.1 0.2), 10:(1 0.4 0.1 0.2):hold");
        regions.toggleKey(11, 0);
        assert.equal(regions.text, "a = 10:(1 0.4 0.1 0.2):hold");
        regions.toggleKey(11, 10);
        assert.equal(regions.text, "a = (1 0.4 0.1 0.2)");
    });

    test("one where a Bezier has gone too far is what the language takes", () => {
        open("a = 0:(0 0.4 0.1 0.2):bez/0.3/10/0.6/10, 15:(1 0.4 0.2 0.2)");
        regions.toggleKey(16, 7);
        assert.equal(regions.fault, null);
        assert.match(regions.text, /7:\(2 0.4/);
    });

    test("that cannot be of one curve are left alone", () => {
        open("a = 0:(0 0.4 0.1 0.2), 15:(1 0.4 0.1 0.2), 100%:(1 0.4 0.1 0.2)");
        regions.toggleKey(16, 3);
        assert.deepEqual(written, []);
    });

    test("percentages stay percentages", () => {
        open("a = 0%:(0 0.4 0.1 0.2), 100%:(1 0.4 0.1 0.2)");
        assert.equal(regions.hasKey(regions.regions[0], 16, 15), true);
        drag(15, [0.9, 0.4, 0.1, 0.2]);
        assert.equal(regions.text, "a = 0%:(0 0.4 0.1 0.2), 100%:(0.9 0.4 0.1 0.2)");
    });
});

describe("all of them", () => {
    test("one is added under a name of its own, and is the active one", () => {
        open("region1 = (0 0 1 1)");
        regions.add();
        assert.equal(regions.text, "region1 = (0 0 1 1)\nregion2 = (0.5 0.4 0.15 0.2)");
        assert.equal(regions.active, 1);
    });

    test("one more than there can be is refused", () => {
        open(Array.from({ length: 64 }, (_, i) => `a${i} = (0 0 1 1)`).join("\n"));
        regions.add();
        assert.deepEqual([regions.fault, written], [null, []]);
        assert.match(said.at(-1), /^Not changed: .*at most 64 regions/);
    });

    test("one is removed", () => {
        regions.remove();
        assert.equal(regions.text, "right = (0.7 0.4 0.1 0.2)");
        regions.remove();
        regions.remove();
        assert.equal(regions.text, "");
    });

    test("what was done is undone and done again", () => {
        drag(0, [0.5, 0.4, 0.1, 0.2]);
        regions.undo(-1);
        assert.equal(regions.text, STILL);
        regions.undo(1);
        assert.match(regions.text, /^left = \(0.5/);
        assert.deepEqual(written.length, 3);
    });
});
