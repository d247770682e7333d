// Words for people, in the language of the page. The WebUI puts the localization that was chosen in its settings into
// `localization`, by the English text, and translates by it what is on the page when it is loaded, or comes later as an
// element. What is written into an element it does not see: so all that our modules show, or say to those who do not
// see, comes from here. localizations/*.json have the texts, and tests/test_localizations.py proves that they have all.
// Where there is no page, as in Node, all stays English.

/**
 * A text in the language of the page; what stands for `{0}`, `{1}` … in it are the values. The text is to be a literal
 * where it is ours: the keys are collected from the calls.
 */
export function words(text, ...values) {
    const { localization } = globalThis, known = localization && Object.hasOwn(localization, text);
    const found = known ? localization[text] : text;
    return values.length ? found.replace(/\{(\d)\}/g, (mark, i) => values[i] ?? mark) : found;
}
