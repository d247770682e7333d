// What tells tracks apart, beside their names: the shape of their keys, and a colour. The colours are in style.css
// under "The styles of tracks", as many as there are shapes here: the report, which Python writes, uses them too.

export const SHAPES = [
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0Z",
    "M-5.5-5.5h11v11h-11Z",
    "M0-7.5L7.5 0L0 7.5L-7.5 0Z",
    "M0-7L6.5 5h-13Z",
    "M0 7L6.5-5h-13Z",
    "M-3.3-6h6.6L7 0L3.3 6h-6.6L-7 0Z",
];

const BAR = "M-2.5-7h5v14h-5Z"; // the strength's

/** The style of a track, by its place in the list; the strength has its own. */
export function styleOf(index, { strength = false } = {}) {
    return strength ? "strength" : index % SHAPES.length;
}

/** The path of a style's keys. */
export function shapeOf(style) {
    return SHAPES[style] ?? BAR;
}

/** The class that gives a style's colour. */
export function colourOf(style) {
    return `wplus-scale-${style}`;
}
