// Pointer, touch and keyboard: what they mean for the editor. A drag keeps what it began with, is followed once per
// painting, and ends as one commit, or as if it had not been.

import * as edits from "./wplus_edits.mjs";

const STEP = 0.05, FINE = 0.001; // of values that are dragged
const START = 3; // pixels before a press is a drag
const NEAR = { mouse: 12, touch: 26, line: 7 }; // pixels
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 0.01], ArrowDown: [0, -0.01] };

export class Gestures {
    drag = null; // pointer, where it was pressed and is, what it does: "keys", "handle", "marquee" or "tap"

    constructor(editor) {
        Object.assign(this, { editor, plot: editor.plot });
        this.#listen();
    }

    /** Forget the drag; says whether there was one. */
    cancel() {
        const { drag } = this;
        if (!drag) return false;
        this.drag = null;
        this.plot.element.releasePointerCapture?.(drag.pointer);
        this.editor.chosen = drag.before;
        return true;
    }

    #listen() {
        const plot = this.plot.element, on = (type, act) => plot.addEventListener(type, act);
        on("pointerdown", (event) => this.#press(event));
        on("pointermove", (event) => this.#move(event));
        on("pointerup", (event) => this.#release(event));
        on("pointercancel", () => this.editor.cancel());
        on("lostpointercapture", () => this.drag && this.editor.cancel());
        // A finger on a key drags it, and beside the keys it scrolls the page: not every browser takes touch-action
        // from a shape within an SVG.
        plot.addEventListener("touchstart", (event) => this.drag && this.drag.kind !== "tap" && event.preventDefault(), { passive: false });
        on("mousedown", (event) => event.preventDefault()); // focus is given by hand
        on("dblclick", (event) => {
            const { x, y } = this.#point(event);
            if (!this.#near(x, y, NEAR.mouse)) this.editor.add(edits.clamp(Math.round(this.plot.frameAt(x)), 0, this.editor.frames - 1));
        });
        on("focusin", (event) => this.#focus(event.target));
        on("keyup", (event) => event.key in MOVES && this.editor.flush());
        on("focusout", () => this.editor.flush());
        this.editor.element.addEventListener("keydown", (event) => this.#type(event));
        this.editor.element.addEventListener("copy", (event) => {
            if (isField(event.target) || !this.editor.track) return;
            event.clipboardData.setData("text/plain", this.editor.copied());
            event.preventDefault();
            this.editor.say("Copied");
        });
        this.editor.element.addEventListener("paste", (event) => {
            if (isField(event.target)) return;
            event.preventDefault();
            event.stopPropagation();
            this.editor.pasteText(event.clipboardData.getData("text/plain"));
        });
    }

    #point(event) {
        const box = this.plot.element.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    }

    /** The nearest key within reach, the active track's first: `{index, number}`. */
    #near(x, y, reach) {
        let best = null;
        this.editor.tracks.forEach((track, index) => {
            if (!this.editor.visible(track)) return;
            const schedule = index === this.editor.active ? this.editor.schedule : track.schedule;
            edits.places(schedule, this.editor.frames).forEach((frame, number) => {
                const spot = this.plot.spot(frame, schedule.keys[number].value);
                const distance = Math.hypot(spot.x - x, spot.y - y);
                const rank = distance + (index === this.editor.active ? 0 : 4); // of two on one spot, the active track's
                if (distance <= reach && !(best && best.rank <= rank)) best = { index, number, rank };
            });
        });
        return best;
    }

    /** The track whose line passes here. */
    #nearLine(x, y) {
        const frame = edits.clamp(this.plot.frameAt(x), 0, this.editor.frames - 1);
        return this.editor.tracks.findIndex((track) => {
            const { curve } = edits.curveOf(track.schedule, this.editor.frames);
            return curve && this.editor.visible(track) && Math.abs(this.plot.y(curve.at(frame)) - y) <= NEAR.line;
        });
    }

    #press(event) {
        if (event.button !== 0 || this.drag) return;
        this.editor.flush();
        this.editor.suggest(null);
        if (isField(document.activeElement)) document.activeElement.blur();
        const { x, y } = this.#point(event), handle = event.target.closest?.(".wplus-handle");
        const before = new Set(this.editor.chosen), drag = { pointer: event.pointerId, x, y, at: { x, y }, before, moved: false };
        const near = this.#near(x, y, event.pointerType === "mouse" ? NEAR.mouse : NEAR.touch);
        if (handle && this.editor.editable() && !(near && Math.hypot(x - this.#spotOf(near).x, y - this.#spotOf(near).y) < 5)) {
            Object.assign(drag, { kind: "handle", key: Number(handle.dataset.key), end: Number(handle.dataset.end) });
        } else if (near) {
            this.editor.activate(near.index);
            if (event.shiftKey && this.editor.chosen.has(near.number)) this.editor.chosen.delete(near.number);
            else if (event.shiftKey) this.editor.chosen.add(near.number);
            else if (!this.editor.chosen.has(near.number)) this.editor.chosen = new Set([near.number]);
            Object.assign(drag, { kind: "keys", number: near.number });
            this.editor.cursor = edits.clamp(Math.round(edits.places(this.editor.schedule, this.editor.frames)[near.number]), 0, this.editor.frames - 1);
            this.editor.paint(true);
            if (this.editor.chosen.has(near.number)) this.plot.keyElement(near.number)?.focus({ preventScroll: true });
        } else {
            if (event.pointerType !== "mouse") Object.assign(drag, { kind: "tap" });
            else Object.assign(drag, { kind: "marquee", shift: event.shiftKey });
        }
        if (drag.kind !== "tap") this.plot.element.setPointerCapture(event.pointerId);
        drag.base = this.editor.track?.schedule;
        this.drag = drag;
    }

    #spotOf({ index, number }) {
        const { schedule } = this.editor.tracks[index];
        return this.plot.spot(edits.places(schedule, this.editor.frames)[number], schedule.keys[number].value);
    }

    #move(event) {
        const drag = this.drag;
        if (!drag || event.pointerId !== drag.pointer) return;
        drag.at = this.#point(event);
        Object.assign(drag, { shiftKey: event.shiftKey, altKey: event.altKey });
        if (!drag.moved && Math.hypot(drag.at.x - drag.x, drag.at.y - drag.y) < START) return;
        drag.moved = true;
        this.editor.paint();
    }

    /** What the drag has come to; called once per painting. */
    follow() {
        const drag = this.drag;
        if (!drag?.moved) return;
        const { plot } = this, { x, y } = drag.at;
        if (drag.kind === "keys" && this.editor.editable() && this.editor.chosen.has(drag.number)) {
            let dx = x - drag.x, dy = y - drag.y;
            if (drag.shiftKey) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
            const at = edits.places(drag.base, this.editor.frames), own = at[drag.number];
            const past = plot.spot(own, 0).past, inside = plot.frameAt(x) <= plot.last;
            let byFrames = Math.round(past ? (inside && dx ? plot.frameAt(x) - own : 0) : plot.frameAt(plot.x(own) + dx) - own);
            for (const number of this.editor.chosen) if (!plot.spot(at[number], 0).past) byFrames = Math.min(byFrames, Math.floor(this.editor.frames - 1 - at[number]));
            const value = drag.base.keys[drag.number].value, step = this.editor.fine || drag.altKey ? FINE : STEP;
            const wanted = plot.valueAt(plot.y(value) + dy);
            const byValue = Math.abs(wanted - value) < step / 2 ? 0 : edits.round(Math.round(wanted / step) * step) - value;
            this.editor.preview = edits.moveKeys(drag.base, this.editor.frames, this.editor.chosen, byFrames, byValue);
            const where = edits.places(this.editor.preview, this.editor.frames)[drag.number];
            this.editor.cursor = edits.clamp(Math.round(where), 0, this.editor.frames - 1);
        } else if (drag.kind === "handle") {
            this.editor.preview = edits.moveHandle(drag.base, this.editor.frames, drag.key, drag.end, plot.frameAt(x), plot.valueAt(y), drag.altKey);
        } else if (drag.kind === "marquee" && this.editor.track && this.editor.visible(this.editor.track)) {
            const [left, right] = [Math.min(x, drag.x), Math.max(x, drag.x)], [top, bottom] = [Math.min(y, drag.y), Math.max(y, drag.y)];
            drag.box = { x: left, y: top, width: right - left, height: bottom - top };
            this.editor.chosen = new Set(drag.shift ? drag.before : []);
            edits.places(this.editor.track.schedule, this.editor.frames).forEach((frame, number) => {
                const spot = plot.spot(frame, this.editor.track.schedule.keys[number].value);
                if (spot.x >= left && spot.x <= right && spot.y >= top && spot.y <= bottom) this.editor.chosen.add(number);
            });
        }
    }

    #release(event) {
        const drag = this.drag;
        if (!drag || event.pointerId !== drag.pointer) return;
        this.#move(event);
        this.follow();
        this.drag = null;
        if (drag.moved && this.editor.preview) this.editor.commit(this.editor.preview);
        else if (!drag.moved && drag.kind === "keys" && !event.shiftKey) this.editor.chosen = new Set([drag.number]);
        else if (!drag.moved && ["marquee", "tap"].includes(drag.kind)) {
            const line = this.#nearLine(drag.x, drag.y);
            if (line >= 0) this.editor.activate(line);
            if (!event.shiftKey) this.editor.chosen.clear();
            this.editor.moveCursor(Math.round(this.plot.frameAt(drag.x)));
        }
        this.editor.paint();
    }

