// Walks through the console in a browser: every page, light and dark, wide and narrow, with axe-core; every action, by what one clicks; by the keyboard
// alone; and without scripts. Told by walk.rs on standard input what there is; says on standard output what is wrong, and ends with 1 if anything is.
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

async function go(page, path, name) {
    const answer = await page.goto(console_ + path, { waitUntil: "load" });
    if (answer.status() !== 200) fault(`${name}: ${path} answered ${answer.status()}`);
}

/** Signs in as one does, and gives what the browser keeps of it. */
async function signIn() {
    const { context, page } = await opened(LOOKS[0]);
    await go(page, "/jobs", "sign-in");
    if (!page.url().includes("/console/sign-in")) fault(`nobody is asked to sign in: ${page.url()}`);
    await examine(page, "sign-in-light-1280");
    await page.getByLabel("E-mail address").fill(plan.email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
    await examine(page, "sign-in-refused-light-1280");
    await page.getByLabel("Password").fill(plan.password);
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
    const kept = await context.storageState();
    await context.close();
    return kept;
}

const storageState = await signIn();
for (const look of LOOKS) {
    const { context, page } = await opened({ ...look, storageState });
    for (const { name, path, holds } of plan.pages) {
        await go(page, path, name);
        for (const text of holds ?? []) {
            if (!(await page.locator("main").innerText()).includes(text)) fault(`${name}-${look.name}: no "${text}"`);
        }
        await examine(page, `${name}-${look.name}`);
    }
    if (look.viewport.width < 400) {
        await page.locator("details.menu summary").click();
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
            for (const [role, label] of clicks) {
                await page.getByRole(role, { name: label, exact: true }).first().click();
                await page.waitForLoadState("load");
            }
            await page.locator("p.notice").filter({ hasText: told }).waitFor({ timeout: 20_000 });
            await page.screenshot({ path: join(plan.screenshots, `action-${name}.png`), fullPage: true });
            if (page.url().includes("done=")) fault(`${name}: the address tells it again: ${page.url()}`);
        } catch (error) {
            fault(`action ${name}: ${error.message.split("\n")[0]}: ${(await page.locator("main").innerText()).slice(0, 300)}`);
        }
    }
    // An import, from the form.
    await go(page, "/credentials/import", "import");
    await page.getByLabel("Platform").selectOption(plan.import.platform);
    await page.getByLabel("From a file").setInputFiles({ name: "new.csv", mimeType: "text/csv", buffer: Buffer.from(plan.import.text) });
    await page.waitForFunction(() => document.getElementById("text").value !== "");
    await page.getByRole("button", { name: "Import" }).click();
    await page.locator("p.notice").filter({ hasText: "Imported: " }).waitFor();
    if ((await page.content()).includes(plan.import.secret)) fault("an imported secret is shown");
    await context.close();
}

// What moves by itself: lines of a log, and a state.
{
    const { context, page } = await opened({ ...LOOKS[0], storageState });
    await go(page, plan.follow.path, "follow");
    await page.getByRole("button", { name: "Pause updates" }).waitFor();
    console.log("FOLLOWING");
    await page.locator("div.log > div").filter({ hasText: plan.follow.line }).waitFor({ timeout: 60_000 });
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
    for (const { what, seen } of stops) if (!seen) fault(`who stands on ${what} does not see it`);
    // The switch of colours, and out.
    await page.getByRole("button", { name: "Dark colours" }).click();
    await page.waitForLoadState("load");
    if (await page.evaluate(() => document.documentElement.dataset.theme) !== "dark") fault("the colours are not switched");
    await context.close();
}

// Without scripts.
{
    const { context, page } = await opened({ ...LOOKS[2], storageState, javaScriptEnabled: false });
    for (const { name, path } of plan.pages) await go(page, path, `${name}-without-scripts`);
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
