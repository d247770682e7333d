// Pointer, touch and keyboard: which command of the state they are. A drag is followed once per painting; what it has
// come to is the state's, and where the pointer is, on the page, is here.

import { isEdited } from "./wplus_dom.mjs";
import { clamp, curveOf, order, places } from "./wplus_edits.mjs";
import { words } from "./wplus_words.mjs";

const START = 3; // pixels before a press is a drag
const NEAR = { mouse: 12, touch: 26, line: 7, centre: 5 }; // pixels
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 0.01], ArrowDown: [0, -0.01] };

export class Gestures {
    #pressed = null; // a pointer: where it was pressed (x, y) and is (at), and what it began on, as its kind

    /** Args: the view, of which `state`, `plot`, `element`, `add`, `addTrack`, `focusKey` and `paint` are used. */
    constructor(view) {
        Object.assign(this, { view, state: view.state, plot: view.plot });
        this.#listenToPointers(view.plot);
        this.#listenToKeys(view.element);
    }

    #listenToPointers(plot) {
        const { element } = plot, on = (type, act) => element.addEventListener(type, act);
        on("pointerdown", (event) => this.#press(event));
        on("pointermove", (event) => this.#move(event));
        on("pointerup", (event) => this.#release(event));
        on("pointercancel", () => this.state.cancel());
        on("lostpointercapture", () => this.#pressed && this.state.cancel());
        // A finger on a key drags it, and beside the keys it scrolls the page: not every browser takes touch-action
        // from a shape within an SVG.
        const still = (event) => this.#pressed && this.#pressed.kind !== "tap" && event.preventDefault();
        element.addEventListener("touchstart", still, { passive: false });
        on("mousedown", (event) => event.preventDefault()); // focus is given by hand
        on("dblclick", (event) => this.#addAt(plot.point(event), event.altKey));
    }

    #listenToKeys(element) {
        const plot = this.plot.element;
        plot.addEventListener("focusin", (event) => this.#focus(event.target));
        plot.addEventListener("focusout", () => this.state.flush());
        plot.addEventListener("keyup", (event) => event.key in MOVES && this.#flush());
        element.addEventListener("keydown", (event) => this.#type(event));
        element.addEventListener("copy", (event) => {
            if (isField(event.target) || !this.state.track) return;
            event.clipboardData.setData("text/plain", this.state.line);
            event.preventDefault();
            this.state.say(words("Copied"));
        });
        element.addEventListener("paste", (event) => {
            if (isField(event.target)) return;
            event.preventDefault();
            event.stopPropagation();
            this.state.pasteText(event.clipboardData.getData("text/plain"));
        });
    }

    // Where things are

    #frameAt(x) {
        return clamp(Math.round(this.plot.frameAt(x)), 0, this.state.frames - 1);
    }

    /** Where a track's keys are drawn. */
    #spots(index) {
        const { state, plot } = this, track = state.tracks[index], times = state.stretch(track);
        const schedule = index === state.active ? state.schedule : track.schedule;
        return places(schedule, state.frames).map((frame, number) => {
            return plot.spot(frame, schedule.keys[number].value * times);
        });
    }

    /** The nearest key within reach, the active track's first: `{index, number, distance}`. */
    #near(x, y, reach) {
        const { state } = this;
        let best = null;
        state.tracks.forEach((track, index) => {
            if (!state.visible(track)) return;
            this.#spots(index).forEach((spot, number) => {
                const distance = Math.hypot(spot.x - x, spot.y - y);
                const rank = distance + (index === state.active ? 0 : 4); // of two on one spot, the active track's
                if (distance <= reach && !(best && best.rank <= rank)) best = { index, number, distance, rank };
            });
        });
        return best;
    }

    /** The track whose line passes here, or -1. */
    #nearLine(x, y) {
        return this.state.tracks.findIndex((track) => this.#isOn(track, x, y));
    }

    /** Whether a track's line passes here. */
    #isOn(track, x, y) {
        const { state, plot } = this, frame = clamp(plot.frameAt(x), 0, state.frames - 1);
        if (!track || !state.visible(track)) return false;
        const { curve } = curveOf(track.schedule, state.frames);
        return curve && Math.abs(plot.y(curve.at(frame) * state.stretch(track)) - y) <= NEAR.line;
    }

