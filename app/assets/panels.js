// From a tag that is chosen by keyboard into its panel, and by Esc back to its line: by Tab alone all further lines would lie between.

const LINE = ".st-key-tag_list [class*='st-key-choose_'] button";
const PANEL = ".st-key-tag_panel";
const STOPS = ":is(a[href], button, input, textarea):not([tabindex='-1'], :disabled)";
// So long a panel may take to be drawn; of several runs one begins a moment after the other.
const PATIENCE_MS = 5_000;
const SETTLED_MS = 250;
const STATE = "data-test-script-state";
let left = "";

// Streamlit says when what was asked for stands there.
function whenDrawn(act) {
    const app = document.querySelector("[data-testid='stApp']");
    let settled = 0;
    const watch = new MutationObserver(() => {
        clearTimeout(settled);
        if (app.getAttribute(STATE) !== "notRunning") return;
        settled = setTimeout(() => { watch.disconnect(); act(); }, SETTLED_MS);
    });
    watch.observe(app, { attributes: true, attributeFilter: [STATE] });
    setTimeout(() => watch.disconnect(), PATIENCE_MS);
}

// Streamlit's class that names it: a list that is drawn anew is other elements.
function nameOf(button) {
    return [...(button.closest("[class*='st-key-choose_']")?.classList ?? [])].find((each) => each.startsWith("st-key-choose_")) ?? "";
}

document.addEventListener("click", (event) => {
    const line = event.target instanceof Element ? event.target.closest(LINE) : null;
    // A click without a pointer.
    if (!line || event.detail !== 0) return;
    left = nameOf(line);
    whenDrawn(() => {
        // Who has gone on meanwhile is left alone.
        const now = document.activeElement;
        if (now === document.body || nameOf(now) === left) document.querySelector(`${PANEL} ${STOPS}`)?.focus();
    });
});

document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !left || !(event.target instanceof Element) || !event.target.closest(PANEL)) return;
    // What stands open is closed by the first press.
    if (event.target.getAttribute("aria-expanded") === "true") return;
    document.querySelector(`.${CSS.escape(left)} button`)?.focus();
});
