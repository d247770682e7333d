// The faces on people's photos: each is a button, and is pressed in while it is ticked among those that are taken.

import { press } from "./wplus_dom.mjs";
import { words } from "./wplus_words.mjs";

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
    // Python has shown others.
    document.addEventListener("wplus-seen", () => requestAnimationFrame(() => nameFaces(root)));
}

/** Call the faces what Python calls them, in the language of the page. */
function nameFaces(root) {
    for (const figure of root.querySelectorAll(".wplus-photos figure")) {
        const photo = figure.querySelector("img").alt, faces = figure.querySelectorAll(FACE), { length } = faces;
        faces.forEach((face, i) => {
            const name = words("face {0} of photo {1}", i + 1, photo);
            Object.assign(face, { title: name, ariaLabel: name });
        });
        const said = words("{0}: {1} faces, click the person’s", photo, length);
        if (length > 1) figure.querySelector("figcaption").textContent = said;
    }
}
