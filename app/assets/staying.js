// Who works by keyboard stays where they are, also where that is drawn anew: an earlier page of messages, a receipt, a tag that was put
// on make other elements, and with the one that had the focus the browser would forget the place.

const KEY = "st-key-";
const STOPS = ":is(a[href], button, input, textarea):not([tabindex='-1'], :disabled)";
const OPENED = "[data-testid='stPopoverBody']";
const OPENER = "[data-testid='stPopoverButton'][aria-expanded='true']";
// What was asked for has come, or will not come.
const SETTLED_MS = 400;
let held = null;
let byKeys = false;
let settled = 0;

function labelOf(element) {
    return element.getAttribute("aria-label") ?? element.textContent.trim();
}

// The parts of the page round an element that have a name, from within; none round nothing.
function partsOf(element) {
    const parts = [];
    for (let part = element; part; part = part.parentElement) {
        const name = [...part.classList].find((each) => each.startsWith(KEY));
        if (name) parts.push(name);
    }
    return parts;
}

function parts() {
    return held.parts.map((name) => document.querySelector(`.${CSS.escape(name)}`)).filter(Boolean);
}

// The same message, or what is called the same in the same part.
function same() {
    if (held.message) return document.getElementById(held.message);
    for (const part of parts().slice(0, 3)) {
        const found = [...part.querySelectorAll(held.tag)].filter((each) => labelOf(each) === held.label && !each.disabled);
        if (found.length === 1) return found[0];
    }
    return null;
}

function isLost() {
    return held && !held.element.isConnected && document.activeElement === document.body;
}

function goBack() {
    if (!isLost()) return;
    clearTimeout(settled);
    const found = same();
    if (found) found.focus({ preventScroll: true });
    // It is not there any more: what is done first in its part. Of a message that is gone nothing is.
    else if (!held.message) settled = setTimeout(() => { if (isLost()) (same() ?? parts()[0]?.querySelector(STOPS))?.focus(); }, SETTLED_MS);
}

document.addEventListener("focusin", (event) => {
    const element = event.target;
    // What a pointer focused is let go with it: to focus it once more would open lists under the next click.
    if (!(element instanceof Element) || !byKeys) return;
    held = {
        element,
        tag: element.tagName,
        label: labelOf(element),
        message: element.closest(":is(.st-key-timeline, .st-key-around) .message")?.id,
        // What a button opened goes with it, and leads back to where that stands.
        parts: [...partsOf(element), ...(element.closest(OPENED) ? partsOf(document.querySelector(OPENER)) : [])],
    };
});
document.addEventListener("keydown", () => { byKeys = true; }, { capture: true });
// Who points somewhere holds on to nothing.
document.addEventListener("pointerdown", () => { byKeys = false; held = null; }, { capture: true });
new MutationObserver(goBack).observe(document.body, { childList: true, subtree: true });
