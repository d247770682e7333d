// The drawing: an SVG of curves, dots, keys, handles and a ruler. It knows no gestures and keeps no tracks;
// `layout` sets the scales, `paint` draws a scene. While the number of keys stays the same, painting changes
// attributes alone: the WebUI watches every node that is added to its page.

import { MAX_SIZE, plain } from "./wplus_curve.mjs";
import { set, svg } from "./wplus_dom.mjs";
import { EASINGS } from "./wplus_easings.mjs";
import { clamp, isPast } from "./wplus_edits.mjs";
import { gridOf } from "./wplus_grid.mjs";
import { colourOf, shapeOf } from "./wplus_styles.mjs";
import { textOf } from "./wplus_units.mjs";
import { words } from "./wplus_words.mjs";

const MARGIN = { left: 44, right: 24, top: 14, bottom: 38 };
const HEIGHT = 200;
const PAST = 22; // width of the gutter for keys past the end
const CHANGES = 34; // width of the right axis
const GROUPS = [ // from below
    "known", "grid", "ghosts", "reached", "curves", "changed", "cursor", "handles", "keys", "marquee",
];
const CLIPPED = ["known", "ghosts", "reached", "curves", "changed"];

/** The drawing's `element`, and the two ways between pixels on it and frames and values. */
export class Plot {
    #groups = {};
    #pools = new Map();
    #drawn = ""; // the scales
    #paths = new WeakMap(); // by curve: a drag moves only one of them

