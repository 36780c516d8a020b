// Walks through the console in a browser: every page, light and dark, wide and narrow, with axe-core; its numbers beside the APIs'; every action, by what
// one clicks; by the keyboard alone; and without scripts. Told by walk.rs on standard input what there is; says on standard output what is wrong, and ends
// with 1 if anything is.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const packages = createRequire(join(process.env.DROVER_CONSOLE_WALK, "here.js"));
const { chromium } = packages("playwright-core");
const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");

const plan = JSON.parse(readFileSync(0, "utf8"));
const console_ = `${plan.url}/console`;
const faults = [];
const fault = (what) => { faults.push(what); console.log(`FAULT ${what}`); };
mkdirSync(plan.screenshots, { recursive: true });

const LOOKS = [
    { name: "light-1280", colorScheme: "light", viewport: { width: 1280, height: 900 } },
    { name: "dark-1280", colorScheme: "dark", viewport: { width: 1280, height: 900 } },
    { name: "light-375", colorScheme: "light", viewport: { width: 375, height: 812 } },
    { name: "dark-375", colorScheme: "dark", viewport: { width: 375, height: 812 } },
];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

/** A page whose complaints are faults. */
async function opened(options) {
    const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    page.on("pageerror", (error) => fault(`${page.url()}: ${error}`));
    page.on("console", (line) => {
        const isExpected = /status of 4\d\d/.test(line.text());
        if (line.type() === "error" && !isExpected) fault(`${page.url()}: ${line.text()}`);
    });
    page.on("request", (request) => {
        if (!request.url().startsWith(plan.url)) fault(`${page.url()} asks ${request.url()}`);
    });
    return { context, page };
}

