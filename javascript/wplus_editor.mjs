// The curve editor: one state, one painting per animation frame, one commit per gesture.
//
// The text is the truth. An edit makes a new schedule, which is drawn at once (`preview`); its end, which is a
// released pointer or key, writes the text and calls `write` once. Text from elsewhere comes in through `setText`.

import { LAYERS, parseSchedule, plain } from "./wplus_curve.mjs";
import { Controls } from "./wplus_controls.mjs";
import { html } from "./wplus_dom.mjs";
import * as edits from "./wplus_edits.mjs";
import { Gestures } from "./wplus_gestures.mjs";
import { Plot, axisHalf } from "./wplus_plot.mjs";
import { styleOf } from "./wplus_styles.mjs";

const KNOWN = { lambda: 1, alpha: 8 }; // the customary halves of the axis

export class Editor {
    #text = "";
    tracks = []; // of the last text that could be read
    #fault = null; // of the text
    frames = 16;
    #fps = 8;
    #note = ""; // about the frames
    #alpha = false; // the axis is alpha, because there is an identity
    active = 0;
    chosen = new Set();
    #looks = new Map(); // of a track's name: shown, locked, solo
    cursor = 0;
    fine = false;
    preview = null; // a schedule of the active track that is not in the text yet
    #suggestion = null; // one that is only shown
    #run = null; // the last report: measured residual and thumbnails
    #history = new edits.History("");
    #painting = 0;
    #written = [];

    /**
     * Args: the element to fill; `write(text)` hands a text to the page; `direction()` is the name for a new track;
     * `presets` are pairs of title and schedule.
     */
    constructor(root, { write, direction, presets }) {
        Object.assign(this, { write, direction });
        this.plot = new Plot();
        this.controls = new Controls(this, presets);
        this.scrub = html("input", { type: "range", class: "wplus-scrub", min: 0, step: 1, value: 0, "aria-label": "Cursor frame" });
        this.scrub.addEventListener("input", () => this.moveCursor(Number(this.scrub.value)));
        this.strip = html("canvas", { class: "wplus-strip", role: "img", "aria-label": "Rendered frames", hidden: true });
        this.strip.addEventListener("click", (event) => this.moveCursor(Math.round(this.plot.frameAt(event.offsetX))));
        this.status = html("p", { class: "wplus-status", role: "status", "aria-live": "polite" });
        this.faultBox = html("p", { class: "wplus-curve-fault", role: "alert", hidden: true });
        this.axis = document.createTextNode("");
        this.element = html("div", { class: "wplus-editor", role: "group", "aria-label": "Curve editor" },
            this.controls.bar, html("p", { class: "wplus-axis" }, this.axis), this.plot.element, this.scrub, this.strip,
            this.controls.fields, this.faultBox, this.controls.list, this.status);
        root.replaceChildren(this.element);
        this.gestures = new Gestures(this);
        new ResizeObserver(() => this.paint()).observe(this.element);
    }

    // What the page says

