// What gradio leaves undone for those who do not see the page, or have no mouse: accordions are buttons, numbers beside
// sliders get names, and ids are one element's each.

import { words } from "./wplus_words.mjs";

/** Mend what is below an element; again where parts of it come later. */
export function mend(root) {
    for (const head of root.querySelectorAll(".label-wrap:not([role])")) {
        const tell = () => head.setAttribute("aria-expanded", String(head.classList.contains("open")));
        Object.assign(head, { role: "button", tabIndex: 0 });
        head.addEventListener("keydown", (event) => {
            if (event.target !== head || !["Enter", " "].includes(event.key)) return;
            event.preventDefault();
            head.click();
        });
        new MutationObserver(tell).observe(head, { attributeFilter: ["class"] });
        tell();
    }
    for (const number of root.querySelectorAll("input[type=number]:not([aria-label])")) {
        const text = number.closest(".block")?.querySelector("label span")?.textContent.trim();
        if (text && !number.closest("label")) number.setAttribute("aria-label", words(text));
    }
    for (const inner of root.querySelectorAll("[id] [id]")) { // those of its HTML are written twice
        if (inner.id === inner.parentElement.closest("[id]").id) inner.removeAttribute("id");
    }
}
