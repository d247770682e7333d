// Elements of the page: how they are made and written to. It knows nothing of curves.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes beginning with "on" are listeners, `true` is an empty attribute and `false` is none. */
export function html(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children);
    return element;
}

/** An element of an SVG. */
export function svg(name, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
}

const written = new WeakMap(); // by element: asking the page for an attribute takes longer

/** Set the attributes that differ from what was set here before. */
export function set(element, attributes) {
    const before = written.get(element) ?? {};
    written.set(element, before);
    for (const name in attributes) {
        if (before[name] === attributes[name]) continue;
        before[name] = attributes[name];
        element.setAttribute(name, attributes[name]);
    }
}

/** A button with a picture, which is the path of an icon of 24 units, and a name for those who do not see it. */
export function button(icon, label, act, attributes = {}) {
    const picture = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: icon }));
    return html("button", { type: "button", title: label, "aria-label": label, onclick: act, ...attributes }, picture);
}

/** Show whether a button is pressed in. */
export function press(element, on) {
    element.setAttribute("aria-pressed", String(Boolean(on)));
}

/**
 * A field that takes a number: Enter or leaving it commits, Esc restores. `act(number)` says whether the number was
 * taken; where it was not, the field shows what it showed before.
 */
export function field(label, act, attributes = {}) {
    const own = { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": label };
    const input = html("input", { ...own, ...attributes });
    const commit = () => {
        const { value, dataset: { shown } } = input;
        if (value === shown) return;
        const taken = act(value.trim() === "" ? NaN : Number(value.replace(",", ".").replace("−", "-")));
        show(input, taken ? value : shown);
    };
    input.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        if (event.key === "Enter") commit();
        else if (event.key === "Escape") restore(input);
        else return;
        event.preventDefault();
        event.stopPropagation(); // to the WebUI, Esc is to interrupt
        input.select();
    });
    input.addEventListener("blur", commit);
    return input;
}

/** Show a text in a field, as what is true now. */
export function show(input, text) {
    input.dataset.shown = text;
    if (input.value !== text) input.value = text;
}

/** Forget what a person has typed in a field and not committed. */
export function restore(input) {
    show(input, input.dataset.shown);
}

/** Whether an element is such a field and a person is at work in it: then its text is theirs. */
export function isEdited(element) {
    const { value, dataset: { shown } } = element;
    return document.activeElement === element && shown !== undefined && value !== shown;
}
