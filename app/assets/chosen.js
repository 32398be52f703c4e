// A message of a timeline that is chosen: its panel opens beside (app/chosen.py), and the timeline stays where it is.

// What does something of its own when it is clicked, and what is read with a pointer.
const ACTS = "a, button, summary, audio, video, img, input, label, iframe";
let choose = null;

function chosen(message) {
    if (!message || !choose) return;
    choose(message.dataset.message);
    // Where there is no room for what stands beside, it is folded until it is asked for (assets/reading.js).
    document.dispatchEvent(new Event("crm:about"));
}

document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.target.closest(ACTS)) return;
    // Whoever marks words of it wants the words.
    if (!window.getSelection()?.isCollapsed) return;
    chosen(event.target.closest(":is(.st-key-timeline, .st-key-around) .message"));
});

// By keyboard (assets/keys.js).
document.addEventListener("crm:choose", (event) => chosen(event.target));

export default function (component) {
    const mine = (message) => component.setTriggerValue("chosen", message);
    choose = mine;
    return () => {
        // Being drawn anew begins with an end.
        if (choose === mine) choose = null;
    };
}
