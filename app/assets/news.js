// Hears whether something changed that stands on this page, and has the part concerned run again.
//
// One WebSocket per tab, shared by all parts ("bells") of the page. The server says no more than which bells
// to ring; what they show is read by the part itself, under the rights of whoever is signed in.

// The other scripts of ours come the same way.
import "./unfold.js";
import { say } from "./reading.js";
import "./mail.js";
import "./search.js";
import "./keys.js";
import "./viewer.js";
import "./popovers.js";
import "./look.js";
import "./panels.js";
import "./staying.js";
import "./pressing.js";
import "./naming.js";
import "./leading.js";
import { forget, hear } from "./pressed.js";

const SHORTEST_PAUSE = 400;
const LONGEST_PAUSE = 5_000;
const ASK_EVERY = 30_000;
// A part that has not drawn itself anew by then is asked once more, so many times.
const PATIENCE = 8_000;
const MOST_TRIES = 3;
const SETTLED_AFTER = 250;
// The parts that stand in one draw themselves at most so long after it.
const DRAWN_AFTER = 50;
const IDLE_WITHIN = 1_000;
// Where another page was asked for, this one's parts are its own again only if that page has not come by then.
const LEFT_FOR = 15_000;
// The server says something at least every 25 seconds.
const DEAF_AFTER = 65_000;
const QUIET_FOR = 3_000;
const RELOAD_AT_MOST_EVERY = 10_000;
const ENDED = 4401;
const OTHER_RIGHTS = 4403;
const FULL = 4429;
// Where Streamlit says whether a run is under way, and whether its own connection stands.
const STATES = ["data-test-script-state", "data-test-connection-state"];

const bells = new Map();
let socket = null;
let isOpen = false;
let pause = SHORTEST_PAUSE;
let again = null;
let watchdog = null;
let closedSince = null;
let sign = null;
let asking = null;
let leaving = 0;
let ranLast = 0;
let ringing = null;
let patience = null;
let releasing = null;
let settling = null;
const watched = new WeakSet();

// -- bells ----------------------------------------------------------------------------------------

// A run that is asked for while another is under way could lead it back to the page that it is leaving. And where a
// run leads to another page, Streamlit says "finished" before it says that the next one has begun.
function isSettled() {
    const app = document.querySelector('[data-testid="stApp"]');
    if (app && !watched.has(app)) {
        watched.add(app);
        new MutationObserver(hurry).observe(app, { attributes: true, attributeFilter: STATES });
    }
    const runs = app?.getAttribute(STATES[0]);
    const reaches = app?.getAttribute(STATES[1]);
    const isBusy = runs === "running" || runs === "rerunRequested";
    if (isBusy) ranLast = Date.now();
    const left = ranLast + SETTLED_AFTER - Date.now();
    if (!isBusy && left > 0) {
        clearTimeout(settling);
        settling = setTimeout(hurry, left);
    }
    return !isBusy && left <= 0 && (reaches ?? "CONNECTED") === "CONNECTED";
}

// The page that Back or a link leads to comes a moment later, and until then the parts of this one stand there as before.
// One that was asked for meanwhile would run for nobody (app/serving/runs.py).
function leaveFor(path) {
    for (const bell of bells.values()) if (bell.path !== path) bell.leftAt = Date.now();
    setTimeout(hurry, LEFT_FOR);
}

function isLeft(bell) {
    return Date.now() - bell.leftAt < LEFT_FOR;
}

// A part that is gone must not be asked for: Streamlit may still know it, and would draw it into another page.
function mayRing(bell) {
    const isFree = isSettled();
    return isFree && !bell.isGone && !isLeft(bell) && !document.hidden;
}

// One after the other: of several parts that are asked for in one task, Streamlit has the first run. And not before the
// browser has done all else: what a run set a field to, the field takes over when all is drawn, and until then it would
// be sent as it stood before.
function ring(bell) {
    bell.due = true;
    if (ringing || !mayRing(bell)) return;
    ringing = bell;
    whenIdle(() => {
        if (ringing !== bell || !bell.due) return;
        if (!mayRing(bell)) {
            ringing = null;
            return;
        }
        bell.due = false;
        bell.missing = null;
        clearTimeout(patience);
        patience = setTimeout(() => giveUp(bell), PATIENCE);
        bell.fire();
    });
}

function whenIdle(go) {
    if (window.requestIdleCallback) window.requestIdleCallback(go, { timeout: IDLE_WITHIN });
    else setTimeout(go, DRAWN_AFTER);
}

// Whether a part that was drawn with a mark has read what was told with another: "process.number", the greater later.
function isWithin(told, mark) {
    const [process, number] = mark.split(".");
    const [toldBy, toldAs] = told.split(".");
    return process === toldBy && Number(toldAs) <= Number(number);
}

// The part has drawn itself, by itself or with the one in which it stands. What it then has read is not asked for again.
function rest(bell) {
    bell.tries = 0;
    if (bell.missing && isWithin(bell.missing, bell.mark)) {
        bell.due = false;
        bell.missing = null;
    }
    if (ringing === bell) release();
}

function giveUp(bell) {
    bell.tries += 1;
    bell.due = bell.tries < MOST_TRIES;
    release();
}

// The next one rings in a task of its own, and when those have drawn themselves that stand in this one.
function release() {
    clearTimeout(patience);
    clearTimeout(releasing);
    releasing = setTimeout(() => { ringing = null; hurry(); }, DRAWN_AFTER);
}

