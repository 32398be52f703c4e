// What Tab stops at and Streamlit calls nothing, for who hears the page.

function call(selector, name, role) {
    for (const each of document.querySelectorAll(selector)) {
        if (each.getAttribute("aria-label") === name) continue;
        each.setAttribute("aria-label", name);
        if (role) each.setAttribute("role", role);
    }
}

function callAll() {
    call("#stMain", "Page");
    call(".stCode, .stCode pre", "To be copied", "group");
    // A list that scrolls is a stop of its own where those on it are none for the moment.
    call(".st-key-views", "Views", "group");
    // A chosen value in a list has its name and is nothing.
    for (const each of document.querySelectorAll("[data-testid='stMultiSelect'] [data-tag]:not([role])")) each.setAttribute("role", "group");
}

new MutationObserver(callAll).observe(document.body, { childList: true, subtree: true });
callAll();
