// The commands: everything that can be done to a curve in the editor, without a page. A command changes the state and
// tells the listeners; the view paints what it then finds. See wplus_model.mjs for what there is to read.

import { LAYERS, MAX_SIZE, TrackError, parseSchedule } from "./wplus_curve.mjs";
import * as edits from "./wplus_edits.mjs";
import { Model } from "./wplus_model.mjs";
import { withMuted, withPasted, withSwapped, withTrack, withoutTrack } from "./wplus_text.mjs";
import { words } from "./wplus_words.mjs";

const NONE = { chosen: new Set() };
const STEP = 0.05, FINE = 0.001; // of values that are dragged

export class EditorState extends Model {
    #direction;

    /** `direction()` is the name for a new track; `now` and `echo` are `Told`'s. */
    constructor({ direction = () => "smile", now, echo } = {}) {
        super(now, echo);
        this.#direction = direction;
    }

    // The text and its tracks

    /** Go back (-1) or forth (1) by one edit. */
    undo(by) {
        this.flush();
        const text = this.history.step(by);
        if (text === null) return;
        this.chosen = new Set();
        this.send(text);
        this.say(by < 0 ? words("Undone") : words("Done again"));
    }

    /** Put another text's tracks, or a schedule alone, into this one. */
    pasteText(text) {
        if (this.fault || !text.trim()) return;
        let together;
        try {
            together = withPasted(this.text, text, this.track, this.#direction());
        } catch (fault) {
            if (!(fault instanceof TrackError)) throw fault;
            this.say(words("Not pasted: {0}", fault.message));
            return;
        }
        this.edit(together, words("Pasted"), { chosen: new Set() });
    }

    /** Edit another track. */
    activate(index) {
        if (index !== this.active) this.change({ active: index, chosen: new Set() });
    }

    /** Let a track be changed no longer, or again. */
    lock(index) {
        const locked = new Set(this.locked), { id } = this.tracks[index];
        if (!locked.delete(id)) locked.add(id);
        this.change({ locked, chosen: new Set() });
    }

    /** Mute a track, or use it again: that is in the text, and what renders keeps to it. */
    mute(index) {
        if (this.fault) return;
        const track = this.tracks[index], { name } = track, muted = !track.muted;
        const said = muted ? words("{0} muted", name) : words("{0} used", name);
        this.edit(withMuted(this.text, [{ ...track, muted }]), said);
    }

    /** Mute all other tracks; the second time, what was muted before is muted again and the others are used. */
    soloTrack(index) {
        if (this.fault) return;
        const { solo } = this, tracks = this.tracks.filter(({ strength }) => !strength);
        const track = tracks[index], alone = tracks.find((other) => this.look(other).solo), ends = alone === track;
        const muted = alone ? solo.muted : new Map(tracks.map((other) => [other.id, other.muted]));
        const now = (other) => (ends ? (muted.get(other.id) ?? other.muted) : other !== track);
        const text = withMuted(this.text, tracks.map((other) => ({ ...other, muted: now(other) })));
        const said = ends ? words("All as before") : words("{0} alone", track.name);
        this.edit(text, said, { solo: ends ? null : { id: track.id, muted } });
    }

    /** Exchange two tracks' places. */
    swap(a, b) {
        const text = withSwapped(this.text, this.tracks[a], this.tracks[b]);
        const active = this.active === a ? b : this.active === b ? a : this.active;
        const ids = this.tracks.map(({ id }) => id);
        [ids[a], ids[b]] = [ids[b], ids[a]];
        this.edit(text, words("Moved"), { active, ids });
    }

    /** Remove a track; the strength is 1 again. */
    drop(index) {
        const track = this.tracks[index], active = this.active - (index < this.active ? 1 : 0);
        if (track.strength) {
            const text = withTrack(this.text, { ...track, schedule: parseSchedule("1") });
            this.edit(text, words("strength is 1"), NONE);
            return;
        }
        const ids = this.tracks.filter((_, i) => i !== index).map(({ id }) => id);
        this.edit(withoutTrack(this.text, track), words("{0} removed", track.name), { ...NONE, active, ids });
    }

    /** Set a track's first layer (`which` is 0) or the end of its layers (1). Says whether that was taken. */
    setLayers(index, which, number) {
        const track = this.tracks[index], layers = [...track.layers];
        layers[which] = number;
        const right = Number.isInteger(number) && layers[0] >= 0 && layers[0] < layers[1] && layers[1] <= LAYERS;
        const said = words("{0}: layers {1} to {2}", track.name, ...layers);
        if (right) return this.edit(withTrack(this.text, { ...track, layers }), said);
        this.say(words("Not changed: expected layers first < end, from 0 to {0}", LAYERS));
        return false;
    }

    /** Keep a track to a region, or let it act everywhere where the name is empty. */
    setRegion(index, region) {
        const track = this.tracks[index], { name } = track;
        const said = region ? words("{0}: in {1} alone", name, region) : words("{0}: everywhere", name);
        return this.edit(withTrack(this.text, { ...track, region }), said);
    }

    /** Give the active track another schedule, as text, whose values are lambda: they fill as much of any axis. */
    preset(text) {
        if (!this.editable) return;
        const schedule = parseSchedule(text), times = this.units.customary;
        const keys = schedule.keys.map((key) => ({ ...key, value: edits.round(key.value * times) }));
        this.commit({ ...schedule, keys }, undefined, new Set());
    }

    /** Make the active track begin anew at its end, or no longer. */
    loop() {
        const track = this.editable;
        if (track) this.commit({ ...edits.explicit(track.schedule, this.frames), loop: !track.schedule.loop });
    }

    // What is looked at

    /** Choose these keys of the active track. */
    choose(numbers) {
        this.change({ chosen: new Set(numbers) });
    }

    /** Choose one more key, or one less. */
    chooseAlso(number) {
        const chosen = new Set(this.chosen);
        if (!chosen.delete(number)) chosen.add(number);
        this.choose(chosen);
    }

    /** Go to a key, with the cursor: choose it unless it is one of the chosen; with `also`, one more or one less. */
    pick(index, number, also = false) {
        this.activate(index);
        if (also) this.chooseAlso(number);
        else if (!this.chosen.has(number)) this.choose([number]);
        this.#goTo(number);
    }

    /** Put the cursor on a frame. */
    moveCursor(frame) {
        this.change({ cursor: edits.clamp(frame, 0, this.frames - 1) });
    }

    #goTo(number) {
        this.moveCursor(Math.round(this.places[number]));
    }

