// Mounts an editor in each "Apply W+" node of ComfyUI. The text is the node's widget `tracks`, so workflows, copies and
// ComfyUI's own undo have it; what the graph says of frames is looked at, since nobody tells when it changes.
// ComfyUI loads this file, the only one with .js, by itself; the WebUI loads nothing of this folder.

import { app } from "../../../scripts/app.js"; // ComfyUI's
import { html, show } from "../wplus_dom.mjs";
import { Editor } from "../wplus_editor.mjs";
import { parseRegions } from "../wplus_regions.mjs";
import { EditorState } from "../wplus_state.mjs";
import { apart, together, withLine } from "../wplus_text.mjs";
import { LAYERS, TrackError, formatTrack, parseSchedule } from "../wplus_tracks.mjs";
import { words } from "../wplus_words.mjs";
import { framesOf, isConnected, widgetOf } from "./wplus_graph.mjs";

const WATCH = 300; // milliseconds between looks at the graph and at fields that tell nobody
const STRAYS = 20; // looks at a node outside of the graph
const SIZE = [620, 420]; // of a new node's editor, in the graph's units
const MARGIN = 10; // that ComfyUI leaves around a widget's element
const FRAMES = 16; // that are drawn where nothing says how many there will be
const ITS = ["enter", "s"]; // with Ctrl: to queue and to save, which are ComfyUI's wherever one is
const FILES = new URL("../../../wplus/", import.meta.url); // see wplus_ext/hosts/comfy/page.py
const LANGUAGES = { de: "de_DE", ja: "ja_JP", zh: "zh_CN" }; // by ComfyUI's names

app.registerExtension({
    name: "wplus.curve",
    async init() {
        document.head.append(html("link", { rel: "stylesheet", href: new URL("style.css", FILES) }));
        const language = LANGUAGES[app.extensionManager?.setting.get("Comfy.Locale")];
        if (!language) return;
        const found = await fetch(new URL(`${language}.json`, FILES));
        if (found.ok) globalThis.localization = await found.json(); // where wplus_words.mjs looks
    },
    beforeRegisterNodeDef(nodeType, { name, input }) {
        if (name !== "WPlusApply") return;
        const { onNodeCreated } = nodeType.prototype;
        nodeType.prototype.onNodeCreated = function created(...given) {
            onNodeCreated?.apply(this, given);
            new Mounted(this, input.required.tracks[1].presets);
        };
    },
});

/** A node's editor. */
class Mounted {
    #writing = false;

    constructor(node, presets) {
        Object.assign(this, { node, canvas: app.canvas });
        const names = html("datalist", { id: `wplus-directions-${Math.random().toString(36).slice(2)}` });
        const list = () => names.replaceChildren(...directions().map((value) => html("option", { value })));
        const named = { "aria-label": words("Direction"), list: names.id };
        this.direction = html("input", { type: "text", ...named, onfocus: list }); // as ComfyUI has them then
        show(this.direction, firstDirection());
        this.state = new EditorState({ direction: () => this.named, echo: 0 });
        this.state.open(this.text);
        this.state.listen({ wrote: (text) => this.write(apart(text)) });
        const root = html("div", { class: "wplus-node wplus-curve" });
        this.element = new Editor(root, this.state, presets, () => this.addTrack()).element;
        this.element.prepend(html("div", { class: "wplus-fields" },
            html("label", {}, words("Direction"), this.direction), names,
            html("button", { type: "button", onclick: () => this.addTrack() }, words("Add track"))));
        keepKeys(root, this.element);
        passPointers(root);
        this.#place(root);
        this.#follow();
    }

    // The text

    /** The widget whose text an input has, else null. */
    field(name) {
        const widget = widgetOf(this.node, name);
        return typeof widget?.value === "string" ? widget : null;
    }

    /** That of the tracks and the strength. */
    get text() {
        const tracks = this.field("tracks")?.value ?? "", strength = this.field("strength")?.value;
        return strength === undefined ? tracks : together(tracks, strength);
    }

    /** Set fields' texts, by their names; null leaves one as it is. It is one step of ComfyUI's own undo. */
    write(texts) {
        this.#writing = true;
        this.canvas.emitBeforeChange?.();
        for (const [name, text] of Object.entries(texts)) {
            const widget = this.field(name);
            if (text === null || !widget || widget.value === text) continue;
            widget.value = text;
            if (!widget.element) widget.callback?.(text); // a widget with an element does so by itself
        }
        this.canvas.emitAfterChange?.();
        this.#writing = false;
        this.look();
    }

    /** The direction of a new track. */
    get named() {
        return this.direction.value.trim() || "smile";
    }

    addTrack() {
        const track = { name: this.named, layers: [0, LAYERS], schedule: parseSchedule("0.5") };
        this.write({ tracks: withLine(this.field("tracks")?.value ?? "", formatTrack(track)) });
    }

    // The node

