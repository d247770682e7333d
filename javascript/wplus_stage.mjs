// The picture under the cursor with the regions on it: ellipses that are dragged, sized and keyed. It shows the state
// of the regions, and of the curves, whose frames and cursor it shares; what a person does goes to the former.

import { button, html, press, set, svg } from "./wplus_dom.mjs";
import { curveOf } from "./wplus_edits.mjs";
import { ellipseAt } from "./wplus_ellipses.mjs";
import { colourOf, styleOf } from "./wplus_styles.mjs";
import { words } from "./wplus_words.mjs";

const HEIGHT = 320; // pixels of the picture, at most
const SIDE = 1000; // of the drawing's own units, across and down
const ENDS = { right: [1, 0], bottom: [0, 1], left: [-1, 0], top: [0, -1] }; // of an ellipse, that size it
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KNOB = { mouse: 6, touch: 9 }; // pixels of a handle's radius
const NEAR = 26; // pixels within which a finger has a handle
const STEP = 0.01; // parts of the picture, by an arrow key
const ICONS = {
    add: "M12 5v14M5 12h14", remove: "M5 12h14", key: "M12 4l6 8l-6 8l-6-8z",
    undo: "M8 5L4 9l4 4M4 9h9a5 5 0 0 1 0 10H9", redo: "M16 5l4 4l-4 4M20 9h-9a5 5 0 0 0 0 10h4",
};

export class Stage {
    #due = false; // a painting
    #pressed = null; // `{pointer, x, y, end, ellipse}`: where a drag began, and on what
    #drawn = []; // groups, one a region

