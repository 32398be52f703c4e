// Who works by keyboard stays where they are, also where that is drawn anew: an earlier page of messages, a receipt, a tag that was put
// on make other elements, and with the one that had the focus the browser would forget the place.

import { described, partsNow, partsOf, same as sameCalled } from "./same.js";

const STOPS = ":is(a[href], button, input, textarea):not([tabindex='-1'], :disabled)";
const OPENED = "[data-testid='stPopoverBody']";
const OPENER = "[data-testid='stPopoverButton'][aria-expanded='true']";
// What was asked for has come, or will not come.
const SETTLED_MS = 400;
let held = null;
let byKeys = false;
let settled = 0;

// The same message, or what is called the same in the same part.
function same() {
    return held.message ? document.getElementById(held.message) : sameCalled(held);
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
    else if (!held.message) settled = setTimeout(() => { if (isLost()) (same() ?? partsNow(held)[0]?.querySelector(STOPS))?.focus(); }, SETTLED_MS);
}

document.addEventListener("focusin", (event) => {
    const element = event.target;
    // What a pointer focused is let go with it: to focus it once more would open lists under the next click.
    if (!(element instanceof Element) || !byKeys) return;
    held = { ...described(element), message: element.closest(":is(.st-key-timeline, .st-key-around) .message")?.id };
    // What a button opened goes with it, and leads back to where that stands.
    if (element.closest(OPENED)) held.parts.push(...partsOf(document.querySelector(OPENER)));
});
document.addEventListener("keydown", () => { byKeys = true; }, { capture: true });
// Who points somewhere holds on to nothing.
document.addEventListener("pointerdown", () => { byKeys = false; held = null; }, { capture: true });
new MutationObserver(goBack).observe(document.body, { childList: true, subtree: true });
