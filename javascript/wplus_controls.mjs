// The buttons, fields and lists around the drawing. They give commands, and show what `refresh` gives them.

import { LAYERS, plain } from "./wplus_curve.mjs";
import { button, field, html, isEdited, press, restore, show, svg } from "./wplus_dom.mjs";
import { EASINGS } from "./wplus_easings.mjs";
import { colourOf, shapeOf } from "./wplus_styles.mjs";
import { textOf } from "./wplus_units.mjs";
import { words } from "./wplus_words.mjs";

const ICONS = {
    undo: "M8 5L4 9l4 4M4 9h9a5 5 0 0 1 0 10H9",
    redo: "M16 5l4 4l-4 4M20 9h-9a5 5 0 0 0 0 10h4",
    add: "M12 5v14M5 12h14",
    remove: "M5 12h14",
    loop: "M4 12a6 6 0 0 1 6-6h8l-3-3M20 12a6 6 0 0 1-6 6H6l3 3",
    counted: "M3 17a9 9 0 0 1 18 0M12 17l4-6M3 21h18",
    fine: "M4 18h16M4 18v-5M8 18v-3M12 18v-5M16 18v-3M20 18v-5",
    copy: "M8 8h11v12H8zM5 16V4h11",
    paste: "M6 5h12v16H6zM9 3h6v4H9z",
    used: "M2 12C6 5 18 5 22 12C18 19 6 19 2 12ZM9.5 12a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0Z",
    locked: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    solo: "M12 3l2.7 5.8l6.3.7l-4.7 4.3l1.3 6.2L12 16.9L6.4 20l1.3-6.2L3 9.5l6.3-.7z",
    up: "M6 14l6-6l6 6",
    down: "M6 10l6 6l6-6",
    drop: "M6 6l12 12M18 6L6 18",
};

function tool(icon, label, act, attributes) {
    return button(ICONS[icon], label, act, attributes);
}

function capital(text) {
    return text[0].toUpperCase() + text.slice(1);
}

/** The picture of a track's colour and shape. */
function badge(style) {
    return svg("svg", { class: `wplus-badge ${colourOf(style)}`, viewBox: "-9 -9 18 18", "aria-hidden": "true" },
        svg("path", { d: shapeOf(style) }));
}

export class Controls {
    #rows = "";
    #key = ""; // whose frame and value are shown

    /**
     * Args: the `EditorState`; `page` has `add`, `copy` and `paste`, which need more than the state; `presets` are
     * pairs of title and schedule.
     */
    constructor(state, page, presets) {
        this.state = state;
        this.undo = tool("undo", words("Undo (Ctrl+Z)"), () => state.undo(-1));
        this.redo = tool("redo", words("Redo (Ctrl+Shift+Z)"), () => state.undo(1));
        this.add = tool("add", words("Add a key at the cursor (double-click: at the pointer)"), () => page.add());
        this.remove = tool("remove", words("Remove the chosen keys (Delete)"), () => state.remove());
        this.easings = Object.entries(EASINGS).map(([easing, { title, icon }]) => {
            const preview = () => state.suggest(easing), forget = () => state.suggest(null);
            const events = { onpointerenter: preview, onpointerleave: forget, onfocus: preview, onblur: forget };
            const label = words("{0} easing", title);
            return button(icon, capital(label), () => state.ease(easing), { "data-easing": easing, ...events });
        });
        this.loop = tool("loop", words("Loop: the last frame leads back to the first"), () => state.loop());
        this.fine = tool("fine", words("Fine values: steps of 0.001 (Alt)"), () => state.toggleFine());
        const counting = words("Count in what was measured, such as an age in years");
        this.counted = tool("counted", counting, () => state.toggleCounted());
        this.presets = this.#menu(presets);
        this.copy = tool("copy", words("Copy the active track as text (Ctrl+C)"), () => page.copy());
        this.paste = tool("paste", words("Paste a track or a schedule (Ctrl+V)"), () => page.paste());
        const groups = [
            [this.undo, this.redo], [this.add, this.remove], this.easings, [this.loop, this.fine, this.counted],
            [this.presets], [this.copy, this.paste],
        ];
        this.bar = html("div", { class: "wplus-bar", role: "toolbar", "aria-label": words("Curve tools") });
        this.bar.append(...groups.map((group) => html("span", { class: "wplus-group" }, ...group)));

        this.frame = field(words("Frame of the key"), (frame) => state.setKey({ frame }), { inputmode: "numeric" });
        this.value = field(words("Value of the key"), (value) => state.setKey({ value }));
        this.readout = document.createTextNode("");
        this.fields = html("div", { class: "wplus-fields" },
            html("label", {}, words("Frame"), this.frame), html("label", {}, words("Value"), this.value),
            html("output", { class: "wplus-readout", "aria-live": "off" }, this.readout));
        this.list = html("ol", { class: "wplus-tracks", "aria-label": words("Tracks") });
    }

