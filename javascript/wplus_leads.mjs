// What a message leads to: a press on its button opens the download of the files that it names, in its own tab.

import { html } from "./wplus_dom.mjs";
import { words } from "./wplus_words.mjs";

const NAMED = / ?\(Download: ([\w ]+)\)$/; // at the end of what hosts/webui/passports.py raises
let presses = 0; // so that the same button works twice: a text that does not change tells nobody

document.addEventListener("click", (event) => {
    const lead = event.target.closest?.(".wplus-lead");
    const accordion = lead?.closest(".wplus") ?? lead?.closest(".tabitem")?.querySelector(".wplus");
    const field = accordion?.querySelector(".wplus-wanted textarea, .wplus-wanted input");
    if (!field) return;
    accordion.querySelector(":scope > .label-wrap:not(.open)")?.click();
    presses += 1;
    field.value = `${lead.dataset.items} ${presses}`;
    updateInput(field);
});

/** A fault that ended a job stands among the WebUI's own words. */
onAfterUiUpdate(() => {
    for (const fault of gradioApp().querySelectorAll("[id^=html_log_] .error")) {
        const [told, items] = fault.lastChild?.data?.match(NAMED) ?? [];
        if (!told) continue;
        fault.lastChild.data = fault.lastChild.data.slice(0, -told.length);
        const button = { type: "button", class: "wplus-lead", "data-items": items };
        fault.append(" ", html("button", button, words("Download…")));
    }
});
