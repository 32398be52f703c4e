// Pictures seen large over the page, one after the other; and the speed of what is played.

const SPEEDS = [1, 1.25, 1.5, 2, 0.75];
const PICTURES = ":is(.st-key-timeline, .st-key-around) :is(.picture a, a.placed)";

function pictures() {
    const all = [...document.querySelectorAll(PICTURES)];
    return all.map((each) => [each.getBoundingClientRect().top, each]).sort((a, b) => a[0] - b[0]).map(([, each]) => each);
}

function button(words, act) {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", textContent: words });
    made.addEventListener("click", act);
    return made;
}

function show(first) {
    let now = first;
    const dialog = document.createElement("dialog");
    dialog.className = "viewer";
    const image = document.createElement("img");
    const words = document.createElement("p");
    const link = document.createElement("a");
    Object.assign(link, { target: "_blank", textContent: "Open in a tab of its own" });
    const name = document.createElement("bdi");
    name.setAttribute("aria-live", "polite");
    words.append(name, " · ", link);
    const turn = (by) => {
        const all = pictures();
        // The list may have been drawn anew meanwhile: the same picture is another element then.
        const at = all.findIndex((each) => each.href === now.href);
        now = all[(at + by + all.length) % all.length] ?? now;
        Object.assign(image, { src: now.href, alt: now.title });
        name.textContent = now.title;
        link.href = now.href;
        dialog.setAttribute("aria-label", now.title);
    };
    turn(0);
    const close = button("Close", () => dialog.close());
    close.autofocus = true;
    const ways = document.createElement("p");
    if (pictures().length > 1) ways.append(button("Previous picture", () => turn(-1)), " ", button("Next picture", () => turn(1)), " ");
    ways.append(close);
    dialog.append(image, words, ways);
    dialog.addEventListener("keydown", (event) => {
        if (event.key === "ArrowRight") turn(1);
        else if (event.key === "ArrowLeft") turn(-1);
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target === image) dialog.close(); });
    dialog.addEventListener("close", () => {
        dialog.remove();
        // To the picture that was seen last, as it stands there by now.
        (pictures().find((each) => each.href === now.href) ?? now).focus();
    });
    const app = document.querySelector(".stApp") ?? document.body;
    app.append(dialog);
    dialog.showModal();
}

document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const picture = event.target.closest(".message .picture a, .message a.placed");
    if (picture) {
        event.preventDefault();
        show(picture);
        return;
    }
    const speed = event.target.closest("button.speed");
    if (!speed) return;
    const player = speed.parentElement.querySelector("audio, video");
    player.playbackRate = SPEEDS[(SPEEDS.indexOf(player.playbackRate) + 1) % SPEEDS.length];
    speed.textContent = `${player.playbackRate}×`;
    speed.setAttribute("aria-label", `Speed ${player.playbackRate}×`);
});
