// The text of all tracks, line by line: what a person wrote beside the tracks stays. No page.
// A muted track is a comment, `# [off] smile = 0 > 1`: what renders, in whatever version, skips it by itself. The
// strength, which has a field of its own on the page, is the last line here: `# [strength] 0 > 1`.

import { LAYERS, TrackError, formatSchedule, formatTrack, linesOf, parse, parseSchedule } from "./wplus_tracks.mjs";
import { words } from "./wplus_words.mjs";

const STRENGTH = "\n# [strength] ";
const OFF = "# [off] ", MUTED = /^[ \t\u00A0\u3000\uFEFF]*#[ \t]*\[off\][ \t]*/;
const INDENT = /^[ \t\u00A0\u3000\uFEFF]+/; // the language's own blanks: others belong to a name

/** The tracks' text and the strength's as one. A strength that does not parse is left out. */
export function together(tracks, strength) {
    const line = strength.trim();
    return joined({ tracks, strength: attempt(() => parseSchedule(line)).fault ? null : line });
}

function joined({ tracks, strength }) {
    return strength === null ? tracks : tracks + STRENGTH + strength;
}

/** `{tracks, strength}` of such a text, as they were; the strength is null where there is none. */
export function apart(text) {
    const at = text.lastIndexOf(STRENGTH), strength = text.slice(at + STRENGTH.length);
    if (at < 0 || strength.includes("\n")) return { tracks: text, strength: null };
    return { tracks: text.slice(0, at), strength };
}

/** `{text, tracks, fault}` of a text, with its muted tracks; the tracks are null where it does not parse. */
export function read(text) {
    const { value, fault } = attempt(() => readAll(text));
    return { text, tracks: value, fault };
}

function attempt(act) {
    try {
        return { value: act(), fault: null };
    } catch (fault) {
        if (!(fault instanceof TrackError)) throw fault;
        return { value: null, fault };
    }
}

/**
 * Tracks in the order of their lines, each with whether it is `muted`, and its line as its `source`, without the mark
 * of a muted one. The last is the strength where there is one, which says so itself. A comment that is no track stays
 * one.
 */
function readAll(text) {
    const lines = linesOf(text), { strength } = apart(text);
    const live = parse(text).map((track) => ({ ...track, source: sourceOf(lines[track.line - 1]), muted: false }));
    const muted = lines.flatMap((line, i) => {
        const track = mutedTrack(line);
        return track ? [{ ...track, line: i + 1, source: sourceOf(line), muted: true }] : [];
    });
    const tracks = [...live, ...muted].sort((a, b) => a.line - b.line);
    return strength === null ? tracks : [...tracks, strengthOf(strength, lines.length)];
}

function strengthOf(source, line) {
    const all = { layers: [0, LAYERS], region: "", muted: false };
    return { ...all, name: words("strength"), schedule: parseSchedule(source), line, source, strength: true };
}

/** The track that a comment is while it is muted, else undefined. */
function mutedTrack(line) {
    return MUTED.test(line) ? attempt(() => parse(sourceOf(line))).value?.[0] : undefined;
}

function sourceOf(line) {
    return withoutIndent(line.replace(MUTED, "")).trimEnd();
}

function withoutIndent(line) {
    return line.replace(INDENT, "");
}

function written(track) {
    if (track.strength) return STRENGTH.trimStart() + formatSchedule(track.schedule);
    return (track.muted ? OFF : "") + formatTrack(track);
}

/** The text with these tracks muted, or no longer, as each of them says. */
export function withMuted(text, tracks) {
    const lines = linesOf(text);
    for (const { line, muted } of tracks) {
        const bare = lines[line - 1].replace(MUTED, "");
        lines[line - 1] = muted ? OFF + withoutIndent(bare) : bare;
    }
    return lines.join("\n");
}

/** The text with one track changed. */
export function withTrack(text, track) {
    return linesOf(text).map((line, i) => (i + 1 === track.line ? written(track) : line)).join("\n");
}

/** The text without a track. */
export function withoutTrack(text, track) {
    const { tracks, strength } = apart(text);
    return joined({ tracks: linesOf(tracks).filter((_, i) => i + 1 !== track.line).join("\n"), strength });
}

/** The text with two tracks' lines exchanged. */
export function withSwapped(text, a, b) {
    const lines = linesOf(text);
    [lines[a.line - 1], lines[b.line - 1]] = [lines[b.line - 1], lines[a.line - 1]];
    return lines.join("\n");
}

/**
 * The text after pasting another: tracks are added, or take the place of the active one where it is one track;
 * a schedule alone, as Deforum's, becomes the active track's, or a new track's of that name. Throws TrackError.
 */
export function withPasted(text, pasted, active, name) {
    const news = withJoined(pasted);
    if (!/[=＝]/.test(news)) {
        const schedule = parseSchedule(news);
        if (active) return withTrack(text, { ...active, schedule });
        return withLine(text, formatTrack({ name, layers: [0, LAYERS], schedule }));
    }
    const tracks = readAll(news);
    if (active && !active.strength && tracks.length === 1) {
        return withTrack(text, { ...tracks[0], line: active.line, muted: active.muted });
    }
    return tracks.length ? withLine(text, tracks.map(written).join("\n")) : text;
}

/**
 * A pasted text with the keys of one schedule on one line: they may come on several, with or without commas. Of the
 * comments those are kept that are muted tracks: another one may hold an equals sign too.
 */
function withJoined(pasted) {
    const lines = [], key = /^[-+\u2212＋－]?[\d.０-９．]+(e[-+]?\d+)?\s*([%％]\s*)?[:：]/i;
    for (const line of linesOf(pasted).map((one) => withoutIndent(one).trimEnd())) {
        const pieces = lines.at(-1), before = pieces?.at(-1); // looked at alone: a long line would be, for every key
        if (!line || line.startsWith("#")) {
            if (mutedTrack(line)) lines.push([line]);
        } else if (before === undefined || before.startsWith("#") || /[=＝]/.test(line)) {
            lines.push([line]);
        } else {
            const parted = /([=＝,，:：(（/>＞]|\bloop)$/.test(before) || !key.test(line);
            pieces.push(parted ? " " : ", ", line);
        }
    }
    return lines.map((pieces) => pieces.join("")).join("\n");
}

/** The text with one more line. */
export function withLine(text, line) {
    const { tracks, strength } = apart(text);
    return joined({ tracks: tracks.trim() ? `${tracks.trimEnd()}\n${line}` : line, strength });
}

/** Texts to go back and forth in. What is typed in one go is one of them. */
export class History {
    #texts;
    #at = 0;
    #typing = null; // the field that a person types in

    constructor(text) {
        this.#texts = [text];
    }

    /** Note a new text; what is `typed` into one field is one step. */
    push(text, typed = null) {
        if (text === this.#texts[this.#at]) return;
        if (typed && typed === this.#typing) this.#texts[this.#at] = text;
        else this.#texts = [...this.#texts.slice(Math.max(this.#at - 199, 0), this.#at + 1), text];
        this.#at = this.#texts.length - 1;
        this.#typing = typed;
    }

    /** The text one step back (-1) or forth (1), or null where there is none. */
    step(by) {
        const text = this.#texts[this.#at + by];
        if (text === undefined) return null;
        this.#at += by;
        this.#typing = null;
        return text;
    }

    /** Whether `step` would give one. */
    can(by) {
        return this.#texts[this.#at + by] !== undefined;
    }
}
