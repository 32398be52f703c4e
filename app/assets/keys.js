// Reading by keyboard, and the link of a message: j and k go on and back, o opens, p leads to its panel, c copies the link, ? says so.

const HELP = [
    ["j  k", "the next message, the one before"],
    ["o", "open it: unfold, or show a mail as designed; once more to fold"],
    ["p", "its panel beside: tags, earlier versions, where it came from; once more to go into it, Esc to come back"],
    ["Enter", "everything known about it, in a tab of its own"],
    ["c", "copy the link to it"],
    ["t", "show its conversation alone (a mail)"],
    ["g  G", "the oldest message on the page, the newest"],
    ["n  N", "the next older match of a search, the next newer one"],
    ["/", "find messages (on every page)"],
    ["?", "this list"],
];

function list() {
    return document.querySelector(".st-key-timeline, .st-key-around");
}

// The pages of a timeline stand in the document in the order of fetching; a reader sees them in the order of time.
function messages() {
    const all = [...(list()?.querySelectorAll(".message") ?? [])];
    return all.map((each) => [each.getBoundingClientRect().top, each]).sort((a, b) => a[0] - b[0]).map(([, each]) => each);
}

function chosen() {
    return document.activeElement?.closest?.(":is(.st-key-timeline, .st-key-around) .message") ?? null;
}

// The message that an element of the page speaks of.
function meant(mark) {
    return document.getElementById(mark?.dataset.for ?? "");
}

function choose(message) {
    if (!message) return;
    message.focus({ preventScroll: true });
    message.scrollIntoView({ block: "nearest" });
}

function step(by) {
    const all = messages();
    const now = chosen();
    if (now) {
        choose(all[Math.min(Math.max(all.indexOf(now) + by, 0), all.length - 1)]);
        return;
    }
    // Nothing is chosen yet: the one that led here, otherwise the last one in sight.
    const { top, bottom } = list().getBoundingClientRect();
    const seen = all.filter((each) => each.getBoundingClientRect().top < bottom && each.getBoundingClientRect().bottom > top);
    const sought = meant(document.querySelector("i.sought"));
    choose(seen.includes(sought) ? sought : seen.at(-1));
}

// Into the panel of this message, where it stands beside; whether it does.
function enterPanel(message) {
    const mark = document.querySelector("i.chosen");
    if (mark?.dataset.for !== message.id) return false;
    document.dispatchEvent(new Event("crm:about"));
    document.querySelector(".st-key-chosen_message :is(input, a[href], button):not([tabindex='-1'])")?.focus();
    return true;
}

// Back to the message that the panel is of.
function leavePanel() {
    choose(meant(document.querySelector("i.chosen")));
}

function open(message) {
    const folds = [...message.querySelectorAll("details")];
    const closed = folds.filter((each) => !each.open);
    for (const each of closed.length ? closed : folds) each.querySelector("summary").click();
    if (!folds.length) message.querySelector("a.as-sent")?.click();
}

function copied(words) {
    const said = document.createElement("p");
    said.className = "said";
    said.setAttribute("role", "status");
    said.textContent = words;
    document.body.append(said);
    setTimeout(() => said.remove(), 2_500);
}

// Without TLS a browser has no clipboard for scripts, so the text is selected and copied as by hand.
function put(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    return isDone ? Promise.resolve() : Promise.reject(new Error("not copied"));
}

async function copyLink(message) {
    const address = new URL(location.href);
    const customer = address.searchParams.get("customer");
    const id = message.dataset.message;
    // On a timeline its place there; on the page about one message that page, without what else is open on it.
    const leads = list()?.contains(message) ? { ...(customer && { customer }), at: id } : { message: id };
    address.search = new URLSearchParams(leads).toString();
    address.hash = "";
    try {
        await put(address.href);
        copied("The link is copied");
    } catch {
        window.prompt("The link to this message", address.href);
    }
}

// Back leads to the whole timeline.
function showThread(button) {
    const address = new URL(location.href);
    const customer = address.searchParams.get("customer");
    address.search = new URLSearchParams({ ...(customer && { customer }), conversation: button.dataset.conversation }).toString();
    location.assign(address.href);
}

// The strip above a timeline that was come to from a search.
function goTo(name) {
    for (const link of document.querySelectorAll(".st-key-matches a")) if (link.textContent.includes(name)) link.click();
}

function help() {
    document.querySelector("dialog.keys")?.remove();
    const dialog = document.createElement("dialog");
    const close = document.createElement("button");
    Object.assign(close, { type: "button", textContent: "Close" });
    dialog.className = "keys";
    dialog.setAttribute("aria-label", "Keys");
    const table = document.createElement("dl");
    for (const [key, words] of HELP) {
        const [name, said] = [document.createElement("dt"), document.createElement("dd")];
        name.textContent = key;
        said.textContent = words;
        table.append(name, said);
    }
    dialog.append(table, close);
    dialog.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    const app = document.querySelector(".stApp") ?? document.body;
    app.append(dialog);
    dialog.showModal();
}

function isWriting(target) {
    return target instanceof Element && target.closest("input, textarea, select, [contenteditable], [role=combobox], dialog, [role=dialog]");
}

document.addEventListener("keydown", (event) => {
    // Where no list of messages stands, or a dialog stands before it, there is nothing to go through.
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || !list()) return;
    const message = chosen();
    if (event.key === "?") help();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "g") choose(messages()[0]);
    else if (event.key === "G") choose(messages().at(-1));
    else if (event.key === "o" && message) open(message);
    else if (event.key === "c" && message) copyLink(message);
    else if (event.key === "p" && message) enterPanel(message) || message.dispatchEvent(new Event("crm:choose", { bubbles: true }));
    else if (event.key === "t" && message?.querySelector("button.only-thread")) showThread(message.querySelector("button.only-thread"));
    else if (event.key === "n") goTo("Older match");
    else if (event.key === "N") goTo("Newer match");
    else if (event.key === "Enter" && message && event.target === message) message.querySelector("a.about")?.click();
    else return;
    event.preventDefault();
});

// What stands open in the panel is closed by the first press, and takes it.
document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !event.target.closest?.(".st-key-chosen_message")) return;
    if (event.target.getAttribute("aria-expanded") !== "true") leavePanel();
});

// The button goes with its panel, and who pressed it would stand nowhere.
document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    // A click without a pointer.
    if (event.detail === 0 && event.target.closest(".st-key-chosen_close button")) leavePanel();
    if (event.target.closest("button.show-keys")) help();
});

// A day that is typed is gone to by Enter: its field tells it only when it is left for what stands behind it.
document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof Element) || !event.target.closest(".st-key-jump_day [role=spinbutton]")) return;
    document.querySelector(".st-key-jump_first button")?.focus();
}, { capture: true });

document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button.link-to") : null;
    const message = button?.closest(".message");
    if (!message) return;
    if (!button.matches(".only-thread")) copyLink(message);
    else if (list()?.contains(message)) showThread(button);
});