// What stands beside waits for what one reads.
function inOrder() {
    return [...bells.values()].sort((one, other) => one.isBeside - other.isBeside);
}

function ringAll() {
    for (const bell of inOrder()) ring(bell);
}

// A page that only says that the database is away asks whether it is back, ever more rarely.
function askLater(bell) {
    clearTimeout(bell.later);
    bell.later = setTimeout(() => ring(bell), bell.wait * (0.75 + Math.random() / 2));
    bell.wait = Math.min(bell.wait * 2, ASK_EVERY);
}

// -- the stream -----------------------------------------------------------------------------------

function connect() {
    clearTimeout(again);
    again = null;
    if (socket || bells.size === 0) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const opened = new WebSocket(`${scheme}//${location.host}/news`);
    socket = opened;
    const heard = () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => drop(opened), DEAF_AFTER);
    };
    heard();
    opened.onmessage = (event) => {
        if (opened !== socket) return;
        heard();
        const said = JSON.parse(event.data);
        if (said.hello) begin();
        const named = new Set(said.changed ?? []);
        for (const bell of inOrder()) {
            if (!named.has(bell.name)) continue;
            bell.missing = said.mark;
            ring(bell);
        }
    };
    opened.onclose = (event) => drop(opened, event.code);
}

function begin() {
    isOpen = true;
    pause = SHORTEST_PAUSE;
    closedSince = null;
    clearInterval(asking);
    asking = null;
    sign?.remove();
    sign = null;
    for (const bell of bells.values()) if (!bell.ticket) ring(bell);
    tell([...bells.values()].filter((bell) => bell.ticket));
}

function tell(some) {
    if (!isOpen || some.length === 0) return;
    const open = Object.fromEntries(some.map((bell) => [bell.name, [bell.ticket, bell.mark]]));
    socket.send(JSON.stringify({ open }));
}

function drop(dropped, code) {
    if (dropped !== socket) return;
    clearTimeout(watchdog);
    socket = null;
    isOpen = false;
    dropped.onclose = null;
    dropped.close();
    if ((code === ENDED || code === OTHER_RIGHTS) && leave()) return;
    if (bells.size === 0) return;
    closedSince ??= Date.now();
    asking ??= setInterval(ringAll, ASK_EVERY);
    setTimeout(saySo, QUIET_FOR + 50);
    const wait = code === FULL ? ASK_EVERY : pause;
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    again = setTimeout(connect, wait * (0.5 + Math.random()));
}

// The session ended, or its rights are others: what stands here must not stay.
function leave() {
    const last = Number(sessionStorage.getItem("crm-left") ?? 0);
    if (Date.now() - last < RELOAD_AT_MOST_EVERY) return false;
    sessionStorage.setItem("crm-left", String(Date.now()));
    document.body.style.visibility = "hidden";
    reload();
    return true;
}

// Who signs out is on the way to another page, which must not be interrupted: it clears the cookie.
function reload() {
    if (Date.now() - leaving < 5_000) setTimeout(reload, 500);
    else location.reload();
}

function saySo() {
    if (closedSince === null || sign || Date.now() - closedSince < QUIET_FOR) return;
    sign = document.createElement("p");
    sign.className = "not-live";
    sign.setAttribute("role", "status");
    sign.textContent = "Not live at the moment: looking for news every 30 seconds";
    document.body.append(sign);
}

function hurry() {
    // Asked here so that each run is seen, whether or not a bell waits.
    isSettled();
    if (document.hidden) return;
    for (const bell of inOrder()) if (bell.due) ring(bell);
    if (!socket && !again) connect();
}

function wakeUp() {
    if (document.hidden) return;
    clearTimeout(again);
    again = null;
    hurry();
}

document.addEventListener("visibilitychange", wakeUp);
window.addEventListener("online", wakeUp);
window.addEventListener("beforeunload", () => { leaving = Date.now(); });
window.addEventListener("popstate", () => leaveFor(location.pathname));
document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    const isHere = link && link.origin === location.origin && !link.target;
    if (isHere && !event.ctrlKey && !event.metaKey && !event.shiftKey) leaveFor(link.pathname);
}, { capture: true });

// -- the component --------------------------------------------------------------------------------

export default function (component) {
    const { name, ticket, mark, beside } = component.data;
    say();
    // Loaded for the other scripts alone.
    if (!name) return undefined;
    const known = bells.get(name);
    const bell = known ?? { name, due: false, tries: 0, wait: 2_000, life: 0 };
    const isNew = !known || bell.ticket !== ticket;
    const isBeside = Boolean(beside);
    Object.assign(bell, { ticket, mark, isBeside, isGone: false, leftAt: 0, path: location.pathname, life: bell.life + 1 });
    bell.fire = () => component.setTriggerValue("rung", Date.now());
    bells.set(name, bell);
    rest(bell);
    if (!ticket) askLater(bell);
    if (isNew && ticket) tell([bell]);
    if (!socket && !again) connect();
    const press = (said) => component.setTriggerValue("pressed", said);
    hear(name, press);

    const life = bell.life;
    return () => {
        // Being drawn anew begins with an end.
        if (bell.life === life) bell.isGone = true;
        forget(name, press);
        setTimeout(() => {
            if (bell.life !== life) return;
            clearTimeout(bell.later);
            bells.delete(name);
            if (ringing === bell) release();
            if (isOpen && bell.ticket) socket.send(JSON.stringify({ close: [name] }));
        }, 500);
    };
}
