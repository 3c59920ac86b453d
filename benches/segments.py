#!/usr/bin/env python3
"""How well and how fast breaks are found: memguard's segments beside the package `ruptures`, on the same curves.

    cargo build --release --example segments
    benches/segments.py                   in a scratch folder it makes a venv with numpy and ruptures, once
    benches/segments.py --seeds 4         more curves: 80 a seed

The curves are made (ten shapes under eight kinds of noise, their breaks known) and recorded (`benches/segments/`: twelve real
programs under `memguard run`, their breaks marked by hand in `breaks.json`). A break counts as found within 2 % of the run; those
nearer than 1 % to one another are one, and within 2 % of an end there is none. F1 is over all breaks of all curves.

Both are given 256 levels of the run: memguard takes that many itself, and ruptures gets the median of each of 256 equal stretches,
which keeps short spikes from it as well. ruptures is tuned: for every algorithm and cost the scale (range or noise of the curve)
and the penalty that give the highest F1 on one set of seeds; it is judged on another that nothing was tuned on. On the recorded
curves it is also told with the setting that is best for these very curves, which nobody could have known; memguard's own
constants were chosen while looking at the recorded curves, too, and at made ones of low seeds. Heavy-tailed noise and the judged
seeds came after them.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRATCH = Path(tempfile.gettempdir()) / "memguard-segments"
LEVELS = 256
TOLERANCE, JOIN = 0.02, 0.01
# The first seed that judges. Nothing was tuned on it or on those after it.
JUDGED = 1000

try:
    import numpy as np
    import ruptures
except ImportError:
    venv = SCRATCH / "venv"
    if sys.prefix == str(venv):
        raise
    if not (venv / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([venv / "bin" / "pip", "install", "-q", "numpy", "scipy", "ruptures"], check=True)
    os.execv(venv / "bin" / "python", [str(venv / "bin" / "python"), __file__, *sys.argv[1:]])

SHAPES = ["flat", "linear", "startup", "startup growth", "shoulder", "stairs", "bursts", "batches", "random", "late"]
NOISES = ["none", "white", "drift", "spikes", "sawtooth", "quantised", "mixed", "heavy"]


# ---- the made curves -------------------------------------------------------------------------------------------------------


def spread(random, count, least):
    """Places within the run, no two too near."""
    while True:
        places = np.sort(random.uniform(0.06, 0.94, count))
        if count < 2 or np.diff(places).min() >= least:
            return places


def stairs(places, levels):
    points = [(0, levels[0])]
    for place, before, after in zip(places, levels[:-1], levels[1:]):
        points += [(place, before), (place, after)]
    return points + [(1, levels[-1])]


def bend(points, index):
    """How far a point is from the line between its neighbours."""
    (a, low), (b, middle), (c, high) = points[index - 1 : index + 2]
    return abs(middle - (low + (high - low) * (b - a) / (c - a)))


def knots(shape, random):
    """Points of the curve without noise, in 0 to 1; a step has two at one place."""
    u = random.uniform
    if shape == "flat":
        return [(0, 1), (1, 1)]
    if shape == "linear":
        return [(0, u(0.1, 0.5)), (1, 1)]
    if shape == "startup":
        return [(0, 0.02), (u(0.03, 0.6), 1), (1, 1)]
    if shape == "startup growth":
        ready, growth = u(0.03, 0.3), u(0.08, 0.6)
        calm = [(u(0.45, 0.7), 1 - growth)] if random.random() < 0.5 else []
        return [(0, 0), (ready, 1 - growth), *calm, (1, 1)]
    if shape == "shoulder":
        first = u(0.05, 0.15)
        second = first + u(0.05, 0.15)
        third = second + u(0.06, 0.2)
        height, growth = u(0.3, 0.7), u(0, 0.3)
        end = 1 if growth > 0.15 else 1 - growth
        level = height * (1 - growth)
        return [(0, 0), (first, level), (second, level), (third, 1 - growth), (1, end)]
    if shape == "stairs":
        count = random.integers(2, 6)
        if random.random() < 0.7:
            levels = np.cumsum(np.r_[u(0.1, 0.4), u(0.06, 0.4, count)])
        else:
            levels = [u(0.2, 0.8)]
            while len(levels) <= count:
                level = u(0, 1)
                if abs(level - levels[-1]) > 0.1:
                    levels.append(level)
        return stairs(spread(random, count, 0.08), levels)
    if shape == "bursts":
        count, base = random.integers(1, 4), u(0.2, 0.5)
        levels = [base]
        for _ in range(count):
            levels += [base + u(0.12, 0.6), base]
        return stairs(spread(random, 2 * count, 0.06), levels)
    if shape == "batches":
        count, base = random.integers(2, 4), u(0.1, 0.4)
        places, points = spread(random, 2 * count, 0.06), [(0, base)]
        for index in range(count):
            end = places[2 * index + 1]
            points += [(places[2 * index], base), (end, base + u(0.4, 0.6)), (end, base)]
        return [*points, (1, base)]
    if shape == "late":
        base = u(0.1, 0.4)
        return [(0, base), (u(0.4, 0.6), base), (u(0.7, 0.9), 1), (1, 1)]
    while True:
        count = random.integers(1, 7)
        places = np.r_[0, spread(random, count, 0.08), 1]
        points = list(zip(places, np.r_[u(0, 0.3), u(0, 1, count + 1)]))
        if all(bend(points, index) > 0.06 for index in range(1, len(points) - 1)):
            return points


def noisy(kind, x, y, random):
    count, span = len(x), np.ptp(y) or 1.0
    if kind == "none":
        return y
    if kind == "white":
        return y + random.normal(0, random.uniform(0.005, 0.06) * span, count)
    if kind == "drift":
        keep, step = random.uniform(0.9, 0.98), random.normal(0, 1, count)
        walk = np.zeros(count)
        for index in range(1, count):
            walk[index] = keep * walk[index - 1] + step[index]
        return y + walk / walk.std() * random.uniform(0.005, 0.04) * span
    if kind == "spikes":
        added = random.normal(0, 0.004 * span, count)
        for _ in range(random.integers(5, 60)):
            at, width = random.integers(0, count), random.integers(1, max(2, count // 400))
            added[at : at + width] += span * min(random.pareto(1.5) * 0.1, 1.5)
        return y + added
    if kind == "heavy":
        # Student's with 2 degrees of freedom: its variance is infinite.
        return y + random.uniform(0.004, 0.02) * span * random.standard_t(2, count)
    if kind == "sawtooth":
        period, height = random.uniform(0.005, 0.04), random.uniform(0.03, 0.2) * span
        phase = np.cumsum(random.uniform(0.8, 1.2, count) / count) / period + random.random()
        return y + height * (phase % 1.0) + random.normal(0, 0.003 * span, count)
    if kind == "quantised":
        step = random.uniform(0.01, 0.05) * span
        return np.floor(y / step) * step
    return noisy("spikes", x, noisy("sawtooth" if random.random() < 0.5 else "drift", x, y, random), random)


def made(shape, noise, seed):
    random = np.random.default_rng([SHAPES.index(shape), NOISES.index(noise), seed])
    points = knots(shape, random)
    count = int(np.exp(random.uniform(np.log(400), np.log(4000))))
    run = float(np.exp(random.uniform(np.log(1.0), np.log(3 * 86400))))
    x = np.arange(count) / (count - 1)
    # The second point of a step is a hair after the first.
    places = np.array([place for place, _ in points]) + np.arange(len(points)) * 1e-12
    y = noisy(noise, x, np.interp(x, places, [level for _, level in points]), random)
    base = float(np.exp(random.uniform(np.log(8 << 20), np.log(8 << 30))))
    y = np.round(np.maximum(y, 0) * base + base * random.choice([0.0, 0.1, 1.0]))
    breaks = sorted({round(float(place), 9) for place, _ in points[1:-1]})
    return {"shape": shape, "noise": noise, "t": x * run, "y": y, "run": run, "breaks": [at * run for at in breaks]}


def corpus(seeds):
    return [made(shape, noise, seed) for shape in SHAPES for noise in NOISES for seed in seeds]


def recorded():
    curves = []
    for name, breaks in json.loads((HERE / "segments" / "breaks.json").read_text()).items():
        t, y = np.loadtxt(HERE / "segments" / f"{name}.csv", delimiter=",", unpack=True)
        curves.append({"shape": "recorded", "noise": name, "t": t, "y": y, "run": float(t[-1]), "breaks": breaks})
    return curves


# ---- scoring ---------------------------------------------------------------------------------------------------------------


def tidy(breaks, run):
    groups = []
    for at in sorted(breaks):
        if groups and at - groups[-1][-1] <= JOIN * run:
            groups[-1].append(at)
        else:
            groups.append([at])
    middles = [(group[0] + group[-1]) / 2 for group in groups]
    return [at for at in middles if TOLERANCE * run < at < run * (1 - TOLERANCE)]


def score(curve, found):
    """Hits, how many were found, how many there are: the nearest are paired first."""
    run = curve["run"]
    true, found = tidy(curve["breaks"], run), tidy(found, run)
    pairs = sorted(
        (abs(a - b), i, j) for i, a in enumerate(true) for j, b in enumerate(found) if abs(a - b) <= TOLERANCE * run
    )
    taken, used = set(), set()
    for _, i, j in pairs:
        if i not in taken and j not in used:
            taken.add(i)
            used.add(j)
    return len(taken), len(found), len(true)


def f1(scores):
    hits, found, true = map(sum, zip(*scores))
    return 2 * hits / (found + true) if found + true else 1.0


# ---- memguard --------------------------------------------------------------------------------------------------------------


def ours(example, curves):
    """The breaks of each curve, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for index, curve in enumerate(curves):
            files.append(f"{folder}/{index}.csv")
            rows = (f"{t!r},{int(y)}\n" for t, y in zip(curve["t"].tolist(), curve["y"]))
            Path(files[-1]).write_text("".join(rows))
        said = subprocess.run([example, *files], capture_output=True, text=True, check=True).stdout
    results = [json.loads(line) for line in said.splitlines()]
    return [([s["to_s"] for s in result["segments"][:-1]], result["took_s"]) for result in results]


