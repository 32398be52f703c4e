// "/" brings the cursor into the search box; a timeline that was opened at a message shows it in the middle.

const TYPING = "input, textarea, select, [contenteditable='true']";

document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest(TYPING)) return;
    const box = document.querySelector(".st-key-search_box input");
    // What stands before the page keeps the keys.
    if (!box || document.querySelector("dialog[open], .stDialog")) return;
    event.preventDefault();
    box.focus();
    box.select();
});

let shown = null;

function showSought() {
    const sought = document.querySelector("i.sought")?.dataset.for ?? null;
    if (sought === null) {
        shown = null;
        return;
    }
    const message = document.getElementById(sought);
    // Once: what a person scrolls to afterwards is theirs.
    if (sought === shown || !message) return;
    shown = sought;
    message.scrollIntoView({ block: "center" });
}

new MutationObserver(showSought).observe(document.body, { childList: true, subtree: true });
showSought();
