// By keyboard into what a button opens, and on from there: Streamlit puts such a box at the end of the document, so that Tab
// would come to it behind everything that stands on the page.

const OPENED = "[data-testid='stPopoverButton'][aria-expanded='true']";
const BODY = "[data-testid='stPopoverBody']";
const STOPS = "a[href], button, input, select, textarea, summary, iframe, [tabindex], [contenteditable='true']";

// Once left, its stops are taken out of the order of Tab until one stands on one of them again; what they were is kept beside.
function isStop(element) {
    return Number(element.dataset.tabindex ?? element.tabIndex) >= 0 && !element.disabled && element.getClientRects().length > 0;
}

function stops(body) {
    return [...body.querySelectorAll(STOPS)].filter(isStop);
}

// Of several that stand for one choice Tab stops at one.
function isOneStop(one, other) {
    const choice = "[role='toolbar'], [role='radiogroup']";
    return one === other || Boolean(one.closest(choice) && one.closest(choice) === other?.closest(choice));
}

document.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    const button = document.querySelector(OPENED);
    // For a moment the former one may stand before it.
    const box = button && [...document.querySelectorAll(BODY)].at(-1);
    const inside = box ? stops(box) : [];
    if (!inside.length) return;
    const isBack = event.shiftKey;
    if (event.target === button && !isBack) {
        inside[0].focus();
        event.preventDefault();
    } else if (box.contains(event.target) && isOneStop(event.target, isBack ? inside[0] : inside.at(-1))) {
        button.focus();
        // Backwards one stands on the button; onwards the browser goes on from it.
        if (isBack) event.preventDefault();
    } else return;
    event.stopPropagation();
}, { capture: true });