    constructor() {
        const named = { role: "group", "aria-label": words("Curve over the frames") };
        this.element = svg("svg", { class: "wplus-plot", height: HEIGHT, ...named });
        this.clip = svg("rect");
        this.empty = svg("text", { class: "wplus-empty" }, words("Double-click here, or press Add track"));
        const id = `wplus-clip-${Math.random().toString(36).slice(2)}`;
        this.element.append(svg("defs", {}, svg("clipPath", { id }, this.clip)));
        for (const name of GROUPS) {
            const clip = CLIPPED.includes(name) ? { "clip-path": `url(#${id})` } : {};
            this.#groups[name] = svg("g", { class: `wplus-${name}`, ...clip });
            this.element.append(this.#groups[name]);
        }
        this.#groups.cursor.before(this.empty);
    }

    /**
     * Set the scales: pixels, frames, frames a second, half of the value axis, where what is known of it ends, what 1
     * of it is shown as, keys past the end, and the most that a run changed, 0 for no axis of that.
     */
    layout({ width, frames, fps, half, low, high, scale, past, most }) {
        const last = Math.max(frames - 1, 1), gutter = past ? PAST : 0;
        const inner = Math.max(width - MARGIN.left - MARGIN.right - gutter - (most ? CHANGES : 0), 40);
        Object.assign(this, { width, frames, half, last, scale, most, inner });
        const key = [width, frames, fps, half, low, high, scale, past, most].join();
        if (key === this.#drawn) return;
        this.#drawn = key;
        this.element.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
        this.element.setAttribute("width", width);
        set(this.clip, { x: MARGIN.left - 4, y: MARGIN.top, width: this.inner + 8, height: this.bottom - MARGIN.top });
        this.#groups.grid.replaceChildren(...gridOf(this, fps, gutter));
        set(this.empty, { x: MARGIN.left + inner / 2, y: this.y(0.75 * half) }); // between two lines
        this.#shade(low, high);
    }

    get left() {
        return MARGIN.left;
    }

    get right() {
        return MARGIN.left + this.inner;
    }

    get top() {
        return MARGIN.top;
    }

    get bottom() {
        return HEIGHT - MARGIN.bottom;
    }

    x(frame) {
        return MARGIN.left + (frame / this.last) * this.inner;
    }

    y(value) {
        return MARGIN.top + ((this.half - value) / (2 * this.half)) * (this.bottom - MARGIN.top);
    }

    /** Where a part that a run changed is, on the right axis. */
    low(part) {
        return this.bottom - (part / (this.most || 1)) * (this.bottom - MARGIN.top);
    }

    frameAt(x) {
        return ((x - MARGIN.left) / this.inner) * this.last;
    }

    valueAt(y) {
        return this.half - ((y - MARGIN.top) / (this.bottom - MARGIN.top)) * 2 * this.half;
    }

    /** Where on the drawing a pointer's event is: the page may show it larger or smaller than it is drawn. */
    point({ clientX, clientY }) {
        const box = this.element.getBoundingClientRect();
        const x = (clientX - box.left) * (this.width / box.width), y = (clientY - box.top) * (HEIGHT / box.height);
        return { x, y };
    }

    /** Where a key is drawn; those past the end wait in the gutter. */
    spot(frame, value) {
        const past = isPast(frame, this.frames), x = past ? this.right + PAST : this.x(frame);
        return { x, y: this.y(clamp(value, -this.half, this.half)), past };
    }

    /**
     * Draw `{tracks, units, ghosts, cursor, marquee, changed, reached, empty}`: tracks as `scenesOf` gives them, the
     * units of the active one, ghosts as `{style, curve}`, the part that was changed at each frame, what was reached as
     * values, null for a gap, and whether there is no track yet.
     */
    paint({ tracks, units, ghosts = [], cursor, marquee, changed = [], reached = [], empty = false }) {
        const lines = this.#pool("curves", "path", tracks.length * 2), dots = lines.splice(tracks.length);
        tracks.forEach((track, i) => {
            const css = `${colourOf(track.style)}${track.active ? " wplus-active" : ""}`;
            const path = track.curve ? this.#path(track.curve, track.stretch) : { line: "", dots: "" };
            set(lines[i], { class: `wplus-line ${css}`, d: path.line });
            set(dots[i], { class: `wplus-dots ${css}`, d: path.dots });
        });
        this.#pool("ghosts", "path", 2); // made beforehand: a drag adds no nodes
        this.#pool("ghosts", "path", ghosts.length).forEach((path, i) => {
            set(path, { class: colourOf(ghosts[i].style), d: this.#path(ghosts[i].curve, 1).line });
        });
        const points = changed.map((part, frame) => `${this.x(frame).toFixed(1)} ${this.low(part).toFixed(1)}`);
        set(this.#pool("changed", "path", 1)[0], { d: points.length ? `M${points.join("L")}` : "" });
        set(this.#pool("reached", "path", 1)[0], { d: this.#gapped(reached) });
        const at = this.x(clamp(cursor, 0, this.last)).toFixed(1);
        set(this.#pool("cursor", "path", 1)[0], { d: `M${at} ${MARGIN.top}V${this.bottom}` });
        set(this.empty, { display: empty ? "inline" : "none" });
        const box = marquee ?? { x: 0, y: 0, width: 0, height: 0 };
        set(this.#pool("marquee", "rect", 1)[0], box);
        this.#keys(tracks, units);
        this.#handles(tracks.find((track) => track.active)?.handles ?? []);
    }

    /** The element of a key of the active track, to focus it. */
    keyElement(number) {
        return this.#groups.keys.querySelector(`[data-active="true"][data-key="${number}"]`);
    }

    #keys(tracks, units) {
        const all = tracks.flatMap((track) => track.sequence.map((number, i) => ({ track, number, i })));
        this.#pool("keys", "key", all.length).forEach((element, at) => {
            const { track, number, i } = all[at], key = track.keys[number], frame = track.places[number];
            const { x, y, past } = this.spot(frame, key.value * track.stretch);
            const chosen = track.active && track.chosen.has(number);
            const states = [track.active && " wplus-active", chosen && " wplus-chosen", past && " wplus-past"];
            const value = track.active ? textOf(units, key.value) : plain(key.value);
            const said = words("frame {0}, {1}, {2}", plain(frame), value, EASINGS[key.easing].title);
            set(element, {
                transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
                class: `wplus-key ${colourOf(track.style)}${states.filter(Boolean).join("")}`,
                tabindex: track.active ? 0 : -1,
                "aria-label": words("{0}, key {1} of {2}", track.name, i + 1, track.keys.length),
                "aria-valuetext": past ? words("{0}, past the end", said) : said,
                "aria-valuenow": key.value,
                "aria-valuemin": -MAX_SIZE,
                "aria-valuemax": MAX_SIZE,
                "aria-disabled": track.locked,
                "data-track": track.index,
                "data-key": number,
                "data-active": track.active,
            });
            const size = clamp(this.inner / track.keys.length / 12, 0.5, 1); // smaller where there are many
            set(element.lastChild, { d: shapeOf(track.style), transform: `scale(${size.toFixed(2)})` });
        });
    }

    #handles(handles) {
        const arms = this.#pool("handles", "handle", handles.length);
        handles.forEach((handle, i) => {
            const [x, y] = [this.x(handle.frame).toFixed(1), this.y(handle.value).toFixed(1)];
            const [fromX, fromY] = [this.x(handle.fromFrame).toFixed(1), this.y(handle.fromValue).toFixed(1)];
            set(arms[i], { "data-key": handle.key, "data-end": handle.end });
            const [line, ...circles] = arms[i].childNodes;
            set(line, { d: `M${fromX} ${fromY}L${x} ${y}` });
            for (const circle of circles) set(circle, { cx: x, cy: y });
        });
    }

    #path(curve, stretch) {
        const scales = `${this.#drawn} ${stretch}`;
        if (this.#paths.get(curve)?.scales !== scales) {
            this.#paths.set(curve, { scales, line: this.#line(curve, stretch), dots: this.#dots(curve, stretch) });
        }
        return this.#paths.get(curve);
    }

    /** Between the frames too: a step of at most two pixels. */
    #line(curve, stretch) {
        const steps = Math.max(Math.ceil(this.inner / 2), 1), points = [];
        for (let i = 0; i <= steps; i++) points.push([(i / steps) * (this.frames - 1), 0]);
        for (const place of curve.places) {
            if (place > 0 && place < this.frames - 1) points.push([place - 1e-6, 0], [place, 0]);
        }
        points.sort((a, b) => a[0] - b[0]);
        if (this.frames === 1) points.push([1, 0]);
        let d = "";
        for (const [frame] of points) {
            const value = curve.at(Math.min(frame, this.frames - 1)) * stretch;
            d += `${d ? "L" : "M"}${this.x(frame).toFixed(1)} ${this.y(value).toFixed(1)}`;
        }
        return d;
    }

