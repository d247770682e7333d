// What gradio leaves undone for those who do not see the page: numbers beside sliders get names, and ids are one
// element's each.

/** Mend what is below an element; again where parts of it come later. */
export function mend(root) {
    for (const number of root.querySelectorAll("input[type=number]:not([aria-label])")) {
        const label = number.closest(".block")?.querySelector("label span");
        if (label && !number.closest("label")) number.setAttribute("aria-label", label.textContent.trim());
    }
    for (const inner of root.querySelectorAll(".gradio-html [id]")) {
        if (inner.id === inner.closest(".gradio-html").id) inner.removeAttribute("id");
    }
}
