// Buttons in what a part of a page draws as HTML: a press has the part run, and says which it was (app/pressed.py).

const parts = new Map();
// Pressed before its part could be told, which is a moment later: whoever is elsewhere by then meant nothing there.
const held = new Map();
const HELD_FOR = 3_000;

document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-act]") : null;
    const part = button?.closest("[data-part]")?.dataset.part;
    if (!part) return;
    const { act, of, customer } = button.dataset;
    const said = JSON.stringify(customer ? [act, of, customer] : [act, of]);
    if (parts.has(part)) parts.get(part)(said);
    else held.set(part, { said, until: Date.now() + HELD_FOR });
});

// From now on a press in this part is told so.
export function hear(part, press) {
    parts.set(part, press);
    if (!held.has(part)) return;
    const { said, until } = held.get(part);
    held.delete(part);
    if (Date.now() < until) press(said);
}

// It is gone, or about to be drawn anew.
export function forget(part, press) {
    if (parts.get(part) === press) parts.delete(part);
}

// Until now nobody heard a press (app/style.css).
document.documentElement.classList.add("hears-presses");
