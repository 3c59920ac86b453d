// The graph: drawn anew from its state whenever that changes.

const SVG = "http://www.w3.org/2000/svg";

function shape(parent, name, attributes = {}, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function element(parent, name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

class Chart {
  /** `lines` are log lines: their times, texts and marks of rises, in the order of time. */
  constructor(place, plot, lines) {
    this.plot = plot;
    this.lines = lines;
    this.curves = plot.curves.map((data) => new Curve(data, plot)).filter((curve) => curve.length);
    this.main = this.curves.find((curve) => curve.kind === "main") ?? this.curves.at(-1);
    this.bands = plot.programs && new Bands(plot.programs, plot);
    this.end = Math.max(plot.end, 1e-3);
    this.view = [0, this.end];
    this.hidden = new Set();
    this.fitted = false;
    this.cursor = null;
    this.mark = null;
    this.drag = null;
    this.place = place;
    this.svg = shape(place, "svg", { "aria-hidden": "true" });
    this.card = element(place, "div", "card");
    this.card.hidden = true;
  }

  get zoomed() {
    return this.view[0] > 0 || this.view[1] < this.end;
  }

  /** The curves that are switched on, the main one last. */
  get shown() {
    const on = this.curves.filter((curve) => !this.hidden.has(curve.name) && !this.hidden.has(curve.kind));
    return on.sort((one, other) => (one === this.main) - (other === this.main));
  }

  zoom(from, to) {
    // Closer than this there is nothing to see.
    const span = Math.min(this.end, Math.max(to - from, this.end / 20000, 1e-4));
    const middle = (from + to) / 2;
    const begin = Math.max(0, Math.min(middle - span / 2, this.end - span));
    this.view = [begin, begin + span];
    this.draw();
  }

  /** Takes on the width of its place; whether it is another than before. */
  fit() {
    const before = this.width;
    this.width = Math.max(280, this.place.clientWidth || 900);
    this.narrow = this.width < 560;
    return this.width !== before;
  }

  draw() {
    const { width, narrow } = this;
    const height = Math.round(Math.min(380, Math.max(220, width * 0.38)));
    const frame = { left: 66, right: width - 12, top: 30, bottom: 30 + height };
    const tracks = { log: frame.bottom + 12, segments: frame.bottom + 12 };
    if (this.has("log")) tracks.segments += 18;
    tracks.end = tracks.segments + (this.has("segments") ? 22 : -8);
    const { low, high, marks } = this.memoryAxis();
    this.scale = new Scale(frame, this.view, [low, high]);
    const whole = tracks.end + 24;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${whole}`);
    this.svg.replaceChildren();
    const labels = new Labels(frame);
    this.phases(labels);
    this.gaps(labels);
    this.axes(marks, tracks, narrow);
    const clip = shape(this.svg, "svg", {
      class: "inside",
      x: frame.left,
      y: 0,
      width: frame.right - frame.left,
      height: whole,
      viewBox: `${frame.left} 0 ${frame.right - frame.left} ${whole}`,
    });
    if (this.has("programs") && this.shown.includes(this.main)) this.programs(clip, labels);
    for (const curve of this.shown) this.curve(clip, curve);
    this.limits(clip, labels);
    this.marks(labels);
    this.peak(labels);
    if (this.has("log")) this.logTrack(clip, tracks.log);
    if (this.has("segments")) this.segmentTrack(clip, tracks.segments);
    this.over = shape(this.svg, "g", { class: "over" });
    this.overlay();
    this.changed?.();
  }

  /** Whether there is something of this kind, and it is switched on. */
  has(kind) {
    const { segments, phases, limits } = this.plot;
    const there = { log: this.lines, programs: this.bands?.bands ?? [], segments, phases, limits }[kind];
    return there.length > 0 && !this.hidden.has(kind);
  }

  memoryAxis() {
    const ranges = this.shown.map((curve) => curve.range(...this.view)).filter(Boolean);
    const highest = Math.max(0, ...ranges.map(([, high]) => high));
    if (this.fitted && ranges.length) {
      const lowest = Math.min(...ranges.map(([low]) => low));
      const room = Math.max((highest - lowest) * 0.1, 64);
      return memoryMarks(Math.max(0, lowest - room), highest + room, 6);
    }
    const limits = this.has("limits") ? this.plot.limits.map((limit) => limit.value) : [];
    // A limit far above the curve would press it flat: it is named at the edge instead.
    const near = limits.filter((value) => value <= highest * 2.2);
    return memoryMarks(0, Math.max(highest, ...near) * 1.1, 6);
  }

  axes(marks, tracks, narrow) {
    const { frame } = this.scale;
    for (const [value, text] of marks) {
      const y = this.scale.y(value);
      shape(this.svg, "line", { class: value === 0 ? "ground" : "grid", x1: frame.left, x2: frame.right, y1: y, y2: y });
      shape(this.svg, "text", { class: "mark", x: frame.left - 8, y: y + 4, "text-anchor": "end" }, text);
    }
    const room = (frame.right - frame.left) / (narrow ? 76 : 96);
    for (const [at, text] of timeMarks(...this.view, room)) {
      const x = this.scale.x(at);
      shape(this.svg, "line", { class: "tick", x1: x, x2: x, y1: tracks.end, y2: tracks.end + 4 });
      // The last does not stand out of the picture.
      const anchor = x > frame.right - 24 ? "end" : "middle";
      shape(this.svg, "text", { class: "mark", x: anchor === "end" ? frame.right : x, y: tracks.end + 18, "text-anchor": anchor }, text);
    }
    for (const [name, top] of [["log", tracks.log + 11], ["segments", tracks.segments + 14]]) {
      if (this.has(name)) shape(this.svg, "text", { class: "track", x: frame.left - 8, y: top, "text-anchor": "end" }, name);
    }
    shape(this.svg, "line", { class: "ground", x1: frame.left, x2: frame.right, y1: tracks.end, y2: tracks.end });
  }

  curve(parent, curve) {
    const pieces = curve.pieces(this.scale);
    const isMain = curve === this.main;
    if (curve.length === 1) {
      shape(parent, "circle", { class: "dot", cx: pieces[0][0][0], cy: pieces[0][0][1], r: 4 });
      return;
    }
    if (isMain && !this.fitted && curve.kind === "main" && !this.has("programs")) {
      const bottom = this.scale.frame.bottom;
      const area = (points) => `${linePath(points)}L${points.at(-1)[0]} ${bottom}L${points[0][0]} ${bottom}Z`;
      shape(parent, "path", { class: "area", d: pieces.map(area).join("") });
    }
    const index = this.curves.indexOf(curve) % 6;
    const look = curve.kind === "overlaid" ? `overlaid-${index}` : curve.kind;
    const path = shape(parent, "path", { class: `curve ${look}`, d: pieces.map(linePath).join(""), "data-curve": curve.name });
    if (this.emphasised === curve.name) path.classList.add("emphasised");
  }

  /** Who held the memory, one upon the other, the largest at the bottom. The name stands in each where it is thickest. */
  programs(parent, labels) {
    for (const { name, colour, pieces } of this.bands.pieces(this.scale, this.main)) {
      const outline = (columns) => {
        const upper = columns.map(([x, , high]) => [x, high]);
        const lower = columns.map(([x, low]) => [x, low]).reverse();
        return `${linePath([...upper, ...lower])}Z`;
      };
      shape(parent, "path", { class: `band band-${colour}`, d: pieces.map(outline).join(""), "data-band": name });
      const run = thickest(pieces, 16);
      if (!run || run.right - run.left < name.length * 6.4 + 16) continue;
      const middle = (run.left + run.right) / 2;
      this.label(labels, "band-name", name, [[middle - name.length * 3.2, (run.low + run.high) / 2 - 8]]);
    }
  }

  phases(labels) {
    if (!this.has("phases")) return;
    const { frame } = this.scale;
    for (const { name, from, to } of this.plot.phases.filter((phase) => this.scale.shows(phase.from, phase.to))) {
      const left = Math.max(frame.left, this.scale.x(from));
      const right = Math.min(frame.right, this.scale.x(to));
      shape(this.svg, "rect", { class: "phase", x: left, y: frame.top, width: Math.max(1, right - left), height: frame.bottom - frame.top });
      this.label(labels, "small", name, [[left + 5, frame.top + 3], [left + 5, frame.top + 19]]);
    }
  }

  /** Where the main curve was not measured. */
  gaps(labels) {
    if (!this.shown.includes(this.main) || this.main.kind !== "main") return;
    const { frame } = this.scale;
    for (const [from, to] of this.main.gaps.filter((gap) => this.scale.shows(...gap))) {
      const left = Math.max(frame.left, this.scale.x(from));
      const width = Math.min(frame.right, this.scale.x(to)) - left;
      shape(this.svg, "rect", { class: "gap", x: left, y: frame.top, width, height: frame.bottom - frame.top });
      if (width > 100) this.label(labels, "small", "not measured", [[left + width / 2 - 40, (frame.top + frame.bottom) / 2]]);
    }
  }

  limits(clip, labels) {
    if (!this.has("limits")) return;
    const { frame } = this.scale;
    for (const { name, value, crossed, window } of this.plot.limits) {
      const [from, to] = window ?? this.view;
      if (!this.scale.shows(from, to)) continue;
      const left = Math.max(frame.left, this.scale.x(from));
      const right = Math.min(frame.right, this.scale.x(to));
      const look = crossed ? "limit crossed" : "limit";
      const text = !crossed ? name : this.narrow ? `✗ ${name}` : `${name}: exceeded`;
      if (value > this.scale.high || value < this.scale.low) {
        const where = value > this.scale.high ? "above" : "below";
        const top = value > this.scale.high ? frame.top + 3 : frame.bottom - 18;
        this.label(labels, look, `${text} (${where} this view)`, [[frame.right - 400, top], [frame.right - 400, top + 17]], "end", frame.right - 4);
        continue;
      }
      const y = this.scale.y(value);
      shape(clip, "line", { class: look, x1: left, x2: right, y1: y, y2: y });
      const wishes = [[left, y - 18], [left, y + 4], [left, y - 36], [left, y + 22]];
      if (window) this.label(labels, look, text, wishes.map(([x, y]) => [x + 4, y]));
      else this.label(labels, look, text, wishes, "end", right - 4);
    }
  }

  /** Where start-up ended, and where memguard began to stop the workload. */
  marks(labels) {
    const { frame } = this.scale;
    for (const [name, at] of [["ready", this.plot.ready], ["stop", this.plot.stop]]) {
      if (at === null || !this.scale.shows(at)) continue;
      const x = this.scale.x(at);
      shape(this.svg, "line", { class: "moment", x1: x, x2: x, y1: frame.top, y2: frame.bottom });
      const low = frame.bottom - 20;
      this.label(labels, "small strong", `${name} ${timeText(at)}`, [[x + 5, low], [x - 105, low], [x + 5, low - 18]]);
    }
  }

  peak(labels) {
    const peak = this.plot.peak;
    if (!peak || !this.scale.shows(peak.at) || !this.shown.includes(this.main)) return;
    const [x, y] = [this.scale.x(peak.at), this.scale.y(peak.memory)];
    shape(this.svg, "circle", { class: "dot", cx: x, cy: y, r: 4.5 });
    const text = `peak ${peak.text} at ${timeText(peak.at)}`;
    const half = text.length * 3.7;
    this.label(labels, "peak", text, [[x - half, y - 25], [x + 10, y - 25], [x - 2 * half - 10, y - 25], [x + 10, y + 6], [x - 2 * half - 10, y + 6], [x - half, y - 43]]);
  }

  /** A label at the first free one of its places; without room, none. */
  label(labels, look, text, wishes, anchor = "start", right = 0) {
    const width = text.length * (look === "peak" ? 7.4 : 6.4) + 6;
    const box = labels.place(width, 17, anchor === "end" ? wishes.map(([, top]) => [right - width, top]) : wishes);
    if (!box) return;
    const x = anchor === "end" ? box.left + width : box.left;
    shape(this.svg, "text", { class: `label ${look}`, x, y: box.top + 13, "text-anchor": anchor }, text);
  }

  logTrack(parent, top) {
    const hottest = new Map();
    for (const line of this.lines) {
      if (!this.scale.shows(line.at)) continue;
      const x = Math.round(this.scale.x(line.at));
      if ((hottest.get(x) ?? -1) < line.heat) hottest.set(x, line.heat);
    }
    for (const [x, heat] of hottest) {
      const height = 6 + 2 * heat;
      shape(parent, "rect", { class: `line heat-${heat}`, x: x - 0.75, y: top + 6 - height / 2, width: 1.5, height });
    }
  }

  segmentTrack(parent, top) {
    const { frame } = this.scale;
    for (const { kind, from, to, rise, share } of this.plot.segments) {
      if (!this.scale.shows(from, to)) continue;
      let [left, right] = [0, 0];
      for (const part of this.main.measured(from, to).filter((part) => this.scale.shows(...part))) {
        const [begin, end] = [Math.max(frame.left, this.scale.x(part[0])), Math.min(frame.right, this.scale.x(part[1]))];
        shape(parent, "rect", { class: `segment ${kind}`, x: begin + 0.5, y: top, width: Math.max(1, end - begin - 1), height: 18, rx: 2 });
        if (end - begin > right - left) [left, right] = [begin, end];
      }
      const words = [`${kind} ${changeText(rise)}, ${share.toFixed(0)} %`, `${kind} ${changeText(rise)}`, kind];
      const text = words.find((text) => text.length * 6.2 + 10 < right - left);
      if (text) shape(parent, "text", { class: "segment-name", x: left + 6, y: top + 13 }, text);
    }
  }

  /** What moves with the pointer, over the graph: the marked line, the cursor, the part to be zoomed to. */
  overlay() {
    const { frame } = this.scale;
    this.over.replaceChildren();
    const upright = (look, at) => {
      const x = this.scale.x(at);
      shape(this.over, "line", { class: look, x1: x, x2: x, y1: frame.top - 6, y2: frame.bottom + 4 });
      const level = this.shown.includes(this.main) ? this.main.level(at, this.scale.reach) : null;
      if (level !== null) shape(this.over, "circle", { class: `${look} dot`, cx: x, cy: this.scale.y(level), r: 4.5 });
      return x;
    };
    if (this.mark && this.scale.shows(this.mark.at)) {
      const x = upright("marked", this.mark.at);
      const most = Math.floor((frame.right - frame.left) / 2 / 6.6);
      const text = this.mark.text.length > most ? `${this.mark.text.slice(0, most)}…` : this.mark.text;
      const isLeft = x < (frame.left + frame.right) / 2;
      shape(this.over, "text", { class: "flag", x: x + (isLeft ? 5 : -5), y: frame.top - 10, "text-anchor": isLeft ? "start" : "end" }, text);
    }
    if (this.drag) {
      const [left, right] = [this.scale.x(this.drag[0]), this.scale.x(this.drag[1])].sort((one, other) => one - other);
      shape(this.over, "rect", { class: "drag", x: left, y: frame.top, width: right - left, height: frame.bottom - frame.top });
    }
    const at = this.cursor;
    this.card.hidden = at === null || this.drag !== null || !this.scale.shows(at);
    if (this.card.hidden) return;
    this.fillCard(at, upright("cursor", at));
  }

  /** The last line at or before a time; null where there is none. */
  lineAt(time) {
    return this.lines.findLast((line) => line.at <= time + this.scale.reach) ?? null;
  }

  /** The memory of every curve that is shown there, the main one first. */
  levels(time) {
    const levels = this.shown.map((curve) => [curve, curve.level(time, this.scale.reach)]);
    return levels.filter(([, level]) => level !== null).reverse();
  }

  /** Why there is no memory at a time. */
  absence(time) {
    return this.main?.gaps.some(([from, to]) => from < time && time < to) ? "not measured" : "nothing";
  }

  /** What stands at a time, in a sentence. */
  sentence(time) {
    const [main] = this.levels(time);
    const line = this.lineAt(time);
    const memory = main ? memoryText(main[1]) : this.absence(time);
    const after = line ? `, after the log line at ${timeText(line.at)}: ${line.text}` : "";
    const [holder] = this.has("programs") ? this.bands.at(time).sort((one, other) => other.memory - one.memory) : [];
    const held = holder?.memory > 0 ? `, most of it ${holder.name} with ${memoryText(holder.memory)}` : "";
    return `${timeText(time, this.scale.reach * 4)}: ${memory}${held}${after}`;
  }

  fillCard(at, x) {
    this.card.replaceChildren();
    const levels = this.levels(at);
    const head = element(this.card, "p", "card-head");
    element(head, "strong", "", levels.length ? memoryText(levels[0][1]) : this.absence(at));
    element(head, "span", "", `at ${timeText(at, this.scale.reach * 4)}`);
    const others = levels.slice(1);
    if (others.length > 4) {
      const [low, high] = [Math.min, Math.max].map((of) => memoryText(of(...others.map(([, level]) => level))));
      element(this.card, "p", "card-row", `${others.length} other curves: ${low} to ${high}`);
    } else {
      for (const [curve, level] of others) element(this.card, "p", "card-row", `${curve.name}: ${memoryText(level)}`);
    }
    if (this.has("programs")) this.fillHolders(at);
    const line = this.lineAt(at);
    if (line) {
      const row = element(this.card, "p", "card-line");
      element(row, "span", "at", timeText(line.at));
      element(row, "span", "text", line.text);
    }
    this.placeCard(x);
  }

  /** Who held the memory, the most first. */
  fillHolders(at) {
    const holders = this.bands.at(at).filter(({ memory }) => memory > 0);
    holders.sort((one, other) => other.memory - one.memory);
    for (const { name, colour, memory } of holders.slice(0, 4)) {
      const row = element(this.card, "p", "card-row card-holder");
      const swatch = shape(row, "svg", { class: "swatch", viewBox: "0 0 12 12" });
      shape(swatch, "rect", { class: `swatch band-${colour}`, width: 12, height: 12, rx: 2 });
      element(row, "span", "", name);
      element(row, "span", "amount", memoryText(memory));
    }
  }

  placeCard(x) {
    const scaled = (x / this.svg.viewBox.baseVal.width) * this.place.clientWidth;
    const isLeft = scaled < this.place.clientWidth / 2;
    this.card.style.left = isLeft ? `${scaled + 14}px` : "auto";
    this.card.style.right = isLeft ? "auto" : `${this.place.clientWidth - scaled + 14}px`;
  }
}
