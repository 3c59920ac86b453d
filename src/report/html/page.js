// Puts a graph to work with in the place of each still one.

/** What the legend calls a kind of thing. */
const KINDS = [
  ["main", (chart) => chart.main.name || "memory", (chart) => chart.main.kind === "main"],
  ["run", (chart) => `other runs (${of(chart, "run").length})`, (chart) => of(chart, "run").length],
  ["baseline", () => "baseline", (chart) => of(chart, "baseline").length],
  ["programs", () => "programs", (chart) => chart.bands],
  ["limits", () => "budgets", (chart) => chart.plot.limits.length],
  ["phases", () => "phases", (chart) => chart.plot.phases.length],
  ["segments", () => "segments", (chart) => chart.plot.segments.length],
  ["log", () => "log lines", (chart) => chart.lines.length],
];

function of(chart, kind) {
  return chart.curves.filter((curve) => curve.kind === kind);
}

/** The lines of a list, in the order of the list, which is that of time. */
function readLines(list, number) {
  return [...(list?.children ?? [])].map((item, index) => {
    item.id = `line-${number}-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    return {
      item,
      at: Number(item.dataset.at),
      text: item.querySelector(".text").textContent,
      heat: Number(item.className.replace("rise-", "")),
    };
  });
}

/** A box with a swatch and a name, switched on. */
function legendBox(parent, look, name, change) {
  const label = element(parent, "label", "legend-box");
  const box = element(label, "input");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => change(box.checked));
  if (look) {
    const swatch = shape(label, "svg", { class: "swatch", viewBox: "0 0 22 10", "aria-hidden": "true" });
    if (look === "phases" || look === "segments") shape(swatch, "rect", { class: `swatch-${look}`, width: 22, height: 10, rx: 2 });
    else if (look === "programs") for (const index of [0, 1, 2]) shape(swatch, "rect", { class: `band-${index}`, x: 8 * index, width: 6, height: 10, rx: 1 });
    else if (look === "log") for (const x of [4, 10, 13]) shape(swatch, "rect", { class: "line heat-1", x, y: 1, width: 1.5, height: 8 });
    else shape(swatch, "path", { class: look === "limits" ? "limit" : `curve ${look}`, d: "M0 5H22" });
  }
  element(label, "span", "", name);
  return box;
}

function switchOn(set, name, on) {
  if (on) set.delete(name);
  else set.add(name);
}

function button(parent, text, label, press) {
  const made = element(parent, "button", "", text);
  made.type = "button";
  made.title = label;
  if (text !== label) made.setAttribute("aria-label", label);
  made.addEventListener("click", press);
  return made;
}

function setUp(figure, plot, number) {
  const section = figure.closest("section");
  const list = section.querySelector(".lines");
  const lines = readLines(list, number);
  const place = document.createElement("div");
  place.className = "plot";
  const chart = new Chart(place, plot, lines);
  if (!chart.main) return null;

  const caption = figure.querySelector("figcaption");
  caption.id = `caption-${number}`;
  // The graph shows to eyes what it says.
  caption.className = "unseen";
  const tools = document.createElement("div");
  tools.className = "tools";
  const legend = element(tools, "div", "legend");
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Shown in the graph");
  const live = element(figure, "p", "unseen");
  live.setAttribute("role", "status");

  const attributes = {
    role: "slider",
    tabindex: "0",
    "aria-label": `Memory over time: ${figure.dataset.name}`,
    "aria-describedby": caption.id,
    "aria-valuemin": "0",
    "aria-valuemax": chart.end.toFixed(3),
    "aria-valuenow": "0",
  };
  for (const [name, value] of Object.entries(attributes)) place.setAttribute(name, value);

  for (const [kind, name, there] of KINDS) {
    if (!there(chart)) continue;
    legendBox(legend, kind, name(chart), (on) => {
      switchOn(chart.hidden, kind, on);
      chart.draw();
    });
  }
  of(chart, "overlaid").forEach((curve, index) => {
    legendBox(legend, `overlaid-${index % 6}`, curve.name, (on) => {
      switchOn(chart.hidden, curve.name, on);
      chart.draw();
    });
  });

  const zooms = element(tools, "div", "zooms");
  const fit = button(zooms, "Fit height", "Fit the height to the curve (f)", () => {
    chart.fitted = !chart.fitted;
    fit.setAttribute("aria-pressed", String(chart.fitted));
    chart.draw();
    live.textContent = chart.fitted ? "The height fits the curve" : "The height begins at zero";
  });
  fit.setAttribute("aria-pressed", "false");
  button(zooms, "−", "Zoom out (-)", () => zoomBy(chart, 2));
  button(zooms, "+", "Zoom in (+)", () => zoomBy(chart, 0.5));
  const reset = button(zooms, "Reset", "Show the whole run (0)", () => chart.zoom(0, chart.end));
  let view = "";
  chart.changed = () => {
    reset.disabled = !chart.zoomed;
    const step = chart.scale.reach * 4;
    const now = chart.zoomed ? `${timeText(chart.view[0], step)} to ${timeText(chart.view[1], step)}` : "";
    if (now !== view) live.textContent = now ? `From ${now}` : "The whole run";
    view = now;
  };

  const choose = (line) => {
    chart.mark = line;
    for (const other of lines) other.item.setAttribute("aria-selected", String(other === line));
    list?.setAttribute("aria-activedescendant", line ? line.item.id : "");
    if (line) {
      // The list alone is scrolled, not the page.
      const top = line.item.offsetTop - list.offsetTop;
      if (top < list.scrollTop || top + line.item.offsetHeight > list.scrollTop + list.clientHeight) {
        list.scrollTop = top - list.clientHeight / 2;
      }
      if (!chart.scale.shows(line.at)) {
        const span = chart.view[1] - chart.view[0];
        chart.zoom(line.at - span / 2, line.at + span / 2);
      }
      live.textContent = `Marked ${chart.sentence(line.at)}`;
    }
    chart.overlay();
  };
  usePointer(chart, choose);
  useKeys(chart, choose, () => fit.click());
  useList(list, lines, chart, choose);
  useRuns(section, chart);
  const hint = element(figure, "details", "hint");
  element(hint, "summary", "", "Pointer and keys");
  const keyList = element(hint, "dl");
  for (const [keys, what] of [
    ["drag", "zooms to that part"],
    ["double click, 0", "shows the whole run"],
    ["click, Enter", "marks the log line there"],
    ["← →", "move along the curve, with Shift faster"],
    ["Page ↑ ↓", "go from log line to log line"],
    ["+ −", "zoom"],
    ["p", "goes to the peak"],
    ["f", "fits the height to the curve"],
    ["Esc", "lets go"],
  ]) {
    element(keyList, "dt", "", keys);
    element(keyList, "dd", "", what);
  }
  figure.prepend(tools);
  figure.querySelector(".static").replaceWith(place);
  return chart;
}

/** A list of lines to choose one from, by click or by arrows. */
function useList(list, lines, chart, choose) {
  if (!list) return;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Log lines");
  list.tabIndex = 0;
  const lineOf = (event) => lines.find((line) => line.item.contains(event.target));
  list.addEventListener("click", (event) => {
    const line = lineOf(event);
    if (line) choose(line === chart.mark ? null : line);
  });
  list.addEventListener("pointerover", (event) => {
    const line = lineOf(event);
    chart.cursor = line ? line.at : null;
    chart.overlay();
  });
  list.addEventListener("pointerleave", () => {
    chart.cursor = null;
    chart.overlay();
  });
  list.addEventListener("keydown", (event) => {
    const now = lines.indexOf(chart.mark);
    const to = {
      ArrowDown: now + 1,
      ArrowUp: Math.max(0, now - 1),
      PageDown: now + 10,
      PageUp: Math.max(0, now - 10),
      Home: 0,
      End: lines.length - 1,
    }[event.key];
    if (event.key === "Escape") choose(null);
    if (to === undefined) return;
    event.preventDefault();
    choose(lines[Math.min(to, lines.length - 1)]);
  });
}

/** Each run of the table switches its curve, and shows it stronger while it is pointed at. */
function useRuns(section, chart) {
  if (chart.curves.filter((curve) => curve.kind === "run" || curve.kind === "main").length < 2) return;
  for (const cell of section.querySelectorAll("[data-run]")) {
    const name = `run ${cell.dataset.run}`;
    if (!chart.curves.some((curve) => curve.name === name)) continue;
    cell.replaceChildren();
    legendBox(cell, null, cell.dataset.run, (on) => {
      switchOn(chart.hidden, name, on);
      chart.draw();
    }).setAttribute("aria-label", `Show ${name} in the graph`);
    const emphasise = (on) => {
      chart.emphasised = on ? name : null;
      chart.draw();
    };
    cell.parentElement.addEventListener("pointerenter", () => emphasise(true));
    cell.parentElement.addEventListener("pointerleave", () => emphasise(false));
  }
}

const plots = JSON.parse(document.getElementById("plots").textContent);
const charts = [...document.querySelectorAll("figure[data-plot]")]
  .map((figure) => setUp(figure, plots[Number(figure.dataset.plot)], figure.dataset.plot))
  .filter(Boolean);
// All are measured before the first is drawn: else the page would be laid out anew for each.
for (const chart of charts) chart.fit();
for (const chart of charts) {
  chart.draw();
  chart.place.setAttribute("aria-valuetext", chart.sentence(chart.plot.peak?.at ?? 0));
  new ResizeObserver(() => chart.fit() && chart.draw()).observe(chart.place);
}