    // Pointers

    /** A key where the pointer is, on the active curve where that passes here; without any track, a track. */
    #addAt({ x, y }, alt) {
        const { state, plot, view } = this, frame = this.#frameAt(x);
        if (this.#near(x, y, NEAR.mouse)) return;
        if (!state.track && !state.fault) view.addTrack();
        else if (this.#isOn(state.track, x, y) || this.#isOn(state.track, plot.x(frame), y)) view.add(frame);
        else view.add(frame, clamp(plot.valueAt(y), -plot.half, plot.half), state.fine || alt);
    }

    #press(event) {
        if (event.button !== 0 || this.#pressed) return;
        if (isField(document.activeElement)) document.activeElement.blur(); // which commits what is in it
        const { state } = this, { x, y } = this.plot.point(event), mouse = event.pointerType === "mouse";
        state.begin();
        const near = this.#near(x, y, mouse ? NEAR.mouse : NEAR.touch);
        const handle = event.target.closest?.(".wplus-handle")?.dataset;
        const pressed = { pointer: event.pointerId, x, y, at: { x, y }, moved: false };
        if (handle && state.editable && !(near?.distance < NEAR.centre)) {
            Object.assign(pressed, { kind: "handle", number: Number(handle.key), end: Number(handle.end) });
        } else if (near) {
            Object.assign(pressed, { kind: "keys", number: near.number });
            state.pick(near.index, near.number, event.shiftKey);
            if (state.chosen.has(near.number)) this.view.focusKey(near.number);
        } else if (mouse) {
            Object.assign(pressed, { kind: "marquee", also: event.shiftKey });
        } else pressed.kind = "tap"; // or the begin of scrolling
        const { element } = this.view; // which hears the keyboard, wherever in the drawing one was last
        if (!element.contains(document.activeElement)) element.focus({ preventScroll: true });
        this.#pressed = pressed;
        if (pressed.kind !== "tap") this.plot.element.setPointerCapture(event.pointerId);
    }

    #move(event) {
        const pressed = this.#pressed;
        if (!pressed || event.pointerId !== pressed.pointer) return;
        const at = this.plot.point(event), far = Math.hypot(at.x - pressed.x, at.y - pressed.y);
        const moved = pressed.moved || far >= START;
        Object.assign(pressed, { at, moved, news: moved, shift: event.shiftKey, alt: event.altKey });
        if (moved) this.view.paint();
    }

    /** Tell the state where the drag has come to; called once per painting. */
    follow() {
        const pressed = this.#pressed;
        if (!pressed) return;
        if (!this.state.drag) this.#forget();
        else if (pressed.news) {
            pressed.news = false;
            this.#drag(pressed);
        }
    }

