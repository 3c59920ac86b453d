// What report.html does in a browser, on pages of real runs. `run` beside this file makes them.

import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { PAGES, CHROMIUM } = process.env;
const MIB = 2 ** 20;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
});
after(() => browser?.close());

/** A page in a window of its own, with everything that it did or tried that it should not. */
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrongs = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrongs.push(message.text()));
  page.on("pageerror", (error) => wrongs.push(String(error)));
  page.on("dialog", (dialog) => wrongs.push(dialog.message()) && dialog.dismiss());
  page.on("request", (request) => request.isNavigationRequest() || wrongs.push(request.url()));
  await page.goto(`file://${PAGES}/${name}`);
  return { page, wrongs, first: page.locator("section.workload").first() };
}

async function rows(path) {
  const [, ...lines] = (await readFile(`${PAGES}/${path}`, "utf8")).trim().split("\n");
  return lines.map((line) => line.split(","));
}

/** Amounts and times as the page writes them. */
function bytes(text) {
  const [, number, unit] = text.match(/(-?[\d.]+) ([KMGT]iB|B)/);
  return Number(number) * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].indexOf(unit);
}
function seconds(text) {
  const units = { d: 86400, h: 3600, min: 60, s: 1, ms: 1e-3 };
  return [...text.matchAll(/([\d.]+) (d|h|min|ms|s)\b/g)].reduce((sum, [, number, unit]) => sum + number * units[unit], 0);
}

/** The run that the first graph shows in full. */
async function shownRun(first) {
  return Number((await first.locator(".legend-box span").first().textContent()).replace("run ", ""));
}

/** The place in the window of a share of the graph's time. */
async function at(plot, share) {
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  return [box.x + 66 + (box.width - 78) * share, box.y + 120];
}

const marks = (first) => first.locator(".plot text.mark").allTextContents();

test("the verdict, what grew and what to do stand before the graph, and no page is as large as a mebibyte", async () => {
  const { page, wrongs } = await open("demo/report.html");
  assert.match(await page.title(), /^✓ pass: demo/);
  const words = (await page.locator("header.top").innerText()).replaceAll(/\s+/g, " ");
  assert.match(words, /^memguard ✓ pass demo .* of the peak is taken in the first .* \(start-up\).* came after /);
  const { page: failing } = await open("report/report.html");
  assert.match(await failing.locator("h1").innerText(), /✗ fail/);
  const reasons = await failing.locator("#workload-1 .reasons").innerText();
  assert.match(reasons, /peak is .* above the budget of 80\.0 MiB[^]*What to do: shrink what grew there, or raise the budget in .*memguard\.toml/);
  const tops = await failing.locator("#workload-1 .reasons, #workload-1 figure").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
  assert.ok(tops[0] < tops[1]);
  assert.deepEqual(wrongs, []);
  for (const name of ["report/report.html", "demo/report.html", "plot.html", "compare.html"]) {
    assert.ok((await stat(`${PAGES}/${name}`)).size < MIB, name);
  }
});

test("hovering shows the time, the memory and the log line of that time as the files have them", async () => {
  const { page, first, wrongs } = await open("report/report.html");
  const run = await shownRun(first);
  const samples = (await rows(`report/ingest/run-${run}/memory.csv`)).map(([time, , , peak]) => [Number(time), Number(peak)]);
  const log = await rows(`report/ingest/run-${run}/log.csv`);
  const plot = first.locator(".plot");
  for (const share of [0.15, 0.35, 0.6, 0.8]) {
    await page.mouse.move(...(await at(plot, share)));
    const card = first.locator(".card");
    await card.waitFor({ state: "visible" });
    const time = seconds(await card.locator(".card-head span").textContent());
    const memory = bytes(await card.locator(".card-head strong").textContent());
    // What is told lies between the highest and the lowest of the rows on both sides.
    const near = samples.filter(([row]) => Math.abs(row - time) < 0.06).map(([, peak]) => peak);
    assert.ok(near.length > 0, `${time}`);
    assert.ok(memory >= Math.min(...near) - MIB / 5 && memory <= Math.max(...near) + MIB / 5, `${memory} at ${time}: ${near}`);
    const line = log.findLast(([row]) => Number(row) <= time - 0.02) ?? log[0];
    if (log.some(([row]) => Math.abs(Number(row) - time) <= 0.02)) continue;
    assert.equal(await card.locator(".card-line .text").textContent(), line.slice(3).join(","));
  }
  await page.mouse.move(5, 5);
  await first.locator(".card").waitFor({ state: "hidden" });
  assert.deepEqual(wrongs, []);
});

