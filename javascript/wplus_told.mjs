// A state whose text is the page's too: whom it tells of changes, and which of the page's texts are news to it.

const ECHO = 2000; // milliseconds: what was written comes back sooner, where a page answers late

export class Told {
    #written = []; // the last texts, newest last
    #writtenAt = -Infinity;
    #listeners = [];
    #now;
    #echo;

    /** `now()` is a time in milliseconds, and so is `echo`, within which a text comes back; 0: this page's do not. */
    constructor(now = () => performance.now(), echo = ECHO) {
        this.#now = now;
        this.#echo = echo;
    }

    /**
     * Tell `changed()` of every change, `wrote(text)` of a text for the page, and `said(text)` of words for the
     * status line; each may be left out.
     */
    listen(listener) {
        this.#listeners.push(listener);
    }

    /** Tell the listeners. */
    tell(what, ...news) {
        for (const listener of this.#listeners) listener[what]?.(...news);
    }

    /**
     * Whether a text from the page is another one. What was written last comes back, and is no news; what a person
     * typed is, even where it was written before.
     */
    isNews(text, typed) {
        if (this.#now() - this.#writtenAt >= this.#echo) this.#written = [];
        return text !== this.text && (typed || !this.#written.includes(text));
    }

    /** Tell of a text for the page, which will come back. */
    wrote(text) {
        this.#written = [...this.#written.slice(-7), text];
        this.#writtenAt = this.#now();
        this.tell("wrote", text);
    }
}
