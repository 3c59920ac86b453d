// The curves: from the numbers of the page to what is drawn.

class Curve {
  constructor(data, units) {
    this.name = data.name;
    this.kind = data.kind;
    this.at = sums(data.at, units.timeUnit / 1e6);
    this.memory = sums(data.memory, units.memoryUnit);
    this.gaps = data.gaps;
    // Which points come right after a gap. Times are rounded, a gap's middle is not near any.
    this.begins = new Set(data.gaps.map(([from, until]) => this.before((from + until) / 2)));
  }

  get length() {
    return this.at.length;
  }

  /** How many points lie at or before this time. */
  before(time) {
    return countUpTo(this.at, time);
  }

  /** The memory drawn at a time: the highest of the points within `reach`, else what lies between two. None outside and in gaps. */
  level(time, reach) {
    const [first, next] = [this.before(time - reach), this.before(time + reach)];
    if (next > first) return Math.max(...this.memory.subarray(first, next));
    if (first > 0 && this.at[first - 1] === time) return this.memory[first - 1];
    if (first === 0 || next === this.length || this.begins.has(first)) return null;
    const share = (time - this.at[first - 1]) / (this.at[first] - this.at[first - 1]);
    return this.memory[first - 1] + share * (this.memory[first] - this.memory[first - 1]);
  }

  /** The parts of a window that were measured. */
  measured(from, until) {
    const begins = [from, ...this.gaps.map((gap) => Math.max(from, gap[1]))];
    const ends = [...this.gaps.map((gap) => Math.min(until, gap[0])), until];
    return begins.map((begin, index) => [begin, ends[index]]).filter(([begin, end]) => begin < end);
  }

  /** The lowest and the highest memory drawn between two times. None where there is nothing. */
  range(from, to) {
    const inside = [...this.memory.subarray(this.before(from), this.before(to))];
    for (const edge of [from, to]) {
      const level = this.level(edge, 0);
      if (level !== null) inside.push(level);
    }
    return inside.length ? [Math.min(...inside), Math.max(...inside)] : null;
  }

  /**
   * The points to be joined by lines, from gap to gap: of every column of pixels the highest, and one on each side of the view.
   * Where the column before or after has none, the line comes from the first of its points, or leaves by the last: what is level
   * stays level.
   */
  pieces(scale) {
    const first = Math.max(0, this.before(scale.from) - 1);
    const last = Math.min(this.length, this.before(scale.to) + 1);
    const pieces = [];
    for (let index = first; index < last; index++) {
      if (index === first || this.begins.has(index)) pieces.push([]);
      const columns = pieces.at(-1);
      const x = Math.round(scale.x(this.at[index]));
      const y = scale.y(this.memory[index]);
      const column = columns.at(-1);
      if (column && column.x === x) {
        column.highest = Math.min(column.highest, y);
        column.last = y;
      } else columns.push({ x, first: y, highest: y, last: y });
    }
    const line = (columns) =>
      columns.flatMap(({ x, first, highest, last }, index) => {
        const points = [[x, highest]];
        if (first > highest && x - columns[index - 1]?.x > 1) points.unshift([x, first]);
        if (last > highest && columns[index + 1]?.x - x > 1) points.push([x, last]);
        return points;
      });
    return pieces.map(line);
  }
}

/** Who held the memory: what is held at one instant is held until the next. */
class Bands {
  constructor(data, units) {
    this.times = sums(data.at, units.timeUnit / 1e6);
    this.bands = data.bands.map(({ name, colour, memory }) => ({ name, colour, memory: sums(memory, units.memoryUnit) }));
  }

  /** What each held at a time. */
  at(time) {
    const now = countUpTo(this.times, time) - 1;
    return this.bands.map(({ name, colour, memory }) => ({ name, colour, memory: now < 0 ? 0 : memory[now] }));
  }