    /** A text from the page: typed, pasted, or from Python. What was written last comes back, and is no news. */
    setText(text, typed = false) {
        if (text === this.#text || this.#written.includes(text)) return;
        this.cancel();
        this.#history.push(text, typed);
        this.#take(text);
    }

    /** How many frames will be rendered, how many a second (0: not known), and what else there is to say of them. */
    setFrames(frames, fps, note = "") {
        if (frames === this.frames && fps === this.#fps && note === this.#note) return;
        if (frames !== this.frames) this.cancel();
        this.frames = frames;
        this.#fps = fps;
        this.#note = note;
        this.cursor = Math.min(this.cursor, frames - 1);
        this.paint();
    }

    /** Whether values are alpha of an identity, or lambda. */
    setIdentity(alpha) {
        if (alpha === this.#alpha) return;
        this.#alpha = alpha;
        this.paint();
    }

    /** The last run: `{residual: [a number for each frame], strip: an Image or null}`; null for none. */
    setRun(run) {
        this.#run = run;
        this.paint();
    }

    // What the controls do

    undo(by) {
        this.flush();
        const text = this.#history.step(by);
        if (text === null) return;
        this.chosen.clear();
        this.#send(text);
        this.say(by < 0 ? "Undone" : "Done again");
    }

    add(frame = this.cursor) {
        const track = this.editable();
        if (!track) return this.say(this.track ? "This track is not to be changed now" : "There is no track yet: choose a direction and press Add track");
        const { schedule, key } = edits.addKey(track.schedule, this.frames, frame);
        this.chosen = new Set([key]);
        this.commit(schedule);
        this.plot.keyElement([...this.chosen][0])?.focus({ preventScroll: true });
    }

    remove() {
        const track = this.editable();
        if (!track || !this.chosen.size) return;
        const schedule = edits.removeKeys(this.schedule, this.frames, this.chosen), count = this.chosen.size;
        this.chosen.clear();
        this.commit(schedule, `${count} ${count === 1 ? "key" : "keys"} removed`);
    }

    ease(easing) {
        if (this.editable()) this.commit(edits.setEasing(this.schedule, this.#segments(), easing));
    }

    /** Show an easing before it is chosen. */
    suggest(easing) {
        const track = this.editable();
        this.#suggestion = easing && track ? edits.setEasing(track.schedule, this.#segments(), easing) : null;
        this.paint();
    }

    loop() {
        const track = this.editable();
        if (track) this.commit({ ...edits.explicit(track.schedule), loop: !track.schedule.loop });
    }

    toggleFine() {
        this.fine = !this.fine;
        this.paint();
    }

    preset(schedule) {
        if (!this.editable()) return;
        this.chosen.clear();
        this.commit(parseSchedule(schedule));
    }

    /** Give the chosen key another frame or value. Says whether it was taken. */
    setKey(frame, value) {
        const key = this.#key();
        if (!this.editable() || !key) return false;
        try {
            this.commit(edits.setKey(this.schedule, this.frames, key.number, frame ?? key.frame, value ?? key.value));
            return true;
        } catch (fault) {
            if (!(fault instanceof RangeError)) throw fault;
            this.say(`Not changed: ${fault.message}`);
            return false;
        }
    }

    setLayers(index, which, number) {
        const track = this.tracks[index], layers = [...track.layers];
        layers[which] = number;
        const right = Number.isInteger(number) && layers[0] >= 0 && layers[0] < layers[1] && layers[1] <= LAYERS;
        if (right) this.#edit(edits.withTrack(this.#text, { ...track, layers }), `${track.name}: layers ${layers[0]} to ${layers[1]}`);
        else this.say(`Not changed: expected layers first < end, from 0 to ${LAYERS}`);
        return right;
    }

    activate(index) {
        if (index === this.active) return;
        this.active = index;
        this.chosen.clear();
        this.paint();
    }

    toggle(index, what) {
        const look = this.#look(this.tracks[index]);
        look[what] = !look[what];
        if (what === "locked") this.chosen.clear();
        this.paint();
    }

    swap(a, b) {
        const text = edits.withSwapped(this.#text, this.tracks[a], this.tracks[b]);
        this.active = this.active === a ? b : this.active === b ? a : this.active;
        this.#edit(text, "Moved");
    }

    drop(index) {
        const { name } = this.tracks[index];
        if (index < this.active) this.active -= 1;
        this.chosen.clear();
        this.#edit(edits.withoutTrack(this.#text, this.tracks[index]), `${name} removed`);
    }

    async copy() {
        const text = this.copied();
        if (!text) return;
        try {
            await navigator.clipboard.writeText(text);
            this.say("Copied");
        } catch {
            this.say("The browser keeps the clipboard to itself here: press Ctrl+C in the drawing");
        }
    }

    async paste() {
        try {
            this.pasteText(await navigator.clipboard.readText());
        } catch {
            this.say("The browser keeps the clipboard to itself here: press Ctrl+V in the drawing");
        }
    }

    pasteText(text) {
        if (this.#fault || !text.trim()) return;
        try {
            this.chosen.clear();
            this.#edit(edits.withPasted(this.#text, text, this.tracks[this.active], this.direction()), "Pasted");
        } catch (fault) {
            this.say(`Not pasted: ${fault.message}`);
        }
    }

    moveCursor(frame) {
        this.cursor = edits.clamp(frame, 0, this.frames - 1);
        this.paint();
    }

    // State

    get track() {
        return this.tracks[this.active];
    }

    get schedule() {
        return this.preview ?? this.track.schedule;
    }

    /** The active track where it may be changed. */
    editable() {
        const track = this.track;
        return track && !this.#fault && !this.#look(track).locked ? track : null;
    }

    #look(track) {
        if (!this.#looks.has(track.id)) this.#looks.set(track.id, { shown: true, locked: false, solo: false });
        return this.#looks.get(track.id);
    }

    visible(track) {
        const solo = this.tracks.some((other) => this.#look(other).solo);
        return this.#look(track).shown && (!solo || this.#look(track).solo);
    }

    /** The keys whose segments an easing is for: the chosen ones, or all. */
    #segments() {
        return this.chosen.size ? this.chosen : new Set(this.schedule.keys.keys());
    }

    /** The one chosen key. */
    #key() {
        if (!this.track || this.chosen.size !== 1) return null;
        const [number] = this.chosen, key = this.schedule.keys[number];
        return key ? { ...key, number, frame: edits.places(this.schedule, this.frames)[number] } : null;
    }

    #take(text) {
        const { tracks, fault } = edits.read(text);
        this.#text = text;
        this.#fault = fault;
        this.preview = this.#suggestion = null;
        if (tracks) {
            const counts = {};
            this.tracks = tracks.map((track) => {
                counts[track.name] = (counts[track.name] ?? 0) + 1;
                return { ...track, id: `${track.name} ${counts[track.name]}` };
            });
            this.active = edits.clamp(this.active, 0, Math.max(tracks.length - 1, 0));
            const keys = this.track?.schedule.keys.length ?? 0;
            this.chosen = new Set([...this.chosen].filter((number) => number < keys));
        }
        this.paint();
    }

    #send(text) {
        this.#take(text);
        this.#written = [...this.#written.slice(-7), text];
        clearTimeout(this.forget);
        this.forget = setTimeout(() => (this.#written = []), 2000); // echoes are quicker
        this.write(text);
    }

    /** A new text by a gesture. */
    #edit(text, said) {
        this.preview = null;
        if (text !== this.#text) {
            this.#history.push(text);
            this.#send(text);
        } else this.paint();
        if (said) this.say(said);
    }

    /** A new schedule of the active track, by a gesture. */
    commit(schedule, said) {
        const { track } = this, sorted = edits.sort(schedule, this.frames);
        this.chosen = new Set([...this.chosen].map((number) => sorted.numbers[number]));
        this.#edit(edits.withTrack(this.#text, { ...track, schedule: sorted.schedule }), said);
        const key = this.#key();
        if (!said && key) this.say(`${track.name}: frame ${plain(key.frame)}, ${plain(key.value)}, ${key.easing}`);
        else if (!said) this.say(`${track.name} = ${plain(schedule.keys[0].value)} …`);
    }

    /** Commit what the arrow keys did. */
    flush() {
        if (this.preview && !this.gestures.drag) {
            const focused = document.activeElement?.closest?.(".wplus-key"), [number] = this.chosen;
            this.commit(this.preview);
            if (focused && number !== undefined) this.plot.keyElement([...this.chosen][0])?.focus({ preventScroll: true });
        }
    }

    /** Leave a drag, as if it had not been. Says whether there was one. */
    cancel() {
        const was = this.gestures.cancel() || Boolean(this.preview || this.#suggestion);
        this.preview = this.#suggestion = null;
        this.paint();
        return was;
    }

    say(text) {
        this.status.textContent = text;
    }

    copied() {
        return this.track ? edits.lineOf(this.#text, this.track) : "";
    }

    // Painting

    /** Paint before the next frame of the page; at once where the caller needs the elements. */
    paint(now = false) {
        if (now === true) return this.#paint();
        this.#painting ||= requestAnimationFrame(() => this.#paint());
    }

    #paint() {
        cancelAnimationFrame(this.#painting);
        this.#painting = 0;
        const width = this.element.clientWidth;
        if (!width) return; // in a closed accordion or another tab
        this.gestures.follow();
        const { frames, track: active, gestures: { drag } } = this;
        const scheduleOf = (track) => (track === active ? this.schedule : track.schedule);
        const scenes = this.tracks.map((track, index) => {
            const schedule = scheduleOf(track), { curve, fault } = edits.curveOf(schedule, frames);
            return {
                index, name: track.name, style: styleOf(index), curve, fault, keys: schedule.keys, active: track === active,
                places: edits.places(schedule, frames), sequence: drag || this.preview ? this.#still(schedule) : edits.order(schedule, frames),
                chosen: track === active ? this.chosen : new Set(), locked: this.#look(track).locked,
                handles: track === active && this.editable() ? this.#handles(schedule, curve) : [],
            };
        });
        if (!drag) this.#layout(width, scenes);
        const ghosts = [drag?.moved && this.preview && active?.schedule, this.#suggestion].filter(Boolean);
        const shown = scenes.filter((_, index) => this.visible(this.tracks[index])).sort((a, b) => a.active - b.active);
        const most = Math.max(...(this.#run?.residual ?? []), 1e-9);
        this.plot.paint({
            tracks: shown,
            ghosts: ghosts.map((schedule) => ({ style: styleOf(this.active), curve: edits.curveOf(schedule, frames).curve })).filter((ghost) => ghost.curve),
            cursor: this.cursor,
            marquee: drag?.box,
            measured: this.#run?.residual.length === frames ? this.#run.residual.map((part) => part / most) : [],
        });
        this.#words(scenes);
    }

    /** The keys' order on the page stays while they move. */
    #still(schedule) {
        return [...schedule.keys.keys()];
    }

    #layout(width, scenes) {
        const known = this.#alpha ? KNOWN.alpha : KNOWN.lambda;
        const values = scenes.flatMap((scene) => [...scene.keys.map((key) => key.value), ...scene.handles.map((handle) => handle.value)]);
        const past = scenes.some((scene) => scene.places.some((frame) => frame > this.frames - 1));
        const half = axisHalf(values, known);
        this.plot.layout({ width, frames: this.frames, fps: this.#fps, half, known, past });
        this.scrub.max = String(this.frames - 1);
        this.scrub.style.marginLeft = `${this.plot.left - 8}px`;
        this.scrub.style.width = `${this.plot.inner + 16}px`;
        this.#drawStrip(width);
    }

    /** The handles beside the chosen keys. */
    #handles(schedule, curve) {
        if (!curve) return [];
        const at = edits.places(schedule, this.frames), sequence = edits.order(schedule, this.frames), handles = [];
        sequence.slice(0, -1).forEach((a, i) => {
            const b = sequence[i + 1], key = schedule.keys[a];
            if (key.easing !== "bez" || !(this.chosen.has(a) || this.chosen.has(b))) return;
            const width = at[b] - at[a], rise = schedule.keys[b].value - key.value;
            [a, b].forEach((from, end) => {
                const [x, y] = key.bezier.slice(2 * end);
                const value = key.value + y * rise;
                handles.push({ key: a, end, frame: at[a] + x * width, value, fromFrame: at[from], fromValue: schedule.keys[from].value });
            });
        });
        return handles;
    }

    #words(scenes) {
        const key = this.#key(), track = this.track, scene = scenes[this.active];
        const easings = track ? new Set([...this.#segments()].map((number) => this.schedule.keys[number].easing)) : new Set();
        this.controls.refresh({
            tracks: this.tracks.map((one, index) => ({ ...one, ...this.#look(one), style: styleOf(index) })),
            active: this.active, chosen: this.chosen.size, key, easing: easings.size === 1 ? [...easings][0] : null,
            canUndo: this.#history.can(-1), canRedo: this.#history.can(1), fine: this.fine, readOnly: Boolean(this.#fault),
        });
        const seconds = this.#fps > 0 ? ` · ${(this.cursor / this.#fps).toFixed(2)} s` : "";
        const value = scene?.curve ? ` · ${scene.name} ${plain(edits.round(scene.curve.at(this.cursor)))}` : "";
        const easing = key ? ` · ${key.easing === "bez" ? "bezier" : key.easing}` : "";
        const measured = this.#run?.residual.length === this.frames ? this.#run.residual : null;
        const percent = (ratio) => `${(100 * ratio).toFixed(2)} %`;
        const residual = measured ? ` · residual ${percent(measured[this.cursor])}` : "";
        this.controls.readout.data = `frame ${this.cursor}${seconds}${value}${easing}${residual}`;
        const axis = this.#alpha ? "alpha of the identity, usually within −8 to 8" : "lambda, usually within −1 to 1";
        const dotted = measured ? `dotted: the last run's residual, at most ${percent(Math.max(...measured))} of f` : "";
        this.axis.data = [axis, dotted, this.#note].filter(Boolean).join(" · ");
        if (this.scrub.value !== String(this.cursor)) this.scrub.value = String(this.cursor);
        const broken = scenes.find((one) => one.fault);
        const said = this.#fault ? `${this.#fault.message}. The drawing is of the last text that could be read.`
            : broken ? `${broken.name}: ${broken.fault.fault ?? broken.fault.message}` : "";
        if (this.faultBox.textContent !== said) this.faultBox.textContent = said;
        this.faultBox.hidden = !said;
        this.element.classList.toggle("wplus-stale", Boolean(this.#fault));
    }

    /** As many of the rendered frames as have room, each above its place on the ruler. */
    #drawStrip(width) {
        const strip = this.#run?.strip, count = this.#run?.residual.length;
        this.strip.hidden = !strip || count !== this.frames;
        if (this.strip.hidden) return;
        const high = 56, wide = strip.naturalWidth / count / strip.naturalHeight * high, ratio = devicePixelRatio || 1;
        const key = [width, count, strip.src.length, this.plot.inner].join();
        if (this.drawnStrip === strip && this.stripKey === key) return;
        Object.assign(this, { drawnStrip: strip, stripKey: key });
        Object.assign(this.strip, { width: width * ratio, height: high * ratio });
        Object.assign(this.strip.style, { width: `${width}px`, height: `${high}px` });
        const context = this.strip.getContext("2d"), step = Math.max(1, Math.ceil((wide + 2) / (this.plot.inner / this.plot.last)));
        context.scale(ratio, ratio);
        for (let frame = 0; frame < count; frame += step) {
            const source = strip.naturalWidth / count;
            context.drawImage(strip, frame * source, 0, source, strip.naturalHeight, this.plot.x(frame) - wide / 2, 0, wide, high);
        }
    }
}
