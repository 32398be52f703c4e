// The same thing, where it is drawn anew as another element: what is called the same in the same part of the page.

const KEY = "st-key-";

function labelOf(element) {
    // Of two customers of one name each line leads elsewhere, and each line has buttons of the same name.
    if (element.matches("a.leads")) return element.getAttribute("href");
    if (element.dataset.act) return JSON.stringify({ ...element.dataset });
    return element.getAttribute("aria-label") ?? element.textContent.trim();
}

// The parts of the page round an element that have a name, from within; none round nothing.
export function partsOf(element) {
    const parts = [];
    for (let part = element; part; part = part.parentElement) {
        const name = [...part.classList].find((each) => each.startsWith(KEY));
        if (name) parts.push(name);
    }
    return parts;
}

export function described(element) {
    return { element, tag: element.tagName, label: labelOf(element), parts: partsOf(element) };
}

export function partsNow(held) {
    return held.parts.map((name) => document.querySelector(`.${CSS.escape(name)}`)).filter(Boolean);
}

// Null where it is gone, and where one cannot tell which it is.
export function same(held) {
    for (const part of partsNow(held).slice(0, 3)) {
        const found = [...part.querySelectorAll(held.tag)].filter((each) => labelOf(each) === held.label && !each.disabled);
        if (found.length === 1) return found[0];
    }
    return null;
}