    #menu(presets) {
        const titled = presets.map(([title, value]) => [words(title), value]);
        const options = [[words("Preset…"), ""], ...titled].map(([title, value]) => html("option", { value }, title));
        const menu = html("select", { "aria-label": words("Preset for the active track") }, ...options);
        menu.addEventListener("change", () => {
            if (menu.value) this.state.preset(menu.value);
            menu.value = "";
        });
        return menu;
    }

    /** Show a state of the editor. */
    refresh({ tracks, regions, active, chosen, key, easing, units, counted, canUndo, canRedo, fine, readOnly }) {
        const track = tracks[active], still = readOnly || !track || track.locked || !track.used;
        press(this.loop, track?.schedule.loop);
        press(this.fine, fine);
        press(this.counted, counted);
        this.counted.disabled = !units.found?.attribute;
        for (const item of this.easings) press(item, easing === item.dataset.easing);
        for (const item of [this.add, this.loop, ...this.easings]) item.disabled = still;
        this.presets.disabled = still;
        this.remove.disabled = still || !chosen;
        this.undo.disabled = !canUndo;
        this.redo.disabled = !canRedo;
        this.copy.disabled = !track;
        this.paste.disabled = readOnly;
        this.frame.disabled = this.value.disabled = still || !key;
        this.#showKey(track, key, units);
        this.#showRows(tracks, regions, active, readOnly);
    }

    /** What is typed in a key's field stays while it is that key's. */
    #showKey(track, key, units) {
        const whose = key ? `${track.id} ${plain(key.frame)} ${units.scale}` : "", other = whose !== this.#key;
        this.#key = whose;
        if (other || !isEdited(this.frame)) show(this.frame, key ? plain(key.frame) : "");
        if (other || !isEdited(this.value)) show(this.value, key ? textOf(units, key.value) : "");
    }

    #showRows(tracks, regions, active, readOnly) {
        const shown = ["id", "name", "layers", "region", "used", "locked", "solo", "style"];
        const looks = tracks.map((track) => shown.map((part) => track[part]));
        const rows = JSON.stringify([active, readOnly, regions, looks]);
        if (rows === this.#rows) return;
        this.#rows = rows;
        const focused = document.activeElement?.closest?.(".wplus-tracks [data-act]");
        const [at, act] = focused ? [focused.closest("li").dataset.track, focused.dataset.act] : [];
        const count = tracks.filter(({ strength }) => !strength).length;
        const row = (track, i) => this.#row(track, i, { active: i === active, count, regions, readOnly });
        for (const input of this.list.querySelectorAll("input")) restore(input); // it may be another's row
        this.list.replaceChildren(...tracks.map(row));
        if (act) this.list.querySelector(`[data-track="${at}"] [data-act="${act}"]:not([disabled])`)?.focus();
    }

    #row(track, i, { active, count, regions, readOnly }) {
        const { state } = this, { name, strength } = track;
        const toggle = (what, label, call, disabled) => {
            const pressed = { "data-act": what, "aria-pressed": String(track[what]), disabled };
            return tool(what, label, call, pressed);
        };
        const still = readOnly || track.locked;
        const act = (icon, label, call, end) => {
            return tool(icon, label, call, { "data-act": icon, disabled: end || readOnly });
        };
        const choose = html("button", {
            type: "button", class: "wplus-name", "aria-pressed": String(active), "data-act": "choose",
            onclick: () => state.activate(i),
        }, badge(track.style), html("span", {}, name), ...(track.used ? [] : [html("em", {}, words("muted"))]));
        const kind = `${active ? "wplus-active" : ""} ${track.used ? "" : "wplus-muted"}`;
        const lock = toggle("locked", words("Lock {0}", name), () => state.lock(i), false);
        const row = html("li", { "data-track": i, class: kind }, choose), drop = () => state.drop(i);
        const layered = words("Of {0} layers: the first are pose and shape, the last colour and skin", LAYERS);
        const reset = tool("drop", words("Strength back to 1"), drop, { "data-act": "reset", disabled: still });
        if (strength) row.append(html("span", { class: "wplus-group" }, lock, reset));
        else row.append(
            html("span", { class: "wplus-layers", title: layered },
                words("layers"), this.#layer(words("First layer of {0}", name), i, 0, track, still),
                "–", this.#layer(words("End of the layers of {0}", name), i, 1, track, still)),
            this.#regionMenu(track, i, regions, still),
            html("span", { class: "wplus-group" },
                toggle("used", words("Use {0}; off, it is muted", name), () => state.mute(i), readOnly),
                lock,
                toggle("solo", words("Solo {0}: mute all others", name), () => state.soloTrack(i), readOnly),
                act("up", words("Move up {0}", name), () => state.swap(i, i - 1), i === 0),
                act("down", words("Move down {0}", name), () => state.swap(i, i + 1), i === count - 1),
                act("drop", words("Remove {0}", name), drop, still)));
        return row;
    }

    /** Where a track acts; nothing to choose where there are no regions. */
    #regionMenu(track, i, regions, disabled) {
        const names = [...new Set(["", ...regions, track.region])];
        const options = names.map((name) => {
            return html("option", { value: name, selected: name === track.region }, name || words("everywhere"));
        });
        const attributes = { "aria-label": words("Region of {0}", track.name), "data-act": "region", disabled };
        const menu = html("select", { class: "wplus-region", hidden: names.length === 1, ...attributes }, ...options);
        menu.addEventListener("change", () => this.state.setRegion(i, menu.value) || (menu.value = track.region));
        return menu;
    }

    #layer(label, i, which, track, disabled) {
        const attributes = { inputmode: "numeric", "data-act": `layer ${which}`, disabled };
        const input = field(label, (number) => this.state.setLayers(i, which, number), attributes);
        show(input, String(track.layers[which]));
        return input;
    }
}
