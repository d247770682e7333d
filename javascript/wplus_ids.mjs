// Which track of a text is which one of another text: what is active, locked or alone stays so. No page.

import { places } from "./wplus_edits.mjs";
import { formatSchedule } from "./wplus_tracks.mjs";

export const STRENGTH = 0; // the id of the strength, which is always the same one

/**
 * The tracks, with the ids of those that they were before: of the same line, or else of the same name, each in their
 * order. What was not there before gets an id from `fresh()`.
 */
export function identified(tracks, before, fresh) {
    const isTrack = ({ strength }) => !strength, left = new Set(before.filter(isTrack)), ids = new Map();
    for (const part of ["source", "name"]) {
        const waiting = new Map();
        for (const old of left) {
            if (!waiting.has(old[part])) waiting.set(old[part], []);
            waiting.get(old[part]).push(old);
        }
        for (const track of tracks.filter(isTrack)) {
            const old = ids.has(track) ? undefined : waiting.get(track[part])?.shift();
            if (!old) continue;
            ids.set(track, old.id);
            left.delete(old);
        }
    }
    return tracks.map((track) => ({ ...track, id: track.strength ? STRENGTH : ids.get(track) ?? fresh() }));
}

/** The numbers of a schedule's keys that lie where some keys of another one lie: all the same where it is the same. */
export function sameKeys(schedule, before, numbers, frames) {
    if (formatSchedule(schedule) === formatSchedule(before)) return numbers;
    const at = places(before, frames), wanted = new Set([...numbers].map((number) => at[number]));
    return new Set([...places(schedule, frames).entries()].filter(([, place]) => wanted.has(place)).map(([i]) => i));
}
