// The evaluator of schedules: the twin of wplus_ext/curve.py, which says what it means. Both agree to the last bit:
// + - * / and comparisons, in the same order. No DOM; Node imports it as it stands, and with it the track language.

import { EASINGS } from "./wplus_easings.mjs";
import { TrackError, parseSchedule, plain } from "./wplus_tracks.mjs";

export * from "./wplus_tracks.mjs";

/** The value at each of `frames` frames. Throws TrackError for two keys on one frame and the like. */
export function evaluate(schedule, frames) {
    return new Curve(schedule, frames).values();
}

/** A schedule over a number of frames; `at` gives its value between the frames too, for drawing. */
export class Curve {
    constructor(schedule, frames) {
        if (typeof schedule === "string") schedule = parseSchedule(schedule);
        if (!(Number.isInteger(frames) && frames >= 1)) {
            throw new RangeError(`frames is ${frames}, expected at least 1`);
        }
        this.frames = frames;
        let keys = schedule.keys.map((key) => ({ place: place(key, schedule.keys.length, frames), key }));
        if (schedule.loop) {
            keys = keys.filter((item) => item.place <= frames - 1);
            if (!keys.length) {
                throw new TrackError(`expected a key for the loop within the ${frames} frames, found none`);
            }
        }
        keys.sort((a, b) => a.place - b.place || (frames === 1 ? a.key.position - b.key.position : 0));
        if (frames === 1) keys = [keys[0]];
        for (let i = 1; i < keys.length; i++) {
            if (keys[i - 1].place === keys[i].place) {
                const where = `two keys on frame ${plain(keys[i].place)} of ${frames}`;
                throw new TrackError(`${where}: expected one, remove or move the other`, 1, keys[i].key.column);
            }
        }
        this.first = schedule.loop && keys.length > 1 ? keys.length : 0; // before it are a loop's keys once more
        if (this.first) {
            // One period to the left and two keys to the right: every slope has its neighbours.
            const before = keys.map((item) => ({ place: item.place - frames, key: item.key }));
            const after = keys.slice(0, 2).map((item) => ({ place: item.place + frames, key: item.key }));
            keys = [...before, ...keys, ...after];
        }
        this.places = keys.map((item) => item.place);
        this.keys = keys.map((item) => item.key);
        this.slopes = this.#slopes();
    }

    values() {
        return Array.from({ length: this.frames }, (_, frame) => this.at(frame));
    }

    at(frame) {
        let low = 0, high = this.places.length - 1; // the last key at or before the frame, else the first
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (this.places[middle] <= frame) low = middle;
            else high = middle - 1;
        }
        return this.#inSegment(frame, low);
    }

    #slopes() {
        const slopes = this.keys.map(() => 0);
        for (let i = 1; i < slopes.length - 1; i++) {
            const left = this.places[i] - this.places[i - 1], right = this.places[i + 1] - this.places[i];
            const rise = (this.keys[i].value - this.keys[i - 1].value) / left;
            const next = (this.keys[i + 1].value - this.keys[i].value) / right;
            if ((rise > 0 && next > 0) || (rise < 0 && next < 0)) {
                const a = 2 * right + left, b = right + 2 * left;
                slopes[i] = (a + b) / (a / rise + b / next);
            }
        }
        return slopes;
    }

    #inSegment(frame, i) {
        const key = this.keys[i];
        if (frame <= this.places[i] || i + 1 === this.keys.length) return key.value;
        const width = this.places[i + 1] - this.places[i], slopes = [this.slopes[i], this.slopes[i + 1]];
        const segment = { start: key.value, goal: this.keys[i + 1].value, width, slopes, bezier: key.bezier };
        return EASINGS[key.easing].at(segment, frame - this.places[i]);
    }
}

/** Where a key lies, in frames; percentages and spread keys may lie between two. */
export function place(key, keys, frames) {
    if (key.unit === "percent") return (key.position * (frames - 1)) / 100;
    if (key.unit === "spread" && keys > 1) return (key.position * (frames - 1)) / (keys - 1);
    return key.position;
}
