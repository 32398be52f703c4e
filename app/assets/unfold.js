// What is unfolded in the list of messages grows downwards: what stood above it stays where it is on the screen.
//
// The list is anchored at its end (column-reverse, so that it stays there when something arrives), and by itself a text that
// grows would push all that stands above it upwards, with the words that were just being read.

document.addEventListener("click", (event) => {
    const summary = event.target instanceof Element ? event.target.closest(".message details > summary") : null;
    const list = summary?.closest(".st-key-timeline");
    if (!list || event.defaultPrevented) return;
    // Here and not by the browser, so that the list is moved before it is painted.
    event.preventDefault();
    const details = summary.parentElement;
    // Folded again, it is the line that was pressed which stays.
    const held = details.open ? summary : details;
    const before = held.getBoundingClientRect().top;
    details.open = !details.open;
    list.scrollTop += held.getBoundingClientRect().top - before;
});
