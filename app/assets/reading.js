// The area about a customer beside a timeline: folded until asked for where there is no room, kept as it was left where there is.

const KEPT = "crm-about";
const ROOMY = window.matchMedia("(min-width: 72rem)");

// Where there is room the style shows it by itself, so that nothing moves once this script is here.
function isShown() {
    const said = document.documentElement.classList;
    return ROOMY.matches ? !said.contains("about-folded") : said.contains("about-shown");
}

function show(wanted) {
    document.documentElement.classList.toggle("about-folded", ROOMY.matches && !wanted);
    document.documentElement.classList.toggle("about-shown", !ROOMY.matches && wanted);
    say();
}

// To screen readers; again after each run of the page, which may have drawn the button anew.
export function say() {
    for (const button of document.querySelectorAll("button.fold-about")) {
        button.setAttribute("aria-expanded", String(isShown()));
    }
}

function fit() {
    show(ROOMY.matches && localStorage.getItem(KEPT) !== "folded");
}

document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button.fold-about") : null;
    if (!button) return;
    show(!isShown());
    if (ROOMY.matches) localStorage.setItem(KEPT, isShown() ? "shown" : "folded");
});
// Something that stands there was asked for; it stays as it was left otherwise.
document.addEventListener("crm:about", () => { if (!isShown()) show(true); });
ROOMY.addEventListener("change", fit);
fit();

// -- earlier messages, as one scrolls up --------------------------------------------------------------

const NEAR = 400;
let asked = null;

function fetchEarlier(list) {
    const button = list.querySelector(".st-key-earlier button");
    // Counted from the end, so the top is reached when what is left above is little.
    const above = list.scrollHeight - list.clientHeight + list.scrollTop;
    if (!button || button === asked || above > NEAR) return;
    asked = button;
    // The same button may stand there again after the page has come.
    setTimeout(() => {
        asked = null;
        fetchEarlier(list);
    }, 1_500);
    button.click();
}

// -- what is read stays where it is while they come ---------------------------------------------------

// The page below is drawn anew, without the day that it began with: all its messages are other elements, which the
// browser cannot hold on to by itself.
const SETTLED_MS = 3_000;
let held = null;
let settled = 0;

function hold(list) {
    const box = list.getBoundingClientRect();
    for (const below of [60, 100, 160, 240]) {
        const message = document.elementFromPoint(box.left + box.width / 2, box.top + below)?.closest(".message");
        if (!message) continue;
        held = { list, id: message.id, top: message.getBoundingClientRect().top };
        return;
    }
}

function keep() {
    if (!held) return;
    const message = document.getElementById(held.id);
    const moved = message ? message.getBoundingClientRect().top - held.top : 0;
    if (Math.abs(moved) >= 1) held.list.scrollTop += moved;
}

const coming = new MutationObserver(() => {
    keep();
    // And once more behind what the browser does by itself.
    requestAnimationFrame(keep);
});

function letGo() {
    coming.disconnect();
    held = null;
}

function holdOn(list) {
    hold(list);
    coming.observe(list, { childList: true, subtree: true });
    clearTimeout(settled);
    settled = setTimeout(letGo, SETTLED_MS);
}

document.addEventListener("click", (event) => {
    const list = event.target instanceof Element ? event.target.closest(".st-key-timeline") : null;
    if (list && event.target.closest(".st-key-earlier button")) holdOn(list);
    else if (held) letGo();
}, { capture: true });

document.addEventListener("scroll", (event) => {
    if (!(event.target instanceof Element) || !event.target.matches(".st-key-timeline")) return;
    if (held) hold(event.target);
    fetchEarlier(event.target);
}, { capture: true, passive: true });
