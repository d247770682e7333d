// What stands around the curves: values at the left, frames and seconds below, what the last run changed at the right.

import { plain } from "./wplus_curve.mjs";
import { svg } from "./wplus_dom.mjs";
import { words } from "./wplus_words.mjs";

/** The lines and numbers of a `Plot`, as elements; `fps` are frames a second, `past` is the gutter's width or 0. */
export function gridOf(plot, fps, past) {
    const end = plot.right + past;
    return [...valuesOf(plot), ...framesOf(plot, fps), ...(past ? pastOf(plot, end) : []), ...changesOf(plot, end)];
}

function valuesOf(plot) {
    const { half, scale, left, right } = plot, most = half * Math.abs(scale);
    const step = scale === 1 ? half / (half % 3 ? 2 : 3) : roundStep(most / 2), steps = Math.floor(most / step + 1e-9);
    return numbers(-steps, steps).flatMap((i) => {
        const value = i * step, y = plot.y(value / scale).toFixed(1);
        const label = i ? `${value > 0 ? "+" : "−"}${plain(Math.abs(value))}` : "0";
        return [
            svg("path", { class: i ? "" : "wplus-zero-line", d: `M${left} ${y}H${right}` }),
            svg("text", { x: left - 8, y, class: "wplus-value" }, label),
        ];
    });
}

function framesOf(plot, fps) {
    const { frames, last, inner, bottom } = plot, every = Math.max(1, niceStep((last / inner) * 46));
    return numbers(0, Math.floor((frames - 1) / every)).flatMap((i) => {
        const frame = i * every, x = plot.x(frame).toFixed(1), at = { x, class: "wplus-frame" };
        const parts = [
            svg("path", { d: `M${x} ${bottom}v4` }), svg("text", { ...at, y: bottom + 15 }, String(frame)),
        ];
        if (!(fps > 0)) return parts;
        const seconds = `${plain(Math.round((frame / fps) * 100) / 100)} s`;
        return [...parts, svg("text", { ...at, y: bottom + 29 }, seconds)];
    });
}

function pastOf({ right, top, bottom }, end) {
    return [
        svg("path", { class: "wplus-end", d: `M${(right + end) / 2} ${top}V${bottom}` }),
        svg("text", { x: end, y: bottom + 15, class: "wplus-frame" }, words("past")),
    ];
}

/** An axis of its own, from 0 to the most that was changed: drawn as that is. */
function changesOf(plot, end) {
    const { most, top, bottom } = plot, x = end + 10;
    if (!most) return [];
    const step = roundStep(most / 2), labels = numbers(0, Math.floor(most / step + 1e-9)).map((i) => {
        const y = plot.low(i * step).toFixed(1);
        return svg("text", { x: x + 6, y, class: "wplus-change" }, `${plain(100 * i * step)} %`);
    });
    return [svg("path", { class: "wplus-changes", d: `M${x} ${top}V${bottom}` }), ...labels];
}

function numbers(first, last) {
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The largest of 1, 2, 5, 10 … and their parts that is not more. */
function roundStep(most) {
    const size = 10 ** Math.floor(Math.log10(most));
    return size * [5, 2, 1].find((step) => step * size <= most * (1 + 1e-9));
}

/** A step of at least so many frames between the ruler's numbers. */
function niceStep(least) {
    for (let size = 1; ; size *= 10) {
        const step = (size === 1 ? [1, 2, 4, 5, 8] : [1, 2, 5]).find((one) => one * size >= least);
        if (step) return step * size;
    }
}
