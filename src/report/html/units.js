// Amounts as text, in the words of memguard's other reports.

const KIB = 1024;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** `316.4 MiB`: an amount of memory. */
function memoryText(bytes) {
  // The limits sit where rounding would print 1024.0.
  const steps = [
    ["KiB", KIB, 1, KIB],
    ["MiB", KIB ** 2, 1, KIB ** 2 - KIB / 20],
    ["GiB", KIB ** 3, 2, KIB ** 3 - KIB ** 2 / 20],
    ["TiB", KIB ** 4, 2, KIB ** 4 - KIB ** 3 / 200],
  ];
  const step = steps.findLast(([, , , least]) => Math.abs(bytes) >= least);
  if (!step) return `${Math.round(bytes)} B`;
  const [name, unit, digits] = step;
  return `${(bytes / unit).toFixed(digits)} ${name}`;
}

/** `+2.1 MiB`: a difference. */
function changeText(bytes) {
  return (bytes > 0 ? "+" : "") + memoryText(bytes);
}

/** `12 ms`, `3.14 s`, `4 min 5 s`, `2 h 10 min`: a time since launch; finer where `step` is fine. */
function timeText(seconds, step = Infinity) {
  if (seconds < 0.9995) {
    const ms = seconds * 1e3;
    return `${ms.toFixed(step < 1e-3 || (ms > 0 && ms < 10) ? 1 : 0)} ms`;
  }
  if (seconds < 9.995) return `${seconds.toFixed(step < 0.01 ? 3 : 2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(step < 0.1 ? 2 : 1)} s`;
  const fine = step < 1;
  const whole = fine ? seconds : Math.round(seconds);
  const days = Math.floor(whole / DAY);
  const hours = Math.floor(whole / HOUR) % 24;
  const minutes = Math.floor(whole / MINUTE) % 60;
  const rest = fine ? (whole % MINUTE).toFixed(step < 0.1 ? 2 : 1) : whole % MINUTE;
  const parts = [];
  if (days) parts.push(`${days} d`);
  if (hours) parts.push(`${hours} h`);
  if (minutes) parts.push(`${minutes} min`);
  // No more than is telling: days need no seconds, unless they are looked at closely.
  if (Number(rest) && (fine || step < MINUTE || (!days && !hours))) parts.push(`${rest} s`);
  return (step < MINUTE ? parts : parts.slice(0, 2)).join(" ");
}

/** The marks of a memory axis that holds `low` and `high`, at most so many and one more, in steps that are round in IEC units. */
function memoryMarks(low, high, most) {
  const wanted = Math.max(high - low, 16);
  let step = 1;
  while (wanted / step > most) step *= 2;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  const marks = [];
  for (let index = first; index <= last; index++) marks.push([index * step, roundMemory(index * step, step)]);
  return { low: first * step, high: last * step, marks };
}

/** `64 MiB`, `1.5 GiB`: in the largest unit that tells one mark from the next in two digits. */
function roundMemory(bytes, step) {
  if (bytes === 0) return "0";
  const units = [["TiB", KIB ** 4], ["GiB", KIB ** 3], ["MiB", KIB ** 2], ["KiB", KIB], ["B", 1]];
  const isRound = (unit) => ((step / unit) * 4) % 1 === 0;
  const [name, unit] = units.find(([, unit]) => bytes >= unit && isRound(unit)) ?? units[4];
  return `${Number((bytes / unit).toFixed(2))} ${name}`;
}

const TIME_STEPS = [
  ...[1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1].flatMap((ten) => [ten, 2 * ten, 5 * ten]),
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((days) => days * DAY),
];

/** The marks of a time axis from `from` to `to`, at most so many, in round steps. */
function timeMarks(from, to, most) {
  const step = TIME_STEPS.find((step) => (to - from) / step <= most) ?? (to - from) / most;
  const marks = [];
  for (let index = Math.ceil(from / step - 1e-9); index * step <= to * (1 + 1e-12); index++) {
    const at = index * step;
    if (marks.length > 2 * most) break;
    marks.push([at, roundTime(at, step, to)]);
  }
  return marks;
}

/** In the unit that suits the end of the axis; by the clock where that would need too many digits. */
function roundTime(at, step, end) {
  if (at === 0) return "0";
  const digits = (unit) => Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));
  if (end < 1) return `${(at * 1e3).toFixed(digits(1e-3))} ms`;
  if (end < 3 * MINUTE) return `${at.toFixed(digits(1))} s`;
  if (end < 3 * HOUR && step % MINUTE === 0) return `${at / MINUTE} min`;
  if (end < 2 * DAY && step % HOUR === 0) return `${at / HOUR} h`;
  if (step % HOUR === 0) return [[Math.floor(at / DAY), "d"], [(at % DAY) / HOUR, "h"]].filter(([n]) => n).flat().join(" ");
  return clock(at, step, end);
}

/** `1:02:03`, `2 d 03:00`, `12:30.5` */
function clock(at, step, end) {
  const two = (number) => String(number).padStart(2, "0");
  const digits = step < 1 ? Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)) : 0;
  const whole = Number(at.toFixed(digits));
  const seconds = (whole % MINUTE).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  const minutes = Math.floor(whole / MINUTE) % 60;
  const hours = Math.floor(whole / HOUR) % 24;
  const days = Math.floor(whole / DAY);
  if (end < HOUR) return `${minutes}:${seconds}`;
  const time = step % MINUTE === 0 ? `${two(hours)}:${two(minutes)}` : `${two(hours)}:${two(minutes)}:${seconds}`;
  return end < DAY ? time : `${days} d ${time}`;
}