# ---- ruptures --------------------------------------------------------------------------------------------------------------


def levels(curve):
    """The median of each stretch over time, a row holding until the next."""
    ends = np.linspace(0, curve["run"], LEVELS * 8 + 1)[:-1]
    held = curve["y"][np.clip(np.searchsorted(curve["t"], ends, side="right") - 1, 0, None)]
    return np.median(held.reshape(LEVELS, 8), axis=1)


def scaled(y, by):
    if by == "range":
        scale = np.ptp(y)
    else:
        scale = max(np.median(np.abs(np.diff(y, 2))) / 0.6745 / np.sqrt(6), np.ptp(y) * 1e-3)
    return (y - y.mean()) / (scale or 1.0)


def algorithms(z):
    """Name, a fitted search, the range of its penalties, and how many of them are tried. PELT takes seconds for each: of it those are
    tried that are near the best of an earlier, wider search."""
    count = len(z)
    line = np.column_stack([z, np.ones(count), np.linspace(0, 1, count)])
    column = z.reshape(-1, 1)
    wide = {"range": (3e-3, 10), "noise": (10, 1e5)}
    near = {"range": (0.1, 3), "noise": (500, 1e4)}
    kernel = {"range": (0.3, 300), "noise": (0.3, 300)}
    yield "BottomUp linear", lambda: ruptures.BottomUp(model="linear", min_size=4, jump=1).fit(line), wide, 30
    yield "BottomUp clinear", lambda: ruptures.BottomUp(model="clinear", min_size=3, jump=1).fit(z), wide, 30
    yield "BottomUp l2", lambda: ruptures.BottomUp(model="l2", min_size=2, jump=1).fit(z), wide, 30
    yield "PELT linear", lambda: ruptures.Pelt(model="linear", min_size=4, jump=4).fit(line), near, 5
    yield "PELT clinear", lambda: ruptures.Pelt(model="clinear", min_size=4, jump=4).fit(z), near, 5
    # PELT with the cost l2, in C.
    yield "KernelCPD linear", lambda: ruptures.KernelCPD(kernel="linear", min_size=2).fit(column), wide, 30
    yield "KernelCPD rbf", lambda: ruptures.KernelCPD(kernel="rbf", min_size=2).fit(column), kernel, 30