test("a click on a log line marks it on the curve, and a click on the curve marks the line", async () => {
  const { page, first, wrongs } = await open("report/report.html");
  const line = first.locator(".lines li", { hasText: "processing batch 1" });
  await line.click();
  assert.equal(await first.locator(".plot .flag").textContent(), "processing batch 1");
  const svg = first.locator(".plot > svg");
  const x = Number(await svg.locator("line.marked").getAttribute("x1"));
  const width = await svg.evaluate((one) => one.viewBox.baseVal.width);
  const end = Number(await first.locator(".plot").getAttribute("aria-valuemax"));
  const time = Number(await line.getAttribute("data-at"));
  assert.ok(Math.abs(x - (66 + (time / end) * (width - 78))) < 1, `${x}`);
  await line.click();
  assert.equal(await first.locator(".plot .flag").count(), 0);
  await page.mouse.click(...(await at(first.locator(".plot"), (time + 0.1) / end)));
  assert.equal(await line.getAttribute("aria-selected"), "true");
  assert.equal(await first.locator(".lines [aria-selected=true]").count(), 1);
  assert.deepEqual(wrongs, []);
});

test("dragging zooms to that part, and the whole run comes back", async () => {
  const { page, first, wrongs } = await open("report/report.html");
  const plot = first.locator(".plot");
  const whole = await marks(first);
  await plot.scrollIntoViewIfNeeded();
  const before = await plot.boundingBox();
  await page.mouse.move(...(await at(plot, 0.4)));
  await page.mouse.down();
  await page.mouse.move(...(await at(plot, 0.6)), { steps: 4 });
  assert.equal(await first.locator("rect.drag").count(), 1);
  await page.mouse.up();
  const zoomed = await marks(first);
  assert.notDeepEqual(zoomed, whole);
  assert.ok(!zoomed.includes(whole.at(-1)), `${zoomed}`);
  assert.deepEqual(await plot.boundingBox(), before, "nothing moved");
  assert.match(await first.locator("[role=status]").textContent(), /^From .* to /);
  await first.getByRole("button", { name: "Show the whole run" }).click();
  assert.deepEqual(await marks(first), whole);
  await first.getByRole("button", { name: "Zoom in" }).click();
  assert.notDeepEqual(await marks(first), whole);
  await page.mouse.dblclick(...(await at(plot, 0.5)));
  assert.deepEqual(await marks(first), whole);
  assert.deepEqual(wrongs, []);
});

