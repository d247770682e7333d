"""A page with the node Apply W+ in Chromium, where ComfyUI's `app` and LiteGraph's nodes stand in, as far as they are
used."""

from __future__ import annotations

import editor_page
from editor_page import Editor

from wplus_ext.presets import PRESETS

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A node</title>
<script type="module" src="/extensions/wplus/comfy/wplus_node.js"></script>
<script type="module">
import { app, ask, make } from "/scripts/app.js";
Object.assign(window, { app, heard: [], make: () => {
    const node = make();
    document.querySelector("#nodes").append(...node.widgets.map(({ element }) => element).filter(Boolean));
    return node;
} });
// ComfyUI hears of each key first, looks a frame later whether it was to undo, and has shortcuts of its own
const hear = (event) => !["Control", "Shift"].includes(event.key) && window.heard.push(event.key);
addEventListener("keydown", (event) => requestAnimationFrame(() => hear(event)), true);
addEventListener("keydown", (event) => window.heard.push(`bubbled ${event.key}`));
await ask();
window.first = window.make();
document.body.id = "ready";
</script></head>
<body><div id="nodes" style="width: 620px; transform-origin: 0 0"></div></body></html>"""

APP = """
const asked = [];
export const app = {
    registerExtension: (extension) => asked.push(extension),
    extensionManager: { setting: { get: () => localStorage.getItem("language") ?? "en" } },
    canvas: { setDirty() {}, steps: 0, emitBeforeChange() { this.steps += 1; }, emitAfterChange() {} },
};
class Node {
    inputs = []; outputs = []; widgets = []; size = [400, 300]; graph = null; givers = {};
    getInputNode(i) { return this.givers[this.inputs[i].name] ?? null; }
    getOutputNodes() { return []; }
    computeSize() { return [400, 300]; }
    setSize(size) { this.size = size; }
    addDOMWidget(name, type, element, options) {
        const widget = { name, type, element, options, get value() { return element.value ?? ""; }, set value(text) {
            element.value = text;
            widget.callback?.(text);
        } };
        element.addEventListener("input", () => widget.callback?.(widget.value));
        this.widgets.push(widget);
        return widget;
    }
}
class Apply extends Node {
    constructor() {
        super();
        const { givers } = this;
        for (const name of ["tracks", "strength", "latent", "identity"]) {
            this.inputs.push({ name, type: "STRING", get link() { return givers[name] ? 1 : null; } });
        }
        this.addDOMWidget("tracks", "customtext", document.createElement("textarea"), {});
        this.widgets.push({ name: "strength", value: "1" }, { name: "frames", value: 16 });
    }
}
window.LiteGraph = { registered_node_types: {} };
export async function ask() {
    const input = { required: { tracks: ["STRING", { presets: PRESETS }] } };
    for (const { beforeRegisterNodeDef, init } of asked) {
        await init?.(app);
        await beforeRegisterNodeDef(Apply, { name: "WPlusApply", input }, app);
    }
}
export function make() {
    const node = new Apply();
    node.onNodeCreated();
    node.graph = {};
    return node;
}
""".replace("PRESETS", str([list(pair) for pair in PRESETS.items()]))


PATHS = {"/extensions/wplus/": "/javascript/", "/wplus/style": "/style", "/wplus/": "/localizations/"}


class Handler(editor_page.Handler):
    def do_GET(self) -> None:
        made = {"/": (PAGE, "text/html"), "/scripts/app.js": (APP, "text/javascript")}
        if self.path in made:
            text, kind = made[self.path]
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())
            return
        for asked, path in PATHS.items():
            self.path = self.path.replace(asked, path, self.path.startswith(asked))
        super().do_GET()


class NodeEditor(Editor):
    """The editor of one node, by its number among those that were made."""

    def __init__(self, page: object, number: int = 0) -> None:
        self.page, self.zoom = page, 1.0
        self.root = page.locator(".wplus-node").nth(number)
        self.svg = self.root.locator("svg.wplus-plot")
        self.area = page.locator("textarea").nth(number)
        self.half, self.past, self.last = 1.0, False, 15

    def at(self, frame: float, value: float) -> tuple[float, float]:
        box = self.svg.bounding_box()
        inner = box["width"] / self.zoom - editor_page.LEFT - editor_page.RIGHT
        x = editor_page.LEFT + frame / self.last * inner
        height = editor_page.HEIGHT - editor_page.TOP - editor_page.BOTTOM
        y = editor_page.TOP + (self.half - value) / (2 * self.half) * height
        return box["x"] + x * self.zoom, box["y"] + y * self.zoom

    def magnify(self, zoom: float) -> None:
        """Show the page as ComfyUI shows a graph: larger or smaller, by a transform."""
        self.zoom = zoom
        self.page.evaluate(f"document.querySelector('#nodes').style.transform = 'scale({zoom})'")

    @property
    def text(self) -> str:
        self.settle()
        return self.area.input_value()

    def value_of(self, name: str) -> object:
        """The value of the first node's widget."""
        return self.page.evaluate(f"first.widgets.find(({{ name }}) => name === '{name}').value")
