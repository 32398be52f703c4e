// Pictures seen large over the page, one after the other; and the speed of what is played.

const SPEEDS = [1, 1.25, 1.5, 2, 0.75];

function pictures() {
    const all = [...document.querySelectorAll(".st-key-timeline .picture a, .st-key-timeline a.placed")];
    return all.map((each) => [each.getBoundingClientRect().top, each]).sort((a, b) => a[0] - b[0]).map(([, each]) => each);
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
    words.append(name, " · ", link);
    const close = document.createElement("button");
    Object.assign(close, { type: "button", textContent: "Close" });
    close.addEventListener("click", () => dialog.close());
    dialog.append(image, words, close);
    const turn = (by) => {
        const all = pictures();
        now = all[(all.indexOf(now) + by + all.length) % all.length] ?? first;
        Object.assign(image, { src: now.href, alt: now.title });
        name.textContent = now.title;
        link.href = now.href;
        dialog.setAttribute("aria-label", now.title);
    };
    turn(0);
    dialog.addEventListener("keydown", (event) => {
        if (event.key === "ArrowRight") turn(1);
        else if (event.key === "ArrowLeft") turn(-1);
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target === image) dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); now.focus(); });
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
});