def theirs(task):
    """The score of every setting, or of those asked for."""
    curve, settings = task
    found, y = {}, levels(curve)
    for by in ("range", "noise"):
        for name, fit, penalties, count in algorithms(scaled(y, by)):
            search = None
            for penalty in map(float, np.geomspace(*penalties[by], count)):
                if settings is not None and (name, by, penalty) not in settings:
                    continue
                search = search or fit()
                try:
                    ends = search.predict(pen=penalty)[:-1]
                except ruptures.exceptions.BadSegmentationParameters:
                    ends = []
                breaks = [end / LEVELS * curve["run"] for end in ends]
                found[name, by, penalty] = score(curve, breaks)
    return found


def best(scores):
    """For every algorithm the setting with the highest F1."""
    top = {}
    for key in scores[0]:
        value = f1([of[key] for of in scores])
        if value > top.get(key[0], (-1.0, None))[0]:
            top[key[0]] = (value, key)
    return top


def timed(example):
    """One curve of 100,000 points: what each takes, the fastest of three."""
    curve = dict(max(corpus([7]), key=lambda curve: len(curve["breaks"])))
    t = np.linspace(0, curve["run"], 100_000)
    curve["y"], curve["t"] = np.round(np.interp(t, curve["t"], curve["y"])), t
    print("\n100,000 points, one run, seconds (the fastest of three):")
    print(f"  {'memguard':34} {min(ours(example, [curve] * 3), key=lambda one: one[1])[1]:8.4f}")
    whole = scaled(curve["y"], "range")
    cases = [("BottomUp clinear, all points, jump=50", lambda: ruptures.BottomUp(model="clinear", jump=50).fit_predict(whole, pen=1.0))]
    cases.append(("its 256 levels alone", lambda: levels(curve)))
    for name, fit, penalties, _ in algorithms(scaled(levels(curve), "range")):
        cases.append((f"{name}, on 256 levels", lambda fit=fit, pen=sum(penalties["range"]) / 20: fit().predict(pen=pen)))
    for name, run in cases:
        taken = []
        for _ in range(3):
            begun = time.perf_counter()
            run()
            taken.append(time.perf_counter() - begun)
        print(f"  {name:38} {min(taken):8.4f}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--example", default=HERE.parent / "target/release/examples/segments", type=Path)
    arguments.add_argument("--seeds", default=1, type=int, help="of each set: 80 curves a seed")
    arguments.add_argument("--only", choices=["accuracy", "time"])
    given = arguments.parse_args()
    if given.only != "time":
        tuning, judging, real = corpus(range(given.seeds)), corpus(range(JUDGED, JUDGED + given.seeds)), recorded()
        mine = {name: [score(curve, found) for curve, (found, _) in zip(curves, ours(given.example, curves))]
                for name, curves in (("judged", judging), ("real", real))}
        print(f"F1 on {len(judging)} made curves and {len(real)} recorded ones:")
        print(f"  {'':18} {'made':>6} {'recorded':>9}  (best for these)")
        print(f"  {'memguard':18} {f1(mine['judged']):6.3f} {f1(mine['real']):9.3f}", flush=True)
        with multiprocessing.Pool() as pool:
            tuned = pool.map(theirs, [(curve, None) for curve in tuning], chunksize=1)
            chosen = {key for _, key in best(tuned).values()}
            judged = pool.map(theirs, [(curve, chosen) for curve in judging], chunksize=1)
            on_real = pool.map(theirs, [(curve, None) for curve in real], chunksize=1)
        oracle = best(on_real)
        for name, (_, key) in sorted(best(tuned).items(), key=lambda one: -one[1][0]):
            made_f1, real_f1 = f1([of[key] for of in judged]), f1([of[key] for of in on_real])
            print(f"  {name:18} {made_f1:6.3f} {real_f1:9.3f}  ({oracle[name][0]:.3f})   by {key[1]}, penalty {key[2]:.4g}")
        leader = max(best(tuned).values(), key=lambda one: one[0])[1]
        for axis, names in (("shape", SHAPES), ("noise", NOISES)):
            print(f"\nby {axis}: memguard, {leader[0]}")
            for name in names:
                of = [index for index, curve in enumerate(judging) if curve[axis] == name]
                pair = f1([mine["judged"][index] for index in of]), f1([judged[index][leader] for index in of])
                print(f"  {name:16} {pair[0]:6.3f} {pair[1]:6.3f}{'   lost' if pair[0] < pair[1] else ''}")
    if given.only != "accuracy":
        timed(given.example)


if __name__ == "__main__":
    main()
