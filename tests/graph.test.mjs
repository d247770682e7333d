// What the editor in ComfyUI knows of the graph.

import assert from "node:assert/strict";
import { test } from "node:test";

import { framesOf, isConnected, widgetOf } from "../javascript/comfy/wplus_graph.mjs";

/** A node of LiteGraph's kind: `inputs` are `[name, type, giver]`. */
function node(widgets = {}, inputs = []) {
    const made = {
        graph: {},
        widgets: Object.entries(widgets).map(([name, value]) => ({ name, value })),
        inputs: inputs.map(([name, type, giver], i) => ({ name, type, link: giver ? i : null })),
        outputs: [{}], takers: [],
        getInputNode: (i) => inputs[i][2] ?? null,
        getOutputNodes: () => made.takers,
    };
    for (const [, , giver] of inputs) giver?.takers.push(made);
    return made;
}

const latent = (frames) => node({ width: 512, batch_size: frames });

test("frames are those of the latent that comes to the node", () => {
    assert.equal(framesOf(node({ frames: 16 }, [["latent", "LATENT", latent(24)]])).frames, 24);
});

test("or of the sampler's, behind other nodes of the model", () => {
    const apply = node({ frames: 16 }), other = node({}, [["model", "MODEL", apply]]);
    node({ steps: 20 }, [["model", "MODEL", other], ["latent_image", "LATENT", latent(12)]]);
    assert.equal(framesOf(apply).frames, 12);
});

test("or of a video that was encoded, behind a reroute", () => {
    const video = node({ frame_load_cap: 40 }), reroute = node({}, [["", "*", video]]);
    const encoded = node({}, [["pixels", "IMAGE", reroute]]);
    assert.equal(framesOf(node({ frames: 16 }, [["latent", "LATENT", encoded]])).frames, 40);
});

test("a picture that goes into the model has none", () => {
    const apply = node({ frames: 16 });
    node({}, [["model", "MODEL", apply], ["image", "IMAGE", node({ frame_load_cap: 3 })]]);
    assert.equal(framesOf(apply).frames, 16);
});

test("a field that another node gives is that node's", () => {
    const batch = node({ batch_size: 1 }, [["batch_size", "INT", node({ value: 32 })]]);
    assert.equal(framesOf(node({ frames: 16 }, [["latent", "LATENT", batch]])).frames, 32);
});

test("nothing says is 0", () => {
    assert.deepEqual(framesOf(node({}, [["latent", "LATENT", node()]])), { frames: 0, fps: 0 });
});

test("frames a second are those of the video that is made", () => {
    const apply = node({ frames: 16 }), sampler = node({}, [["model", "MODEL", apply]]);
    node({ frame_rate: 8 }, [["images", "IMAGE", node({}, [["samples", "LATENT", sampler]])]]);
    assert.equal(framesOf(apply).fps, 8);
});

test("what comes from outside a subgraph is not known", () => {
    const made = node({ tracks: "smile = 0", frames: 16 }, [["tracks", "STRING"], ["latent", "LATENT"]]);
    made.inputs.forEach((input) => (input.link = 7)); // to which no node belongs
    assert.deepEqual([widgetOf(made, "tracks"), isConnected(made, "tracks")], [undefined, true]);
    assert.equal(framesOf(made).frames, 16);
});

test("a circle ends", () => {
    const a = node(), b = node({}, [["model", "MODEL", a]]);
    b.takers.push(a);
    assert.equal(framesOf(a).frames, 0);
});

test("a widget is the node's own, or the giver's of the same kind", () => {
    const giver = node({ seed: 3, text: "age = 0.5" });
    assert.equal(widgetOf(node({ tracks: "smile = 0" }), "tracks").value, "smile = 0");
    const given = node({ tracks: "smile = 0" }, [["tracks", "STRING", giver]]);
    assert.equal(widgetOf(given, "tracks").value, "age = 0.5");
    assert.equal(widgetOf(node({ tracks: "" }, [["tracks", "STRING", node({ seed: 3 })]]), "tracks"), undefined);
    assert.ok(isConnected(given, "tracks") && !isConnected(given, "identity"));
    const made = node({ text: "a" }, [["clip", "CLIP", node({})]]);
    const taken = (other) => widgetOf(node({ tracks: "" }, [["tracks", "STRING", other]]), "tracks");
    assert.deepEqual([taken(made), taken(node({ first: "a", second: "b" }))], [undefined, undefined]);
});

test("a node that is in no graph yet has what is its own", () => {
    const made = { ...node({ tracks: "smile = 0", frames: 16 }, [["tracks", "STRING", null]]), graph: null };
    Object.assign(made, { getInputNode: assert.fail, getOutputNodes: assert.fail }); // as LiteGraph does
    assert.deepEqual([widgetOf(made, "tracks").value, framesOf(made).frames], ["smile = 0", 16]);
});
