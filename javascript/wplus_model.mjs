// What the editor knows, without a page, and how a text gets in and out. The text is the truth: an edit makes a new
// schedule, which is drawn at once (`preview`); its end, a released pointer or key, writes the text once.

import { plain } from "./wplus_curve.mjs";
import { EASINGS } from "./wplus_easings.mjs";
import { clamp, places, sort } from "./wplus_edits.mjs";
import { STRENGTH, identified, sameKeys } from "./wplus_ids.mjs";
import { History, read, withTrack } from "./wplus_text.mjs";
import { Told } from "./wplus_told.mjs";
import { constantOf, customaryOf, textOf, unitsOf } from "./wplus_units.mjs";
import { words } from "./wplus_words.mjs";

/** The state of an editor. Everybody may read it; `EditorState` has the commands, which alone change it. */
export class Model extends Told {
    text = "";
    tracks = []; // of the last text that could be read, and their strength; each has an `id`, which it keeps
    fault = null; // of the text
    frames = 16;
    fps = 8; // 0: not known
    note = ""; // about the frames
    alpha = false; // values are alpha of an identity, not lambda
    calibrated = {}; // what directions were measured to give, by name and by "lambda" or "alpha"
    counted = false; // values are shown as what they give, where that is known
    active = -1; // the number of the track that is edited; -1: there is none
    chosen = new Set(); // numbers of its keys; replaced, never changed
    cursor = 0; // a frame
    fine = false;
    preview = null; // a schedule of the active track that is not in the text yet
    suggestion = null; // one that is only shown
    drag = null; // while one goes on: `{before, moved, box}`, where the box is a marquee's
    regions = []; // the names of those that there are
    run = null; // the last one: `{residual: [a number a frame], strip: an Image or null, reached: [a curve]}`
    locked = new Set(); // ids of tracks
    solo = null; // `{id, muted}`: the track that is alone, and what was muted before, by id
    history = new History("");
    #ids = 0; // that were given

    // What is to be read

    get track() {
        return this.tracks[this.active];
    }

    /** The tracks that have a row: the strength where there is something that it is of. */
    get rows() {
        const { tracks, alpha } = this;
        return tracks.filter(({ strength }) => !strength || alpha || tracks.length > 1);
    }

    /** What the values are multiplied by, or an identity is used with; null where it changes. */
    get strength() {
        const found = this.tracks.find(({ strength }) => strength);
        return found ? constantOf(found.schedule) : 1;
    }

    /** The active track's, as it is drawn. */
    get schedule() {
        return this.preview ?? this.track.schedule;
    }

    /** The active track where its curve may be changed, else null: nobody sees what would happen to a muted one. */
    get editable() {
        const { track } = this;
        return track && !this.fault && !track.muted && !this.look(track).locked ? track : null;
    }

    /** Where the active track's keys lie, in frames. */
    get places() {
        return places(this.schedule, this.frames);
    }

    /** The one chosen key, with its number and frame, else null. */
    get key() {
        if (!this.track || this.chosen.size !== 1) return null;
        const [number] = this.chosen, key = this.schedule.keys[number];
        return key ? { ...key, number, frame: this.places[number] } : null;
    }

    /** The keys whose segments an easing is for: the chosen ones, or all. */
    get segments() {
        return this.chosen.size ? this.chosen : new Set(this.schedule.keys.keys());
    }

    /** The active track as a line of text. */
    get line() {
        return this.track?.source ?? "";
    }

    /** What the buttons of a track show: `{used, locked, solo}`. */
    look(track) {
        const isRight = (other) => other.strength || other.muted !== (other === track);
        const alone = this.solo?.id === track.id && this.tracks.every(isRight);
        return { used: !track.muted, locked: this.locked.has(track.id), solo: alone };
    }

    /** Whether a track is drawn; of a strength that leaves all as it is, nobody needs to see. */
    visible(track) {
        if (!track.strength) return !track.muted;
        return this.rows.includes(track) && (track === this.track || constantOf(track.schedule) !== 1);
    }

    /** By how much a track's values are multiplied on the active one's axis: each fills its own customary half. */
    stretch(track) {
        return this.units.customary / customaryOf(track, this.alpha);
    }

    /** How the active track's values are shown; see `unitsOf`. */
    get units() {
        return unitsOf(this);
    }

    // What the page says

    /** Begin with a text from the page. */
    open(text) {
        this.history = new History(text);
        this.#takeOther(text);
    }

    /**
     * A text from the page: typed, pasted, or from Python. What was written last comes back, and is no news; what a
     * person typed is, even where it was written before.
     */
    setText(text, typed = false) {
        if (!this.isNews(text, typed)) return;
        this.cancel();
        this.history.push(text, typed);
        this.#takeOther(text);
    }

    /** How many frames will be rendered, how many a second (0: not known), and what else there is to say of them. */
    setFrames(frames, fps, note = "") {
        if (frames === this.frames && fps === this.fps && note === this.note) return;
        if (frames !== this.frames) this.cancel();
        this.change({ frames, fps, note, cursor: Math.min(this.cursor, frames - 1) });
    }

