// What was pressed shows that it waits: it is busy, and no button that can be pressed, until there is an answer.

import { words } from "./wplus_words.mjs";

const left = new WeakSet(); // elements that had the focus, which a disabled button loses

/** Show that an element waits; `says` may be shown there. */
export function wait(element, says = "") {
    if (element === document.activeElement) left.add(element);
    element.dataset.says = words(says);
    element.setAttribute("aria-busy", "true");
    if ("disabled" in element) element.disabled = true;
}

/** Show that an element has what it waited for. */
export function done(element) {
    element.removeAttribute("aria-busy");
    delete element.dataset.says;
    if ("disabled" in element) element.disabled = false;
    if (left.delete(element) && [null, document.body].includes(document.activeElement)) element.focus();
}

/** Show what Python's events wait for, as `parts.py` tells it; `find` gives the element of a selector. */
export function showWaits(find) {
    for (const [name, act] of Object.entries({ "wplus-wait": wait, "wplus-done": done })) {
        document.addEventListener(name, ({ detail: { id, says } }) => {
            const element = find(`#${id}`);
            if (element) act(element, says);
        });
    }
}