    #focus(target) {
        const key = target.closest?.(".wplus-key");
        if (!key || this.drag) return;
        const number = Number(key.dataset.key);
        if (key.dataset.active === "true" && !this.editor.chosen.has(number)) {
            this.editor.chosen = new Set([number]);
            this.editor.moveCursor(Math.round(edits.places(this.editor.schedule, this.editor.frames)[number]));
        }
    }

    #type(event) {
        const control = event.ctrlKey || event.metaKey, letter = event.key.toLowerCase();
        const act = isField(event.target) && event.target !== this.editor.scrub ? null : this.#shortcut(event, control, letter);
        if (!act) return;
        act();
        event.preventDefault();
        event.stopPropagation();
    }

    #shortcut(event, control, letter) {
        const onKey = event.target.closest?.(".wplus-key");
        if (event.key === "Escape") return this.editor.cancel() ? () => {} : null;
        if (control && letter === "z") return () => this.editor.undo(event.shiftKey ? 1 : -1);
        if (control && letter === "y") return () => this.editor.undo(1);
        if (control && letter === "a" && this.editor.track) return () => this.#chooseAll();
        if (control || event.altKey) return null;
        if (["Delete", "Backspace"].includes(event.key) && this.editor.chosen.size) return () => this.editor.remove();
        if (!onKey) return null;
        if (event.key in MOVES) return () => this.#nudge(...MOVES[event.key], event.shiftKey ? 10 : 1);
        if (event.key === "Home" || event.key === "End") {
            const end = edits.order(this.editor.schedule, this.editor.frames).at(event.key === "Home" ? 0 : -1);
            return () => this.plot.keyElement(end)?.focus({ preventScroll: true });
        }
        if (event.key === " ") {
            const number = Number(onKey.dataset.key);
            return () => {
                if (!this.editor.chosen.delete(number)) this.editor.chosen.add(number);
                this.editor.paint();
            };
        }
        return null;
    }

    #chooseAll() {
        this.editor.chosen = new Set(this.editor.schedule.keys.keys());
        this.editor.paint();
    }

    #nudge(byFrames, byValue, times) {
        if (!this.editor.editable() || !this.editor.chosen.size) return;
        this.editor.preview = edits.moveKeys(this.editor.schedule, this.editor.frames, this.editor.chosen, byFrames * times, byValue * times);
        this.editor.paint();
    }
}

function isField(element) {
    return Boolean(element?.matches?.("input:not([type=range]), textarea, select"));
}
