// What fields and buttons say where the pointer, or the focus, rests on them. They come and go with gradio: so the help
// is given when it is asked for.

import { words } from "./wplus_words.mjs";

/** Help by the id of an element, in sentences. Elements that have a title of their own keep it. */
export function giveHelp(help) {
    const give = ({ target }) => {
        const element = target.closest?.("[id]");
        const named = element && (help[element.id] ? element : element.parentElement?.closest("[id]"));
        const said = named && help[named.id];
        if (said && !named.title) named.title = said.map((text) => words(text)).join("; ");
    };
    for (const asked of ["pointerover", "focusin"]) document.addEventListener(asked, give);
}
