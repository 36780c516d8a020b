// What moves on the console's pages. Without this script every page works: it only has to be loaded again.
"use strict";

/** How often a page is asked for again whose regions do not say otherwise, how often the lines of a log, and how often what has ended, in seconds. */
const USUAL = 10, LINES = 2, OVER = 60;
/** How long it waits where that fails, in seconds. */
const PATIENCE = 30;
/** How many lines of a log a page keeps. */
const MOST_LINES = 2000;

/** Whether the page is kept fresh, which a button of it decides. */
let runs = true;

const announce = (text) => { document.getElementById("announcements").textContent = text; };
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const seen = () => document.visibilityState === "visible"
    ? Promise.resolve()
    : new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
/** Whether what the page shows has ended, and can only be taken up again. */
const isOver = () => document.querySelector("[data-over]") !== null;

/** Waits until it is time to ask: after so many seconds, as they are counted meanwhile, if anybody looks and has not paused. */
async function turn(due) {
    const from = Date.now();
    do {
        await pause(1000);
        await seen();
    } while (!runs || Date.now() - from < 1000 * due());
}

/** A page or a part of one, as a document; null where it cannot be had now. Whoever is signed out is sent to sign in. */
async function ask(address) {
    try {
        const answer = await fetch(address, { headers: { "X-Part": "1" }, credentials: "same-origin", redirect: "error", cache: "no-store" });
        if (answer.status === 401 || answer.status === 403) {
            location.reload();
            return null;
        }
        return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    } catch {
        return null;
    }
}

/** What an element is of: the same in the page and in a newer one, wherever among its like it stands. */
function subject(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return "";
    if (node.localName === "tr") {
        const name = node.querySelector("th[scope=row]");
        return name?.querySelector("a")?.getAttribute("href") ?? name?.textContent ?? "";
    }
    return ["id", "rel", "href", "action"].map((name) => node.getAttribute(name)).find((value) => value) ?? "";
}

/** Makes of a node what a newer one is, and touches nothing that is as it was: who reads there, has marked something or stands on it, is not disturbed. */
function renew(node, fresh) {
    if (node.isEqualNode(fresh)) return;
    if (node.nodeType !== Node.ELEMENT_NODE) {
        node.data = fresh.data;
        return;
    }
    // What somebody has unfolded stays so.
    const isOurs = (name) => node.localName === "details" && name === "open";
    for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name) && !isOurs(name)) node.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
    const left = [...node.childNodes];
    const pairs = [...fresh.childNodes].map((child) => {
        const place = left.findIndex((old) => old.nodeName === child.nodeName && subject(old) === subject(child));
        return [place < 0 ? null : left.splice(place, 1)[0], child];
    });
    left.forEach((gone) => gone.remove());
    let next = node.firstChild;
    for (const [old, child] of pairs) {
        if (old) renew(old, child);
        const stays = old ?? child;
        if (stays === next) next = next.nextSibling;
        else node.insertBefore(stays, next);
    }
}

/** Lets somebody stop the page from being kept fresh. */
function addSwitch(main) {
    const told = document.createElement("p"), button = document.createElement("button");
    told.className = "refresh";
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Pause updates";
    button.addEventListener("click", () => {
        runs = !runs;
        button.textContent = runs ? "Pause updates" : "Resume updates";
        announce(runs ? "Updates resumed" : "Updates paused");
    });
    told.append(button);
    main.append(told);
}

/** Keeps the marked regions of a page fresh. */
async function follow(main) {
    const every = Math.min(...[...document.querySelectorAll("[data-live]")].map((region) => Number(region.dataset.live) || USUAL));
    for (let failed = false; ;) {
        await turn(() => failed ? PATIENCE : isOver() ? OVER : every);
        const fresh = await ask(location.href);
        failed = fresh === null;
        if (failed || !runs) continue;
        const at = document.activeElement;
        for (const region of document.querySelectorAll("[data-live]")) {
            const other = fresh.getElementById(region.id);
            if (other) renew(region, other);
        }
        // What somebody stood on is gone: they are near it still.
        if (!at.isConnected) main.focus({ preventScroll: true });
    }
}