    /** A dot at every frame that will be rendered, as lines of no length with round ends. */
    #dots(curve, stretch) {
        let d = "";
        for (let frame = 0; frame < this.frames; frame++) {
            d += `M${this.x(frame).toFixed(1)} ${this.y(curve.at(frame) * stretch).toFixed(1)}h0`;
        }
        return d;
    }

    /** Values by frame as a line with gaps; a frame that stands alone is a dot. */
    #gapped(values) {
        const point = (frame) => `${this.x(frame).toFixed(1)} ${this.y(values[frame]).toFixed(1)}`;
        const isGap = (frame) => (values[frame] ?? null) === null;
        return values.map((_, frame) => {
            if (isGap(frame)) return "";
            return isGap(frame - 1) ? `M${point(frame)}h0` : `L${point(frame)}`;
        }).join("");
    }

    #shade(low, high) {
        const [top, bottom] = [high, low].map((value) => this.y(clamp(value, -this.half, this.half)));
        const across = { x: MARGIN.left - 4, width: this.inner + 8 };
        this.#groups.known.replaceChildren(
            svg("rect", { ...across, y: top, height: bottom - top, class: "wplus-within" }),
            svg("rect", { ...across, y: MARGIN.top, height: top - MARGIN.top, class: "wplus-beyond" }),
            svg("rect", { ...across, y: bottom, height: this.bottom - bottom, class: "wplus-beyond" }),
        );
    }

    /** So many elements of a group, made when they are first needed and hidden when they are not. */
    #pool(name, kind, count) {
        const pool = this.#pools.get(name) ?? [];
        this.#pools.set(name, pool);
        while (pool.length < count) {
            pool.push(make(kind));
            this.#groups[name].append(pool.at(-1));
        }
        pool.forEach((element, i) => set(element, { display: i < count ? "inline" : "none" }));
        return pool.slice(0, count);
    }
}

function make(kind) {
    const touch = () => svg("circle", { class: "wplus-touch", r: 22 });
    if (kind === "key") return svg("g", { role: "slider", "aria-orientation": "vertical" }, touch(), svg("path"));
    if (kind !== "handle") return svg(kind);
    return svg("g", { class: "wplus-handle" }, svg("path"), touch(), svg("circle", { class: "wplus-knob", r: 4.5 }));
}