    #drag(pressed) {
        const { state, plot } = this, { kind, at: { x, y } } = pressed;
        if (kind === "keys") this.#dragKeys(pressed);
        else if (kind === "handle") {
            state.dragHandle(pressed.number, pressed.end, plot.frameAt(x), plot.valueAt(y), pressed.alt);
        } else if (kind === "marquee" && state.track && state.visible(state.track)) this.#dragBox(pressed);
    }

    #dragBox({ x, y, at, also }) {
        const [width, height] = [Math.abs(x - at.x), Math.abs(y - at.y)];
        const box = { x: Math.min(x, at.x), y: Math.min(y, at.y), width, height };
        const inside = (spot) => {
            return spot.x >= box.x && spot.x <= box.x + width && spot.y >= box.y && spot.y <= box.y + height;
        };
        const spots = this.#spots(this.state.active);
        this.state.dragBox(box, [...spots.keys()].filter((number) => inside(spots[number])), also);
    }

    /** A key keeps its distance from the pointer; one in the gutter past the end comes to a pointer that is inside. */
    #dragKeys({ number, at: { x, y }, ...pressed }) {
        const { state, plot } = this, key = state.track?.schedule.keys[number];
        if (!key) return;
        let dx = x - pressed.x, dy = y - pressed.y;
        if (pressed.shift) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
        const own = places(state.track.schedule, state.frames)[number], pointed = plot.frameAt(x);
        let frame = plot.frameAt(plot.x(own) + dx);
        if (plot.spot(own, 0).past) frame = dx && pointed <= plot.last ? pointed : own;
        state.dragKeys(number, frame, plot.valueAt(plot.y(key.value) + dy), state.fine || pressed.alt);
    }

    #release(event) {
        const { state } = this, pressed = this.#pressed;
        if (!pressed || event.pointerId !== pressed.pointer) return;
        this.#move(event);
        this.follow();
        this.#pressed = null;
        if (!state.drag) return; // it was cancelled
        state.end();
        if (pressed.moved) return;
        if (pressed.kind === "keys" && !event.shiftKey) state.choose([pressed.number]);
        if (pressed.kind !== "marquee" && pressed.kind !== "tap") return;
        const line = this.#nearLine(pressed.x, pressed.y);
        if (line >= 0) state.activate(line);
        if (!event.shiftKey) state.choose([]);
        state.moveCursor(this.#frameAt(pressed.x));
    }

    #forget() {
        const { pointer } = this.#pressed;
        this.#pressed = null;
        if (this.plot.element.hasPointerCapture?.(pointer)) this.plot.element.releasePointerCapture(pointer);
    }

    // Keys of the keyboard

    #focus(target) {
        const key = target.closest?.(".wplus-key"), { state } = this;
        if (!key || key.dataset.active !== "true" || this.#pressed || state.drag) return;
        const number = Number(key.dataset.key);
        if (!state.chosen.has(number)) state.pick(state.active, number);
    }

    /** Write what the arrow keys did. The focus stays with its key, whose number may be another now. */
    #flush() {
        const focused = document.activeElement?.closest?.(".wplus-key"), { state } = this;
        if (state.flush() && focused && state.chosen.size) this.view.focusKey([...state.chosen][0]);
    }

    #type(event) {
        const act = this.#history(event) ?? (isField(event.target) ? null : this.#shortcut(event));
        if (!act) return;
        act();
        event.preventDefault();
        event.stopPropagation();
    }

    /**
     * To undo or redo, or null: a field has its own as long as what is typed there is not committed. Where there is
     * nothing left, the browser gets none of it either: it would go on in whatever box was typed in last.
     */
    #history(event) {
        const letter = event.key.toLowerCase();
        if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(letter) || isEdited(event.target)) return null;
        return () => this.state.undo(letter === "y" || event.shiftKey ? 1 : -1);
    }

    /** What a key does, or null: then it is the page's. */
    #shortcut(event) {
        const { state } = this, control = event.ctrlKey || event.metaKey, letter = event.key.toLowerCase();
        if (event.key === "Escape") return state.cancel() ? () => {} : null; // to the WebUI, Esc is to interrupt
        if (control && letter === "a" && state.track) return () => state.choose(state.schedule.keys.keys());
        if (control || event.altKey) return null;
        if (["Delete", "Backspace"].includes(event.key) && state.chosen.size) return () => state.remove();
        const key = event.target.closest?.(".wplus-key");
        return key ? this.#keyShortcut(event, Number(key.dataset.key)) : null;
    }

    #keyShortcut(event, number) {
        const { state } = this, times = event.shiftKey ? 10 : 1;
        if (event.key in MOVES) return () => state.nudge(...MOVES[event.key].map((by) => by * times));
        if (event.key === " ") return () => state.chooseAlso(number);
        if (event.key !== "Home" && event.key !== "End") return null;
        return () => this.view.focusKey(order(state.schedule, state.frames).at(event.key === "Home" ? 0 : -1));
    }
}

function isField(element) {
    return Boolean(element?.matches?.("input:not([type=range]), textarea, select"));
}
