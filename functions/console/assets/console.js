// What moves on the console's pages. Without this script every page works: it only has to be loaded again.
"use strict";

/** How often a page is asked for again whose regions do not say otherwise, in seconds; and how long it waits where that fails, in milliseconds. */
const USUAL = 10, PATIENCE = 30000;
/** How many lines of a log a page keeps. */
const MOST_LINES = 2000;

const announce = (text) => { document.getElementById("announcements").textContent = text; };
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const seen = () => document.visibilityState === "visible"
    ? Promise.resolve()
    : new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

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

/** Whether somebody is at work in a part of the page: it is left as it is. */
function inUse(region) {
    const selected = getSelection();
    return (selected && !selected.isCollapsed && region.contains(selected.anchorNode)) || region.querySelector("details[open]") !== null;
}

/** Puts what has changed in the place of what it was. Who stands on a link goes on standing on it. */
function renew(region, fresh) {
    if (inUse(region) || region.innerHTML === fresh.innerHTML) return;
    const at = document.activeElement;
    if (region.contains(at) && !at.hasAttribute("href")) return;
    const address = region.contains(at) ? at.getAttribute("href") : null;
    region.replaceChildren(...fresh.childNodes);
    if (address !== null) region.querySelector(`a[href="${CSS.escape(address)}"]`)?.focus({ preventScroll: true });
}

/** Keeps the marked regions of a page fresh, until somebody says it should not. */
async function follow(main) {
    const every = 1000 * Math.min(...[...document.querySelectorAll("[data-live]")].map((region) => Number(region.dataset.live) || USUAL));
    let runs = true;
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
    for (let wait = every; ;) {
        await pause(wait);
        await seen();
        if (!runs) continue;
        const fresh = await ask(location.href);
        wait = fresh ? every : PATIENCE;
        if (!fresh || !runs) continue;
        for (const region of document.querySelectorAll("[data-live]")) {
            const other = fresh.getElementById(region.id);
            if (other) renew(region, other);
        }
    }
}

/** Adds the lines of a log as they come. Who has scrolled up stays there. */
async function tail(log) {
    let after = log.dataset.after;
    for (let wait = 2000; ;) {
        await pause(wait);
        await seen();
        const fresh = await ask(`${log.dataset.tail}${log.dataset.tail.includes("?") ? "&" : "?"}after=${encodeURIComponent(after)}`);
        const part = fresh?.querySelector("[data-after]");
        wait = part ? 2000 : PATIENCE;
        if (!part) continue;
        const isEmpty = part.children.length === 0;
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        after = part.dataset.after;
        document.getElementById("log-empty")?.toggleAttribute("hidden", part.children.length > 0 || log.children.length > 0);
        log.append(...part.children);
        while (log.children.length > MOST_LINES) log.firstElementChild.remove();
        if (isAtEnd) log.scrollTop = log.scrollHeight;
        if (isEmpty && document.querySelector("[data-over]")) return;
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
if (main.querySelector("[data-live]")) follow(main);
document.querySelectorAll("[data-tail]").forEach((log) => { log.scrollTop = log.scrollHeight; tail(log); });
document.querySelectorAll("[data-begin]").forEach((button) => {
    button.closest("[hidden]")?.removeAttribute("hidden");
    button.addEventListener("click", () => begin(button));
});
document.querySelectorAll("[data-redeem]").forEach(redeem);
document.querySelectorAll("[data-into]").forEach(load);
// What a page was told once is not told again when it is loaded anew.
if (/[?&]done=/.test(location.search)) {
    const query = new URLSearchParams(location.search);
    query.delete("done");
    query.delete("count");
    history.replaceState(null, "", location.pathname + (query.size ? `?${query}` : ""));
}
