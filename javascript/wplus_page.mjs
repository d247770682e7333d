// Mounts an editor in each tab's accordion, and ties it to the page's own fields: the track text, AnimateDiff's
// frames and fps, the identity, the report. The only module that does something when it is loaded.

import { html } from "./wplus_dom.mjs";
import { Editor } from "./wplus_editor.mjs";
import { Ellipses } from "./wplus_ellipses.mjs";
import { mend } from "./wplus_gradio.mjs";
import { giveHelp } from "./wplus_help.mjs";
import { showFaces } from "./wplus_people.mjs";
import { Stage } from "./wplus_stage.mjs";
import { EditorState } from "./wplus_state.mjs";
import { apart, together, withLine } from "./wplus_text.mjs";
import { showWaits } from "./wplus_waiting.mjs";
import { words } from "./wplus_words.mjs";

const ASK = 1500; // milliseconds until an empty list is asked for
const WATCH = 300; // milliseconds between looks at fields that tell nobody when Python changes them

function mount(root) {
    const { tab, tracks, strength, direction, presets, add } = root.dataset;
    const find = (selector) => gradioApp().querySelector(selector);
    const [textarea, factor] = [tracks, strength].map((id) => find(`#${id} textarea, #${id} input`));
    const drafts = { tracks: `wplus-draft-${tab}`, strength: `wplus-draft-strength-${tab}` };
    const text = () => together(textarea.value, factor.value);
    // The list says what a direction does, and last its name.
    const chosen = () => find(`#${direction} input`)?.value.replace(/^.*? · /, "") || "smile";
    const offer = html("p", { class: "wplus-draft", hidden: true });
    const write = (news) => {
        const changed = [[textarea, news.tracks], [factor, news.strength]].filter(([field, value]) => {
            return value !== null && value !== field.value;
        });
        for (const [field, value] of changed) field.value = value;
        for (const [field] of changed) updateInput(field); // tells Python, and `take` below: of both together
    };
    const holder = html("div");
    root.replaceChildren(holder, offer);
    const state = new EditorState({ direction: chosen });
    state.listen({ wrote: (news) => write(apart(news)) });
    state.open(text());
    const editor = new Editor(holder, state, JSON.parse(presets), () => find(`#${add}`)?.click());
    const restore = mountStage(root, state, find);
    const [before, strong] = Object.values(drafts).map((draft) => stored((storage) => storage.getItem(draft)));
    const accept = (earlier) => {
        restore();
        write({ tracks: earlier, strength: strong });
        editor.element.focus({ preventScroll: true }); // the button that had it is gone
    };
    offerDraft(offer, before, textarea.value, accept);

    const keep = (name, { value }) => {
        offer.hidden ||= name === "tracks";
        stored((storage) => (value.trim() ? storage.setItem(drafts[name], value) : storage.removeItem(drafts[name])));
    };
    for (const [name, field] of [["tracks", textarea], ["strength", factor]]) {
        const take = (typed = false) => {
            state.setText(text(), typed);
            keep(name, field);
        };
        // The page's event may come before its field has the text, or be of an earlier one: the fields are the truth.
        root.addEventListener(`wplus-${name}`, () => setTimeout(take));
        field.addEventListener("input", () => take(document.activeElement === field && name));
    }
    follow(root, state, find);
    fill(() => find(`#${direction} input`)?.value, () => find(`#${root.dataset.again}`)?.click());
}

/** The lists are those of the WebUI's start: an empty one may have been filled since. Asked until gradio listens. */
function fill(isFilled, ask, times = 3) {
    setTimeout(() => {
        if (isFilled() || !times) return;
        ask();
        fill(isFilled, ask, times - 1);
    }, ASK);
}

/** The regions, on the frame at the cursor. Gives what brings back those of an earlier visit, where there are none. */
function mountStage(root, state, find) {
    const { tab, regions: id } = root.dataset, draft = `wplus-draft-regions-${tab}`;
    const textarea = find(`#${id} textarea`), regions = new Ellipses();
    const earlier = stored((storage) => storage.getItem(draft));
    const write = (text) => {
        textarea.value = text;
        updateInput(textarea);
    };
    regions.listen({ wrote: write, changed: () => state.setRegions(regions.regions.map(({ name }) => name)) });
    regions.setText(textarea.value);
    const side = (name) => Number(find(`#${tab}_${name} input[type=number]`)?.value) || 512;
    new Stage(find(`.wplus-regions[data-tab=${tab}]`), regions, state, () => [side("width"), side("height")]);
    const take = (text, typed = false) => {
        regions.setText(text, typed);
        stored((storage) => (text.trim() ? storage.setItem(draft, text) : storage.removeItem(draft)));
    };
    root.addEventListener("wplus-regions", (event) => take(event.detail ?? ""));
    textarea.addEventListener("input", () => take(textarea.value, document.activeElement === textarea));
    return () => earlier && !textarea.value.trim() && write(earlier);
}