test("everything can be done by the keyboard, and is told to who does not see it", async () => {
  const { page, first, wrongs } = await open("report/report.html");
  const plot = first.getByRole("slider");
  assert.match(await plot.getAttribute("aria-label"), /ingest/);
  const about = await first.locator(`#${await plot.getAttribute("aria-describedby")}`).textContent();
  assert.match(about, /the peak is .* start-up ends after /);
  await plot.focus();
  const now = async () => Number(await plot.getAttribute("aria-valuenow"));
  const told = () => plot.getAttribute("aria-valuetext");
  await page.keyboard.press("Home");
  assert.equal(await now(), 0);
  await page.keyboard.press("ArrowRight");
  const step = await now();
  await page.keyboard.press("Shift+ArrowRight");
  assert.ok(step > 0 && Math.abs((await now()) - 11 * step) < 0.01);
  await page.keyboard.press("p");
  const peak = (await first.locator(".plot .label.peak").textContent()).match(/peak (.*) at/)[1];
  assert.ok((await told()).includes(peak), await told());
  await page.keyboard.press("Home");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown");
  assert.match(await told(), /after the log line at .*: loading the index/);
  await page.keyboard.press("Enter");
  assert.equal(await first.locator(".plot .flag").textContent(), "loading the index");
  assert.match(await first.locator("[role=status]").textContent(), /^Marked .*loading the index/);
  const whole = await marks(first);
  await page.keyboard.press("+");
  assert.notDeepEqual(await marks(first), whole);
  await page.keyboard.press("Escape");
  assert.deepEqual(await marks(first), whole);
  await page.keyboard.press("Escape");
  assert.equal(await first.locator(".plot .flag").count(), 0);
  await page.keyboard.press("p");
  for (let times = 0; times < 4; times++) await page.keyboard.press("+");
  assert.ok((await marks(first)).includes("0"));
  await page.keyboard.press("f");
  assert.ok(!(await marks(first)).includes("0"));
  await page.keyboard.press("f");
  await page.keyboard.press("0");
  assert.deepEqual(await marks(first), whole);
  const list = first.getByRole("listbox");
  await list.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const active = await list.getAttribute("aria-activedescendant");
  assert.equal(await first.locator(`#${active}`).getAttribute("aria-selected"), "true");
  assert.equal(await first.locator(".plot .flag").textContent(), "loading the index");
  for (const table of await page.locator("table").all()) {
    assert.ok((await table.locator("caption").textContent()).length > 0);
    assert.equal(await table.locator("thead th:not([scope=col])").count(), 0);
    assert.equal(await table.locator("tbody tr").count(), await table.locator("tbody th[scope=row]").count());
  }
  assert.deepEqual(wrongs, []);
});

test("runs, the baseline, the programs and the rest are switched off and on", async () => {
  const { first, wrongs } = await open("report/report.html");
  for (const [name, shape] of [
    ["baseline", "path.curve.baseline"],
    ["other runs (2)", "path.curve.run"],
    ["programs", "path.band"],
    ["budgets", "line.limit"],
    ["phases", "rect.phase"],
    ["segments", "rect.segment"],
    ["log lines", "rect.line"],
  ]) {
    const drawn = first.locator(`.plot ${shape}`);
    const box = first.getByRole("checkbox", { name, exact: true });
    assert.ok((await drawn.count()) > 0, name);
    await box.uncheck();
    assert.equal(await drawn.count(), 0, name);
    await box.check();
    assert.ok((await drawn.count()) > 0, name);
  }
  const others = await first.locator("path.curve.run").count();
  const run = (await shownRun(first)) === 1 ? 2 : 1;
  await first.getByRole("checkbox", { name: `Show run ${run} in the graph` }).uncheck();
  assert.equal(await first.locator("path.curve.run").count(), others - 1);
  assert.deepEqual(wrongs, []);
});

test("hostile lines are text, and do nothing", async () => {
  const { page, wrongs } = await open("report/report.html");
  const section = page.locator("#workload-2");
  const lines = await section.locator(".lines .text").allTextContents();
  for (const line of ["</script><script>window.harmed = 1</script>", "</li></ol></section><h1>fine</h1>", "<!-- <script>", "&lt;b&gt;", "<b>last</b>", "__proto__"]) {
    assert.ok(lines.includes(line), line);
  }
  const long = lines.find((line) => line.startsWith("xxxx"));
  assert.ok(long.length <= 401 && long.endsWith("…"));
  const all = await page.evaluate(() => document.documentElement.outerHTML);
  assert.doesNotMatch(all, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  await section.locator(".lines li", { hasText: "onerror" }).click();
  assert.match(await section.locator(".plot .flag").textContent(), /^<img src=x onerror=/);
  const plot = section.locator(".plot");
  for (const share of [0.02, 0.1, 0.5, 0.95]) {
    await page.mouse.move(...(await at(plot, share)));
    await section.locator(".card").waitFor({ state: "visible" });
  }
  assert.equal(await page.evaluate(() => window.harmed), undefined);
  assert.equal(await page.locator("img, iframe, object, embed, link, b, [onload], [onerror], [onmouseover]").count(), 0);
  assert.equal(await page.locator("script").count(), 2);
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("section.workload").count(), 2);
  assert.deepEqual(wrongs, []);
});

