// The faces on people's photos: each is a button, and is pressed in while it is ticked among those that are taken.

import { press } from "./wplus_dom.mjs";

const FACE = ".wplus-face";

/** Let a click on a face of `root`, the page, take it or leave it. */
export function showFaces(root) {
    root.addEventListener("click", (event) => {
        const face = event.target.closest?.(FACE);
        if (!face) return;
        const { taken } = face.closest("[data-taken]").dataset;
        root.querySelectorAll(`#${taken} input`)[face.dataset.number - 1]?.click();
    });
    // The page's own event: of a click above, and of what Python takes.
    document.addEventListener("wplus-taken", ({ detail: { id, numbers } }) => {
        for (const face of root.querySelectorAll(`[data-taken=${id}] ${FACE}`)) {
            press(face, numbers.includes(face.dataset.number));
        }
    });
}