/** Keep a state to what the page's other fields say. */
function follow(root, state, find) {
    const { tab, identity, report, calibrated } = root.dataset;
    // Its field is looked at before the first event alone: while a person searches in it, it holds what they type.
    let identityTold = false;
    root.addEventListener("wplus-identity", (event) => {
        identityTold = true;
        state.setIdentity(isIdentity(event.detail));
    });
    const show = () => showRun(state, find(`#${report} [data-run]`));
    root.addEventListener("wplus-report", () => requestAnimationFrame(show));
    const calibrate = () => state.setCalibrated(calibratedIn(find(`#${calibrated} [data-calibrated]`)));
    calibrate();
    root.addEventListener("wplus-calibrated", () => requestAnimationFrame(calibrate));

    const look = () => {
        const [frames, fps, note] = framesOf(find, tab);
        state.setFrames(frames, fps, note);
        Object.assign(root.dataset, { frames, fps }); // for what Python makes curves of
        const field = find(`#${identity} input`);
        if (!identityTold && field !== document.activeElement) state.setIdentity(isIdentity(field?.value));
    };
    look();
    setInterval(() => root.offsetParent && look(), WATCH);
    const looked = `[id^="${tab}-ad-"], #${tab}_batch_size`;
    gradioApp().addEventListener("input", (event) => event.target.closest?.(looked) && look());
}

/** How many frames will be made, how many a second, and what is to be said of them. */
function framesOf(find, tab) {
    const number = (selector) => Number(find(selector)?.value) || 0;
    const animated = number(`#${tab}-ad-video-length input`) || number(`#${tab}-ad-batch-size input`);
    const batch = Math.max(number(`#${tab}_batch_size input`), 1);
    const off = find(`#${tab}-ad-enable input`)?.checked === false;
    if (tab === "img2img" && find("#img2img_batch_tab")?.offsetParent) {
        const frames = off || !animated ? batch : Math.max(Math.round(animated), 1);
        // With ControlNet, AnimateDiff takes the whole folder for one job.
        if (animated && !off && find("#img2img_controlnet")) {
            return [frames, number(`#${tab}-ad-fps input`), words(
                "img2img Batch: the files are one video's frames; give AnimateDiff their number: it takes {0}",
                frames,
            )];
        }
        return [frames, 0, frames === 1
            ? words("img2img Batch: every file is a job of its own and gets the value at frame 0")
            : words(
                "img2img Batch: every file is a job of its own and gets the whole curve over its own {0} frames",
                frames,
            )];
    }
    if (!animated || (off && batch > 1)) return [batch, 0, words("the frames are the images of the batch")];
    const note = off ? words("AnimateDiff is off: one image, with the value at frame 0") : "";
    return [Math.max(Math.round(animated), 1), number(`#${tab}-ad-fps input`), note];
}

function isIdentity(name) {
    return Boolean(name) && name !== "None";
}

/** What `act` gets from the browser's storage; nothing where the browser refuses it, or it is full. */
function stored(act) {
    try {
        return act(localStorage);
    } catch {
        return null;
    }
}

/** A draft of an earlier visit is offered, and never forced. */
function offerDraft(place, text, present, take) {
    if (!text || text === present) return;
    const first = text.split("\n")[0].slice(0, 60), more = text.includes("\n") ? " …" : "";
    const accept = () => take(present.trim() ? withLine(present, text) : text);
    place.replaceChildren(
        html("span", {}, words("Written before the page was reloaded:"), " ", html("code", {}, first + more)),
        html("button", { type: "button", onclick: accept }, present.trim() ? words("Add it") : words("Take it up")),
        html("button", { type: "button", onclick: () => (place.hidden = true) }, words("No")),
    );
    place.hidden = false;
}

/** What directions were measured to give, as Python wrote it into an element. */
function calibratedIn(element) {
    return element ? JSON.parse(element.dataset.calibrated) : {};
}

/** The report's residual and thumbnails, for the line and the strip under the curve. */
function showRun(state, element) {
    if (!element) return state.setRun(null);
    const { residual, strip, reached } = JSON.parse(element.dataset.run);
    state.setRun({ residual, reached, strip: null });
    if (!strip) return;
    const image = new Image();
    image.onload = () => state.setRun({ residual, reached, strip: image });
    image.src = strip;
}

onUiLoaded(() => {
    const roots = [...gradioApp().querySelectorAll(".wplus-curve")];
    roots.forEach(mount);
    giveHelp(Object.assign({}, ...roots.map((root) => JSON.parse(root.dataset.help ?? "{}"))));
    gradioApp().querySelectorAll(".wplus, .wplus-several").forEach(mend);
    document.addEventListener("wplus-shown", ({ detail }) => {
        const part = gradioApp().querySelector(`#${detail}`);
        if (!part) return;
        mend(part);
        part.scrollIntoView({ block: "nearest" });
    });
    showFaces(gradioApp());
    showWaits((selector) => gradioApp().querySelector(selector));
});