    /** The editor is below the other widgets, as high as it is: what else there is of room is the text's. */
    #place(root) {
        const { node, element, canvas } = this, height = () => (element.offsetHeight || SIZE[1]) + 2 * MARGIN;
        const size = { getMinHeight: height, getMaxHeight: height, margin: MARGIN, hideOnZoom: false };
        const widget = node.addDOMWidget("curve", "wplus_curve", root, { serialize: false, ...size });
        widget.serialize = false; // its text is another widget's
        const fit = (width) => {
            node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], node.computeSize()[1])]);
        };
        fit(SIZE[0]);
        new ResizeObserver(() => {
            fit(0);
            canvas.setDirty(true, true);
        }).observe(element);
    }

    /** Look at what may have changed, as long as there is the node. */
    #follow() {
        const { node, state } = this;
        let strays = 0;
        const timer = setInterval(() => {
            this.look();
            strays = node.graph ? 0 : strays + 1;
            if (strays > STRAYS) clearInterval(timer); // what is copied from a node may never come into the graph
        }, WATCH);
        const after = (object, name, act) => {
            const before = object[name];
            object[name] = function heard(...given) {
                const answer = before?.apply(this, given);
                act();
                return answer;
            };
        };
        after(node, "onRemoved", () => clearInterval(timer));
        after(node, "onConfigure", () => state.open(this.text)); // a workflow's, which is no step of the editor's
        after(node.widgets.find(({ name }) => name === "tracks"), "callback", () => this.look());
    }

    /** Keep the state to what the node's fields and the graph say. */
    look() {
        const { node, state, element } = this;
        if (this.#writing || !element.isConnected) return;
        const { frames, fps } = framesOf(node), tracks = this.field("tracks");
        const note = !tracks ? words("the text comes from another node, which alone can change it")
            : frames ? "" : words("nothing says how many frames there will be: {0} are drawn", FRAMES);
        state.setFrames(frames || FRAMES, fps, note);
        state.setIdentity(isConnected(node, "identity"));
        state.setRegions(namesIn(this.field("regions")?.value ?? ""));
        state.setText(this.text, ["tracks", "strength"].find((name) => isTyped(this.field(name))));
        element.inert = !tracks;
        element.parentElement.classList.toggle("dark", isLight(getComputedStyle(element).color)); // as its text says
    }
}

/** The names of directions that ComfyUI has for the node which picks one. */
function directions() {
    return globalThis.LiteGraph.registered_node_types.WPlusDirection?.nodeData?.input.required.direction[0] ?? [];
}

/** The one to begin with, as on the WebUI's page: a smile by steps where there is one. */
function firstDirection() {
    const smiles = directions().filter((name) => name.split("/").at(-1) === "smile");
    return smiles.find((name) => !name.startsWith("ganspace/")) ?? [...smiles, ...directions(), "smile"][0];
}

/** Whether a person types a widget's text: ComfyUI's newer nodes show it in a box that is not the widget's own. */
function isTyped(widget) {
    const { activeElement } = document;
    return Boolean(widget && activeElement?.matches("textarea, input") && activeElement.value === widget.value);
}

/** Whether a colour, as rgb(…), is nearer to white than to black. */
function isLight(colour) {
    const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
    return red + green + blue > 1.5 * 255;
}

function namesIn(text) {
    try {
        return parseRegions(text).map(({ name }) => name);
    } catch (fault) {
        if (!(fault instanceof TrackError)) throw fault;
        return []; // Python says what is wrong with it
    }
}

/** What is typed, copied and pasted in the editor is not for the graph. */
function keepKeys(root, element) {
    element.addEventListener("keydown", (event) => { // after the editor's own
        // ComfyUI hears of each key first, and looks a frame later whether it was to undo: not this one.
        if (event.defaultPrevented) Object.defineProperty(event, "key", { value: "" });
    });
    root.addEventListener("keydown", (event) => {
        const its = (event.ctrlKey || event.metaKey) && ITS.includes(event.key.toLowerCase());
        if (!its) event.stopPropagation();
    });
    for (const type of ["copy", "cut", "paste"]) root.addEventListener(type, (event) => event.stopPropagation());
}

/** The wheel, and what the middle button drags, move the graph, as they do over its own fields. */
function passPointers(root) {
    const { canvas } = app;
    const isGraphs = () => !globalThis.LiteGraph?.vueNodesMode; // there they get to it by themselves
    const on = (type, isIts, act) => root.addEventListener(type, (event) => isGraphs() && isIts(event) && act(event));
    on("wheel", () => true, (event) => canvas.processMouseWheel(event));
    on("pointerdown", ({ button }) => button === 1, (event) => canvas.processMouseDown(event));
    on("pointermove", ({ buttons }) => buttons & 4, (event) => canvas.processMouseMove(event));
    on("pointerup", ({ button }) => button === 1, (event) => canvas.processMouseUp(event));
}
