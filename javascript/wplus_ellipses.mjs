// The commands of the regions: everything that can be done to them on the picture, without a page. The text is the
// truth, as of the curves; a drag makes a new region, which is drawn at once (`preview`), and its end writes the text.

import { TrackError, linesOf, plain } from "./wplus_curve.mjs";
import { clamp, curveOf, explicit, putKey, round, seenPlaces } from "./wplus_edits.mjs";
import { BOUNDS, ellipsesOf, formatRegions, parseRegions } from "./wplus_regions.mjs";
import { History, withLine } from "./wplus_text.mjs";
import { Told } from "./wplus_told.mjs";
import { words } from "./wplus_words.mjs";

const FIRST = [0.5, 0.4, 0.15, 0.2]; // where a new region is
const LEAST = 0.01; // of half a width or height that is dragged
const DECIMALS = 1e3; // of a number that is dragged

export class Ellipses extends Told {
    text = "";
    regions = []; // of the last text that could be read
    fault = null; // of the text
    active = 0;
    preview = null; // a region in the active one's place that is not in the text yet
    history = new History("");

    get region() {
        return this.preview ?? this.regions[this.active];
    }

    /** All regions as they are drawn. */
    get shown() {
        return this.regions.map((region, i) => (i === this.active ? this.region : region));
    }

    /** Whether a region has a key on a frame; one that never moves has none. */
    hasKey({ parts: [part] }, frames, frame) {
        return part.keys[0].unit !== "spread" && seenPlaces(part, frames).includes(frame);
    }

    /** A text from the page. What was written last comes back, and is no news; what a person typed is. */
    setText(text, typed = false) {
        if (!this.isNews(text, typed)) return;
        this.history.push(text, typed);
        this.#take(text);
    }

    #take(text) {
        const name = this.regions[this.active]?.name;
        const fault = faultOf(text), regions = fault ? this.regions : parseRegions(text);
        const same = regions.findIndex((region) => region.name === name);
        const active = same < 0 ? clamp(this.active, 0, Math.max(regions.length - 1, 0)) : same;
        this.#change({ text, regions, fault, active, preview: null });
    }

    #change(parts) {
        Object.assign(this, parts);
        this.tell("changed");
    }

    /** A new text, which is written. One that could not be read is refused, and it is said why. */
    #write(text, said) {
        const fault = this.fault ?? faultOf(text);
        if (fault) {
            this.#change({ preview: null });
            this.tell("said", words("Not changed: {0}", fault.message));
            return false;
        }
        this.history.push(text);
        this.#send(text, said);
        return true;
    }

    #send(text, said) {
        this.#take(text);
        this.wrote(text);
        this.tell("said", said);
    }

    /** Go back (-1) or forth (1) by one edit. */
    undo(by) {
        const text = this.history.step(by);
        if (text === null) return;
        this.#send(text, by < 0 ? words("Undone") : words("Done again"));
    }

    /** Work on another region. */
    activate(index) {
        if (index !== this.active) this.#change({ active: index, preview: null });
    }

    /** One more region, in the middle. */
    add() {
        const names = this.regions.map(({ name }) => name);
        let number = 1;
        while (names.includes(`region${number}`)) number += 1;
        const name = `region${number}`, line = `${name} = (${FIRST.map(plain).join(" ")})`;
        if (this.#write(withLine(this.text, line), words("{0} added", name))) this.activate(this.regions.length - 1);
    }

    /** Without the active region. */
    remove() {
        const { region } = this;
        if (!region) return;
        const lines = linesOf(this.text).filter((_, i) => i + 1 !== region.line);
        this.#write(lines.join("\n"), words("{0} removed", region.name));
    }

    /** Put the active region somewhere on a frame, for now: a key is made there, unless it never moves. */
    put(frames, frame, ellipse) {
        const region = this.regions[this.active];
        if (!region || this.fault) return;
        const whole = ellipse.map((number, i) => Math.round(bounded(number, i) * DECIMALS) / DECIMALS);
        this.#change({ preview: placed(region, frames, frame, whole) });
    }

    /** Write what `put` did. Says whether there was anything. */
    commit() {
        const { preview } = this;
        if (!preview) return false;
        const lines = linesOf(this.text);
        lines[preview.line - 1] = formatRegions([preview]);
        const text = lines.join("\n");
        if (text === this.text) this.#change({ preview: null });
        else this.#write(text, words("{0} moved", preview.name));
        return true;
    }

    /** Leave what is not in the text. Says whether there was anything. */
    cancel() {
        const was = Boolean(this.preview);
        this.#change({ preview: null });
        return was;
    }

    /** Give the active region a key on a frame, or take it away; the last one leaves a region that never moves. */
    toggleKey(frames, frame) {
        const region = this.regions[this.active], at = region && ellipseAt(region, frames, frame);
        if (!at || this.fault) return;
        const change = this.hasKey(region, frames, frame) ? lifted : keyed;
        this.#change({ preview: change(region, frames, frame, at) });
        this.commit();
    }
}

/** A number of an ellipse as the language takes it; half a width or height large enough to be held. */
function bounded(number, i) {
    const [low, high] = BOUNDS[i];
    return clamp(number, i > 1 ? LEAST : low, high);
}

/** The fault of a text; null of one that can be read. */
function faultOf(text) {
    try {
        parseRegions(text);
        return null;
    } catch (fault) {
        if (!(fault instanceof TrackError)) throw fault;
        return fault;
    }
}

/** Where a region is at a frame; null where its keys cannot be of one curve. */
export function ellipseAt(region, frames, frame) {
    return region.parts.some((part) => curveOf(part, frames).fault) ? null : ellipsesOf(region, frames)[frame];
}

/** A region that is somewhere on a frame. */
function placed(region, frames, frame, ellipse) {
    if (region.parts[0].keys[0].unit !== "spread") return keyed(region, frames, frame, ellipse);
    const parts = region.parts.map((part, i) => ({ ...part, keys: [{ ...part.keys[0], value: ellipse[i] }] }));
    return { ...region, parts };
}

/** The same with a key on that frame. All four numbers keep the same keys. */
function keyed(region, frames, frame, ellipse) {
    const parts = region.parts.map((part, i) => {
        const value = round(bounded(ellipse[i], i)), made = explicit(part, frames);
        if (part.keys[0].unit === "spread") return { ...made, keys: [{ ...made.keys[0], position: frame, value }] };
        return putKey(made, frames, frame, value).schedule;
    });
    return { ...region, parts };
}

/** The same without the key on that frame. */
function lifted(region, frames, frame, ellipse) {
    const at = seenPlaces(region.parts[0], frames).indexOf(frame);
    const parts = region.parts.map((part, i) => {
        const keys = part.keys.filter((_, n) => n !== at), still = { ...part.keys[0], position: 0, unit: "spread" };
        const alone = { ...still, easing: "linear", bezier: null, value: round(bounded(ellipse[i], i)) };
        return keys.length ? { ...part, keys } : { ...part, keys: [alone] };
    });
    return { ...region, parts };
}
