// The strip of frames under the drawing, of the last run.

import { html } from "./wplus_dom.mjs";
import { clamp } from "./wplus_edits.mjs";
import { words } from "./wplus_words.mjs";

const HEIGHT = 56;

/** A canvas in `element`. */
export class Strip {
    #drawn = ""; // what the canvas shows
    #image = null;

    constructor() {
        const attributes = { class: "wplus-strip", role: "img", "aria-label": words("Rendered frames"), hidden: true };
        this.element = html("canvas", attributes);
    }

    /** Draw as many of a run's frames as have room, each above its place on the ruler; none of another length's run. */
    paint({ run, frames }, plot) {
        const image = run?.residual.length === frames ? run.strip : null;
        this.element.hidden = !image;
        if (!image) return;
        const drawn = [plot.width, plot.inner, frames].join();
        if (image === this.#image && drawn === this.#drawn) return;
        this.#image = image;
        this.#drawn = drawn;
        this.#draw(image, frames, plot);
    }

    #draw(image, frames, plot) {
        const source = image.naturalWidth / frames, high = image.naturalHeight, wide = (source / high) * HEIGHT;
        const ratio = devicePixelRatio || 1, room = wide + 2 + Math.max(wide / 2 - plot.left, 0); // to the next
        const step = Math.max(1, Math.ceil(room / (plot.inner / plot.last)));
        Object.assign(this.element, { width: plot.width * ratio, height: HEIGHT * ratio }); // which clears it
        Object.assign(this.element.style, { width: `${plot.width}px`, height: `${HEIGHT}px` });
        const context = this.element.getContext("2d");
        context.scale(ratio, ratio);
        for (let frame = 0; frame < frames; frame += step) {
            const x = clamp(plot.x(frame) - wide / 2, 0, plot.width - wide); // the first and the last one whole too
            context.drawImage(image, frame * source, 0, source, high, x, 0, wide, HEIGHT);
        }
    }
}
