#!/usr/bin/env python3
"""What watching costs: memguard beside psrecord and mprof, in one go, on the same kind of target.

    benches/cost.py                       the release build in target/, 20 s each
    benches/cost.py --processes 200       a tree instead of one process
    benches/cost.py --memguard PATH --seconds 60 --mib 1000

The target holds its memory and sleeps, so that what is counted is the sampler's. CPU time is read from
/proc/PID/stat of the sampler, from outside, over the middle of the run: neither its start nor the drawing
of graphs is in it, nor the CPU of the target. `floor` is a loop that sleeps and reads nothing: what waking up costs
on this machine, which no sampler can go below. psrecord and mprof (pip install psrecord memory_profiler)
are left out where they are not installed. Linux alone.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
MARGIN = 2.0  # seconds at both ends that are not counted

TARGET = """
import os, sys, time
mib, processes, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
end = time.monotonic() + seconds
held = b"\\1" * (mib << 20)
for _ in range(processes - 1):
    if os.fork() == 0:
        break
time.sleep(max(0.0, end - time.monotonic()))
"""

FLOOR = """
import sys, time
end = time.monotonic() + float(sys.argv[1])
due = time.monotonic()
count = 0
while due < end:
    due += 0.01
    time.sleep(max(0.0, due - time.monotonic()))
    count += 1
print(count, file=open(sys.argv[2], "w"))
"""


def cpu_seconds(pid):
    """User and system time of one process, its finished threads included and its children not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_rss(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def watch(command, seconds, samples):
    """Runs a sampler; gives its CPU and samples in the middle of the run, and its own peak."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as sampler:
        time.sleep(MARGIN)
        from_s, from_cpu = time.monotonic() - began, cpu_seconds(sampler.pid)
        time.sleep(seconds - 2 * MARGIN)
        to_s, to_cpu = time.monotonic() - began, cpu_seconds(sampler.pid)
        own_peak, last_cpu = 0, to_cpu
        while sampler.poll() is None:
            try:
                own_peak = max(own_peak, peak_rss(sampler.pid))
                last_cpu = max(last_cpu, cpu_seconds(sampler.pid))
            except (OSError, IndexError):
                break  # between our look and its end
            time.sleep(0.01)
        _, errors = sampler.communicate()
    if sampler.returncode != 0:
        sys.exit(f"`{command[0]}` exited {sampler.returncode}\n{errors}")
    times = samples()
    window = to_s - from_s
    rate = len(times) / (times[-1] - times[0])
    return {
        "samples": len(times),
        "samples_per_s": rate,
        "cpu_share": (to_cpu - from_cpu) / window,
        "cpu_per_sample_s": (to_cpu - from_cpu) / (rate * window),
        "cpu_in_all_s": last_cpu,
        "peak_rss_bytes": own_peak,
    }


def by_floor(program, target, seconds, folder):
    count = folder / "count"
    holder = subprocess.Popen(target)

    def samples():
        ticks = int(count.read_text())
        return [seconds * i / ticks for i in range(ticks)]

    try:
        return watch([program, "-c", FLOOR, str(seconds), str(count)], seconds, samples)
    finally:
        holder.kill()
        holder.wait()


def by_memguard(program, target, seconds, folder):
    out = folder / "report"
    command = [program, "run", "--quiet", "--out", str(out), "--", *target]

    def samples():
        run = json.loads((out / "results.json").read_text())["workloads"][0]["runs"][0]
        said.update(samples=run["samples"], sampler_cpu_s=run["sampler_cpu_s"], longest_gap_s=run["longest_gap_s"])
        # Rows are thinned where nothing changes; readings are not.
        duration = run["duration_s"]
        return [duration * i / run["samples"] for i in range(run["samples"])]

    said = {}
    return {**watch(command, seconds, samples), "says": said}


def by_psrecord(program, target, seconds, folder):
    log = folder / "psrecord.txt"
    # It records the children only where it is told to.
    children = [] if target[-2] == "1" else ["--include-children"]
    holder = subprocess.Popen(target)
    command = [program, str(holder.pid), "--interval", "0.01", "--log", str(log), *children]

    def samples():
        rows = [line.split() for line in log.read_text().splitlines() if not line.startswith("#")]
        return [float(row[0]) for row in rows]

    try:
        return watch(command, seconds, samples)
    finally:
        holder.kill()
        holder.wait()


def by_mprof(program, target, seconds, folder):
    log = folder / "mprof.dat"
    children = [] if target[-2] == "1" else ["--include-children"]
    command = [program, "run", *children, "--interval", "0.01", "--output", str(log), *target]

    def samples():
        rows = csv.reader(log.read_text().splitlines(), delimiter=" ")
        return [float(row[2]) for row in rows if row and row[0] == "MEM"]

    return watch(command, seconds, samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memguard", default="target/release/memguard", help="the binary that is measured")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each target lives")
    parser.add_argument("--mib", type=int, default=100, help="what the target holds")
    parser.add_argument("--processes", type=int, default=1, help="how many processes the target is")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    options = parser.parse_args()
    if options.seconds <= 2 * MARGIN:
        parser.error(f"--seconds must be more than {2 * MARGIN:g}")

    target = [sys.executable, "-c", TARGET, str(options.mib), str(options.processes), str(options.seconds)]
    # The shims of version managers would be measured in place of the tool.
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    samplers = [("floor", by_floor, sys.executable),
                ("memguard", by_memguard, shutil.which(options.memguard)),
                ("psrecord", by_psrecord, shutil.which("psrecord", path=beside)),
                ("mprof", by_mprof, shutil.which("mprof", path=beside))]
    results = {}
    for name, run, program in samplers:
        if program is None:
            print(f"{name}: not found, left out", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            results[name] = run(program, target, options.seconds, Path(folder))

    print(f"target: {options.processes} × {options.mib} MiB held, idle, {options.seconds:g} s; 100 samples a second wanted\n")
    print(f"{'':10} {'samples/s':>10} {'% of a core':>12} {'µs a sample':>12} {'own peak MiB':>13} {'× memguard':>11}")
    own = results.get("memguard", {}).get("cpu_per_sample_s")
    for name, row in results.items():
        times = f"{row['cpu_per_sample_s'] / own:11.1f}" if own else f"{'':>11}"
        print(f"{name:10} {row['samples_per_s']:10.1f} {100 * row['cpu_share']:12.2f} {1e6 * row['cpu_per_sample_s']:12.1f}"
              f" {row['peak_rss_bytes'] / (1 << 20):13.1f} {times}")
    if "memguard" in results:
        row = results["memguard"]
        says = row["says"]
        print(f"\nmemguard says of itself: {says['samples']} samples, {says['sampler_cpu_s']} s of CPU for sampling, "
              f"longest gap {says['longest_gap_s']} s; seen from outside, start and graphs included: {row['cpu_in_all_s']:.2f} s")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
