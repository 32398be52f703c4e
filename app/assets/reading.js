// The area about a customer beside a timeline: folded until asked for where there is no room, kept as it was left where there is.

const KEPT = "crm-about";
const ROOMY = window.matchMedia("(min-width: 72rem)");

function isShown() {
    return document.documentElement.classList.contains("about-shown");
}

function show(wanted) {
    document.documentElement.classList.toggle("about-shown", wanted);
    for (const button of document.querySelectorAll("button.fold-about")) {
        button.setAttribute("aria-expanded", String(wanted));
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
ROOMY.addEventListener("change", fit);
fit();