    /** Args: the element to fill, the `Ellipses`, the `EditorState`, and `size()`, that of the next pictures. */
    constructor(root, regions, state, size) {
        Object.assign(this, { regions, state, size });
        const tool = (icon, label, act) => button(ICONS[icon], label, act);
        this.undo = tool("undo", words("Undo in the regions (Ctrl+Z)"), () => regions.undo(-1));
        this.redo = tool("redo", words("Redo in the regions (Ctrl+Shift+Z)"), () => regions.undo(1));
        this.add = tool("add", words("Add a region"), () => regions.add());
        this.remove = tool("remove", words("Remove the active region (Delete)"), () => regions.remove());
        this.key = tool("key", words("Key of the region at the cursor (K)"), () => this.#toggleKey());
        this.readout = html("output", { class: "wplus-readout" });
        this.bar = html("div", { class: "wplus-bar", role: "toolbar", "aria-label": words("Region tools") },
            ...[[this.undo, this.redo], [this.add, this.remove], [this.key]].map((group) => {
                return html("span", { class: "wplus-group" }, ...group);
            }), this.readout);
        this.canvas = html("canvas", { "aria-hidden": "true" });
        const named = { role: "group", "aria-label": words("Regions on the frame at the cursor") };
        this.drawing = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", ...named });
        this.picture = html("div", { class: "wplus-picture" }, this.canvas, this.drawing);
        this.status = html("p", { class: "wplus-status", role: "status", "aria-live": "polite" });
        this.element = html("div", { class: "wplus-editor wplus-stage", tabindex: -1 },
            this.bar, this.picture, this.status);
        root.replaceChildren(this.element);
        this.#listen();
        regions.listen({ changed: () => this.paint(), said: (text) => (this.status.textContent = text) });
        state.listen({ changed: () => this.paint() });
        new ResizeObserver(() => this.paint()).observe(this.element);
        this.paint();
    }

    #listen() {
        const on = (type, act) => this.drawing.addEventListener(type, act);
        on("pointerdown", (event) => this.#press(event));
        on("pointermove", (event) => this.#move(event));
        on("pointerup", (event) => this.#release(event));
        on("pointercancel", () => this.#stop());
        // A finger on a region drags it, and beside them it scrolls the page, as in the drawing of the curves.
        const still = (event) => this.#pressed && event.preventDefault();
        this.drawing.addEventListener("touchstart", still, { passive: false });
        on("focusin", (event) => this.#activate(event.target));
        on("keyup", (event) => event.key in MOVES && this.regions.commit());
        on("focusout", () => this.#pressed || this.regions.commit());
        this.element.addEventListener("keydown", (event) => this.#type(event));
    }

    // Painting

    /** Paint before the next frame of the page. */
    paint() {
        if (this.#due) return;
        this.#due = true;
        requestAnimationFrame(() => {
            this.#due = false;
            this.#paint();
        });
    }

    #paint() {
        const { regions, state } = this, wide = this.element.clientWidth, { cursor, frames } = state;
        this.element.hidden = !regions.regions.length && !regions.text.trim() && !state.run?.strip;
        if (!wide) return;
        const [width, height] = this.#shape(), scale = Math.min(HEIGHT / height, wide / width);
        set(this.picture, { style: `width: ${Math.round(width * scale)}px; height: ${Math.round(height * scale)}px` });
        const knob = matchMedia("(pointer: coarse)").matches ? KNOB.touch : KNOB.mouse;
        this.knob = [width, height].map((side) => (knob * SIDE) / (side * scale)); // round in any picture
        this.#background(width * scale, height * scale);
        this.shown = regions.shown.map((region) => ({ region, ellipse: ellipseAt(region, frames, cursor) }));
        while (this.#drawn.length < this.shown.length) this.#drawn.push(this.#group());
        this.#drawn.forEach((group, i) => this.#draw(group, i, this.shown[i]));
        const { ellipse, region } = this.shown[regions.active] ?? {};
        this.remove.disabled = !region || Boolean(regions.fault);
        this.key.disabled = !ellipse || Boolean(regions.fault);
        this.add.disabled = Boolean(regions.fault);
        this.undo.disabled = !regions.history.can(-1);
        this.redo.disabled = !regions.history.can(1);
        press(this.key, region && regions.hasKey(region, frames, cursor));
        const at = (ellipse ?? []).map((part) => part.toFixed(2)).join(" ");
        const said = regions.fault ? regions.fault.message
            : ellipse ? `${words("frame {0}", cursor)} · ${region.name} ${at}`
                : region ? `${region.name}: ${curveOf(region.parts[0], frames).fault.message}` : "";
        if (this.readout.textContent !== said) this.readout.textContent = said;
    }

    /** Width and height of the frames, or of those that will be made. */
    #shape() {
        const { run, frames } = this.state, strip = this.#strip(run, frames);
        return strip ? [strip.naturalWidth / frames, strip.naturalHeight] : this.size();
    }

    #strip(run, frames) {
        return run?.residual.length === frames ? run.strip : null;
    }

    #background(wide, high) {
        const { run, frames, cursor } = this.state, strip = this.#strip(run, frames), ratio = devicePixelRatio || 1;
        const key = [Math.round(wide * ratio), Math.round(high * ratio), cursor].join();
        if (key === this.painted && strip === this.image) return;
        Object.assign(this, { painted: key, image: strip });
        Object.assign(this.canvas, { width: Math.round(wide * ratio), height: Math.round(high * ratio) });
        if (!strip) return;
        const source = strip.naturalWidth / frames, { width, height } = this.canvas;
        this.canvas.getContext("2d")
            .drawImage(strip, cursor * source, 0, source, strip.naturalHeight, 0, 0, width, height);
    }

    #group() {
        const ends = Object.keys(ENDS).map((end) => svg("ellipse", { class: "wplus-grip", "data-end": end }));
        const group = svg("g", { tabindex: 0, role: "slider" }, svg("ellipse", { class: "wplus-area" }), ...ends);
        this.drawing.append(group);
        return group;
    }

    #draw(group, index, found) {
        if (!found?.ellipse) return set(group, { display: "none" });
        const { region, ellipse: [x, y, wide, high] } = found, active = index === this.regions.active;
        const numbers = found.ellipse.map((part) => part.toFixed(2));
        set(group, {
            display: "inline", class: `${colourOf(styleOf(index))}${active ? " wplus-active" : ""}`,
            "data-region": index,
            "aria-label": words("Region {0}", region.name),
            "aria-valuenow": x.toFixed(2), "aria-valuemin": -1, "aria-valuemax": 2,
            "aria-valuetext": words("centre {0}, {1}, half {2} by {3}", ...numbers),
        });
        const [area, ...ends] = group.childNodes;
        set(area, { cx: x * SIDE, cy: y * SIDE, rx: wide * SIDE, ry: high * SIDE });
        ends.forEach((end) => {
            const [across, down] = ENDS[end.dataset.end];
            const [rx, ry] = this.knob;
            set(end, { cx: (x + across * wide) * SIDE, cy: (y + down * high) * SIDE, rx, ry });
        });
        return null;
    }

    // What a person does

    #activate(target) {
        const group = target.closest?.("[data-region]");
        if (group) this.regions.activate(Number(group.dataset.region));
        return group;
    }

    #point({ clientX, clientY }) {
        const box = this.drawing.getBoundingClientRect();
        return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    }

    #press(event) {
        if (event.button !== 0 || this.#pressed) return;
        const { regions, state } = this, [x, y] = this.#point(event), group = this.#activate(event.target);
        const ellipse = regions.region && ellipseAt(regions.region, state.frames, state.cursor);
        if (!ellipse || regions.fault) return;
        const end = event.pointerType === "touch" ? this.#nearest(x, y, ellipse) : (event.target.dataset.end ?? "");
        if (!group && !end) return;
        this.#pressed = { pointer: event.pointerId, x, y, end, ellipse };
        this.drawing.setPointerCapture(event.pointerId);
        this.#drawn[regions.active].focus({ preventScroll: true });
        event.preventDefault();
    }

    /** The end of an ellipse that a finger is nearest to; none where its centre is nearer, or all are far. */
    #nearest(x, y, [cx, cy, wide, high]) {
        const box = this.drawing.getBoundingClientRect();
        const away = (px, py) => Math.hypot((px - x) * box.width, (py - y) * box.height);
        const ends = Object.entries(ENDS).map(([end, [across, down]]) => {
            return { end, far: away(cx + across * wide, cy + down * high) };
        });
        const { end, far } = ends.reduce((best, one) => (one.far < best.far ? one : best));
        return far <= Math.min(NEAR, away(cx, cy)) ? end : "";
    }

