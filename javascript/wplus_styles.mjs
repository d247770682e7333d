// What tells tracks apart, beside their names: a shape of their keys, and a colour, which style.css has, under "The
// styles of tracks", for as many styles as there are shapes here; the report in Python takes its colours from there too.

export const SHAPES = [
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0Z",
    "M-5.5-5.5h11v11h-11Z",
    "M0-7.5L7.5 0L0 7.5L-7.5 0Z",
    "M0-7L6.5 5h-13Z",
    "M0 7L6.5-5h-13Z",
    "M-3.3-6h6.6L7 0L3.3 6h-6.6L-7 0Z",
];

/** The style of a track, by its place in the list. */
export function styleOf(index) {
    return index % SHAPES.length;
}

/** The class that gives a style's colour. */
export function colourOf(style) {
    return `wplus-scale-${style}`;
}