    /** Show an easing before it is chosen; null for none. */
    suggest(easing) {
        const track = easing ? this.editable : null;
        const suggestion = track && edits.setEasing(track.schedule, this.frames, this.segments, easing);
        this.change({ suggestion });
    }

    /** Show values as what they give, where that was measured, or again as they are written. */
    toggleCounted() {
        this.change({ counted: !this.counted });
    }

    /** Switch between coarse and fine values. */
    toggleFine() {
        this.change({ fine: !this.fine });
    }

    // Keys

    /** Add a key on the curve, or at a value, by steps as in a drag. Says whether that could be. */
    add(frame = this.cursor, value = null, fine = this.fine) {
        const track = this.editable;
        if (!track) {
            this.say(this.#whyNot());
            return false;
        }
        const { schedule, key } = value === null ? edits.addKey(track.schedule, this.frames, frame)
            : edits.putKey(track.schedule, this.frames, frame, this.#stepped(value, fine));
        return this.commit(schedule, undefined, new Set([key]));
    }

    #whyNot() {
        const { track, fault } = this;
        if (fault) return words("The text cannot be read: mend it first");
        if (!track) return words("There is no track yet: choose a direction and press Add track");
        return track.muted ? words("This track is muted: use it again to change it")
            : words("This track is locked: unlock it first");
    }

    /** Remove the chosen keys. */
    remove() {
        const { size } = this.chosen;
        if (!this.editable || !size) return;
        const schedule = edits.removeKeys(this.schedule, this.frames, this.chosen);
        this.commit(schedule, size === 1 ? words("1 key removed") : words("{0} keys removed", size), new Set());
    }

    /** Give the chosen key another `frame`, or another `value` as values are shown. Says whether that was taken. */
    setKey({ frame, value }) {
        const { key, frames, units } = this;
        if (!this.editable || !key) return false;
        const other = value === undefined ? key.value : value / units.scale;
        try {
            return this.commit(edits.setKey(this.schedule, frames, key.number, frame ?? key.frame, other));
        } catch (fault) {
            if (!(fault instanceof RangeError)) throw fault;
            this.say(words("Not changed: {0}", fault.message));
            return false;
        }
    }

    /** Give the chosen keys' segments an easing; without any chosen, all. */
    ease(easing) {
        if (this.editable) this.commit(edits.setEasing(this.schedule, this.frames, this.segments, easing));
    }

    // What goes on until a key or a pointer is released

    /** Move the chosen keys by an arrow key; `flush` writes it. */
    nudge(byFrames, byValue) {
        if (!this.editable || !this.chosen.size) return;
        const by = byValue * this.units.grain;
        this.change({ preview: edits.moveKeys(this.schedule, this.frames, this.chosen, byFrames, by) });
    }

    /** Write what `nudge` did. Says whether there was anything. */
    flush() {
        if (!this.preview || this.drag) return false;
        this.commit(this.preview);
        return true;
    }

    /** Begin a drag: one of the next three follow, any number of times, and then `end` or `cancel`. */
    begin() {
        this.flush();
        const { active, chosen } = this;
        this.change({ suggestion: null, drag: { before: { active, chosen }, moved: false, box: null } });
    }

    /** The chosen keys are dragged, one of them to a frame and a value: they move as one, by steps, as room allows. */
    dragKeys(number, frame, value, fine = this.fine) {
        const track = this.editable;
        if (!this.drag || !track || !this.chosen.has(number)) return;
        const { schedule } = track, { frames, chosen } = this, at = edits.seenPlaces(schedule, frames);
        const within = [...chosen].map((key) => at[key]).filter((place) => !edits.isPast(place, frames));
        const room = within.map((place) => Math.floor(frames - 1 - place));
        const byFrames = Math.min(Math.round(frame - at[number]), ...room);
        const from = schedule.keys[number].value, stays = Math.abs(value - from) < this.#step(fine) / 2;
        const byValue = stays ? 0 : this.#stepped(value, fine) - from;
        this.#move({ preview: edits.moveKeys(schedule, frames, chosen, byFrames, byValue) });
        this.#goTo(number);
    }

    #step(fine) {
        return (fine ? FINE : STEP) * this.units.grain;
    }

    /** A value on one of the steps. */
    #stepped(value, fine) {
        const step = this.#step(fine);
        return edits.clamp(edits.round(Math.round(value / step) * step), -MAX_SIZE, MAX_SIZE);
    }

    /** A Bezier's handle is dragged to a frame and a value; see `edits.moveHandle`. */
    dragHandle(number, end, frame, value, broken = false) {
        const track = this.editable;
        if (!this.drag || !track) return;
        this.#move({ preview: edits.moveHandle(track.schedule, this.frames, number, end, frame, value, broken) });
    }

    /** A marquee is dragged around some keys: they are chosen; with `also` beside those from before. */
    dragBox(box, numbers, also = false) {
        if (!this.drag || !this.track) return;
        this.#move({ chosen: new Set([...(also ? this.drag.before.chosen : []), ...numbers]) }, box);
    }

    #move(parts, box = null) {
        this.change({ ...parts, drag: { ...this.drag, moved: true, box } });
    }

    /** The pointer is released: what was dragged is written. */
    end() {
        const { drag, preview } = this;
        this.change({ drag: null });
        if (drag && preview) this.commit(preview);
    }
}
