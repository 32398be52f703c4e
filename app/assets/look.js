// How close the lines stand, and in which colours: chosen behind one's name, kept in this browser.

const DENSITY = "crm-density";
const COLOURS = "crm-colours";
// Where Streamlit keeps the colours that are chosen, for each path of a page (frontend/lib/src/util/storageUtils.ts).
const KEPT = (path) => `stActiveTheme-${path}-v2`;

function now(look) {
    return localStorage.getItem(look === "density" ? DENSITY : COLOURS) ?? (look === "density" ? "comfortable" : "system");
}

function lieCloser() {
    document.documentElement.classList.toggle("compact", now("density") === "compact");
}

// To screen readers, and to the style.
function say() {
    for (const button of document.querySelectorAll("button[data-look]")) {
        const said = String(now(button.dataset.look) === button.dataset.value);
        if (button.getAttribute("aria-pressed") !== said) button.setAttribute("aria-pressed", said);
    }
}

function colour(value, paths) {
    localStorage.setItem(COLOURS, value);
    for (const path of paths) {
        if (value === "system") localStorage.removeItem(KEPT(path));
        else localStorage.setItem(KEPT(path), JSON.stringify(value === "dark" ? "Dark" : "Light"));
    }
    // They are read when a page begins.
    location.reload();
}

document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-look]") : null;
    if (!button || now(button.dataset.look) === button.dataset.value) return;
    if (button.dataset.look === "colours") {
        colour(button.dataset.value, button.closest("[data-paths]").dataset.paths.split(" "));
        return;
    }
    localStorage.setItem(DENSITY, button.dataset.value);
    lieCloser();
    say();
});

new MutationObserver(say).observe(document.body, { childList: true, subtree: true });
// The page may stand before this script: what is drawn already is told, too.
say();
lieCloser();