  /**
   * Each band's outline under a curve, one upon the other, from gap to gap: for every column of pixels its low edge and its high
   * edge. What each held is drawn as its part of the curve: shared pages and the time between two instants leave the sum a little
   * beside it.
   */
  pieces(scale, curve) {
    const { frame } = scale;
    const outlines = this.bands.map(({ name, colour }) => ({ name, colour, pieces: [] }));
    let joins = false;
    const y = (memory) => Math.max(frame.top, Math.min(frame.bottom, scale.y(memory)));
    for (let x = frame.left; x <= frame.right; x++) {
      const time = scale.time(x);
      const [level, now] = [curve.level(time, scale.reach), countUpTo(this.times, time) - 1];
      if (level === null || now < 0) {
        joins = false;
        continue;
      }
      const whole = this.bands.reduce((sum, { memory }) => sum + memory[now], 0) || 1;
      let sum = 0;
      this.bands.forEach(({ memory }, index) => {
        const low = y((sum / whole) * level);
        sum += memory[now];
        const { pieces } = outlines[index];
        if (!joins) pieces.push([]);
        pieces.at(-1).push([x, low, y((sum / whole) * level)]);
      });
      joins = true;
    }
    return outlines.filter(({ pieces }) => pieces.flat().some(([, low, high]) => low - high > 0.25));
  }
}

/** The widest part of a band that is everywhere so thick; none where it is nowhere. */
function thickest(pieces, thick) {
  let [best, now] = [null, null];
  for (const [index, [x, low, high]] of pieces.flatMap((piece) => [...piece.entries()])) {
    // What is joined has a level strip in common, so that a name can stand in it.
    const strip = now && index ? [Math.min(now.low, low), Math.max(now.high, high)] : null;
    if (strip && strip[0] - strip[1] >= thick) [now.right, now.low, now.high] = [x, ...strip];
    else now = low - high >= thick ? { left: x, right: x, low, high } : null;
    if (now && (!best || now.right - now.left > best.right - best.left)) best = { ...now };
  }
  return best;
}

/** How many of the times, which are in order, lie at or before this one. */
function countUpTo(times, time) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Each number is the difference to the one before, in units. */
function sums(differences, unit) {
  let sum = 0;
  return Float64Array.from(differences, (difference) => (sum += difference) * unit);
}

function linePath(points) {
  // Of one point a dot is drawn.
  return points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y.toFixed(1)}`).join("") + (points.length === 1 ? "h0" : "");
}

/** From times and amounts to pixels. */
class Scale {
  constructor(frame, [from, to], [low, high]) {
    Object.assign(this, { frame, from, to, low, high });
  }

  x(time) {
    return this.frame.left + ((time - this.from) / (this.to - this.from)) * (this.frame.right - this.frame.left);
  }

  y(memory) {
    return this.frame.bottom - ((memory - this.low) / (this.high - this.low)) * (this.frame.bottom - this.frame.top);
  }

  time(x) {
    const share = (x - this.frame.left) / (this.frame.right - this.frame.left);
    return this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from);
  }

  /** How much time half a pixel is. */
  get reach() {
    return (this.to - this.from) / (this.frame.right - this.frame.left) / 2;
  }

  shows(from, to = from) {
    return to >= this.from && from <= this.to;
  }
}

/** Finds room for labels: inside the frame, and not over one another. */
class Labels {
  constructor(frame) {
    this.frame = frame;
    this.taken = [];
  }

  /** The first of the wished places (left, top) that is free, moved into the frame; null where none is. */
  place(width, height, wishes) {
    for (const [left, top] of wishes) {
      const box = {
        left: Math.max(this.frame.left + 2, Math.min(left, this.frame.right - width - 2)),
        top: Math.max(this.frame.top - 24, Math.min(top, this.frame.bottom - height - 2)),
        width,
        height,
      };
      const hits = (other) =>
        box.left < other.left + other.width &&
        other.left < box.left + width &&
        box.top < other.top + other.height &&
        other.top < box.top + height;
      if (!this.taken.some(hits)) {
        this.taken.push(box);
        return box;
      }
    }
    return null;
  }
}
