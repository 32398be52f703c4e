// A mail as it was designed, in its place on the timeline: a frame that runs nothing, as high as what stands in it.
//
// The document comes from our own server, which records who asks for it, and bears its own policy. The frame is sandboxed
// without scripts; that its origin is ours lets it show the mail's own pictures, and lets us ask how high it is.

const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const HIGHEST = 20_000;

function keepPlace(list, change) {
    // The list is anchored at its end: what grows must not push away what is above it.
    const before = list?.scrollHeight ?? 0;
    change();
    if (list) list.scrollTop += list.scrollHeight - before;
}

function fit(frame) {
    const list = frame.closest(".st-key-timeline");
    const inside = frame.contentDocument?.documentElement;
    if (!inside) return;
    const height = Math.min(Math.max(inside.querySelector("body")?.scrollHeight ?? 0, 40) + 20, HIGHEST);
    if (Math.abs(frame.offsetHeight - height) > 1) keepPlace(list, () => { frame.style.height = `${height}px`; });
}

function say(link, words) {
    link.querySelector("span:last-child").textContent = words;
}

async function show(link, message) {
    say(link, "Being opened…");
    const answer = await fetch(link.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) {
        say(link, answer?.status === 404 ? "It was sent as text alone" : (await answer?.text()) || "It cannot be shown now");
        return;
    }
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", SANDBOX);
    frame.className = "designed";
    frame.title = "The mail as it was designed";
    frame.referrerPolicy = "no-referrer";
    frame.srcdoc = await answer.text();
    frame.addEventListener("load", () => {
        fit(frame);
        const watch = new ResizeObserver(() => fit(frame));
        watch.observe(frame.contentDocument.body);
    });
    const list = message.closest(".st-key-timeline");
    keepPlace(list, () => { link.parentElement.after(frame); message.classList.add("as-designed"); });
    say(link, "Show as text");
}

document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a.as-sent") : null;
    const message = link?.closest(".message");
    // With a key held it opens in a tab of its own, as any link.
    if (!message || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const frame = message.querySelector("iframe.designed");
    if (!frame) {
        show(link, message);
        return;
    }
    keepPlace(message.closest(".st-key-timeline"), () => {
        frame.remove();
        message.classList.remove("as-designed");
    });
    say(link, "Show as designed");
});