    #move(event) {
        const pressed = this.#pressed;
        if (pressed?.pointer !== event.pointerId) return;
        const [x, y] = this.#point(event), [across, down] = ENDS[pressed.end] ?? [0, 0];
        const [dx, dy] = [x - pressed.x, y - pressed.y], [cx, cy, wide, high] = pressed.ellipse;
        this.#put(pressed.end ? [cx, cy, wide + across * dx, high + down * dy] : [cx + dx, cy + dy, wide, high]);
    }

    #release(event) {
        if (this.#pressed?.pointer !== event.pointerId) return;
        this.#pressed = null;
        this.regions.commit();
    }

    #stop() {
        this.#pressed = null;
        this.regions.cancel();
    }

    #put(ellipse) {
        this.regions.put(this.state.frames, this.state.cursor, ellipse);
    }

    #toggleKey() {
        this.regions.toggleKey(this.state.frames, this.state.cursor);
    }

    #type(event) {
        const act = this.#shortcut(event);
        if (!act) return;
        act();
        event.preventDefault();
        event.stopPropagation();
    }

    /** What a key does, or null: then it is the page's. */
    #shortcut(event) {
        const { regions } = this, control = event.ctrlKey || event.metaKey, letter = event.key.toLowerCase();
        if (event.key === "Escape") return this.#pressed || regions.preview ? () => this.#stop() : null;
        if (control && letter === "z") return () => regions.undo(event.shiftKey ? 1 : -1);
        if (control && letter === "y") return () => regions.undo(1);
        if (control || !event.target.closest?.("[data-region]")) return null;
        if (["Delete", "Backspace"].includes(event.key)) return () => regions.remove();
        if (letter === "k") return () => this.#toggleKey();
        const move = MOVES[event.key];
        if (!move) return null;
        const step = STEP * (event.shiftKey ? 5 : 1), [x, y] = move.map((way) => way * step);
        const [cx, cy, wide, high] = ellipseAt(regions.region, this.state.frames, this.state.cursor);
        return () => this.#put(event.altKey ? [cx, cy, wide + x, high - y] : [cx + x, cy + y, wide, high]);
    }
}