/** What axe-core finds, and whether anything is wider than the screen. */
async function examine(page, name) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }));
    for (const { id, help, nodes } of violations) {
        fault(`${name}: ${id} (${help}): ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
    }
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) fault(`${name}: ${wider} pixels wider than the screen`);
    await page.screenshot({ path: join(plan.screenshots, `${name}.png`), fullPage: true });
}

let turns = 0;
/** The same in one of the looks, each in its turn: of what is seen on the way there is too much to look at it in all of them. */
async function glance(page, name) {
    const { name: look, colorScheme, viewport } = LOOKS[turns % LOOKS.length];
    turns += 1;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await examine(page, `${name}-${look}`);
}

async function go(page, path, name, status = 200) {
    const answer = await page.goto(console_ + path, { waitUntil: "load" });
    if (answer.status() !== status) fault(`${name}: ${path} answered ${answer.status()}`);
}

/** Clicks one after another, and looks at each page between: it is there once the next thing to click is. */
async function click(page, name, clicks) {
    for (const [place, [role, label]] of clicks.entries()) {
        const next = page.locator("main").getByRole(role, { name: label, exact: true }).first();
        await next.waitFor();
        if (place > 0) await glance(page, `${name}-question`);
        await next.click();
    }
}

/** What a page says was done: it is in the title too, and one stands on it, so that it is read out. */
async function isTold(page, name, told) {
    await page.locator("p.notice").filter({ hasText: told }).waitFor({ timeout: 20_000 });
    await page.waitForFunction(() => document.activeElement?.matches(".notice"));
    if (!(await page.title()).includes(told)) fault(`${name}: the title is "${await page.title()}"`);
    if (page.url().includes("done=")) fault(`${name}: the address tells it again: ${page.url()}`);
    await glance(page, name);
}

/** Signs in as one does, and gives what the browser keeps of it. */
async function signIn() {
    for (const look of LOOKS) {
        const { context, page } = await opened(look);
        await go(page, "/sign-in", "sign-in");
        await examine(page, `sign-in-${look.name}`);
        await context.close();
    }
    const { context, page } = await opened(LOOKS[0]);
    await go(page, "/jobs", "sign-in");
    if (!page.url().includes("/console/sign-in")) fault(`nobody is asked to sign in: ${page.url()}`);
    await page.getByLabel("E-mail address").fill(plan.email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
    await page.waitForFunction(() => document.activeElement?.matches("[role=alert]"));
    for (const _ of LOOKS) await glance(page, "sign-in-refused");
    await page.getByLabel("Password").fill(plan.password);
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
    const kept = await context.storageState();
    await context.close();
    return kept;
}

/** What stands on a page: facts and tiles by their names, cells by their table's caption, their row and their column, and how many rows there are. */
function shown() {
    const text = (node) => node.textContent.replace(/\s+/g, " ").trim();
    const named = (selector, name, value) => Object.fromEntries(
        [...document.querySelectorAll(selector)].map((each) => [text(each.querySelector(name)), text(each.querySelector(value))]),
    );
    const cells = (row) => Object.fromEntries([...row.querySelectorAll("td[data-column]")].map((cell) => [cell.dataset.column, text(cell)]));
    const rows = (table) => Object.fromEntries([...table.tBodies[0].rows].map((row) => [text(row.querySelector("th")), cells(row)]));
    return {
        facts: named("dl.facts > div", "dt", "dd"),
        tiles: named(".tiles li", ".what", ".number"),
        tables: Object.fromEntries([...document.querySelectorAll("main table")].map((table) => [text(table.caption), rows(table)])),
        rows: String(document.querySelectorAll("main tbody tr").length),
    };
}

/** Where what is shown is not what is expected, which may say less. */
function differences(where, expected, found) {
    if (typeof expected !== "object") return expected === found ? [] : [`${where} is ${found}, and not ${expected}`];
    return Object.entries(expected).flatMap(([name, value]) => differences(`${where} ${name}`, value, found?.[name]));
}

/** Whether the pages tell what the APIs tell. What is counted follows within moments, so it is compared again for a minute. */
async function compare(page, when) {
    let wrong;
    for (let attempt = 0; attempt < 15; attempt += 1) {
        const told = await fetch(plan.numbers);
        if (!told.ok) throw new Error(`${await told.text()}; so far: ${wrong?.join("; ")}`);
        wrong = [];
        for (const { path, ...expected } of await told.json()) {
            await go(page, path, "numbers");
            wrong.push(...differences(path, expected, await page.evaluate(shown)));
        }
        if (wrong.length === 0) return;
        await page.waitForTimeout(4_000);
    }
    for (const difference of wrong) fault(`${when}: ${difference}`);
}

const storageState = await signIn();
{
    const { context, page } = await opened({ ...LOOKS[0], storageState });
    await compare(page, "before anything is done");
    await context.close();
}
for (const look of LOOKS) {
    const { context, page } = await opened({ ...look, storageState });
    for (const { name, path, status, holds } of plan.pages) {
        await go(page, path, name, status);
        for (const text of holds ?? []) {
            const held = page.locator("main").filter({ hasText: text });
            await held.waitFor({ timeout: 10_000 }).catch(() => fault(`${name}-${look.name}: no "${text}"`));
        }
        await examine(page, `${name}-${look.name}`);
    }
    if (look.viewport.width < 400) {
        await go(page, "/jobs", "menu");
        await page.locator("details.menu summary").click();
        await examine(page, `menu-${look.name}`);
        await page.locator("details.menu").getByRole("link", { name: "Schedules" }).click();
        await page.getByRole("heading", { level: 1, name: "Schedules" }).waitFor();
    }
    await context.close();
}

// What is done, by what one clicks: the question where there is one, and what the page tells then.
{
    const { context, page } = await opened({ ...LOOKS[0], storageState });
    for (const { name, path, clicks, told } of plan.actions) {
        try {
            await go(page, path, name);
            await click(page, name, clicks);
            await isTold(page, name, told);
        } catch (error) {
            fault(`action ${name}: ${error.message.split("\n")[0]}: ${(await page.locator("main").innerText()).slice(0, 300)}`);
        }
    }
    // What cannot be done any more.
    await go(page, plan.refused.path, "refused");
    await click(page, "refused", plan.refused.clicks);
    await page.getByRole("heading", { level: 1, name: plan.refused.told }).waitFor();
    for (const _ of LOOKS) await glance(page, "refused");
    // An import, from the form: first of what cannot be read, then from a file.
    await go(page, "/credentials/import", "import");
    await page.getByLabel("Platform").selectOption(plan.import.platform);
    await page.getByLabel("Credentials", { exact: true }).fill(plan.import.wrong);
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: "cannot be read" }).waitFor();
    if ((await page.content()).includes(plan.import.secret)) fault("what cannot be read is shown");
    for (const _ of LOOKS) await glance(page, "import-refused");
    await page.getByLabel("From a file").setInputFiles({ name: "new.csv", mimeType: "text/csv", buffer: Buffer.from(plan.import.text) });
    await page.waitForFunction(() => document.getElementById("text").value !== "");
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await isTold(page, "import-done", "Imported: ");
    if ((await page.content()).includes(plan.import.secret)) fault("an imported secret is shown");
    await compare(page, "after all of it");
    await context.close();
}

// What moves by itself: lines of a log, late ones where they belong, none while it is paused; and nobody loses where they stand.
{
    const { context, page } = await opened({ ...LOOKS[0], storageState });
    await go(page, plan.follow.path, "follow");
    await page.getByRole("button", { name: "Pause updates" }).waitFor();
    const line = (number) => page.locator(`div.log > div[data-number="${number}"]`).filter({ hasText: plan.follow.line });
    for (const number of [2, 1]) {
        console.log(`SAY ${number}`);
        await line(number).waitFor();
    }
    const order = await page.locator("div.log > div").evaluateAll((lines) => lines.map((each) => each.dataset.number).join());
    if (order !== "1,2") fault(`the log's lines are ${order}`);
    await page.getByRole("button", { name: "Pause updates" }).click();
    // What was asked before has come by then.
    await page.waitForTimeout(2_000);
    console.log("SAY 3");
    await page.waitForTimeout(6_000);
    if (await line(3).count() > 0) fault("the log goes on while it is paused");
    await page.getByRole("button", { name: "Resume updates" }).click();
    await line(3).waitFor();
    const cancel = page.getByRole("link", { name: "Cancel…" });
    await cancel.focus();
    // How long ago it was submitted: by the minute.
    const before = await page.locator("#state").innerText();
    await page.waitForFunction((text) => document.getElementById("state").innerText !== text, before, { timeout: 90_000 });
    if (!await cancel.evaluate((link) => link === document.activeElement)) fault("who stands on a link of what moves stands there no more");
    await context.close();
}

// By the keyboard alone.
{
    const { context, page } = await opened({ ...LOOKS[0], storageState });
    await go(page, "", "keyboard");
    await page.keyboard.press("Tab");
    const first = await page.evaluate(() => document.activeElement.textContent);
    if (first !== "Skip to the content") fault(`the first stop is "${first}"`);
    await page.keyboard.press("Enter");
    if (await page.evaluate(() => location.hash) !== "#main") fault("the skip link leads nowhere");
    const stops = [];
    await go(page, "/jobs", "keyboard");
    for (let stop = 0; stop < 25; stop += 1) {
        await page.keyboard.press("Tab");
        stops.push(await page.evaluate(() => {
            const at = document.activeElement, look = getComputedStyle(at);
            return { what: `${at.tagName} ${at.textContent.trim().slice(0, 30)}`, seen: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2 };
        }));
    }
    // After the last stop comes the page itself, and then the first.
    for (const { what, seen } of stops) if (!seen && !what.startsWith("BODY ")) fault(`who stands on ${what} does not see it`);
    // The switch of colours, and out.
    await page.getByRole("button", { name: "Dark colours" }).click();
    await page.waitForLoadState("load");
    if (await page.evaluate(() => document.documentElement.dataset.theme) !== "dark") fault("the colours are not switched");
    await context.close();
}

// Without scripts.
{
    const { context, page } = await opened({ ...LOOKS[2], storageState, javaScriptEnabled: false });
    for (const { name, path, status } of plan.pages) await go(page, path, `${name}-without-scripts`, status);
    const { path, clicks, told } = plan.unscripted;
    await go(page, path, "unscripted");
    for (const [role, label] of clicks) await page.getByRole(role, { name: label, exact: true }).first().click();
    await page.locator("p.notice").filter({ hasText: told }).waitFor();
    await page.screenshot({ path: join(plan.screenshots, "without-scripts-375.png"), fullPage: true });
    await page.locator("button", { hasText: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await go(page, "/jobs", "signed out");
    if (!page.url().includes("/sign-in")) fault("who is signed out sees pages");
    await context.close();
}

await browser.close();
console.log(`${plan.pages.length} pages in ${LOOKS.length} looks, ${plan.actions.length} actions, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
