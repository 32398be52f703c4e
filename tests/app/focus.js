// What shows where one stands: looked at on each stop of Tab, and once more when one has gone on.
// In a page it is `window.focused`, with `step()`.

(() => {
    const NEAR = ".stElementContainer, [data-testid='stPopoverBody'] label, label, .message, [role='group'], [role='radiogroup']";
    const MOST = 80;
    const PARTS = ["", "::before", "::after"];
    const seen = new WeakSet();
    let former = null;

    function colour(text) {
        // Chromium says each colour as rgb, rgba or color(srgb …).
        const numbers = (text.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);
        const whole = text.startsWith("color(") ? numbers.slice(0, 3).map((each) => each * 255) : numbers.slice(0, 3);
        return whole.length === 3 ? [...whole, numbers[3] ?? 1] : [0, 0, 0, 0];
    }

    function over(top, under) {
        return [0, 1, 2].map((each) => top[each] * top[3] + under[each] * (1 - top[3])).concat(1);
    }

    function light([red, green, blue]) {
        const [r, g, b] = [red, green, blue].map((each) => (each / 255 <= 0.04045 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }

    function contrast(one, other) {
        const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
    }

    function backdrop(element) {
        const layers = [];
        for (let each = element; each; each = each.parentElement) {
            layers.push(colour(getComputedStyle(each).backgroundColor));
            if (layers.at(-1)[3] === 1) break;
        }
        const dark = getComputedStyle(document.querySelector(".stApp") ?? document.body).colorScheme === "dark";
        return layers.reverse().reduce((under, layer) => over(layer, under), dark ? [18, 24, 25, 1] : [255, 255, 255, 1]);
    }

    function isSeen(element) {
        for (let each = element; each; each = each.parentElement) if (Number(getComputedStyle(each).opacity) < 0.5) return false;
        const box = element.getBoundingClientRect();
        return box.width > 1 && box.height > 1;
    }

    function near(element) {
        const found = new Set();
        let each = element;
        for (let up = 0; each && each !== document.body && up < 9; up += 1, each = each.parentElement) found.add(each);
        const around = element.closest(NEAR) ?? element;
        for (const inside of [...around.querySelectorAll("*")].slice(0, MOST)) found.add(inside);
        return [...found];
    }

    // What of an element can show that one stands there.
    function marks(element) {
        const found = [];
        for (const part of PARTS) {
            const style = getComputedStyle(element, part);
            if (part && style.content === "none") continue;
            if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) found.push(["outline", style.outlineColor]);
            for (const [shadow] of style.boxShadow.matchAll(/(rgba?|color)\([^)]*\)[^(]*?(?=,\s*(?:rgb|color)|$)/g)) found.push([`shadow ${shadow.replace(/(rgba?|color)\([^)]*\)/, "")}`, shadow]);
            for (const side of ["Top", "Right", "Bottom", "Left"]) {
                if (style[`border${side}Style`] !== "none" && parseFloat(style[`border${side}Width`]) >= 1) found.push([`border ${side}`, style[`border${side}Color`]]);
            }
            if (style.textDecorationLine.includes("underline")) found.push(["underline", style.color]);
            found.push(["ground", style.backgroundColor]);
        }
        return found.map(([kind, said]) => `${kind}|${colour(said).map((each) => Math.round(each * 100) / 100).join(" ")}`);
    }

    function look(elements) {
        return elements.map((each) => [each, isSeen(each) ? marks(each) : []]);
    }

    // The best contrast of what stood there only while one did.
    function shown(was) {
        let best = 0;
        for (const [element, before] of was) {
            const now = new Set(element.isConnected ? marks(element) : []);
            for (const mark of before) {
                if (now.has(mark)) continue;
                const [kind, said] = mark.split("|");
                const its = said.split(" ").map(Number);
                const under = backdrop(kind === "ground" ? element : (element.parentElement ?? element));
                best = Math.max(best, contrast(kind === "ground" ? over(its, backdrop(element.parentElement)) : over(its, under), under));
            }
        }
        return Math.round(best * 100) / 100;
    }

    window.focused = {
        // Where one stands now, and how well it was seen where one stood before.
        step() {
            // What still turns its colour has turned it.
            for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish();
            const now = document.activeElement;
            const left = former && { said: former.said, isGone: !former.element.isConnected, contrast: shown(former.was) };
            const isAway = !now || now === document.body;
            const isEnd = isAway || seen.has(now);
            former = null;
            if (!isEnd) {
                seen.add(now);
                if (now.tabIndex >= 0) former = { element: now, said: now.outerHTML.replace(/\s+/g, " ").match(/^<[^>]*>/)[0].slice(0, 400), was: look(near(now)) };
            }
            return { isAway, isEnd, isPut: !isAway && now.tabIndex < 0, left, said: former?.said ?? "" };
        },
        // Whether one stands where the last step found one: it may have been drawn anew since.
        isThere() {
            return former?.element === document.activeElement;
        },
    };
})();