    /** Whether there is an identity, whose alpha the values are then. */
    setIdentity(alpha) {
        if (alpha === this.alpha) return;
        const active = !alpha && this.tracks.length === 1 && this.track?.strength ? -1 : this.active;
        this.change({ alpha, active });
    }

    /** The names of the regions. */
    setRegions(regions) {
        if (regions.join() !== this.regions.join()) this.change({ regions });
    }

    /** What directions were measured to give: `{attribute, slope, unit, low, high, model}` by name and number. */
    setCalibrated(calibrated) {
        this.change({ calibrated });
    }

    /** The last run, or null. */
    setRun(run) {
        this.change({ run });
    }

    /** Words for the status line. */
    say(text) {
        this.tell("said", text);
    }

    // For the commands

    /** Assign, and tell of it. */
    change(parts) {
        Object.assign(this, parts);
        this.tell("changed");
    }

    /** Leave what is not in the text, as if it had not been. Says whether there was anything. */
    cancel() {
        const { drag } = this, was = Boolean(drag || this.preview || this.suggestion);
        this.change({ ...drag?.before, drag: null, preview: null, suggestion: null });
        return was;
    }

    /** A new schedule of the active track, which is written, and its chosen keys. Says whether it was taken. */
    commit(schedule, said, chosen = this.chosen) {
        const { track } = this, sorted = sort(schedule, this.frames);
        const numbers = new Set([...chosen].map((number) => sorted.numbers[number]));
        const text = withTrack(this.text, { ...track, schedule: sorted.schedule });
        const taken = this.edit(text, said, { chosen: numbers }), { key } = this;
        if (!taken || said) return taken;
        const show = (value) => textOf(this.units, value), { name } = track;
        const where = key && [plain(key.frame), show(key.value), EASINGS[key.easing].title];
        if (key) this.say(words("{0}: frame {1}, {2}, {3}", name, ...where));
        else this.say(`${name} = ${show(schedule.keys[0].value)} …`);
        return true;
    }

    /**
     * A new text, which is written, and what else is so with it; `ids` are its tracks', where they changed places.
     * One that could not be read, or changes a locked track, is refused: then all stays as it is, and it is said why.
     * Says whether it was taken.
     */
    edit(text, said, { ids = this.tracks.map(({ id }) => id), ...parts } = {}) {
        const news = read(text);
        const kept = ids.filter((id) => id !== STRENGTH);
        news.tracks = news.tracks?.map((track, i) => {
            return { ...track, id: track.strength ? STRENGTH : kept[i] ?? this.#newId() };
        });
        const refusal = (this.fault ?? news.fault)?.message ?? this.#changedLock(news.tracks);
        if (refusal) {
            this.change({ preview: null });
            this.say(words("Not changed: {0}", refusal));
            return false;
        }
        if (text === this.text) {
            this.change({ preview: null, ...parts });
        } else {
            this.history.push(text);
            this.#take(news, parts);
            this.#write();
        }
        if (said) this.say(said);
        return true;
    }

    /** Write a text that the history has. */
    send(text) {
        this.#takeOther(text);
        this.#write();
    }

    #newId() {
        this.#ids += 1;
        return this.#ids;
    }

    /** What is to be said where a locked track is another one, or is gone. */
    #changedLock(tracks) {
        const sources = new Map(tracks.map(({ id, source }) => [id, source]));
        const changed = this.tracks.find(({ id, source }) => this.locked.has(id) && sources.get(id) !== source);
        return changed && words("{0} is locked, unlock it first", changed.name);
    }

    #write() {
        this.wrote(this.text);
    }

    /** Be of a text that is no edit of the present one. The active track and its chosen keys are looked for in it. */
    #takeOther(text) {
        const news = read(text), { track, chosen, frames } = this;
        if (!news.tracks) return this.#take(news);
        const tracks = identified(news.tracks, this.tracks, () => this.#newId());
        const active = tracks.findIndex(({ id }) => id === track?.id);
        if (active < 0) return this.#take({ ...news, tracks }, { chosen: new Set() });
        const keys = sameKeys(tracks[active].schedule, track.schedule, chosen, frames);
        return this.#take({ ...news, tracks }, { active, chosen: keys });
    }

    /** Be of a text, as far as it can be read: else the tracks stay what they were. */
    #take({ text, tracks, fault }, parts = {}) {
        const wasStrength = this.track?.strength;
        Object.assign(this, { text, fault, preview: null, suggestion: null, drag: null, ...parts });
        if (tracks) {
            this.tracks = tracks;
            const others = tracks.filter(({ strength }) => !strength).length;
            const stays = wasStrength && this.track?.strength && (others || this.alpha);
            if (!stays) this.active = clamp(this.active, 0, others - 1); // the strength is so by choice alone
            if (this.track?.muted) this.chosen = new Set();
        }
        this.change({});
    }
}
