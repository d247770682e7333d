// What a message leads to: a press on its button opens the download of the files that it names, in its own tab.

let presses = 0; // so that the same button works twice: a text that does not change tells nobody

document.addEventListener("click", (event) => {
    const lead = event.target.closest?.(".wplus-lead");
    const field = lead?.closest(".wplus")?.querySelector(".wplus-wanted textarea, .wplus-wanted input");
    if (!field) return;
    presses += 1;
    field.value = `${lead.dataset.items} ${presses}`;
    updateInput(field);
});