/** Puts a line of a log where it belongs, and tells whether it was not there before. */
function insert(log, line) {
    const number = Number(line.dataset.number);
    let before = log.lastElementChild;
    while (before && Number(before.dataset.number) > number) before = before.previousElementSibling;
    if (before && Number(before.dataset.number) === number) return false;
    log.insertBefore(line, before ? before.nextSibling : log.firstChild);
    return true;
}

/** Adds the lines of a log as they come; those that come late, where they belong. Who has scrolled up stays there. */
async function tail(log) {
    let after = log.dataset.after;
    for (let failed = false, quiet = false; ;) {
        await turn(() => failed ? PATIENCE : quiet && isOver() ? OVER : LINES);
        const fresh = await ask(`${log.dataset.tail}${log.dataset.tail.includes("?") ? "&" : "?"}after=${encodeURIComponent(after)}`);
        const part = fresh?.querySelector("[data-after]");
        failed = !part;
        if (failed || !runs) continue;
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        after = part.dataset.after;
        quiet = [...part.children].filter((line) => insert(log, line)).length === 0;
        document.getElementById("log-empty")?.toggleAttribute("hidden", log.children.length > 0);
        while (log.children.length > MOST_LINES) log.firstElementChild.remove();
        if (isAtEnd) log.scrollTop = log.scrollHeight;
    }
}

/** Goes to the identity provider. */
async function begin(button) {
    button.disabled = true;
    try {
        const answer = await fetch(button.dataset.begin, { credentials: "same-origin" });
        const { auth_url: address } = await answer.json();
        location.assign(address);
    } catch {
        button.disabled = false;
        announce("The identity provider cannot be reached. Try again.");
    }
}

/** Comes back from there: redeems the code, as any web front end does, and carries the session on. */
async function redeem(told) {
    const query = new URLSearchParams(location.search);
    history.replaceState(null, "", location.pathname);
    try {
        const answer = await fetch(told.dataset.redeem, {
            method: "POST",
            credentials: "same-origin",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ code: query.get("code"), state: query.get("state") }),
        });
        if (!answer.ok) throw new Error((await answer.json()).message);
        document.getElementById("carry-on").submit();
    } catch (error) {
        told.textContent = `That did not work: ${error.message}`;
    }
}

/** A file that is chosen is put into the field beside it, where it can be looked at before it is sent. */
function load(chooser) {
    chooser.closest("[hidden]")?.removeAttribute("hidden");
    chooser.addEventListener("change", async () => {
        const [file] = chooser.files;
        if (!file) return;
        document.getElementById(chooser.dataset.into).value = await file.text();
        announce(`${file.name} is loaded`);
    });
}

const main = document.getElementById("main");
if (main.querySelector("[data-live]")) {
    addSwitch(main);
    follow(main);
}
document.querySelectorAll("[data-tail]").forEach((log) => { log.scrollTop = log.scrollHeight; tail(log); });
document.querySelectorAll("[data-begin]").forEach((button) => {
    button.closest("[hidden]")?.removeAttribute("hidden");
    button.addEventListener("click", () => begin(button));
});
document.querySelectorAll("[data-redeem]").forEach(redeem);
document.querySelectorAll("[data-into]").forEach(load);
// What a page says when it is loaded is read out where one stands on it.
const told = main.querySelector("[role=alert], .notice");
if (told) {
    told.tabIndex = -1;
    told.focus();
}
// What a page was told once is not told again when it is loaded anew.
if (/[?&]done=/.test(location.search)) {
    const query = new URLSearchParams(location.search);
    query.delete("done");
    query.delete("count");
    history.replaceState(null, "", location.pathname + (query.size ? `?${query}` : ""));
}
