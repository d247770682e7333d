// What is to be seen of a state: curves, scales and words, without a page. The view paints them.

import { EASINGS } from "./wplus_easings.mjs";
import * as edits from "./wplus_edits.mjs";
import { styleOf } from "./wplus_styles.mjs";
import { called, plain } from "./wplus_tracks.mjs";
import { axisOf, textOf } from "./wplus_units.mjs";
import { words } from "./wplus_words.mjs";

const HALVES = [1, 1.5, 2, 3, 5, 8, 10, 15, 20]; // of the axis

/**
 * All tracks as they are drawn, shown or not: `{index, name, style, curve, fault, keys, places, sequence, chosen,
 * active, locked, handles, stretch}`, with a curve or the fault that there is none. Their values are drawn `stretch`
 * times as large.
 */
export function scenesOf(state) {
    return state.rows.map((track, index) => {
        const active = index === state.active, schedule = active ? state.schedule : track.schedule;
        const { curve, fault } = edits.curveOf(schedule, state.frames), moving = state.drag || state.preview;
        return {
            index, active, curve, fault, name: track.name, style: styleOf(index, track), keys: schedule.keys,
            places: edits.places(schedule, state.frames),
            sequence: moving ? [...schedule.keys.keys()] : edits.order(schedule, state.frames), // stays while they move
            chosen: active ? state.chosen : new Set(), locked: state.look(track).locked, muted: track.muted,
            handles: active && state.editable && curve ? handlesOf(state) : [], stretch: state.stretch(track),
        };
    });
}

/** The handles beside the chosen keys: `{key, end, frame, value, fromFrame, fromValue}`. */
function handlesOf({ schedule, places, frames, chosen }) {
    const sequence = edits.order(schedule, frames), handles = [];
    sequence.slice(0, -1).forEach((a, i) => {
        const b = sequence[i + 1], key = schedule.keys[a];
        if (key.easing !== "bez" || !(chosen.has(a) || chosen.has(b))) return;
        const width = places[b] - places[a], rise = schedule.keys[b].value - key.value;
        [a, b].forEach((from, end) => {
            const [x, y] = key.bezier.slice(2 * end), frame = places[a] + x * width, value = key.value + y * rise;
            handles.push({ key: a, end, frame, value, fromFrame: places[from], fromValue: schedule.keys[from].value });
        });
    });
    return handles;
}

/** What `Plot.layout` needs, beside the width. */
export function scalesOf(state, scenes) {
    const { frames, fps, units: { customary, low, high, scale } } = state;
    const values = scenes.flatMap(({ keys, handles, stretch }) => {
        return [...keys, ...handles].map(({ value }) => (value * stretch) / customary);
    });
    const past = scenes.some(({ places }) => places.some((frame) => edits.isPast(frame, frames)));
    const most = Math.max(...changedOf(state), 0);
    return { frames, fps, half: customary * axisHalf(values), low, high, scale, past, most };
}

/** The half of an axis that holds values, in customary ones. */
export function axisHalf(values) {
    const largest = values.reduce((sofar, value) => Math.max(sofar, Math.abs(value)), 1);
    return HALVES.find((half) => half >= largest - 1e-9) ?? HALVES.at(-1);
}

/** What `Plot.paint` draws. */
export function pictureOf(state, scenes) {
    const before = state.drag && state.preview ? state.track.schedule : null;
    const ghosts = [before, state.suggestion].map((one) => one && edits.curveOf(one, state.frames).curve);
    const shown = scenes.filter(({ index }) => state.visible(state.tracks[index]));
    return {
        tracks: shown.sort((a, b) => a.active - b.active), // the active one on top
        ghosts: ghosts.filter(Boolean).map((curve) => ({ style: styleOf(state.active, state.track), curve })),
        units: state.units, cursor: state.cursor,
        marquee: state.drag?.box,
        changed: changedOf(state), reached: reachedOf(state)?.values ?? [],
        empty: !state.track,
    };
}

/**
 * What was measured of the active track's attribute in the last run: `{attribute, unit, measured, values}`, where null
 * is a frame that was not. The values are on the drawing's axis: 1 of the attribute is as high as the customary half of
 * it, or as the axis says that counts the attribute; one that has another unit, as an age has, begins at 0. Null where
 * nothing was.
 */
function reachedOf({ run, frames, track, units }) {
    const isFound = (each) => !track?.strength && each.track === called(track);
    const found = run?.residual.length === frames && run.reached?.find(isFound);
    const first = found?.measured?.find((value) => value !== null);
    if (first === undefined) return null; // no face was found
    const { attribute, unit, measured } = found;
    const zero = unit === 1 ? 0 : first;
    const high = units.attribute === attribute ? 1 / units.scale : units.customary / unit;
    const values = measured.map((value) => (value === null ? null : (value - zero) * high));
    return { attribute, unit, measured, values };
}

/** By how much the last run changed each frame, where it had as many frames as the next will have. */
function changedOf({ run, frames }) {
    return run?.residual.length === frames ? run.residual : [];
}

/** The words around the drawing: `{axis, readout, fault}`. */
export function wordsOf(state, scenes) {
    const { cursor, fps, key, fault, units } = state, { name, curve } = scenes[state.active] ?? {};
    const changed = changedOf(state), reached = reachedOf(state), seen = reached?.measured[cursor];
    const readout = [
        words("frame {0}", cursor),
        fps > 0 && `${(cursor / fps).toFixed(2)} s`,
        curve && `${name} ${textOf(units, edits.round(curve.at(cursor)))}`,
        key && EASINGS[key.easing].title,
        typeof seen === "number" && words("{0} {1} measured", reached.attribute, seen.toFixed(2)),
        changed.length && words("changed {0} %", (100 * changed[cursor]).toFixed(2)),
    ];
    const axis = [
        axisOf(units),
        changed.length && words("dotted, right axis: how much the last run changed, at most {0} %", mostOf(changed)),
        reached && words("grey: {0} as the last run came out", reached.attribute),
        reached && reached.unit !== 1 && words("0 is its first frame"),
        state.note,
    ];
    const broken = scenes.find((scene) => scene.fault && !scene.muted);
    return {
        axis: sentence(axis), readout: sentence(readout),
        fault: fault ? words("{0}. The drawing is of the last text that could be read.", fault.message)
            : broken ? `${broken.name}: ${broken.fault.fault ?? broken.fault.message}` : "",
    };
}

function sentence(parts) {
    return parts.filter(Boolean).join(" · ");
}

function mostOf(parts) {
    return plain(Number((100 * Math.max(...parts)).toPrecision(2)));
}

/** What `Controls.refresh` shows. */
export function controlsOf(state) {
    const easings = new Set(state.track ? [...state.segments].map((number) => state.schedule.keys[number].easing) : []);
    return {
        tracks: state.rows.map((track, index) => ({ ...track, ...state.look(track), style: styleOf(index, track) })),
        active: state.active, chosen: state.chosen.size, key: state.key,
        easing: easings.size === 1 ? [...easings][0] : null,
        regions: state.regions, units: state.units, counted: state.counted,
        fine: state.fine, readOnly: Boolean(state.fault),
        canUndo: state.history.can(-1), canRedo: state.history.can(1),
    };
}
