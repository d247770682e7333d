// What a node of ComfyUI can know of the graph around it: who gives its inputs, and how many frames will be made. It
// reads nodes as LiteGraph has them; no page.

const COUNTS = ["batch_size", "video_length", "num_frames", "frame_load_cap", "length"]; // fields of frames
const RATES = ["frame_rate", "fps"]; // fields of frames a second
const LATENT = ["LATENT"], PICTURES = ["LATENT", "IMAGE", "*"]; // types that frames come along; "*" is a reroute's

/** Whether something is connected to an input. */
export function isConnected(node, name) {
    return Boolean(node.inputs?.some((input) => input.name === name && (input.link ?? null) !== null));
}

/** The node that is connected to an input; undefined where there is none, or it is outside this subgraph. */
function giverOf(node, name) {
    if (!isConnected(node, name)) return undefined;
    return node.getInputNode(node.inputs.findIndex((input) => input.name === name)) ?? undefined;
}

/**
 * The widget that an input's value is in: the node's own, or, where another node is connected to it that only hands on
 * what is typed there, that one's. Undefined where there is none: then nobody knows the value before it is made.
 */
export function widgetOf(node, name) {
    const own = node.widgets?.find((widget) => widget.name === name), kind = typeof (own?.value ?? "");
    if (!isConnected(node, name)) return own;
    const giver = giverOf(node, name), its = giver?.widgets?.filter(({ value }) => typeof value === kind) ?? [];
    const isMade = giver?.inputs?.some(({ link }) => (link ?? null) !== null); // of other nodes' values
    return its.length === 1 && !isMade && its[0].type !== "combo" ? its[0] : undefined;
}

/** A node's number in the first of some widgets that has one above 0, else 0. */
function numberIn(node, names) {
    const has = names.filter((name) => node.widgets?.some((widget) => widget.name === name));
    return has.map((name) => Number(widgetOf(node, name)?.value)).find((number) => number > 0) ?? 0;
}

/** A node and those that its frames come from, the nearest first. A set grows while it is gone through. */
function* upstream(node) {
    const found = new Set([node]);
    for (const one of found) {
        yield one;
        const types = one === node ? LATENT : PICTURES; // a node on the model's way may take pictures for other ends
        const ways = (one.inputs ?? []).filter(({ type }) => types.includes(type));
        for (const giver of ways.map(({ name }) => giverOf(one, name))) if (giver) found.add(giver);
    }
}

/** A node and those that take what it gives, the nearest first. */
function* downstream(node) {
    const found = new Set([node]);
    for (const one of found) {
        yield one;
        const takers = [...(one.graph ? one.outputs ?? [] : []).keys()].flatMap((i) => one.getOutputNodes(i) ?? []);
        for (const taker of takers) found.add(taker);
    }
}

/**
 * `{frames, fps}`, 0 where nothing says: of a latent that comes to the node, or to what comes after it, as a sampler;
 * else of the node's own field.
 */
export function framesOf(node) {
    const after = [...downstream(node)];
    const count = (nodes, names) => [...nodes].reduce((sofar, one) => sofar || numberIn(one, names), 0);
    const frames = after.reduce((sofar, one) => sofar || count(upstream(one), COUNTS), 0);
    return { frames: Math.round(frames || numberIn(node, ["frames"])), fps: count(after, RATES) };
}
