// What moves the graph: the pointer, the keys, the buttons.

/** So many pixels are a drag and no click. */
const DRAG = 5;

/** Lets the pointer hover, drag to zoom, click to mark. `choose` marks a log line, or none. */
function usePointer(chart, choose) {
  const place = chart.place;
  const timeAt = (event) => {
    const box = chart.svg.getBoundingClientRect();
    return chart.scale.time(((event.clientX - box.left) / box.width) * chart.svg.viewBox.baseVal.width);
  };
  let pressed = null;
  place.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressed = { x: event.clientX, at: timeAt(event) };
    place.setPointerCapture(event.pointerId);
  });
  place.addEventListener("pointermove", (event) => {
    chart.cursor = timeAt(event);
    // A finger moves the cursor; the buttons zoom.
    const drags = pressed && event.pointerType !== "touch" && Math.abs(event.clientX - pressed.x) > DRAG;
    chart.drag = drags || (chart.drag && pressed) ? [pressed.at, chart.cursor] : null;
    chart.overlay();
  });
  place.addEventListener("pointerup", (event) => {
    const drag = chart.drag;
    const clicked = pressed && !drag && Math.abs(event.clientX - pressed.x) <= DRAG;
    [pressed, chart.drag] = [null, null];
    if (drag) chart.zoom(Math.min(...drag), Math.max(...drag));
    else if (clicked) choose(chart.lineAt(timeAt(event)));
  });
  const leave = () => {
    [pressed, chart.drag, chart.cursor] = [null, null, null];
    chart.overlay();
  };
  place.addEventListener("pointercancel", leave);
  place.addEventListener("pointerleave", leave);
  place.addEventListener("dblclick", () => chart.zoom(0, chart.end));
  place.addEventListener(
    "wheel",
    (event) => {
      // Up and down scroll the page; sideways moves a part of the graph.
      if (!chart.zoomed || Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      const step = event.deltaX * chart.scale.reach * 2;
      chart.zoom(chart.view[0] + step, chart.view[1] + step);
    },
    { passive: false },
  );
}

/** Zooms by a factor, around the cursor or the middle. */
function zoomBy(chart, factor) {
  const [from, to] = chart.view;
  const around = chart.cursor ?? chart.mark?.at ?? (from + to) / 2;
  const middle = Math.max(from, Math.min(around, to));
  chart.zoom(middle - (middle - from) * factor, middle + (to - middle) * factor);
}

/** Arrow keys move the cursor along the curve, `+` and `-` zoom, Escape lets go of one thing after another. */
function useKeys(chart, choose, fit) {
  const place = chart.place;
  const move = (time) => {
    chart.cursor = Math.max(0, Math.min(time, chart.end));
    const [from, to] = chart.view;
    const span = to - from;
    if (chart.cursor < from) chart.zoom(chart.cursor - span / 4, chart.cursor + (span * 3) / 4);
    else if (chart.cursor > to) chart.zoom(chart.cursor - (span * 3) / 4, chart.cursor + span / 4);
    else chart.overlay();
    place.setAttribute("aria-valuenow", chart.cursor.toFixed(3));
    place.setAttribute("aria-valuetext", chart.sentence(chart.cursor));
  };
  const now = () => chart.cursor ?? chart.mark?.at ?? chart.plot.peak?.at ?? 0;
  const step = (event) => (event.shiftKey ? 0.1 : 0.01) * (chart.view[1] - chart.view[0]);
  const lineFrom = (way) => {
    const time = now();
    const slack = chart.scale.reach / 100;
    return way > 0 ? chart.lines.find(({ at }) => at > time + slack) : chart.lines.findLast(({ at }) => at < time - slack);
  };
  const jump = (line) => line && move(line.at);
  const keys = {
    ArrowLeft: (event) => move(now() - step(event)),
    ArrowRight: (event) => move(now() + step(event)),
    Home: () => move(chart.view[0]),
    End: () => move(chart.view[1]),
    PageUp: () => jump(lineFrom(-1)),
    PageDown: () => jump(lineFrom(1)),
    p: () => chart.plot.peak && move(chart.plot.peak.at),
    f: () => fit(),
    "+": () => zoomBy(chart, 0.5),
    "=": () => zoomBy(chart, 0.5),
    "-": () => zoomBy(chart, 2),
    0: () => chart.zoom(0, chart.end),
    Enter: () => choose(chart.lineAt(now())),
    " ": () => choose(chart.lineAt(now())),
    Escape: () => {
      if (chart.drag) chart.drag = null;
      else if (chart.zoomed) return chart.zoom(0, chart.end);
      else choose(null);
      chart.overlay();
    },
  };
  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key](event);
  });
  place.addEventListener("focus", () => {
    if (place.matches(":focus-visible")) move(now());
  });
  place.addEventListener("blur", () => {
    chart.cursor = null;
    chart.overlay();
  });
}