test("the page's policy runs no other script and loads nothing", async () => {
  const { page } = await open("report/report.html");
  const refused = await page.evaluate(async () => {
    const found = [];
    document.addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
    const add = (name, set) => document.body.append(Object.assign(document.createElement(name), set));
    add("script", { textContent: "window.harmed = 1" });
    add("style", { textContent: "body { display: none }" });
    add("img", { src: "http://127.0.0.1:9/x.png" });
    add("div", { innerHTML: '<i onclick="window.harmed = 1">x</i>' });
    document.body.lastChild.firstChild.click();
    await fetch("http://127.0.0.1:9/").catch(() => {});
    await new Promise((done) => setTimeout(done));
    return found;
  });
  for (const directive of ["script-src-elem", "style-src-elem", "img-src", "script-src-attr", "connect-src"]) {
    assert.ok(refused.includes(directive), `${directive} of ${refused}`);
  }
  assert.equal(await page.evaluate(() => window.harmed), undefined);
});

/** The least contrast of text on what lies behind it, by WCAG 2.2. */
function leastContrast() {
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, index) => c * a + below[index] * (1 - a));
  const behind = (one) => {
    const own = parse(getComputedStyle(one).backgroundColor);
    return own[3] === 0 ? behind(one.parentElement) : own[3] === undefined ? own : over(own, behind(one.parentElement));
  };
  const texts = [...document.querySelectorAll("h1, h2, p, td, th, caption, summary, code, .badge, .at, .stream, .to-do, .legend span")];
  return Math.min(
    ...texts.filter((one) => one.textContent.trim() && one.checkVisibility()).map((one) => {
      const [fore, back] = [light(over(parse(getComputedStyle(one).color), behind(one))), light(behind(one))];
      return (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
    }),
  );
}

test("light and dark, wide and narrow, every text can be read and the page is not wider than its window", async () => {
  const grounds = new Set();
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 400]) {
      const { page, wrongs } = await open("report/report.html", { colorScheme, viewport: { width, height: 900 } });
      assert.ok((await page.evaluate(leastContrast)) >= 4.5, `${colorScheme} ${width}`);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${colorScheme} ${width}`);
      grounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      assert.deepEqual(wrongs, []);
    }
  }
  assert.equal(grounds.size, 2);
});

test("printed, the page is light, whole and without what can only be clicked", async () => {
  const { page, first } = await open("report/report.html", { colorScheme: "dark" });
  await page.emulateMedia({ media: "print" });
  assert.equal(await first.locator(".tools").isVisible(), false);
  assert.equal(await first.locator(".hint").isVisible(), false);
  assert.equal(await first.locator(".plot path.curve.main").isVisible(), true);
  assert.equal(await first.locator(".lines").evaluate((list) => list.scrollHeight > list.clientHeight + 1), false);
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("h2")).color), "rgb(29, 35, 41)");
  assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
});

test("without its script the page has the graph, the tables and the lines", async () => {
  const { first } = await open("report/report.html", { javaScriptEnabled: false });
  assert.ok(await first.locator(".static svg").isVisible());
  assert.match(await first.locator(".static").getAttribute("aria-label"), /the peak is /);
  assert.ok((await first.locator("tbody tr").count()) > 5);
  assert.ok(await first.locator(".lines li").first().isVisible());
});

test("check, plot and compare write pages that work", async () => {
  for (const [name, pattern] of [
    ["checked/report.html", /✗ fail/],
    ["plot.html", /memory/],
    ["plots.html", /memory/],
    ["compare.html", /base and head/],
  ]) {
    const { page, first, wrongs } = await open(name);
    assert.match(await page.locator("h1").innerText(), pattern, name);
    await page.mouse.move(...(await at(first.locator(".plot"), 0.5)));
    assert.match(await first.locator(".card strong").textContent(), /iB$/, name);
    assert.deepEqual(wrongs, [], name);
  }
  const { page } = await open("compare.html");
  const moved = await page.getByRole("table", { name: "What moved", exact: true }).innerText();
  assert.match(moved, /ingest\s+peak\s+[\d.]+ MiB\s+[\d.]+ MiB/);
});
