// A line of a list leads to a page of ours as Back and Forward do: nothing of the app is loaded anew.

document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a.leads") : null;
    // Whoever holds a key wants it elsewhere, such as in a tab of its own.
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.pushState({}, "", link.href);
    window.dispatchEvent(new PopStateEvent("popstate"));
});
