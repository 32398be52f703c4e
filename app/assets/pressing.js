// What was pressed is done, also where it moves away or is drawn anew between press and release: a browser makes no click of that.

import { described, same } from "./same.js";

const ACTS = "button, a[href], summary";
// Who goes away with the pointer does not want it any more.
const NEAR = 8;
let pressed = null;
let released = null;

function placeOf(element) {
    const { left, top } = element.getBoundingClientRect();
    return `${left} ${top}`;
}

function hold(event) {
    const element = event.target instanceof Element ? event.target.closest(ACTS) : null;
    pressed = element && { ...described(element), place: placeOf(element), x: event.clientX, y: event.clientY };
}

function isNear(was, event) {
    return Math.hypot(event.clientX - was.x, event.clientY - was.y) <= NEAR;
}

// A browser's own click comes with the release, before this is looked at.
function letGo(was) {
    pressed = null;
    released = was;
    setTimeout(() => {
        if (was.isClicked || (was.element.isConnected && placeOf(was.element) === was.place)) return;
        const now = was.element.isConnected ? was.element : same(was);
        if (now && !now.disabled) now.click();
    });
}

document.addEventListener("pointerdown", (event) => {
    // A finger's press and release are one to a browser.
    if (event.pointerType === "mouse" && event.button === 0) hold(event);
    else pressed = null;
}, { capture: true });
document.addEventListener("pointerup", (event) => {
    if (pressed && event.pointerType === "mouse" && isNear(pressed, event)) letGo(pressed);
    else pressed = null;
}, { capture: true });
document.addEventListener("click", (event) => {
    if (released && event.target instanceof Element && event.target.closest(ACTS)) released.isClicked = true;
}, { capture: true });
