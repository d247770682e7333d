// The view: it builds the editor's elements and paints the state, once per frame of the page. What a person does goes
// the other way, through the controls and gestures, as commands to the state.

import { Controls } from "./wplus_controls.mjs";
import { html } from "./wplus_dom.mjs";
import { Gestures } from "./wplus_gestures.mjs";
import { Plot } from "./wplus_plot.mjs";
import { controlsOf, pictureOf, scalesOf, scenesOf, wordsOf } from "./wplus_scene.mjs";
import { Strip } from "./wplus_strip.mjs";
import { words } from "./wplus_words.mjs";

export class Editor {
    #due = 0; // the painting that was asked for

    /**
     * Args: the element to fill, the `EditorState`, the presets, which are pairs of title and schedule, and
     * `addTrack()`, which asks the page for a track of the chosen direction.
     */
    constructor(root, state, presets, addTrack) {
        Object.assign(this, { state, addTrack });
        this.plot = new Plot();
        this.strip = new Strip();
        const page = { add: () => this.add(), copy: () => this.copy(), paste: () => this.paste() };
        this.controls = new Controls(state, page, presets);
        this.scrub = html("input", {
            type: "range", class: "wplus-scrub", min: 0, step: 1, value: 0, "aria-label": words("Cursor frame"),
            oninput: () => state.moveCursor(Number(this.scrub.value)),
        });
        const under = (event) => Math.round(this.plot.frameAt(this.plot.point(event).x));
        this.strip.element.addEventListener("click", (event) => state.moveCursor(under(event)));
        this.status = html("p", { class: "wplus-status", role: "status", "aria-live": "polite" });
        this.fault = html("p", { class: "wplus-curve-fault", role: "alert", hidden: true });
        this.axis = document.createTextNode("");
        const named = { role: "group", "aria-label": words("Curve editor"), tabindex: -1 };
        this.element = html("div", { class: "wplus-editor", ...named },
            this.controls.bar, html("p", { class: "wplus-axis" }, this.axis),
            html("div", { class: "wplus-drawing" }, this.plot.element, this.scrub, this.strip.element),
            this.controls.fields, this.fault, this.controls.list, this.status);
        root.replaceChildren(this.element);
        this.gestures = new Gestures(this);
        state.listen({ changed: () => this.paint(), said: (text) => (this.status.textContent = text) });
        new ResizeObserver(() => this.paint()).observe(this.element);
        this.paint();
    }

    // What needs the page

    /** Add a key, see `EditorState.add`, and go on with it on the keyboard. */
    add(...where) {
        if (this.state.add(...where)) this.focusKey(this.state.key.number);
    }

    /** Focus a key of the active track. */
    focusKey(number) {
        this.#paint();
        this.plot.keyElement(number)?.focus({ preventScroll: true });
    }

    /** Copy the active track. */
    async copy() {
        const { state } = this;
        if (!state.line) return;
        try {
            await navigator.clipboard.writeText(state.line);
            state.say(words("Copied"));
        } catch {
            state.say(words("The browser keeps the clipboard to itself here: press Ctrl+C in the drawing"));
        }
    }

    /** Paste what the clipboard has. */
    async paste() {
        let text;
        try {
            text = await navigator.clipboard.readText();
        } catch {
            const said = words("The browser keeps the clipboard to itself here: press Ctrl+V in the drawing");
            this.state.say(said);
            return;
        }
        this.state.pasteText(text);
    }

    // Painting

    /** Paint before the next frame of the page. */
    paint() {
        this.#due ||= requestAnimationFrame(() => this.#paint());
    }

    #paint() {
        cancelAnimationFrame(this.#due);
        this.#due = -1; // what a drag changes now is painted now
        try {
            this.gestures.follow();
        } finally {
            this.#due = 0;
        }
        const { state, plot } = this, width = this.element.clientWidth;
        if (!width) return; // in a closed accordion or another tab
        const scenes = scenesOf(state), focused = this.element.contains(document.activeElement);
        if (!state.drag?.moved) this.#layout({ width, ...scalesOf(state, scenes) }); // the scales stay while keys move
        plot.paint(pictureOf(state, scenes));
        this.controls.refresh(controlsOf(state));
        this.#words(wordsOf(state, scenes));
        if (focused) this.#keepFocus();
    }

    /** Where what had the focus is gone, or can have it no longer, the editor itself has it: it hears the keyboard. */
    #keepFocus() {
        const { element } = this, focused = document.activeElement;
        const able = !focused.disabled && getComputedStyle(focused).display !== "none";
        if (!able || !element.contains(focused)) element.focus({ preventScroll: true });
    }

    #layout(scales) {
        this.plot.layout(scales);
        this.scrub.max = String(scales.frames - 1);
        this.scrub.style.marginLeft = `${this.plot.left - 8}px`;
        this.scrub.style.width = `${this.plot.inner + 16}px`;
        this.strip.paint(this.state, this.plot);
    }

    /** Text nodes get another text instead of being replaced: the WebUI watches every node that is added. */
    #words({ axis, readout, fault }) {
        const { state, scrub } = this;
        this.axis.data = axis;
        this.controls.readout.data = readout;
        if (scrub.value !== String(state.cursor)) scrub.value = String(state.cursor);
        if (this.fault.textContent !== fault) this.fault.textContent = fault;
        this.fault.hidden = !fault;
        this.element.classList.toggle("wplus-stale", Boolean(state.fault));
    }
}
