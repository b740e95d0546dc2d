"""What the benchmarks share: a session of its own, figures of a process, trees to measure, tables."""
import os
import pathlib
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]

# A tree of N processes with so many MiB each, the first of which is the parent of the others.
TREE = """
import os, sys, time
number, mib, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
held = bytearray(mib << 20)
for _ in range(number - 1):
    if os.fork() == 0:
        held[::4096] = b'y' * len(held[::4096])
        time.sleep(seconds)
        os._exit(0)
held[::4096] = b'y' * len(held[::4096])
time.sleep(seconds)
"""


def find_build(name, needed):
    build = pathlib.Path(name or SOURCE / "build/release").resolve()
    for path in needed:
        if not (build / path).exists():
            raise SystemExit(f"{sys.argv[0]}: {build / path} is not there; run: cmake --workflow --preset release")
    return build


def cpu_ns(pid):
    """CPU time of all threads of a process, nanoseconds: field 1 of schedstat."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def own_memory(pid):
    """PSS and private dirty of a process, MiB."""
    kib = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        kib[name] = int(value.split()[0])
    return kib["Pss"] / 1024, kib["Private_Dirty"] / 1024


def children_of(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def wait_for(condition, seconds=60, every=0.02):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(every)
    raise SystemExit(f"{sys.argv[0]}: waited in vain for {condition}")


class Session:
    """Folders and environment of its own, gone at its end."""

    def __init__(self, build):
        self.build = build
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        (self.folder / "run").mkdir(mode=0o700)
        self.database = self.folder / "memtrack.db"
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(self.folder / "run"), MEMTRACK_DB=str(self.database),
                                PATH=f"{build / 'bin'}:{os.environ['PATH']}")
        self.environment.pop("MEMTRACK_SOCKET", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def start(self, *command, **streams):
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | streams
        return subprocess.Popen(command, env=self.environment, cwd=self.folder, **streams)

    def run(self, *command):
        return subprocess.run(command, env=self.environment, cwd=self.folder, check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def query(self, sql):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10) as connection:
            return connection.execute(sql).fetchall()

    def has_samples(self):
        try:
            return bool(self.query("SELECT 1 FROM samples LIMIT 1"))
        except sqlite3.OperationalError:
            return False  # there is no database yet, or no table


class MeasuredTree:
    """A tree of processes under memtrack run: `collector` and `pids`, the first of which is the command."""

    def __init__(self, session, processes, mib, interval_ms):
        self.run = session.start("memtrack", "run", "--interval", f"{interval_ms}ms", "--", sys.executable, "-c", TREE,
                                 str(processes), str(mib), "3600")
        wait_for(lambda: session.has_samples())
        (self.collector,), = session.query("SELECT collector_pid FROM trials ORDER BY trial_id DESC LIMIT 1")
        (leader,) = children_of(self.collector)
        wait_for(lambda: len(children_of(leader)) == processes - 1)
        self.pids = [leader, *children_of(leader)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.run.terminate()
        self.run.wait()


def median_interval(values, rounds=10_000, seed=1):
    """The middle 95% of the medians of samples drawn with replacement (Efron's percentile bootstrap)."""
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(rounds))
    return medians[int(0.025 * rounds)], medians[int(0.975 * rounds)]


def print_machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    print(f"Machine: {cpu}, {os.cpu_count()} cores, Linux {platform.release()}; load {load:.1f} at the begin.\n")


def print_table(head, rows, title=None):
    """Rows may come one by one; the first column is left-aligned where it holds words."""
    if title:
        print(f"## {title}\n")
    aligned = False
    for row in rows:
        if not aligned:
            print(f"| {' | '.join(head)} |")
            print(f"| {' | '.join('---:' if _is_number(cell) else '---' for cell in row)} |")
            aligned = True
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)
    print(flush=True)


def _is_number(cell):
    return str(cell)[:1] in "0123456789"
